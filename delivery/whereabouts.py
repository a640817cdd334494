"""Which message a carrier's id belongs to, while this process still knows: a bounded map in memory.

The carrier-id log in the database is the fall-back (see `receipts`).
"""

from datetime import date
from threading import Lock

Whereabouts = tuple[date, int, int, int, int]  # day, campaign, recipient, part, phone
KEPT = 500_000
LONGEST_ID = 65  # octets of a message_id (SMPP 3.4 §4.4.2), with its NUL; a longer one would not fit its index either


def normal(message_id: str) -> str:
    """An id in the form that both sides are compared in: `smpp.receipts.candidates(id)[0]`, without the others, and
    cut where an id must end."""
    return message_id.upper().lstrip("0")[:LONGEST_ID] or "0"


class _Known:
    """Ids by (channel, normal form), the oldest forgotten first."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, str], Whereabouts] = {}
        self._lock = Lock()

    def add(self, known: dict[tuple[int, str], Whereabouts]) -> None:
        with self._lock:
            self._found.update(known)
            excess = len(self._found) - KEPT
            if excess > 0:
                for key in list(self._found)[: excess + KEPT // 10]:
                    del self._found[key]

    def find(self, channel_id: int, message_id: str) -> Whereabouts | None:
        return self._found.get((channel_id, message_id))

    def forget(self) -> None:
        self._found.clear()


whereabouts = _Known()
