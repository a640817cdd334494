"""Runs of PDUs that are equally long, as matrices of octets: one look at hundreds, instead of one at each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smpp.pdu import HEADER

Octets = NDArray[np.uint8]
FROM = 8  # PDUs that make a run: below, one by one is as fast


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """PDUs of one command_id and one command_length, in the order in which they came."""

    command: int
    rows: Octets
    """One PDU a row, its header included."""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def sequences(self) -> NDArray[np.int64]:
        return _word(self.rows, 12)

    @property
    def statuses(self) -> NDArray[np.int64]:
        return _word(self.rows, 8)

    @property
    def bodies(self) -> Octets:
        return self.rows[:, HEADER.size :]


def run_at(data: bytes, at: int, length: int) -> Octets | None:
    """The PDUs from an offset on that begin like the first of them, which is `length` octets long; None for a few."""
    most = (len(data) - at) // length
    if most < FROM or data[at : at + 8] != data[at + length * (FROM - 1) : at + length * (FROM - 1) + 8]:
        return None
    rows = np.frombuffer(data, np.uint8, most * length, at).reshape(most, length)
    heads = np.ascontiguousarray(rows[:, :8]).view(np.uint64)[:, 0]
    other = np.flatnonzero(heads != heads[0])
    count = int(other[0]) if len(other) else most
    return rows[:count] if count >= FROM else None


def _word(rows: Octets, at: int) -> NDArray[np.int64]:
    return np.ascontiguousarray(rows[:, at : at + 4]).view(">u4")[:, 0].astype(np.int64)


def words(values: NDArray[np.integer]) -> Octets:
    """Four octets each, as on the wire."""
    return values.astype(">u4").view(np.uint8).reshape(-1, 4)


def strings(octets: Octets) -> NDArray[np.bytes_] | None:
    """C-octet strings that all fill their columns, the last of which has their NUL; None when one does not."""
    width = octets.shape[1] - 1
    if width < 1 or octets[:, width].any() or not octets[:, :width].all():
        return None
    return np.ascontiguousarray(octets[:, :width]).view(f"S{width}")[:, 0]


def digits(numbers: NDArray[np.integer], width: int) -> Octets:
    """The last `width` decimal digits of each."""
    left = numbers.astype(np.uint64)
    written = np.empty((len(left), width), np.uint8)
    # Nine digits at a time fit 32 bits, which are divided much faster.
    for end in range(width, 0, -9):
        low, left = (left % 10**9).astype(np.uint32), left // 10**9
        for column in range(end - 1, max(end - 10, -1), -1):
            written[:, column] = low % 10 + 48
            low //= 10
    return written


def numbers(octets: Octets) -> NDArray[np.int64] | None:
    """What rows of at most 18 decimal digits say; None when anything else is among them."""
    width = octets.shape[1]
    values = octets - np.uint8(48)
    if not 0 < width <= 18 or (values > 9).any():
        return None
    total = np.zeros(len(octets), np.int64)
    for column in range(width):
        total = total * 10 + values[:, column]
    return total


def width_of(numbers: NDArray[np.integer]) -> int:
    """How many decimal digits all of them have; 0 when they differ."""
    if not len(numbers):
        return 0
    smallest, largest = len(str(numbers.min())), len(str(numbers.max()))
    return smallest if smallest == largest else 0
