"""The moderators' desk: two queues, a page to judge on, and buttons that call the same verbs as everyone."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html

from accounts.admin import Desk
from accounts.forms import refused_on
from accounts.models import User, Workspace
from accounts.templatetags.pages import moment
from campaigns import gsm
from campaigns.statuses import Mode, Status
from moderation import decisions
from moderation.dossier import dossier
from moderation.forms import ApprovalForm, DecisionForm, RejectionForm, RescheduleForm
from moderation.models import CampaignInReview, Decision, RevisionInReview
from senders import transitions
from senders.statuses import RevisionStatus

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One button: `act` is the verb; called with the row's id, its keyword arguments from the form, by and now."""

    label: str
    sentence: str
    form: type[DecisionForm]
    act: Callable[..., Any]
    done: str
    is_refusal: bool = False


class JudgingDesk(Desk[Row]):
    """A queue whose rows are judged: each choice has a page to confirm it, and is made by POST."""

    judge_template = ""

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
    def dossier(self, request: HttpRequest, row: Row) -> dict[str, Any]:
        """What the judge page shows."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Row]:
        """The queue holds what waits; the other pages also know what somebody else has just decided."""
        rows = super().get_queryset(request)
        here = request.resolver_match
        return self.waiting(rows) if here and here.url_name == f"{self._address}_changelist" else rows

    def get_urls(self) -> list[URLPattern]:
        decide = path(
            "<int:pk>/decide/<slug:choice>/", self.admin_site.admin_view(self.decide), name=f"{self._address}_decide"
        )
        return [decide, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        title = str(self.opts.verbose_name_plural).capitalize()
        return super().changelist_view(request, {"title": title, "subtitle": "", **(extra_context or {})})

    @property
    def _address(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self._row(request, object_id)
        choices = self.choices(row)
        with timezone.override(self.workspace_of(row).zone):
            context = self._context(request, row) | self.dossier(request, row) | {"choices": choices}
            return TemplateResponse(request, self.judge_template, context).render()

    def decide(self, request: HttpRequest, pk: int, choice: str) -> HttpResponse:
        row = self._row(request, str(pk))
        choices = self.choices(row)
        if choice not in choices:
            messages.error(request, f"{row} does not wait for that decision any more.")
            return redirect(f"admin:{self._address}_changelist")
        chosen = choices[choice]
        with timezone.override(self.workspace_of(row).zone):
            form = chosen.form(request.POST or None, initial={"round": self.round_of(row)})
            if form.is_valid() and self._act(request, row, chosen, form):
                messages.success(request, f"{row}: {chosen.done}")
                return redirect(f"admin:{self._address}_changelist")
            context = self._context(request, row) | {"choice": chosen, "form": form}
            status = 400 if form.is_bound else 200
            return TemplateResponse(request, "moderation/confirm.html", context, status=status).render()

    def _act(self, request: HttpRequest, row: Row, chosen: Choice, form: Form) -> bool:
        with refused_on(form):
            chosen.act(row.pk, **form.cleaned_data, by=cast(User, request.user), now=timezone.now())
        return form.is_valid()

    def _row(self, request: HttpRequest, object_id: str) -> Row:
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404("There is nothing to judge here.")
        return row

    def _context(self, request: HttpRequest, row: Row) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "row": row,
            "title": str(row),
            "zone": self.workspace_of(row).time_zone,
            "queue_url": reverse(f"admin:{self._address}_changelist"),
            "judge_url": reverse(f"admin:{self._address}_change", args=[row.pk]),
            "decide_name": f"admin:{self._address}_decide",
        }


def _approve(pk: int, *, round: int, **words: Any) -> None:
    decisions.approve_campaign(pk, seen_round=round, **words)


def _reject(pk: int, *, round: int, **words: Any) -> None:
    decisions.reject_campaign(pk, seen_round=round, **words)


def _reschedule(pk: int, *, round: int, **words: Any) -> None:
    decisions.reschedule(pk, **words)


def _send_now(pk: int, *, round: int, **words: Any) -> None:
    decisions.send_now(pk, **words)


CAMPAIGN_CHOICES: dict[Status, dict[str, Choice]] = {
    Status.IN_REVIEW: {
        "approve": Choice(
            label="Approve",
            sentence="It is sealed as it is, and sent at its time.",
            form=ApprovalForm,
            act=_approve,
            done="approved.",
        ),
        "reject": Choice(
            label="Reject",
            sentence="It goes back to its author, who reads why.",
            form=RejectionForm,
            act=_reject,
            done="rejected.",
            is_refusal=True,
        ),
    },
    Status.MISSED: {
        "reschedule": Choice(
            label="Reschedule",
            sentence="It is sealed again for another time; a window moves as a whole.",
            form=RescheduleForm,
            act=_reschedule,
            done="approved for another time.",
        ),
        "send-now": Choice(
            label="Send now",
            sentence="It is sealed again and sent at once.",
            form=DecisionForm,
            act=_send_now,
            done="approved to be sent now.",
        ),
    },
}


@admin.register(CampaignInReview)
class CampaignDesk(JudgingDesk[CampaignInReview]):
    judge_template = "moderation/judge_campaign.html"
    list_display = (
        *("name", "workspace", "status", "due", "from_whom", "recipients", "parts", "written_by", "submitted"),
    )
    list_filter = (("workspace", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("workspace", "revision", "list", "created_by")
    search_fields = ("name",)
    ordering = ("submitted_at", "pk")

    def waiting(self, rows: QuerySet[CampaignInReview]) -> QuerySet[CampaignInReview]:
        return rows.filter(status__in=list(CAMPAIGN_CHOICES))

    def choices(self, row: CampaignInReview) -> Mapping[str, Choice]:
        return CAMPAIGN_CHOICES.get(Status(row.status), {})

    def workspace_of(self, row: CampaignInReview) -> Workspace:
        return row.workspace

    def round_of(self, row: CampaignInReview) -> int:
        return row.round

    def dossier(self, request: HttpRequest, row: CampaignInReview) -> dict[str, Any]:
        return {"dossier": dossier(row, reader=cast(User, request.user), now=timezone.now())}

    @admin.display(description="when")
    def due(self, row: CampaignInReview) -> str:
        with timezone.override(row.workspace.zone):
            if row.mode == Mode.SPREAD:
                return format_html("{}<br>– {}", moment(row.date_from), moment(row.date_to))
            return moment(row.send_at) if row.send_at else "At approval"

    @admin.display(ordering="submitted_at")
    def submitted(self, row: CampaignInReview) -> str:
        with timezone.override(row.workspace.zone):
            return moment(row.submitted_at)

    @admin.display(description="sender")
    def from_whom(self, row: CampaignInReview) -> str:
        return row.revision.saddr

    @admin.display(description="recipients", ordering="list__accepted")
    def recipients(self, row: CampaignInReview) -> str:
        return f"{row.list.accepted:,}" if row.list else "0"

    @admin.display(description="parts")
    def parts(self, row: CampaignInReview) -> str:
        parts = gsm.count_parts(row.template.least)
        return str(parts) if row.template.is_plain else f"{parts} or more"

    @admin.display(description="author", ordering="created_by__email")
    def written_by(self, row: CampaignInReview) -> str:
        return row.created_by.get_short_name()


def _approve_revision(pk: int, *, round: int, **words: Any) -> None:
    transitions.approve_revision(pk, **words)


def _reject_revision(pk: int, *, round: int, **words: Any) -> None:
    transitions.reject_revision(pk, **words)


REVISION_CHOICES = {
    "approve": Choice(
        label="Approve",
        sentence="New campaigns of this sender show it to their recipients.",
        form=ApprovalForm,
        act=_approve_revision,
        done="approved.",
    ),
    "reject": Choice(
        label="Reject",
        sentence="It is never used. Whoever submitted it reads why.",
        form=RejectionForm,
        act=_reject_revision,
        done="rejected.",
        is_refusal=True,
    ),
}


@admin.register(RevisionInReview)
class RevisionDesk(JudgingDesk[RevisionInReview]):
    path_to_workspace = "sender__workspace"
    judge_template = "moderation/judge_revision.html"
    list_display = ("saddr", "sender", "workspace", "number", "submitted_by", "submitted_at")
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

    def dossier(self, request: HttpRequest, row: RevisionInReview) -> dict[str, Any]:
        earlier = row.sender.revisions.exclude(pk=row.pk).select_related("decided_by").order_by("-number")
        own = row.sender.workspace.four_eyes and row.submitted_by_id == cast(User, request.user).pk
        warnings = ["You submitted this revision: somebody else must judge it."] if own else []
        return {"earlier": earlier, "warnings": warnings}

    @admin.display(description="workspace")
    def workspace(self, row: RevisionInReview) -> Workspace:
        return row.sender.workspace


@admin.register(Decision)
class DecisionAdmin(Desk[Decision]):
    path_to_workspace = "campaign__workspace"
    list_display = ("at", "campaign", "verdict", "by", "round", "reason")
    list_filter = ("verdict",)
    list_select_related = ("campaign", "by")
    search_fields = ("campaign__name", "by__email")
    ordering = ("-pk",)
