"""The life of a list."""

from django.db.models import TextChoices


class Status(TextChoices):
    UPLOADING = "uploading", "Uploading"
    PREPARING = "preparing", "Preparing"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"


S = Status
MOVES: dict[Status, frozenset[Status]] = {
    S.UPLOADING: frozenset({S.PREPARING, S.FAILED}),
    S.PREPARING: frozenset({S.READY, S.FAILED}),
    S.FAILED: frozenset({S.PREPARING}),  # another file for the same list
    S.READY: frozenset(),
}
AWAITING_FILE = frozenset(status for status, to in MOVES.items() if S.PREPARING in to)
