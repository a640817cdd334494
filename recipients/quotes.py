"""Quotes of a table: rows whose cells are between delimiters and nothing else."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from recipients import failures
from recipients.files import LONGEST_LINE, FileRefused, Lines, count_lines

QUOTE, TAB, NEWLINE, SPACE = b'"\t\n '
MOST_LINES_IN_A_ROW = 100
# Cells that the csv module has read: what would end a cell or a row, or move a terminal's cursor, is a space.
HARMLESS = {code: " " for code in (*range(0x20), *range(0x7F, 0xA0))}


@dataclass(frozen=True)
class Rows:
    """Rows in UTF-8, each ended by a newline, their cells separated by `delimiter` and not quoted.

    Row i begins in line `lines[i]` of the file: one row a line unless `jumps` says otherwise.
    """

    text: bytes
    delimiter: str
    first: int
    count: int
    bytes_read: int
    jumps: NDArray[np.int64] | None = None

    @cached_property
    def lines(self) -> NDArray[np.int64]:
        if self.jumps is not None:
            return self.jumps
        return np.arange(self.first, self.first + self.count, dtype=np.int64)


def without_quotes(blocks: Iterator[Lines], delimiter: str) -> Iterator[Rows]:
    """Raises FileRefused where a quote opens that does not close."""
    rest: Lines | None = None  # A row which goes on in the next block.
    for more in blocks:
        block = more
        if rest is not None:
            block = Lines(rest.text + more.text, rest.first, rest.count + more.count, more.bytes_read)
        if QUOTE not in block.text:
            rows, rest = Rows(block.text, delimiter, block.first, block.count, block.bytes_read), None
        elif (parsed := _parsed(block, delimiter)) is not None:
            rows, rest = parsed
        else:
            rows, rest = _read_by_csv(block, blocks, delimiter), None
        if rows.count:
            yield rows
    if rest is not None:
        raise _never_closes(rest.first)


def _never_closes(line: int) -> FileRefused:
    return FileRefused(failures.OPEN_QUOTE % {"line": f"{line:,}"})


def _parsed(block: Lines, delimiter: str) -> tuple[Rows, Lines | None] | None:
    """The whole rows, all at once, and the row that is not complete yet; None unless each quote is where a writer of
    CSV puts it: around a cell, or doubled within."""
    text = np.frombuffer(block.text, dtype=np.uint8)
    is_quote = text == QUOTE
    quotes = np.flatnonzero(is_quote)
    opening, closing = quotes[::2], quotes[1::2]
    before, after = text[opening - 1], text[closing + 1]  # Before the first character is the last one: a newline.
    is_doubled = before == QUOTE
    border = ord(delimiter)
    if not (
        (is_doubled | (before == border) | (before == NEWLINE)).all()
        and ((after == QUOTE) | (after == border) | (after == NEWLINE)).all()
    ):
        return None
    is_inside = (np.cumsum(is_quote, dtype=np.uint8) & 1).view(np.bool_)
    line_ends = np.flatnonzero(text == NEWLINE)
    row_ends = line_ends[~is_inside[line_ends]]
    whole = int(row_ends[-1]) + 1 if len(row_ends) else 0
    jumps, rest = _row_lines(block, line_ends, row_ends, whole)
    clean = _clean(text[:whole], is_inside[:whole], border)
    keeps = ~is_quote[:whole]
    keeps[opening[is_doubled & (opening < whole)]] = True
    return Rows(clean[keeps].tobytes(), "\t", block.first, len(row_ends), block.bytes_read, jumps), rest


def _clean(text: NDArray[np.uint8], is_inside: NDArray[np.bool_], border: int) -> NDArray[np.uint8]:
    """Tabs between cells and nowhere else, newlines between rows and nowhere else."""
    clean = text.copy()
    clean[(text == TAB) | ((text == NEWLINE) & is_inside)] = SPACE
    clean[(text == border) & ~is_inside] = TAB
    return clean


def _row_lines(
    block: Lines, line_ends: NDArray[np.intp], row_ends: NDArray[np.intp], whole: int
) -> tuple[NDArray[np.int64] | None, Lines | None]:
    """The lines in which rows begin, if some row has several; and the row after the last whole one."""
    if len(row_ends) == len(line_ends):
        return None, None
    begins = np.concatenate(([0], np.searchsorted(line_ends, row_ends) + 1)) + block.first
    text = block.text[whole:]
    sizes = np.diff(begins, append=begins[-1] + count_lines(text))
    if sizes.max() > MOST_LINES_IN_A_ROW:
        raise _never_closes(int(begins[sizes.argmax()]))
    if len(text) > LONGEST_LINE:
        raise _never_closes(int(begins[-1]))
    rest = Lines(text, int(begins[-1]), int(sizes[-1]), block.bytes_read) if text else None
    return begins[:-1], rest


def _read_by_csv(block: Lines, following: Iterator[Lines], delimiter: str) -> Rows:
    """Stray quotes mean what they mean to the csv module; a row that goes on in the next block draws that block in."""
    source = _LineSource(block, following)
    reader = csv.reader(source, delimiter=delimiter)
    rows: list[str] = []
    lines: list[int] = []
    while source.has_more():
        begins = source.line
        try:
            cells = next(reader)
        except csv.Error:
            raise _never_closes(begins) from None
        if source.line - begins > MOST_LINES_IN_A_ROW or source.ended_inside:
            raise _never_closes(begins)
        rows.append("\t".join([cell.translate(HARMLESS) for cell in cells]))
        lines.append(begins)
    text = ("\n".join(rows) + "\n").encode()
    return Rows(text, "\t", lines[0], len(lines), source.block.bytes_read, np.array(lines, dtype=np.int64))


class _LineSource:
    """The lines of a block one by one, and of the next block only when a record is not complete yet."""

    def __init__(self, block: Lines, following: Iterator[Lines]) -> None:
        self.following = following
        self.line = block.first
        self.ended_inside = False
        self._open(block)

    def _open(self, block: Lines) -> None:
        self.block = block
        self.lines = iter(block.text.decode().split("\n")[:-1])
        self.left = block.count

    def has_more(self) -> bool:
        return self.left > 0

    def __iter__(self) -> "_LineSource":
        return self

    def __next__(self) -> str:
        if not self.left:
            block = next(self.following, None)
            if block is None:
                self.ended_inside = True
                raise StopIteration
            self._open(block)
        self.left -= 1
        self.line += 1
        return next(self.lines) + "\n"
