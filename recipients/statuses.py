"""The life of a list."""

from django.db.models import TextChoices


class Status(TextChoices):
    UPLOADING = "uploading", "Uploading"
    PREPARING = "preparing", "Preparing"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"
    DELETED = "deleted", "Deleted"


class Stage(TextChoices):
    """Where a preparation is; a preparation that has not begun has none."""

    READING = "reading", "Reading the file"
    SORTING = "sorting", "Sorting out duplicates"
    WRITING = "writing", "Writing the recipients"


S = Status
MOVES: dict[Status, frozenset[Status]] = {
    S.UPLOADING: frozenset({S.PREPARING, S.FAILED, S.CANCELLED, S.DELETED}),
    S.PREPARING: frozenset({S.READY, S.FAILED, S.CANCELLED}),
    S.FAILED: frozenset({S.PREPARING, S.DELETED}),  # another file for the same list
    S.CANCELLED: frozenset({S.PREPARING, S.DELETED}),  # the same
    S.READY: frozenset({S.DELETED}),
    S.DELETED: frozenset(),
}
