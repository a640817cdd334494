"""Runs of PDUs that are equally long, as matrices of octets: one look at hundreds, instead of one at each."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smpp.pdu import HEADER

Octets = NDArray[np.uint8]
FROM = 8  # PDUs that make a run: below, one by one is as fast

# What a division by 10 or 16 would give digit by digit, as words that a look-up copies whole.
_FOUR_DIGITS = np.frombuffer(b"".join(b"%04d" % number for number in range(10_000)), np.uint32)
_TWO_DIGITS = np.frombuffer(b"".join(b"%02x" % number for number in range(256)), np.uint16)


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
    for end in range(width, 0, -4):
        rest = left // 10_000
        four = _FOUR_DIGITS[left - rest * 10_000].view(np.uint8).reshape(-1, 4)
        begin = max(end - 4, 0)
        written[:, begin:end] = four[:, begin - end :]
        left = rest
    return written


def hexadecimal(numbers: NDArray[np.integer], width: int) -> Octets:
    """The last `width` of sixteen hexadecimal digits of each, in lower case."""
    octets = numbers.astype(">u8").view(np.uint8).reshape(-1, 8)
    return hexadecimal_of(octets)[:, 16 - width :]


def hexadecimal_of(octets: Octets) -> Octets:
    """Two digits for each octet."""
    return _TWO_DIGITS[octets].view(np.uint8).reshape(len(octets), -1)


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


def beside(count: int, *parts: bytes | Octets) -> Octets:
    """Each part in columns of its own: octets are the same in every row, a matrix has a row for each."""
    constants: list[bytes] = []
    matrices: list[tuple[int, int, Octets]] = []
    at = 0
    for part in parts:
        if isinstance(part, bytes):
            constants.append(part)
            at += len(part)
        else:
            width = part.shape[1]
            constants.append(bytes(width))
            matrices.append((at, at + width, part))
            at += width
    rows = np.empty((count, at), np.uint8)
    rows[:] = np.frombuffer(b"".join(constants), np.uint8)
    for begin, end, matrix in matrices:
        rows[:, begin:end] = matrix
    return rows
