"""Values that lie in a block of text, and the machinery to look at all of them at once."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Bytes: TypeAlias = NDArray[np.uint8]
Places: TypeAlias = NDArray[np.int64]
Words: TypeAlias = NDArray[np.uint64]

NEWLINE = ord("\n")
WORD = 8  # bytes
# In front of and behind the text, so that a look back or ahead never leaves the buffer.
PADDING = b"\0" * 48


@dataclass(frozen=True, slots=True)
class Cells:
    """Value i is buffer[first[i]:end[i]], in UTF-8."""

    buffer: Bytes
    first: Places
    end: Places

    @classmethod
    def of_lines(cls, text: bytes) -> "Cells":
        """Each line is a value; the last one ends with a newline too."""
        buffer = padded(text)
        end = np.flatnonzero(buffer == NEWLINE)
        first = np.empty_like(end)
        first[:1], first[1:] = len(PADDING), end[:-1] + 1
        return cls(buffer, first, end)

    def __len__(self) -> int:
        return len(self.first)

    @property
    def length(self) -> Places:
        return self.end - self.first

    def at(self, rows: Places) -> "Cells":
        return Cells(self.buffer, self.first[rows], self.end[rows])

    def words(self, begin: Places) -> Words:
        """The eight bytes from each of these places, the first of them lowest."""
        every_word: Words = np.ndarray((len(self.buffer) - WORD + 1,), "<u8", self.buffer, strides=(1,))
        return every_word[begin]

    def joined(self, *, longest: int | None = None) -> bytes:
        """The values as lines; of each at most so many bytes."""
        length = self.length if longest is None else np.minimum(self.length, longest)
        ends = np.cumsum(length + 1)
        if not len(ends):
            return b""
        source = np.arange(ends[-1]) + np.repeat(self.first - (ends - length - 1), length + 1)
        text = self.buffer[source]
        text[ends - 1] = NEWLINE
        return bytes(text.data)


def padded(text: bytes) -> Bytes:
    return np.frombuffer(b"".join((PADDING, text, PADDING)), dtype=np.uint8)
