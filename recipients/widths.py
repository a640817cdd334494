"""How long the cells of each column get over a whole list, and of which characters they are: all of it in arrays."""

from threading import Lock

import numpy as np
from numpy.typing import NDArray

MOST_CHARACTERS = 300  # of a column that are kept: no alphabet of 7 bits has as many
BEYOND = 0xFFFF  # stands for every character outside the basic plane, each of which is two units
TAB, NEWLINE = ord("\t"), ord("\n")


class Widths:
    """`add` may be called by several threads."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._longest = np.zeros(len(names), dtype=np.int64)
        self._seen = np.zeros((len(names), BEYOND + 1), dtype=np.bool_)
        self._lock = Lock()

    def add(self, others: bytes) -> None:
        """Rows of cells between tabs, each ended by a newline; of a longer row the first cells count."""
        if not self._names or not others:
            return
        codes, units = _codes(others)
        ends = np.flatnonzero((codes == TAB) | (codes == NEWLINE))
        column = _columns(codes[ends])
        before = np.concatenate(([0], np.cumsum(units)))
        begins = np.concatenate(([0], ends[:-1] + 1))
        length = before[ends] - before[begins]
        counts = column < len(self._names)
        longest = np.zeros(len(self._names), dtype=np.int64)
        np.maximum.at(longest, column[counts], length[counts])
        of_column = np.repeat(column, ends - begins + 1)
        kept = of_column < len(self._names)
        with self._lock:
            self._longest = np.maximum(self._longest, longest)
            self._seen[of_column[kept], codes[kept]] = True

    def as_json(self) -> dict[str, tuple[int, str]]:
        """By column: UTF-16 units of its longest cell, and its characters, of many the first ones."""
        return {
            name: (int(self._longest[at]), self._characters(at))
            for at, name in reversed(list(enumerate(self._names)))  # of columns with one name the first counts
        }

    def _characters(self, at: int) -> str:
        codes = [int(code) for code in np.flatnonzero(self._seen[at]) if code not in (TAB, NEWLINE)]
        # The last ones are the strangest: they are in no alphabet.
        return "".join(map(chr, codes[:MOST_CHARACTERS] if len(codes) <= MOST_CHARACTERS else codes[-MOST_CHARACTERS:]))


def _codes(others: bytes) -> tuple[NDArray[np.uint32] | NDArray[np.uint8], NDArray[np.uint8]]:
    """A code for each character, and how many units of UTF-16 it takes."""
    if others.isascii():
        plain = np.frombuffer(others, dtype=np.uint8)
        return plain, np.ones(len(plain), dtype=np.uint8)
    codes = np.frombuffer(others.decode(errors="replace").encode("utf-32-le", "replace"), dtype=np.uint32)
    units = np.where(codes > BEYOND, 2, 1).astype(np.uint8)
    return np.minimum(codes, BEYOND), units


def _columns(ends: NDArray[np.generic]) -> NDArray[np.int64]:
    """The place of each cell within its row, by what ends it."""
    places = np.arange(len(ends))
    last = np.flatnonzero(ends == NEWLINE)
    first_of_row = np.concatenate(([0], last[:-1] + 1))
    within: NDArray[np.int64] = places - np.repeat(first_of_row, last - first_of_row + 1)
    return within
