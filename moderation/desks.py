"""The moderators' desk: two queues, a page to judge on, and buttons that call the same verbs as everyone."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from django.contrib import admin, messages
from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.forms import Form
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.access import permissions_in
from accounts.admin import Desk, decides, tick
from accounts.forms import refused_on
from accounts.models import User, Workspace
from accounts.roles import Permission
from accounts.templatetags.pages import moment, stretch
from audit.refusal import Refused
from campaigns import eyes, gsm, schedule
from campaigns.models import Campaign
from campaigns.statuses import Mode, Status
from moderation import approvals, audience, claims, concerns, decisions, notes, waiting
from moderation.dossier import dossier, revision_dossier
from moderation.forms import ApprovalForm, DecisionForm, NoteForm, RejectionForm, RescheduleForm
from moderation.models import (
    About,
    CampaignInReview,
    Claim,
    Decision,
    RevisionInReview,
    Verdict,
)
from senders.models import Revision
from senders.statuses import RevisionStatus

Row = TypeVar("Row", bound=Model)


VOTED = gettext_lazy("%(what)s: your approval is recorded. Another moderator must approve it, too.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One button: `act` is the verb; called with the row's id, its keyword arguments from the form, by and now. It
    answers with the row as it is then: one that did not move waits for a second approval."""

    label: Any  # these three are translated when they are shown
    sentence: Any
    form: type[DecisionForm]
    act: Callable[..., Any]
    done: Any
    is_refusal: bool = False


class JudgingDesk(Desk[Row]):
    """A queue whose rows are judged: each choice has a page to confirm it, and is made by POST.

    Whoever opens the page of a row, and may judge it, has it in hand for some minutes (`moderation.claims`).
    """

    judge_template = ""
    change_list_template = "moderation/queue.html"
    about = About.CAMPAIGN
    claim_field = ""  # of a Claim: the column that points at a row

    @abstractmethod
    def waiting(self, rows: QuerySet[Row]) -> QuerySet[Row]:
        """Those of the rows that wait for a judgement."""

    @abstractmethod
    def choices(self, row: Row) -> Mapping[str, Choice]:
        """The buttons that this row's state offers, by their slug."""

    @abstractmethod
    def workspace_of(self, row: Row) -> Workspace:
        """Whose moderators judge it."""

    @abstractmethod
    def round_of(self, row: Row) -> int:
        """The submission that the judge has seen."""

    @abstractmethod
    def keeps_out(self, row: Row, user: User) -> bool:
        """Somebody else must judge it: they wrote it, or have approved it as the first of two."""

    @abstractmethod
    def revision_of(self, row: Row) -> Revision:
        """The sender's revision whose evidence goes with it."""

    @abstractmethod
    def dossier(self, request: HttpRequest, row: Row) -> dict[str, Any]:
        """What the judge page shows."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Row]:
        """The queue holds what waits; the other pages also know what somebody else has just decided."""
        rows = super().get_queryset(request)
        here = request.resolver_match
        return self.waiting(rows) if here and here.url_name == f"{self._address}_changelist" else rows

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Who reads what is asked once, for the rows of the page."""
        shown = super().get_changelist_instance(request)
        held = Claim.objects.in_force(timezone.now()).select_related("holder")
        of_page = held.filter(**{f"{self.claim_field}__in": [row.pk for row in shown.result_list]})
        readers = {getattr(claim, f"{self.claim_field}_id"): claim for claim in of_page}
        for row in shown.result_list:
            row.claim = readers.get(row.pk)
        return shown

    def get_urls(self) -> list[URLPattern]:
        def at(route: str, view: Callable[..., Any], name: str) -> URLPattern:
            return path(f"<int:pk>/{route}", self.admin_site.admin_view(view), name=f"{self._address}_{name}")

        return [
            at("decide/<slug:choice>/", self.decide, "decide"),
            at("claim/", self.claim, "claim"),
            at("release/", self.release, "release"),
            at("take-over/", self.take_over, "take_over"),
            at("note/", self.note, "note"),
            at("evidence/", self.evidence, "evidence"),
            *super().get_urls(),
        ]

    @property
    def _address(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self._row(request, object_id)
        return self._judge_page(request, row, NoteForm())

    def _judge_page(self, request: HttpRequest, row: Row, note_form: NoteForm) -> HttpResponse:
        choices = self.choices(row)
        with timezone.override(self.workspace_of(row).zone):
            context = {
                **self._context(request, row),
                **self.dossier(request, row),
                **{"choices": choices, "note_form": note_form},
            }
            status = 400 if note_form.is_bound else 200
            return TemplateResponse(request, self.judge_template, context, status=status).render()

    def decide(self, request: HttpRequest, pk: int, choice: str) -> HttpResponse:
        row = self._row(request, str(pk))
        choices = self.choices(row)
        if choice not in choices:
            messages.error(request, _("%(what)s does not wait for that decision any more.") % {"what": row})
            return redirect(f"admin:{self._address}_changelist")
        chosen = choices[choice]
        with timezone.override(self.workspace_of(row).zone):
            form = chosen.form(
                request.POST or None,
                initial={"round": self.round_of(row)},
                workspace_id=self.workspace_of(row).pk,
                about=self.about,
            )
            if form.is_valid() and self._act(request, row, chosen, form):
                return redirect(f"admin:{self._address}_changelist")
            context = self._context(request, row) | {"choice": chosen, "form": form}
            status = 400 if form.is_bound else 200
            return TemplateResponse(request, "moderation/confirm.html", context, status=status).render()

    def _act(self, request: HttpRequest, row: Row, chosen: Choice, form: Form) -> bool:
        with refused_on(form):
            after = chosen.act(row.pk, **form.cleaned_data, by=cast(User, request.user), now=timezone.now())
            done = VOTED if after.status == cast(Any, row).status else chosen.done
            messages.success(request, done % {"what": row})
        return form.is_valid()

    def claim(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The heartbeat of an open page: what stands on it about who reads."""
        row = self._posted(request, pk)
        return TemplateResponse(request, "moderation/_claim.html", self._claim_context(request, row)).render()

    def release(self, request: HttpRequest, pk: int) -> HttpResponse:
        claims.release(self._subject(self._posted(request, pk)), by=cast(User, request.user))
        return HttpResponse(status=204)

    def take_over(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = self._posted(request, pk)
        try:
            claims.take_over(self._subject(row), by=cast(User, request.user), now=timezone.now())
            messages.success(request, _("You are reading %(what)s now.") % {"what": row})
        except Refused as refusal:
            messages.error(request, refusal.message)
        return redirect(f"admin:{self._address}_change", row.pk)

    def note(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = self._posted(request, pk)
        form = NoteForm(request.POST)
        if form.is_valid():
            with refused_on(form):
                notes.add(self._subject(row), **form.cleaned_data, by=cast(User, request.user), now=timezone.now())
                return redirect(reverse(f"admin:{self._address}_change", args=[row.pk]) + "#notes")
        return self._judge_page(request, row, form)

    def evidence(self, request: HttpRequest, pk: int) -> FileResponse:
        """Downloaded, never shown: it is somebody else's file."""
        evidence = self.revision_of(self._row(request, str(pk))).evidence
        if not evidence:
            raise Http404("No evidence was given.")
        return FileResponse(evidence.open(), as_attachment=True)

    def _posted(self, request: HttpRequest, pk: int) -> Row:
        if request.method != "POST":
            raise Http404("This is a button.")
        return self._row(request, str(pk))

    def _row(self, request: HttpRequest, object_id: str) -> Row:
        if not decides(request):
            raise PermissionDenied
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404("There is nothing to judge here.")
        return row

    def _subject(self, row: Row) -> Campaign | Revision:
        return cast(Campaign | Revision, row)

    def _claim_context(self, request: HttpRequest, row: Row) -> dict[str, Any]:
        """Who reads it, after whoever asks has taken it if it was free. Nobody takes what they may not judge."""
        user, now = cast(User, request.user), timezone.now()
        is_own = self.keeps_out(row, user)
        claim = None
        if self.choices(row):
            claim = (
                Claim.objects.about(self._subject(row)).in_force(now).first()
                if is_own
                else claims.take(self._subject(row), by=user, now=now)
            )
        return {
            "claim": claim,
            "is_mine": claim is not None and claim.holder_id == user.pk,
            "may_take_over": not is_own,
            "read_for": stretch(int((now - claim.since).total_seconds())) if claim else "",
            "heartbeat": claims.HEARTBEAT_SECONDS,
            "waits": bool(self.choices(row)),
            "claim_url": reverse(f"admin:{self._address}_claim", args=[row.pk]),
            "release_url": reverse(f"admin:{self._address}_release", args=[row.pk]),
            "take_over_url": reverse(f"admin:{self._address}_take_over", args=[row.pk]),
        }

    def _context(self, request: HttpRequest, row: Row) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            **self._claim_context(request, row),
            "opts": self.opts,
            "row": row,
            "title": str(row),
            "zone": self.workspace_of(row).time_zone,
            "queue_url": reverse(f"admin:{self._address}_changelist"),
            "judge_url": reverse(f"admin:{self._address}_change", args=[row.pk]),
            "evidence_url": reverse(f"admin:{self._address}_evidence", args=[row.pk]),
            "note_url": reverse(f"admin:{self._address}_note", args=[row.pk]),
            "decide_name": f"admin:{self._address}_decide",
        }

    @admin.display(description=gettext_lazy("waits"), ordering="submitted_at")
    def waits(self, row: Any) -> str:
        wait = waiting.since(row.submitted_at, timezone.now())
        return format_html('<span class="{}">{}</span>', "desk-late" if wait.is_late else "", wait.words)

    @admin.display(description=gettext_lazy("read by"))
    def reader(self, row: Any) -> str:
        if row.claim is None:
            return ""
        seconds = int((timezone.now() - row.claim.since).total_seconds())
        who = row.claim.holder.get_short_name()
        return format_html('{}<br><span class="desk-quiet">{}</span>', who, stretch(seconds))


def badges(*shown: str) -> str:
    return format_html_join("", '<span class="desk-badge">{}</span>', ((one,) for one in shown))


def _approve(pk: int, *, round: int, **words: Any) -> Campaign:
    return decisions.approve_campaign(pk, seen_round=round, **words)


def _reject(pk: int, *, round: int, **words: Any) -> Campaign:
    return decisions.reject_campaign(pk, seen_round=round, **words)


def _reschedule(pk: int, *, round: int, **words: Any) -> Campaign:
    return decisions.reschedule(pk, **words)


def _send_now(pk: int, *, round: int, **words: Any) -> Campaign:
    return decisions.send_now(pk, **words)


def proved(campaign: Campaign, user: User) -> Campaign | None:
    """The campaign whose evidence they may ask for, in its workspace."""
    has_any = campaign.list is not None or campaign.mode == Mode.TRIGGER
    return campaign if has_any and Permission.PROVE in permissions_in(campaign.workspace, user) else None


CAMPAIGN_CHOICES: dict[Status, dict[str, Choice]] = {
    Status.IN_REVIEW: {
        "approve": Choice(
            label=gettext_lazy("Approve"),
            sentence=gettext_lazy("It is sealed as it is, and sent at its time."),
            form=ApprovalForm,
            act=_approve,
            done=gettext_lazy("%(what)s: approved."),
        ),
        "reject": Choice(
            label=gettext_lazy("Reject"),
            sentence=gettext_lazy("It goes back to its author, who reads why."),
            form=RejectionForm,
            act=_reject,
            done=gettext_lazy("%(what)s: rejected."),
            is_refusal=True,
        ),
    },
    Status.MISSED: {
        "reschedule": Choice(
            label=gettext_lazy("Reschedule"),
            sentence=gettext_lazy("It is sealed again for another time; a window moves as a whole."),
            form=RescheduleForm,
            act=_reschedule,
            done=gettext_lazy("%(what)s: approved for another time."),
        ),
        "send-now": Choice(
            label=gettext_lazy("Send now"),
            sentence=gettext_lazy("It is sealed again and sent at once."),
            form=DecisionForm,
            act=_send_now,
            done=gettext_lazy("%(what)s: approved to be sent now."),
        ),
    },
}


class CampaignDesk(JudgingDesk[CampaignInReview]):
    judge_template = "moderation/judge_campaign.html"
    claim_field = "campaign"
    list_display = (*("shown_name", "waits", "due", "recipients", "from_whom", "written_by", "reader"),)
    list_filter = (("workspace", admin.RelatedOnlyFieldListFilter), "mode")
    list_select_related = ("workspace", "sender", "revision", "list", "created_by", "edited_by", "channel", "route")
    search_fields = ("name", "created_by__email", "revision__saddr")
    search_help_text = gettext_lazy("Name, author or sender address")
    ordering = ("submitted_at", "pk")

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> CampaignInReview | None:
        rows = self.get_queryset(request).select_related(
            *self.list_select_related, "submitted_by", "revision__decided_by"
        )
        try:
            return rows.get(pk=object_id, trial_of=None)
        except (CampaignInReview.DoesNotExist, ValueError):
            return None

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """What is usual in their workspaces, and which senders were used, is asked once for the rows of the page."""
        shown = super().get_changelist_instance(request)
        usual = audience.usual_of(row.workspace_id for row in shown.result_list)
        used = audience.used_before(shown.result_list)
        large = [row.pk for row in shown.result_list if eyes.wants_two(row)]
        votes = Decision.objects.filter(campaign__in=large, verdict=Verdict.VOTED)
        voted_on = set(votes.values_list("campaign", flat=True)) if large else set()
        for row in shown.result_list:
            row.usual, row.used = usual[row.workspace_id], used
            # Asked one by one, but only of those on which somebody has voted.
            row.voted = row.pk in voted_on and bool(approvals.given(row, now=timezone.now()))
        return shown

    def waiting(self, rows: QuerySet[CampaignInReview]) -> QuerySet[CampaignInReview]:
        return rows.filter(trial_of=None, status__in=list(CAMPAIGN_CHOICES))

    def choices(self, row: CampaignInReview) -> Mapping[str, Choice]:
        return CAMPAIGN_CHOICES.get(Status(row.status), {})

    def workspace_of(self, row: CampaignInReview) -> Workspace:
        return row.workspace

    def round_of(self, row: CampaignInReview) -> int:
        return row.round

    def keeps_out(self, row: CampaignInReview, user: User) -> bool:
        return eyes.is_own(row, user) or approvals.has_voted(row, user, now=timezone.now())

    def revision_of(self, row: CampaignInReview) -> Revision:
        return row.revision

    def dossier(self, request: HttpRequest, row: CampaignInReview) -> dict[str, Any]:
        user = cast(User, request.user)
        return {"dossier": dossier(row, reader=user, now=timezone.now()), "proves": proved(row, user)}

    @admin.display(description=gettext_lazy("campaign"), ordering="name")
    def shown_name(self, row: Any) -> str:
        found = []
        if row.sender_id not in row.used.senders:
            found.append(_("first-time sender"))
        elif row.revision_id not in row.used.revisions:
            found.append(_("new sender revision"))
        if row.usual.is_exceeded_by(concerns.audience_of(row)):
            found.append(_("above-usual audience"))
        if eyes.wants_two(row):
            found.append(_("one of two has approved") if row.voted else _("needs two"))
        if row.status == Status.MISSED:
            found.append(row.get_status_display())
        return format_html('<span class="desk-name">{}</span> {}', row.name, badges(*found))

    @admin.display(description=gettext_lazy("due"))
    def due(self, row: CampaignInReview) -> str:
        at = schedule.begin_of(row)
        with timezone.override(row.workspace.zone):
            if row.mode == Mode.SPREAD:
                shown: str = format_html("{}<br>– {}", moment(row.date_from), moment(row.date_to))
            else:
                shown = moment(at) if at else row.get_mode_display()
        left = waiting.until(at or row.not_after, timezone.now())
        if left is None:
            return shown
        return format_html('{}<br><span class="{}">{}</span>', shown, "desk-late" if left.is_late else "", left.words)

    @admin.display(description=gettext_lazy("sender, workspace"), ordering="workspace__name")
    def from_whom(self, row: CampaignInReview) -> str:
        return format_html('{}<br><span class="desk-quiet">{}</span>', row.revision.saddr, row.workspace)

    @admin.display(description=gettext_lazy("recipients"), ordering="list__accepted")
    def recipients(self, row: CampaignInReview) -> str:
        """With the parts that each of them gets."""
        parts = gsm.count_parts(row.template.least)
        each = ngettext("%(parts)d part each", "%(parts)d parts each", parts) % {"parts": parts}
        if not row.template.is_plain:
            each = ngettext("%(parts)d part or more", "%(parts)d parts or more", parts) % {"parts": parts}
        size = intcomma(concerns.audience_of(row))
        return format_html('{}<br><span class="desk-quiet">{}</span>', size, each)

    @admin.display(description=gettext_lazy("author"), ordering="created_by__email")
    def written_by(self, row: CampaignInReview) -> str:
        return row.created_by.get_short_name()


def _approve_revision(pk: int, *, round: int, **words: Any) -> Revision:
    return decisions.approve_revision(pk, **words)


def _reject_revision(pk: int, *, round: int, **words: Any) -> Revision:
    return decisions.reject_revision(pk, **words)


REVISION_CHOICES = {
    "approve": Choice(
        label=gettext_lazy("Approve"),
        sentence=gettext_lazy("New campaigns of this sender show it to their recipients."),
        form=ApprovalForm,
        act=_approve_revision,
        done=gettext_lazy("%(what)s: approved."),
    ),
    "reject": Choice(
        label=gettext_lazy("Reject"),
        sentence=gettext_lazy("It is never used. Whoever submitted it reads why."),
        form=RejectionForm,
        act=_reject_revision,
        done=gettext_lazy("%(what)s: rejected."),
        is_refusal=True,
    ),
}


class RevisionDesk(JudgingDesk[RevisionInReview]):
    path_to_workspace = "sender__workspace"
    judge_template = "moderation/judge_revision.html"
    about = About.REVISION
    claim_field = "revision"
    list_display = ("saddr", "waits", "sender_and_number", "workspace_name", "has_evidence", "written_by", "reader")
    list_filter = (("sender__workspace", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("sender__workspace", "submitted_by")
    search_fields = ("saddr", "sender__name")
    ordering = ("submitted_at", "pk")

    def waiting(self, rows: QuerySet[RevisionInReview]) -> QuerySet[RevisionInReview]:
        return rows.filter(status=RevisionStatus.PENDING)

    def choices(self, row: RevisionInReview) -> Mapping[str, Choice]:
        return REVISION_CHOICES if row.status == RevisionStatus.PENDING else {}

    def workspace_of(self, row: RevisionInReview) -> Workspace:
        return row.sender.workspace

    def round_of(self, row: RevisionInReview) -> int:
        return row.number

    def keeps_out(self, row: RevisionInReview, user: User) -> bool:
        return row.sender.workspace.four_eyes and row.submitted_by_id == user.pk

    def revision_of(self, row: RevisionInReview) -> Revision:
        return row

    def dossier(self, request: HttpRequest, row: RevisionInReview) -> dict[str, Any]:
        return {"dossier": revision_dossier(row, reader=cast(User, request.user))}

    @admin.display(description=gettext_lazy("sender"), ordering="sender__name")
    def sender_and_number(self, row: RevisionInReview) -> str:
        found = _("%(sender)s, revision %(number)d") % {"sender": row.sender, "number": row.number}
        return format_html("{} {}", found, badges(_("first-time sender")) if row.number == 1 else "")

    @admin.display(description=gettext_lazy("workspace"), ordering="sender__workspace__name")
    def workspace_name(self, row: RevisionInReview) -> Workspace:
        return row.sender.workspace

    @admin.display(description=gettext_lazy("evidence"))
    def has_evidence(self, row: RevisionInReview) -> str:
        return tick(bool(row.evidence))

    @admin.display(description=gettext_lazy("author"), ordering="submitted_by__email")
    def written_by(self, row: RevisionInReview) -> str:
        return row.submitted_by.get_short_name()
