"""The life of a list, and of a file of numbers that must not get anything."""

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
