"""What the counters are summed from: how many messages entered or left a state, and why those failed that did."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from delivery.statuses import ErrorKind, MessageState


class Standing(NamedTuple):
    """Where a message counts: its state and, of a failed one, the reason."""

    state: MessageState | int
    error_kind: int = ErrorKind.NONE
    error_code: int | None = None


def standing(state: int, error_kind: int, error_code: int | None) -> Standing:
    """Of a message as its row says; one that has not failed may have an error of an earlier try."""
    return Standing(state, error_kind, error_code) if state == MessageState.FAILED else Standing(state)


# The same, of the rows of a statement.
KIND = f"CASE state WHEN {MessageState.FAILED:d} THEN error_kind ELSE 0 END"
CODE = f"CASE state WHEN {MessageState.FAILED:d} THEN error_code END"

_NOTE = "INSERT INTO delivery_tally (campaign_id, state, error_kind, error_code, n) VALUES (%s, %s, %s, %s, %s)"


def note(cursor: Any, campaign_id: int, moved: Mapping[Standing, int]) -> None:
    """So many entered each standing (positive) or left it, in the transaction that moved them."""
    cursor.executemany(_NOTE, [(campaign_id, *where, n) for where, n in moved.items() if n])
