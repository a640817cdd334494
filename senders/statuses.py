"""The lives of a sender and of a revision, each one table."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class SenderStatus(TextChoices):
    DRAFT = "draft", _("Draft")
    PENDING = "pending", _("Pending approval")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")
    ARCHIVED = "archived", _("Archived")


class RevisionStatus(TextChoices):
    PENDING = "pending", _("Pending approval")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")


S, R = SenderStatus, RevisionStatus
SENDER_MOVES: dict[SenderStatus, frozenset[SenderStatus]] = {
    S.DRAFT: frozenset({S.PENDING, S.ARCHIVED}),
    S.PENDING: frozenset({S.APPROVED, S.REJECTED, S.ARCHIVED}),
    S.APPROVED: frozenset({S.ARCHIVED}),
    S.REJECTED: frozenset({S.PENDING, S.ARCHIVED}),
    S.ARCHIVED: frozenset(),
}
REVISION_MOVES: dict[RevisionStatus, frozenset[RevisionStatus]] = {
    R.PENDING: frozenset({R.APPROVED, R.REJECTED}),
    R.APPROVED: frozenset(),
    R.REJECTED: frozenset(),
}
