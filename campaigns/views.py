"""Campaigns on pages: written, submitted, watched, stopped. Their numbers come from `reports`, by URL."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.access import requires
from accounts.forms import refused_on
from accounts.requests import PageRequest
from accounts.roles import Permission
from campaigns import drafts, preview, transitions
from campaigns.forms import CampaignForm
from campaigns.models import Campaign
from campaigns.preview import Preview
from recipients.models import RecipientList
from senders.models import Sender

WITH_LIST = 20  # newest campaigns on the page of their list


def _campaign(request: PageRequest, pk: int) -> Campaign:
    return get_object_or_404(
        Campaign.objects.of(request.workspace).select_related(
            "workspace", "sender", "revision", "list", "channel", "route", "created_by", "edited_by", "submitted_by"
        ),
        pk=pk,
    )


@requires(Permission.WRITE)
def new(request: PageRequest) -> HttpResponse:
    form = CampaignForm(request.POST or None, workspace=request.workspace, initial={"list": request.GET.get("list")})
    if form.is_valid():
        with refused_on(form):
            made = drafts.create(request.workspace, form.content, by=request.user, now=timezone.now())
            return redirect("campaigns:detail", made.pk)
    return _form(request, form)


@requires(Permission.WRITE)
def edit(request: PageRequest, pk: int) -> HttpResponse:
    campaign = _campaign(request, pk)
    values = CampaignForm.values_of(campaign)
    form = CampaignForm(request.POST or None, workspace=request.workspace, initial=values, chosen=campaign.list)
    if form.is_valid():
        with refused_on(form):
            drafts.edit(campaign.pk, form.content, by=request.user, now=timezone.now())
            return redirect("campaigns:detail", campaign.pk)
    return _form(request, form, campaign)


@requires(Permission.VIEW)
def with_list(request: PageRequest, list_pk: int) -> HttpResponse:
    """For the page of the list: the campaigns that have it, archived ones too."""
    listed = get_object_or_404(RecipientList.objects.of(request.workspace), pk=list_pk)
    campaigns = Campaign.objects.of(request.workspace).filter(list=listed).order_by("-pk")
    shown = list(campaigns[:WITH_LIST])
    count = campaigns.count() if len(shown) == WITH_LIST else len(shown)
    return render(request, "campaigns/_with_list.html", {"campaigns": shown, "count": count})


@require_POST
@requires(Permission.WRITE)
def counter(request: PageRequest) -> HttpResponse:
    """How long the text is that somebody types at this moment, and what the first of the chosen list would get."""
    text = request.POST.get("text", "")
    return render(request, "campaigns/_counter.html", {"preview": _preview(request, text, request.POST.get("list"))})


@require_POST
@requires(Permission.WRITE)
def submit(request: PageRequest, pk: int) -> HttpResponse:
    transitions.submit(_campaign(request, pk).pk, by=request.user, now=timezone.now())
    return redirect("campaigns:detail", pk)


@require_POST
@requires(Permission.WRITE)
def withdraw(request: PageRequest, pk: int) -> HttpResponse:
    transitions.withdraw(_campaign(request, pk).pk, by=request.user)
    return redirect("campaigns:detail", pk)


@require_POST
@requires(Permission.WRITE)
def revise(request: PageRequest, pk: int) -> HttpResponse:
    transitions.revise(_campaign(request, pk).pk, by=request.user)
    return redirect("campaigns:edit", pk)


@require_POST
@requires(Permission.WRITE)
def pause(request: PageRequest, pk: int) -> HttpResponse:
    transitions.pause(_campaign(request, pk).pk, by=request.user, reason=request.POST.get("reason", ""))
    return redirect("campaigns:detail", pk)


@require_POST
@requires(Permission.WRITE)
def resume(request: PageRequest, pk: int) -> HttpResponse:
    transitions.resume(_campaign(request, pk).pk, by=request.user, now=timezone.now())
    return redirect("campaigns:detail", pk)


@require_POST
@requires(Permission.WRITE)
def cancel(request: PageRequest, pk: int) -> HttpResponse:
    reason = request.POST.get("reason", "")
    transitions.cancel(_campaign(request, pk).pk, by=request.user, now=timezone.now(), reason=reason)
    return redirect("campaigns:detail", pk)


@require_POST
@requires(Permission.WRITE)
def archive(request: PageRequest, pk: int) -> HttpResponse:
    transitions.archive(_campaign(request, pk).pk, by=request.user, now=timezone.now())
    return redirect("campaigns:detail", pk)


@require_POST
@requires(Permission.WRITE)
def restore(request: PageRequest, pk: int) -> HttpResponse:
    transitions.restore(_campaign(request, pk).pk, by=request.user)
    return redirect("campaigns:detail", pk)


@require_POST
@requires(Permission.WRITE)
def clone(request: PageRequest, pk: int) -> HttpResponse:
    made = drafts.clone(_campaign(request, pk).pk, by=request.user, now=timezone.now())
    return redirect("campaigns:edit", made.pk)


def _form(request: PageRequest, form: CampaignForm, campaign: Campaign | None = None) -> HttpResponse:
    usable = Sender.objects.of(request.workspace).usable()
    context = {
        "form": form,
        "campaign": campaign,
        "no_sender": not usable.exists(),
        "here": "campaigns",
        "preview": _preview(request, form["text"].value() or "", form["list"].value()),
    }
    return render(request, "campaigns/form.html", context, status=400 if form.is_bound else 200)


def _preview(request: PageRequest, text: str, list_pk: object) -> Preview:
    """Of what stands in the form: whatever it says of the list, a list of somebody else is not there."""
    chosen = str(list_pk or "")
    listed = RecipientList.objects.of(request.workspace).filter(pk=chosen).first() if chosen.isdecimal() else None
    return preview.of_text(text.replace("\r\n", "\n"), listed)
