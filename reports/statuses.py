"""The lives of an export, and of an erasure."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Status(TextChoices):
    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Failed")
    EXPIRED = "expired", _("No longer kept")


S = Status
MOVES: dict[Status, frozenset[Status]] = {
    S.QUEUED: frozenset({S.RUNNING, S.FAILED}),
    S.RUNNING: frozenset({S.READY, S.FAILED}),
    S.READY: frozenset({S.EXPIRED}),
    S.FAILED: frozenset(),
    S.EXPIRED: frozenset(),
}
UNFINISHED = frozenset({S.QUEUED, S.RUNNING})


class ErasureStatus(TextChoices):
    RUNNING = "running", _("Running")
    WAITING = "waiting", _("Waiting for what may still come")
    DONE = "done", _("Done")


E = ErasureStatus
ERASURE_MOVES: dict[ErasureStatus, frozenset[ErasureStatus]] = {
    E.RUNNING: frozenset({E.WAITING, E.DONE}),
    E.WAITING: frozenset({E.DONE}),
    E.DONE: frozenset(),
}


class Place(TextChoices):
    """Where a number is looked for, in this order."""

    CALLS = "calls", _("Remembered answers of the API")
    TEST_PHONES = "test_phones", _("Test phones")
    MESSAGES = "messages", _("Messages of campaigns")
    RECEIPTS = "receipts", _("Receipts, as carriers sent them")
    INBOUND = "inbound", _("Messages from phones")
    INCIDENTS = "incidents", _("Samples of incidents")
    LISTS = "lists", _("Lists, with the lines left out of them")
    IMPORTS = "imports", _("Lines left out of imports")
    EXPORTS = "exports", _("Exports")
    INQUIRIES = "inquiries", _("Inquiries about it")
    SUPPRESSED = "suppressed", _("Suppressed numbers, where a mark of it stays")
