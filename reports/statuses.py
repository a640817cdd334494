"""The life of an export."""

from django.db.models import TextChoices


class Status(TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"


S = Status
MOVES: dict[Status, frozenset[Status]] = {
    S.QUEUED: frozenset({S.RUNNING, S.FAILED}),
    S.RUNNING: frozenset({S.READY, S.FAILED}),
    S.READY: frozenset(),
    S.FAILED: frozenset(),
}
UNFINISHED = frozenset({S.QUEUED, S.RUNNING})
