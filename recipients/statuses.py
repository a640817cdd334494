"""The life of a list, and of a file of numbers that must not get anything."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Status(TextChoices):
    UPLOADING = "uploading", _("Uploading")
    PREPARING = "preparing", _("Preparing")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")
    DELETED = "deleted", _("Deleted")


class Stage(TextChoices):
    """Where a preparation is; a preparation that has not begun has none."""

    READING = "reading", _("Reading the file")
    SORTING = "sorting", _("Sorting out duplicates")
    WRITING = "writing", _("Writing the recipients")


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

    HAND = "hand", _("Added by hand")
    IMPORT = "import", _("Imported")
    OPT_OUT = "opt_out", _("Opted out")


class ImportStatus(TextChoices):
    UPLOADING = "uploading", _("Uploading")
    IMPORTING = "importing", _("Importing")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")


IMPORT_MOVES: dict[ImportStatus, frozenset[ImportStatus]] = {
    ImportStatus.UPLOADING: frozenset({ImportStatus.IMPORTING}),
    ImportStatus.IMPORTING: frozenset({ImportStatus.DONE, ImportStatus.FAILED}),
    ImportStatus.FAILED: frozenset({ImportStatus.IMPORTING}),  # another file for the same import
    ImportStatus.DONE: frozenset(),
}
AWAITING_FILE = frozenset(status for status, to in MOVES.items() if S.PREPARING in to)
