"""Which message a carrier's id belongs to, while this process still knows: a bounded map in memory.

The carrier-id log in the database is the fall-back (`matching`).
"""

from collections.abc import Sequence
from datetime import date
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from delivery.batches import LONGEST_ID, Ids, Integers
from delivery.rows import days

KEPT = 500_000  # less a generation, when the oldest has just gone
GENERATIONS = 16
_NONE = -1  # no row of the columns

Bools = NDArray[np.bool_]


class Whereabouts(NamedTuple):
    day: date
    campaign: int
    recipient: int
    part: int
    phone: int

    @property
    def columns(self) -> "Places":
        """The one row of it."""
        return Places(*(np.array([value], np.int64) for value in (days(self.day), *self[1:])))


class Places(NamedTuple):
    """Of several messages, one a row."""

    days: Integers  # as `rows.days` counts
    campaigns: Integers
    recipients: Integers
    parts: Integers
    phones: Integers


def blank(count: int) -> Places:
    """Room for what so many mean."""
    kinds: tuple[Any, ...] = (np.int32, np.int64, np.int64, np.int16, np.int64)
    return Places(*(np.zeros(count, kind) for kind in kinds))


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
    """Ids by channel in normal form, in generations, the oldest forgotten as a whole. What they mean is in columns.

    A map that ids enter and leave one by one grows to twice its size, and is copied whole now and then.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._lock = Lock()
        self._size = kept // GENERATIONS
        self.forget()

    def add(self, channel_id: int, message_ids: Ids, places: Places) -> None:
        """The ids in normal form."""
        with self._lock:
            for begin in range(0, len(message_ids), self._size):
                part = slice(begin, begin + self._size)
                self._add(channel_id, message_ids[part].tolist(), [column[part] for column in places])

    def find(self, channel_id: int, message_ids: Sequence[bytes]) -> tuple[Bools, Places]:
        """Which are known, and what each means; of those that are not, anything. Rows are written anew meanwhile: both
        are of one moment."""
        with self._lock:
            rows = self._rows_of(channel_id, message_ids)
            return rows != _NONE, Places(*(column[rows] for column in self._columns))

    def _rows_of(self, channel_id: int, message_ids: Sequence[bytes]) -> Integers:
        found = [_NONE] * len(message_ids)
        for by_channel in self._newest_first:
            if known := by_channel.get(channel_id):
                both = zip(found, message_ids, strict=True)
                found = [known.get(one, _NONE) if row == _NONE else row for row, one in both]
                if _NONE not in found:
                    break
        return np.array(found, np.int64)

    def forget(self) -> None:
        with self._lock:
            self._newest_first: tuple[dict[int, dict[bytes, int]], ...] = ({},)
            self._next, self._end = 0, self._size
            self._columns = blank(GENERATIONS * self._size)

    def _add(self, channel_id: int, ids: list[bytes], places: list[Integers]) -> None:
        if self._next + len(ids) > self._end:
            self._begin_generation()
        rows = range(self._next, self._next + len(ids))
        for column, values in zip(self._columns, places, strict=True):
            column[rows.start : rows.stop] = values
        self._newest_first[0].setdefault(channel_id, {}).update(zip(ids, rows, strict=True))
        self._next = rows.stop

    def _begin_generation(self) -> None:
        """In the rows of the oldest one."""
        self._next = self._end % (GENERATIONS * self._size)
        self._end = self._next + self._size
        self._newest_first = ({}, *self._newest_first[: GENERATIONS - 1])


whereabouts = _Known()
