"""Why a message failed, in words for people."""

from dataclasses import dataclass
from functools import cache

from django.utils.translation import gettext_noop as _

from delivery.statuses import ErrorKind, TextError
from smpp import status

# A receipt's code is its message_state (SMPP 3.4 §5.2.28) times this, plus the network's own error number.
STATE_STEP = 100_000
RECEIPT_STATES: dict[int, tuple[str, str]] = {
    0: ("SCHEDULED", _("The carrier has not tried yet.")),
    1: ("ENROUTE", _("It is on its way.")),
    2: ("DELIVRD", _("It was delivered.")),
    3: ("EXPIRED", _("The carrier could not reach the phone before the message's time was over.")),
    4: ("DELETED", _("The carrier deleted it before it was delivered.")),
    5: ("UNDELIV", _("The carrier could not deliver it.")),
    6: ("ACCEPTD", _("The carrier's customer service read it on behalf of the subscriber.")),
    7: ("UNKNOWN", _("The carrier does not know what became of it.")),
    8: ("REJECTD", _("The carrier rejected it.")),
    9: ("SKIPPED", _("The carrier skipped it.")),
}
NO_STATE = _("The carrier's receipt names no known state.")
TEXT_ERRORS: dict[int, str] = {
    TextError.VALUE_MISSING: _("A value for its text is missing, and has no default: nothing was handed over."),
    TextError.TOO_LONG: _("Its text is longer than the most parts that a message may have: nothing was handed over."),
    TextError.FOREIGN: _("Its text has a character that the carrier cannot write: nothing was handed over."),
}


@dataclass(frozen=True, slots=True)
class Error:
    """`text` is English, and a key of the catalogues: whoever shows it translates it."""

    code: str
    name: str
    text: str


@cache
def explain(kind: int, code: int | None) -> Error | None:
    """The error of a message by its `error_kind` and `error_code`; None when it has none."""
    match kind:
        case ErrorKind.ANSWER if code is not None:
            return Error(f"0x{code:08X}", status.name(code), status.text(code))
        case ErrorKind.RECEIPT if code is not None:
            state, network = divmod(code, STATE_STEP)
            name, text = RECEIPT_STATES.get(state, (f"STATE {state}", NO_STATE))
            return Error(f"{network:03d}", name, text)
        case ErrorKind.TEXT if code in TEXT_ERRORS:
            return Error(f"{code}", TextError(code).name, TEXT_ERRORS[code])
    return None
