"""The states of a chunk and of a message, and the terms of the equation that they count towards."""

from django.db.models import IntegerChoices, TextChoices


class ChunkStatus(TextChoices):
    OPEN = "open", "Open"
    DONE = "done", "Done"
    CLOSED = "closed", "Closed"  # the campaign ended before it did
    QUARANTINED = "quarantined", "Quarantined"  # nobody works on it until an operator has looked at it
    FROZEN = "frozen", "Frozen"  # its database was restored: what became of it since is not known here


class MessageState(IntegerChoices):
    """What is known of one recipient. A recipient without a row has not been intended yet: it lives in its chunk."""

    INTENDED = 1, "Handed over, answer awaited"
    RETRY = 2, "Refused for the moment, will be tried again"
    UNCERTAIN = 3, "Handed over, answer lost"
    PENDING = 4, "Taken by the carrier, receipt awaited"
    NO_RECEIPT = 5, "No receipt came"
    FAILED = 6, "Failed"
    DELIVERED = 7, "Delivered"
    EXPIRED = 8, "Deadline passed before it was sent"
    CANCELLED = 9, "Cancelled before it was sent"
    SUPPRESSED = 10, "Not sent: the number is suppressed"


class Term(TextChoices):
    """Where a recipient counts in the equation of design §2: accepted, in exactly one of ACCEPTED; else suppressed."""

    DELIVERED = "delivered", "Delivered"
    FAILED = "failed", "Failed"
    PENDING = "pending", "Pending"
    NO_RECEIPT = "no_receipt", "No receipt"
    EXPIRED = "expired", "Expired"
    CANCELLED = "cancelled", "Cancelled"
    UNCERTAIN = "uncertain", "Uncertain"
    WAITING = "waiting", "Waiting"
    SUPPRESSED = "suppressed", "Suppressed"


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
    EMERGENCY = "emergency", "Emergency stop"
    RESTORE = "restore", "Restored database"


class InboundKind(TextChoices):
    MO = "mo", "From a phone"


class ErrorKind(IntegerChoices):
    """Where a failed message's error code comes from."""

    NONE = 0, "none"
    ANSWER = 1, "command_status of the submit_sm_resp"
    RECEIPT = 2, "the receipt"
    TEXT = 3, "the text, which did not come about"


class TextError(IntegerChoices):
    """Why a recipient's text did not come about: nothing was handed over."""

    VALUE_MISSING = 1, "A value for its text is missing, and has no default"
    TOO_LONG = 2, "Its text is longer than the most parts that a message may have"
    FOREIGN = 3, "Its text has a character that the carrier cannot write"


class IncidentKind(TextChoices):
    BIND_REFUSED = "bind_refused", "Bind refused"
    LINK_LOST = "link_lost", "Link lost"
    CONNECT_FAILED = "connect_failed", "Cannot connect"
    RESPONSE_TIMEOUT = "response_timeout", "No response in time"
    THROTTLED = "throttled", "Throttled by the carrier"
    QUEUE_FULL = "queue_full", "Carrier's queue full"
    REFUSED = "refused", "Refused by the carrier for a reason of ours"
    PROTOCOL = "protocol", "Protocol error"
    STORAGE = "storage", "Object storage"
    DATABASE = "database", "Database"
    REDIS = "redis", "Redis"
    SEAL_BROKEN = "seal_broken", "Content differs from what was approved"
    CHUNK_DAMAGED = "chunk_damaged", "Chunk damaged"
    CHUNK_FAILED = "chunk_failed", "Chunk cannot be worked on"
    RESTORED = "restored", "The database has forgotten what was sent"
    UNBALANCED = "unbalanced", "The equation does not hold"
