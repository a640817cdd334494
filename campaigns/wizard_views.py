"""Writing a campaign in five steps. Each keeps what it says in the draft, which may be left and taken up again."""

from datetime import datetime
from typing import Any, TypeAlias

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.access import requires, writes_nothing
from accounts.forms import refused_on
from accounts.requests import PageRequest
from accounts.roles import Permission
from campaigns import drafts, lookalikes, steps, transitions, warnings
from campaigns import message as messaging
from campaigns.forms import MessageForm, ModeForm, RecipientsForm, Stale, TimeForm
from campaigns.message import Look
from campaigns.models import Campaign, SavedText
from campaigns.statuses import EDITABLE, Mode
from campaigns.steps import Step
from recipients import progress
from recipients.forms import ListForm
from recipients.models import RecipientList
from recipients.upload_texts import in_this_language
from senders.models import Sender

SAVED = 50  # texts to choose from
LISTS = 8  # on a page of those to choose from
StepForm: TypeAlias = ModeForm | MessageForm | RecipientsForm | TimeForm


@requires(Permission.WRITE)
def new(request: PageRequest) -> HttpResponse:
    """The first step of a campaign that is not there yet; `?list=` is kept for it."""
    form = ModeForm(request.POST or None)
    chosen = _list(request, request.GET.get("list"))
    if request.method == "POST" and form.is_valid():
        with refused_on(form):
            made = drafts.begin(request.workspace, **form.cleaned_data, by=request.user, now=timezone.now())
            if chosen is not None:
                drafts.keep(made.pk, {"list": chosen}, by=request.user, now=timezone.now(), seen=None)
            return _onwards(request, made, Step.MODE)
    no_sender = not Sender.objects.of(request.workspace).usable().exists()
    return _page(request, None, Step.MODE, form, no_sender=no_sender)


@requires(Permission.WRITE)
def edit(request: PageRequest, pk: int) -> HttpResponse:
    """Where the draft is to be gone on with."""
    campaign = _campaign(request, pk)
    if campaign.status not in EDITABLE:
        messages.error(request, _("Only a draft is edited."))
        return redirect("campaigns:detail", pk)
    return redirect(f"campaigns:edit_{steps.first_open(campaign, now=timezone.now())}", pk)


@requires(Permission.WRITE)
def mode(request: PageRequest, pk: int) -> HttpResponse:
    campaign = _campaign(request, pk)
    form = ModeForm(request.POST or None, initial=ModeForm.values_of(campaign))
    return _keep(request, campaign, Step.MODE, form) or _page(request, campaign, Step.MODE, form)


@requires(Permission.WRITE)
def message(request: PageRequest, pk: int) -> HttpResponse:
    """A button `replace`, `row` or `saved` only shows the page anew, with everything that was typed; the last puts a
    saved text in the place of the one that was."""
    campaign = _campaign(request, pk)
    given = request.POST.copy() if request.POST else None
    if given is not None and (asked := given.get("replace")):
        text = given.get("text", "")
        given["text"] = lookalikes.replaced(text, lookalikes.wanted(text, asked))
    offered = SavedText.objects.of(request.workspace).order_by("name", "pk")
    if given is not None and (asked := given.get("saved", "")).isdecimal():
        given["text"] = get_object_or_404(offered, pk=asked).text
    form = MessageForm(given, workspace=request.workspace, initial=MessageForm.values_of(campaign))
    only_shown = given is not None and bool(given.keys() & {"replace", "row", "saved"})
    if not only_shown and (kept := _keep(request, campaign, Step.MESSAGE, form)):
        return kept
    look = _look(request, form["text"].value() or "", campaign.list)
    context: dict[str, Any] = {
        "look": look,
        "saddr": _saddr(request, form["sender"].value()),
        "columns": _columns(campaign),
        "saved_texts": offered[:SAVED],
    }
    return _page(request, campaign, Step.MESSAGE, form, status=200 if only_shown else None, **context)


@requires(Permission.WRITE)
def recipients(request: PageRequest, pk: int, list_pk: int | None = None) -> HttpResponse:
    """With a list in the address: the one that was uploaded from here, chosen already."""
    campaign = _campaign(request, pk)
    if campaign.mode == Mode.TRIGGER:
        return redirect("campaigns:edit_time", pk)
    values = RecipientsForm.values_of(campaign)
    if list_pk is not None:
        values = {"list": get_object_or_404(RecipientList.objects.of(request.workspace), pk=list_pk).pk}
    form = RecipientsForm(request.POST or None, workspace=request.workspace, campaign=campaign, initial=values)
    if kept := _keep(request, campaign, Step.RECIPIENTS, form, needed={"list": _("Choose a list of recipients.")}):
        return kept
    asked = request.GET.get("q", "").strip()
    offered = RecipientList.objects.of(request.workspace).usable().filter(name__icontains=asked).order_by("-pk")
    chosen = _list(request, form["list"].value())
    context: dict[str, Any] = {
        "chosen": chosen,
        "pace": progress.pace(chosen, now=timezone.now()) if chosen else None,
        "lists": Paginator(offered, LISTS).get_page(request.GET.get("page")),
        "q": asked,
        "upload": ListForm(workspace=request.workspace, auto_id="upload_%s"),
        "limit": settings.UPLOAD_MAX_BYTES,
        "texts": in_this_language(),
    }
    return _page(request, campaign, Step.RECIPIENTS, form, **context)


@requires(Permission.WRITE)
def time(request: PageRequest, pk: int) -> HttpResponse:
    campaign = _campaign(request, pk)
    form = TimeForm(request.POST or None, mode=campaign.mode, initial=TimeForm.values_of(campaign))
    needed = {
        Mode.SCHEDULED: {"send_at": _("Say when to send it.")},
        Mode.SPREAD: {"date_from": _("Say when it begins."), "date_to": _("Say when it ends.")},
        Mode.TRIGGER: {"not_after": _("Say until when it may send.")},
    }.get(Mode(campaign.mode), {})
    return _keep(request, campaign, Step.TIME, form, needed=needed) or _page(request, campaign, Step.TIME, form)


@require_GET
@requires(Permission.WRITE)
def review(request: PageRequest, pk: int) -> HttpResponse:
    campaign = _campaign(request, pk)
    now = timezone.now()
    context: dict[str, Any] = {
        "look": _look(request, campaign.text, campaign.list),
        "saddr": campaign.revision.saddr,
        "warnings": warnings.about(campaign, now=now),
    }
    return _page(request, campaign, Step.REVIEW, None, **context)


@require_POST
@requires(Permission.WRITE)
def submit(request: PageRequest, pk: int) -> HttpResponse:
    """What was looked at, and only once however often the button is pressed."""
    campaign = _campaign(request, pk)
    transitions.submit(campaign.pk, by=request.user, now=timezone.now(), seen=_seen(request))
    return redirect("campaigns:detail", pk)


@require_POST
@requires(Permission.WRITE)
@writes_nothing
def counter(request: PageRequest) -> HttpResponse:
    """How long the text is that somebody types at this moment, and how it looks to one of the chosen list."""
    text, listed = request.POST.get("text", ""), _list(request, request.POST.get("list"))
    look = _look(request, text.replace("\r\n", "\n"), listed)
    context = {"look": look, "saddr": _saddr(request, request.POST.get("sender")), "list_pk": listed and listed.pk}
    return render(request, "campaigns/_counter.html", context)


@require_GET
@requires(Permission.VIEW)
def chosen(request: PageRequest, list_pk: int) -> HttpResponse:
    """The list that is chosen, while it is prepared."""
    listed = get_object_or_404(RecipientList.objects.of(request.workspace), pk=list_pk)
    context = {"chosen": listed, "pace": progress.pace(listed, now=timezone.now())}
    return render(request, "campaigns/_chosen.html", context)


def _keep(
    request: PageRequest, campaign: Campaign, step: Step, form: StepForm, *, needed: dict[str, Any] | None = None
) -> HttpResponse | None:
    """Keep the step and go where the button leads; None when there is nothing to keep, or something wrong with it.
    Only whoever goes on is asked for what is missing."""
    if request.method != "POST" or not form.is_valid():
        return None
    goes_on = request.POST.get("go", "next") == "next"
    with refused_on(form):
        now = timezone.now()
        kept = drafts.keep(campaign.pk, form.changes, by=request.user, now=now, seen=_seen(request))
        missing = {name: text for name, text in (needed or {}).items() if form.changes.get(name) is None}
        if step == Step.MESSAGE and not form.changes["text"].strip():
            missing = {"text": _("Write what it says.")}
        if not goes_on or not missing:
            return _onwards(request, kept, step)
        for name, text in missing.items():
            form.add_error(name, text)
        campaign.edited_at = kept.edited_at
    return None


def _onwards(request: PageRequest, campaign: Campaign, step: Step) -> HttpResponse:
    asked = request.POST.get("go", "next")
    if asked == "leave":
        messages.success(request, _("The draft is saved. Go on with it whenever you like."))
        return redirect("campaigns:detail", campaign.pk)
    to = {"next": step.next, "back": step.previous}.get(asked) or (Step(asked) if asked in Step.values else step.next)
    return redirect(f"campaigns:edit_{to}", campaign.pk)


def _page(
    request: PageRequest, campaign: Campaign | None, step: Step, form: Any, *, status: int | None = None, **context: Any
) -> HttpResponse:
    if campaign is not None and campaign.status not in EDITABLE:
        messages.error(request, _("Only a draft is edited."))
        return redirect("campaigns:detail", campaign.pk)
    # A page that was refused for being stale may be sent again, once it is looked at.
    context |= {
        "campaign": campaign,
        "step": step,
        "steps": steps.states(campaign, current=step, now=timezone.now()),
        "form": form,
        "seen": f"{campaign.edited_at:%Y-%m-%dT%H:%M:%S.%f%z}" if campaign else "",
        "here": "campaigns",
    }
    bad = form is not None and form.is_bound
    return render(request, f"campaigns/form_{step}.html", context, status=status or (400 if bad else 200))


def _seen(request: PageRequest) -> datetime | None:
    stale = Stale(request.POST)
    return stale.cleaned_data["seen"] if stale.is_valid() else None


def _look(request: PageRequest, text: str, listed: RecipientList | None) -> Look:
    row = request.POST.get("row") or request.GET.get("row") or ""
    return messaging.look(text, listed, request.workspace, row=int(row) if row.isdecimal() and len(row) < 4 else 0)


def _saddr(request: PageRequest, sender_pk: object) -> str:
    asked = str(sender_pk or "")
    usable = Sender.objects.of(request.workspace).usable()
    sender = usable.filter(pk=asked).first() if asked.isdecimal() else None
    return sender.current.saddr if sender and sender.current else ""


def _columns(campaign: Campaign) -> list[str]:
    return list(campaign.columns)


def _list(request: PageRequest, pk: object) -> RecipientList | None:
    """Whatever a page says of the list: one of somebody else is not there."""
    asked = str(pk or "")
    return RecipientList.objects.of(request.workspace).filter(pk=asked).first() if asked.isdecimal() else None


def _campaign(request: PageRequest, pk: int) -> Campaign:
    campaigns = Campaign.objects.of(request.workspace)
    wanted = campaigns.select_related("workspace", "sender", "revision", "list", "channel", "route", "edited_by")
    return get_object_or_404(wanted, pk=pk)
