"""The states of a chunk and of a message, and the terms of the equation that they count towards."""

from django.db.models import IntegerChoices, TextChoices
from django.utils.translation import gettext_lazy as _


class ChunkStatus(TextChoices):
    OPEN = "open", _("Open")
    DONE = "done", _("Done")
    CLOSED = "closed", _("Closed")  # the campaign ended before it did
    QUARANTINED = "quarantined", _("Quarantined")  # nobody works on it until an operator has looked at it
    FROZEN = "frozen", _("Frozen")  # its database was restored: what became of it since is not known here


class MessageState(IntegerChoices):
    """What is known of one recipient. A recipient without a row has not been intended yet: it lives in its chunk."""

    INTENDED = 1, _("Handed over, answer awaited")
    RETRY = 2, _("Refused for the moment, will be tried again")
    UNCERTAIN = 3, _("Handed over, answer lost")
    PENDING = 4, _("Taken by the carrier, receipt awaited")
    NO_RECEIPT = 5, _("No receipt came")
    FAILED = 6, _("Failed")
    DELIVERED = 7, _("Delivered")
    EXPIRED = 8, _("Deadline passed before it was sent")
    CANCELLED = 9, _("Cancelled before it was sent")
    SUPPRESSED = 10, _("Not sent: the number is suppressed")


class Term(TextChoices):
    """Where a recipient counts in the equation of design §2: accepted, in exactly one of ACCEPTED; else suppressed."""

    DELIVERED = "delivered", _("Delivered")
    FAILED = "failed", _("Failed")
    PENDING = "pending", _("Pending")
    NO_RECEIPT = "no_receipt", _("No receipt")
    EXPIRED = "expired", _("Expired")
    CANCELLED = "cancelled", _("Cancelled")
    UNCERTAIN = "uncertain", _("Uncertain")
    WAITING = "waiting", _("Waiting")
    SUPPRESSED = "suppressed", _("Suppressed")


ACCEPTED = tuple(term for term in Term if term is not Term.SUPPRESSED)

S = MessageState
TERM_OF: dict[MessageState, Term] = {
    S.INTENDED: Term.WAITING,
    S.RETRY: Term.WAITING,
    S.UNCERTAIN: Term.UNCERTAIN,
    S.PENDING: Term.PENDING,
    S.NO_RECEIPT: Term.NO_RECEIPT,
    S.FAILED: Term.FAILED,
    S.DELIVERED: Term.DELIVERED,
    S.EXPIRED: Term.EXPIRED,
    S.CANCELLED: Term.CANCELLED,
    S.SUPPRESSED: Term.SUPPRESSED,
}
STATES_OF: dict[Term, tuple[MessageState, ...]] = {
    term: tuple(state for state in MessageState if TERM_OF[state] is term) for term in Term
}


class HaltKind(TextChoices):
    EMERGENCY = "emergency", _("Emergency stop")
    RESTORE = "restore", _("Restored database")


class InboundKind(TextChoices):
    MO = "mo", _("From a phone")


class ErrorKind(IntegerChoices):
    """Where a failed message's error code comes from."""

    NONE = 0, _("none")
    ANSWER = 1, _("command_status of the submit_sm_resp")
    RECEIPT = 2, _("the receipt")
    TEXT = 3, _("the text, which did not come about")


class TextError(IntegerChoices):
    """Why a recipient's text did not come about: nothing was handed over. `delivery.errors` has it in sentences."""

    VALUE_MISSING = 1, _("A value for its text is missing, and has no default")
    TOO_LONG = 2, _("Its text is longer than the most parts that a message may have")
    FOREIGN = 3, _("Its text has a character that the carrier cannot write")


class IncidentKind(TextChoices):
    BIND_REFUSED = "bind_refused", _("Bind refused")
    LINK_LOST = "link_lost", _("Link lost")
    CONNECT_FAILED = "connect_failed", _("Cannot connect")
    RESPONSE_TIMEOUT = "response_timeout", _("No response in time")
    THROTTLED = "throttled", _("Throttled by the carrier")
    QUEUE_FULL = "queue_full", _("Carrier's queue full")
    REFUSED = "refused", _("Refused by the carrier for a reason of ours")
    PROTOCOL = "protocol", _("Protocol error")
    STORAGE = "storage", _("Object storage")
    DATABASE = "database", _("Database")
    REDIS = "redis", _("Redis")
    SEAL_BROKEN = "seal_broken", _("Content differs from what was approved")
    CHUNK_DAMAGED = "chunk_damaged", _("Chunk damaged")
    CHUNK_FAILED = "chunk_failed", _("Chunk cannot be worked on")
    RESTORED = "restored", _("The database has forgotten what was sent")
    LIMIT_REACHED = "limit_reached", _("Workspace's limit reached")
    DESTINATION_BARRED = "destination_barred", _("Destination that the workspace does not allow")
    UNBALANCED = "unbalanced", _("The equation does not hold")
