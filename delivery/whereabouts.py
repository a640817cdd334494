"""Which message a carrier's id belongs to, while this process still knows: a bounded map in memory.

The carrier-id log in the database is the fall-back (see `receipts`).
"""

from collections import deque
from collections.abc import Sequence
from datetime import date
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from delivery.batches import LONGEST_ID, Ids, Integers

KEPT = 500_000
UNKNOWN = -1


class Whereabouts(NamedTuple):
    day: date
    campaign: int
    recipient: int
    part: int
    phone: int


class Places(NamedTuple):
    """Of several messages, one a row."""

    days: Integers  # as `rows.days` counts
    campaigns: Integers
    recipients: Integers
    parts: Integers
    phones: Integers


def normal(message_id: str) -> str:
    """An id in the form that both sides are compared in: `smpp.receipts.candidates(id)[0]`, without the others, and
    cut where an id must end."""
    return message_id.upper().lstrip("0")[:LONGEST_ID] or "0"


def normal_forms(message_ids: Ids) -> Ids:
    """The same of many, in UTF-8; they have no NUL."""
    if not len(message_ids):
        return message_ids
    octets = message_ids.view(np.uint8).reshape(len(message_ids), -1)
    lower = (octets >= ord("a")) & (octets <= ord("z"))
    if lower.any():
        octets = octets - np.where(lower, np.uint8(32), np.uint8(0))
    forms: Ids = np.ascontiguousarray(octets).view(message_ids.dtype)[:, 0]
    if (octets[:, 0] == ord("0")).any():
        forms = np.strings.lstrip(forms, b"0")
        forms[forms == b""] = b"0"
    if (octets >= 0x80).any():  # upper case is more than ASCII
        forms = np.array([normal(one.decode("latin-1")).encode() for one in message_ids.tolist()])
    return forms


class _Known:
    """Ids by channel in normal form, the oldest forgotten first. What they stand for is in columns."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._next = 0
        self.forget()

    def add(self, channel_id: int, message_ids: Ids, places: Places) -> None:
        """The ids in normal form."""
        ids, count = message_ids.tolist(), len(message_ids)
        with self._lock:
            if self._next + count > KEPT:
                self._forget_between(self._next, KEPT)
                self._next = 0
            first = self._next
            self._forget_between(first, first + count)
            for column, values in zip(self._columns, places, strict=True):
                column[first : first + count] = values
            self._found.setdefault(channel_id, {}).update(zip(ids, range(first, first + count), strict=True))
            self._kept.append((channel_id, first, ids))
            self._next = first + count

    def find(self, channel_id: int, message_ids: Sequence[bytes]) -> Integers:
        """Where each is in the columns; UNKNOWN of those that are not known."""
        known = self._found.get(channel_id, {})
        return np.array([known.get(one, UNKNOWN) for one in message_ids], np.int64)

    def places(self, found: Integers) -> Places:
        return Places(*(column[found] for column in self._columns))

    def forget(self) -> None:
        with self._lock:
            self._found: dict[int, dict[bytes, int]] = {}
            self._kept: deque[tuple[int, int, list[bytes]]] = deque()
            self._next = 0
            kinds = (np.int32, np.int64, np.int64, np.int16, np.int64)
            self._columns: list[NDArray[Any]] = [np.zeros(KEPT, kind) for kind in kinds]

    def _forget_between(self, first: int, end: int) -> None:
        """Whoever has a place there is forgotten: they are the oldest."""
        while self._kept and self._kept[0][1] < end and self._kept[0][1] + len(self._kept[0][2]) > first:
            channel_id, at, ids = self._kept.popleft()
            known = self._found[channel_id]
            for place, one in enumerate(ids, at):
                if known.get(one) == place:
                    del known[one]


whereabouts = _Known()
