"""The life of a campaign: an enum and one table."""

from django.db.models import TextChoices


class Mode(TextChoices):
    ON_APPROVAL = "on_approval", "At approval"
    SCHEDULED = "scheduled", "At an exact minute"
    SPREAD = "spread", "Spread over a window"


class Status(TextChoices):
    DRAFT = "draft", "Draft"
    IN_REVIEW = "in_review", "In review"
    REJECTED = "rejected", "Rejected"
    APPROVED = "approved", "Approved"
    MISSED = "missed", "Missed"
    SENDING = "sending", "Sending"
    PAUSED = "paused", "Paused"
    DONE = "done", "Done"
    EXPIRED = "expired", "Expired"
    CANCELLED = "cancelled", "Cancelled"
    FAILED = "failed", "Failed"


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
