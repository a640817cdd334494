"""The life of a list, and of a file of numbers that must not get anything."""

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


class Source(TextChoices):
    """How a number came onto the suppression list."""

    HAND = "hand", "Added by hand"
    IMPORT = "import", "Imported"
    OPT_OUT = "opt_out", "Opted out"


class ImportStatus(TextChoices):
    UPLOADING = "uploading", "Uploading"
    IMPORTING = "importing", "Importing"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


IMPORT_MOVES: dict[ImportStatus, frozenset[ImportStatus]] = {
    ImportStatus.UPLOADING: frozenset({ImportStatus.IMPORTING}),
    ImportStatus.IMPORTING: frozenset({ImportStatus.DONE, ImportStatus.FAILED}),
    ImportStatus.FAILED: frozenset({ImportStatus.IMPORTING}),  # another file for the same import
    ImportStatus.DONE: frozenset(),
}
AWAITING_FILE = frozenset(status for status, to in MOVES.items() if S.PREPARING in to)
