"""The last test sends of a campaign, phone by phone, with what became of each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign, TrialNumber
from campaigns.statuses import FINISHED, Status
from delivery import counters, errors
from delivery.errors import Error
from delivery.models import Message
from delivery.statuses import TERM_OF, MessageState, Term
from recipients.erased import NOBODY
from recipients.masking import masked, whole
from recipients.models import TrialPhone

SHOWN = 5
RECEIPTS_WITHIN = timedelta(minutes=10)  # a page that is left open asks no longer than this
WORDS: dict[Term, Any] = {
    Term.WAITING: _("On its way"),
    Term.PENDING: _("Accepted by the carrier"),
    Term.DELIVERED: _("Delivered"),
    Term.FAILED: _("Failed"),
    Term.UNCERTAIN: _("Handed over, answer lost"),
    Term.NO_RECEIPT: _("Accepted, and no receipt came"),
    Term.EXPIRED: _("Not sent in time"),
    Term.CANCELLED: _("Not sent"),
    Term.SUPPRESSED: _("Not sent: suppressed, not an allowed destination, or no test phone any more"),
}
# Nobody takes up a test that was stopped.
_LEFT = {Status.MISSED: Term.EXPIRED, Status.PAUSED: Term.CANCELLED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """`phone` is its entry in the register, None once that is gone."""

    to: str
    phone: TrialPhone | None
    term: Term
    error: Error | None
    submitted_at: datetime | None
    done_at: datetime | None
    parts: int

    @property
    def masked(self) -> str:
        return masked(int(self.to or NOBODY))

    @property
    def words(self) -> Any:
        return WORDS[self.term]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    campaign: Campaign
    results: list[Result]
    is_moving: bool

    @property
    def id(self) -> int:
        return self.campaign.pk

    @property
    def why(self) -> str:
        """Why it ended, or stopped, without having been sent; empty when it did not."""
        if self.campaign.status == Status.MISSED:
            return str(_("It could not start in time."))
        return self.campaign.stopped_because


def of(campaign: Campaign, *, now: datetime, size: int = SHOWN) -> list[Trial]:
    """The newest first; each question is asked once for all of them."""
    made = list(Campaign.objects.trials_of(campaign).select_related("created_by").order_by("-pk")[:size])
    return _with_results(made, now=now)


def one(trial: Campaign, *, now: datetime) -> Trial:
    [found] = _with_results([trial], now=now)
    return found


def _with_results(trials: Sequence[Campaign], *, now: datetime) -> list[Trial]:
    numbers = list(TrialNumber.objects.filter(trial__in=trials).order_by("place"))
    messages = {(message.campaign_id, message.recipient): message for message in _messages(trials)}
    workspaces = {trial.workspace_id for trial in trials}
    known = TrialPhone.objects.filter(workspace__in=workspaces, phone__in={number.phone for number in numbers})
    phones = {phone.phone: phone for phone in known}
    shown = []
    for trial in trials:
        results = [
            _result(trial, number, messages.get((trial.pk, number.place)), phones.get(number.phone))
            for number in numbers
            if number.trial_id == trial.pk
        ]
        shown.append(Trial(campaign=trial, results=results, is_moving=_is_moving(trial, results, now)))
    return shown


def _messages(trials: Iterable[Campaign]) -> Iterable[Message]:
    started = [trial for trial in trials if trial.started_at is not None]
    return Message.objects.filter(day__in={trial.day for trial in started}, campaign__in=started) if started else []


def _result(trial: Campaign, number: TrialNumber, message: Message | None, phone: TrialPhone | None) -> Result:
    if message is None:
        term = _LEFT.get(Status(trial.status)) or counters.rest_term(trial)
        return Result(
            to=whole(number.phone), phone=phone, term=term, error=None, submitted_at=None, done_at=None, parts=0
        )
    return Result(
        to=whole(number.phone),
        phone=phone,
        term=TERM_OF[MessageState(message.state)],
        error=errors.explain(message.error_kind, message.error_code),
        submitted_at=message.submitted_at,
        done_at=message.done_at,
        parts=message.parts,
    )


def _is_moving(trial: Campaign, results: Iterable[Result], now: datetime) -> bool:
    if now - trial.created_at > RECEIPTS_WITHIN:
        return False
    ended = FINISHED | {Status.MISSED}
    return trial.status not in ended or any(result.term in (Term.PENDING, Term.WAITING) for result in results)
