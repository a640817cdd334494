"""The CSV files for a list's uploader: lines that were rejected, and lines that were repeated."""

import csv
import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from audit.cells import neutral
from recipients import failures, masking
from recipients.cells import Cells, Places
from recipients.reasons import SENTENCES

LONGEST_VALUE = 64
LONGEST_READ = 4 * LONGEST_VALUE  # in bytes, of a value in any language
# More than anybody reads; a gigabyte of blank lines must not become thirty gigabytes of report.
MOST_LISTED = 1_000_000

Write = Callable[[bytes], object]


class Listed:
    """A CSV of lines, listed up to a limit and counted beyond it."""

    def __init__(self, write: Write, header: bytes, rest: bytes) -> None:
        self._write, self._rest = write, rest
        self.count = 0
        write(header + b"\r\n")

    def add(self, rows: Places, put: Callable[[Places], object]) -> None:
        listed = rows[: max(0, MOST_LISTED - self.count)]
        if len(listed):
            put(listed)
        if self.count <= MOST_LISTED < self.count + len(rows):
            self._write(self._rest + b"\r\n")
        self.count += len(rows)


class Rejected:
    """`line,value,reason`, safe to open in a spreadsheet; keeps the first line for a message."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._listed = Listed(write, b"line,value,reason", b",,The rejected lines from here on are only counted.")
        self.first = ""

    @property
    def count(self) -> int:
        return self._listed.count

    def add(self, cells: Cells, lines: NDArray[np.int64], reasons: NDArray[np.uint8]) -> None:
        def put(rows: Places) -> None:
            self._list(cells.at(rows), lines[rows].tolist(), [SENTENCES[code] for code in reasons[rows].tolist()])

        self._listed.add(np.flatnonzero(reasons), put)

    def _list(self, cells: Cells, lines: list[int], sentences: list[str]) -> None:
        values = cells.joined(longest=LONGEST_READ).decode(errors="ignore").split("\n")
        text = io.StringIO()
        csv.writer(text).writerows(zip(lines, map(_harmless, values), sentences, strict=False))
        self._write(text.getvalue().encode())
        told = {"line": f"{lines[0]:,}", "value": masking.in_text(values[0][:LONGEST_VALUE]), "why": sentences[0]}
        self.first = self.first or failures.FIRST_INVALID % told


class Repeated:
    """`line,number` of the lines whose number stood above already."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._listed = Listed(write, b"line,number", b",The repeated lines from here on are only counted.")

    def add(self, lines: NDArray[np.uint32], numbers: NDArray[np.uint64]) -> None:
        def put(rows: Places) -> None:
            pairs = zip(lines[rows].tolist(), numbers[rows].tolist(), strict=True)
            self._write("".join([f"{line},{number}\r\n" for line, number in pairs]).encode())

        self._listed.add(np.arange(len(lines)), put)


def _harmless(value: str) -> str:
    return neutral(value[:LONGEST_VALUE])
