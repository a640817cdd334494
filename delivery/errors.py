"""Why a message failed, in words for people."""

from dataclasses import dataclass
from functools import cache

from delivery.statuses import ErrorKind, TextError
from smpp import status

# A receipt's code is its message_state (SMPP 3.4 §5.2.28) times this, plus the network's own error number.
STATE_STEP = 100_000
RECEIPT_STATES: dict[int, tuple[str, str]] = {
    0: ("SCHEDULED", "The carrier has not tried yet."),
    1: ("ENROUTE", "It is on its way."),
    2: ("DELIVRD", "It was delivered."),
    3: ("EXPIRED", "The carrier could not reach the phone before the message's time was over."),
    4: ("DELETED", "The carrier deleted it before it was delivered."),
    5: ("UNDELIV", "The carrier could not deliver it."),
    6: ("ACCEPTD", "The carrier's customer service read it on behalf of the subscriber."),
    7: ("UNKNOWN", "The carrier does not know what became of it."),
    8: ("REJECTD", "The carrier rejected it."),
    9: ("SKIPPED", "The carrier skipped it."),
}


@dataclass(frozen=True, slots=True)
class Error:
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
            name, text = RECEIPT_STATES.get(state, (f"STATE {state}", "The carrier's receipt names no known state."))
            return Error(f"{network:03d}", name, text)
        case ErrorKind.TEXT if code in TextError.values:
            return Error(f"{code}", TextError(code).name, f"{TextError(code).label}: nothing was handed over.")
    return None
