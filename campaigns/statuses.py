"""The life of a campaign: an enum and one table."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Mode(TextChoices):
    ON_APPROVAL = "on_approval", _("At approval")
    SCHEDULED = "scheduled", _("At an exact minute")
    SPREAD = "spread", _("Spread over a window")
    TRIGGER = "trigger", _("One by one, as a program asks")


class Status(TextChoices):
    DRAFT = "draft", _("Draft")
    IN_REVIEW = "in_review", _("In review")
    REJECTED = "rejected", _("Rejected")
    APPROVED = "approved", _("Approved")
    MISSED = "missed", _("Missed")
    SENDING = "sending", _("Sending")
    PAUSED = "paused", _("Paused")
    DONE = "done", _("Done")
    EXPIRED = "expired", _("Expired")
    CANCELLED = "cancelled", _("Cancelled")
    FAILED = "failed", _("Failed")


S = Status
MOVES: dict[Status, frozenset[Status]] = {
    S.DRAFT: frozenset({S.IN_REVIEW, S.CANCELLED}),
    S.IN_REVIEW: frozenset({S.APPROVED, S.REJECTED, S.DRAFT}),
    S.REJECTED: frozenset({S.DRAFT, S.CANCELLED}),
    S.APPROVED: frozenset({S.SENDING, S.MISSED, S.CANCELLED, S.FAILED}),
    S.MISSED: frozenset({S.APPROVED, S.CANCELLED}),  # only a moderator moves it on
    S.SENDING: frozenset({S.PAUSED, S.DONE, S.EXPIRED, S.CANCELLED, S.FAILED}),
    S.PAUSED: frozenset({S.SENDING, S.EXPIRED, S.CANCELLED, S.FAILED}),
    S.DONE: frozenset(),
    S.EXPIRED: frozenset(),
    S.CANCELLED: frozenset(),
    S.FAILED: frozenset(),
}
FINISHED = frozenset({S.DONE, S.EXPIRED, S.CANCELLED, S.FAILED})
EDITABLE = frozenset({S.DRAFT})
# A test send is approved by the register of test phones, not by a moderator, and nobody takes it up again.
TRIAL_MOVES: dict[Status, frozenset[Status]] = {
    S.DRAFT: frozenset({S.APPROVED}),
    S.APPROVED: MOVES[S.APPROVED],
    S.SENDING: MOVES[S.SENDING],
    S.PAUSED: MOVES[S.PAUSED] - {S.SENDING},
    **dict.fromkeys([S.MISSED, S.DONE, S.EXPIRED, S.CANCELLED, S.FAILED], frozenset()),
}
TRIED_IN = frozenset({S.DRAFT, S.IN_REVIEW})
