"""Rows of a file taken apart: the column of numbers, and what its other columns say."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recipients import failures
from recipients.cells import NEWLINE, PADDING, Bytes, Cells, Places, padded
from recipients.files import FileRefused
from recipients.quotes import Rows
from recipients.tables import MOST_COLUMNS

TAB = ord("\t")
# Of one row, beside its number: a chunk of ten thousand must stay small enough to be read whole.
MOST_BYTES_KEPT = 4_000
C1_CONTROL = re.compile(rb"\xc2[\x80-\x9f]")
# Between cells a tab, between rows a newline, and no other control character.
CONTROLS = bytes(
    ord(" ") if (code < 0x20 and code not in (TAB, NEWLINE)) or code == 0x7F else code for code in range(256)
)


@dataclass(frozen=True, slots=True)
class Others:
    """The other cells of some rows: row after row, cells between tabs, each row ended by a newline."""

    text: bytes
    sizes: NDArray[np.uint16]  # bytes of each row, its newline included


class Cut:
    """A block of rows, and where in each of them the number is."""

    def __init__(self, rows: Rows, position: int) -> None:
        self._rows = rows
        self._ends: Places
        self._firsts: Places
        self.numbers = self._cut(rows, position)

    def _cut(self, rows: Rows, position: int) -> Cells:
        buffer = padded(rows.text)
        self._ends = np.flatnonzero(buffer == NEWLINE)
        self._firsts = np.empty_like(self._ends)
        self._firsts[:1], self._firsts[1:] = len(PADDING), self._ends[:-1] + 1
        found = np.flatnonzero(buffer == ord(rows.delimiter))
        if not len(found):
            return Cells(buffer, self._firsts if position == 0 else self._ends, self._ends)
        before, each = _before(found, self._firsts, self._ends)
        if each.max() >= MOST_COLUMNS:
            line = int(rows.lines[each.argmax()])
            told = {"line": f"{line:,}", "columns": f"{each.max() + 1:,}", "most": MOST_COLUMNS}
            raise FileRefused(failures.MANY_COLUMNS % told)
        found = np.concatenate((found, np.full(position + 1, len(buffer))))
        right = np.minimum(found[before + position], self._ends)
        left = np.minimum(found[before + position - 1] + 1, self._ends) if position else self._firsts
        return Cells(buffer, left, right)

    def others(self, kept: NDArray[np.bool_]) -> Others:
        """Of the rows that are kept. Raises FileRefused where one of them says too much."""
        left, right, buffer = self.numbers.first, self.numbers.end, self.numbers.buffer
        # With the number goes the delimiter behind it, or before it in the last column. Other rows go whole.
        is_last = right == self._ends
        begin = np.where(is_last & (left > self._firsts), left - 1, left)
        stop = np.where(is_last, right, right + 1)
        begin, stop = np.where(kept, begin, self._firsts), np.where(kept, stop, self._ends + 1)
        sizes = (self._ends + 1 - self._firsts - (stop - begin))[kept]
        if len(sizes) and sizes.max() > MOST_BYTES_KEPT:
            line = int(self._rows.lines[np.flatnonzero(kept)[sizes.argmax()]])
            raise FileRefused(failures.MANY_BYTES % {"line": f"{line:,}", "most": f"{MOST_BYTES_KEPT:,}"})
        return Others(_spliced(buffer, begin, stop, self._rows.delimiter), sizes.astype(np.uint16))


def _before(found: Places, firsts: Places, ends: Places) -> tuple[Places, Places]:
    """How many delimiters are before each row, and how many are in it."""
    each, rest = divmod(len(found), len(firsts))
    if rest == 0 and (found[::each] >= firsts).all() and (found[each - 1 :: each] < ends).all():
        return np.arange(0, len(found), each), np.array([each])  # a regular table: all rows alike
    before = np.searchsorted(found, firsts)
    return before, np.diff(before, append=len(found))


def _spliced(buffer: Bytes, begin: Places, stop: Places, delimiter: str) -> bytes:
    """The text without what lies in [begin, stop)."""
    outside = np.zeros(len(buffer) + 1, dtype=np.int8)
    np.add.at(outside, begin, 1)
    np.subtract.at(outside, stop, 1)
    keeps = np.cumsum(outside[:-1], dtype=np.int8) == 0
    keeps[: len(PADDING)] = keeps[-len(PADDING) :] = False
    return neutral(bytes(buffer[keeps].data), delimiter)


def neutral(text: bytes, delimiter: str) -> bytes:
    """UTF-8 of the same length, with a tab for each delimiter and spaces for every other control character."""
    table = bytearray(CONTROLS)
    if ord(delimiter) != TAB:
        table[TAB], table[ord(delimiter)] = ord(" "), TAB
    text = text.translate(table)
    return text if text.isascii() else C1_CONTROL.sub(b"  ", text)
