"""The layout of a file: which characters separate what, which column has the numbers, and rows without their quotes."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

from recipients import failures
from recipients.files import FileRefused, LineReader, Lines
from recipients.quotes import Rows, without_quotes

NEVER = "\x1f"  # The delimiter for files of one column: a character that no text contains.
DELIMITERS = {";": "semicolons", "\t": "tabs", ",": "commas"}
SAMPLE_LINES = 20
MOST_COLUMNS = 100
LONGEST_NAME = 60

# The only headings that a file of bare lines may begin with; in a table every cell with letters is a heading.
PLAIN_HEADING = re.compile(
    r"(?:mobile|cell|tele)?[ _-]?(?:phones?|numbers?|mobiles?|msisdns?|tel|to|recipients?|телефоны?|номера?)"
    r"(?:[ _-]?(?:numbers?|телефона))?",
    re.IGNORECASE,
)
ROUNDED = re.compile(r"\d,\d+[eE]\+?\d+")  # 9,98E+11: this comma separates no columns
QUOTED = re.compile(r'"[^"]*"')


@dataclass(frozen=True, slots=True)
class Layout:
    delimiter: str
    position: int  # of the column of numbers, from 0
    header: int  # the line that it begins in, 0 when there is none
    data_from: int  # the first line of data
    names: tuple[str, ...]  # of every column

    @property
    def is_table(self) -> bool:
        return len(self.names) > 1

    @property
    def other_names(self) -> tuple[str, ...]:
        """The columns that travel with each recipient."""
        return self.names[: self.position] + self.names[self.position + 1 :]

    def describe(self, encoding: str) -> str:
        """How the file was read, in a sentence for its uploader."""
        if not self.is_table:
            columns = "one number a line"
        else:
            columns = f"{len(self.names)} columns separated by {DELIMITERS[self.delimiter]}"
        header = f"header in line {self.header:,}" if self.header else "no header"
        number = f", numbers from column {self.position + 1} (“{self.names[self.position]}”)" if self.is_table else ""
        return f"Read as {encoding}, {columns}, {header}{number}."


class Table:
    """A file opened: its layout, and its rows block by block.

    `column` is a name in the header, a number from 1, or None for the first column. Raises FileRefused, at once or
    while reading on.
    """

    def __init__(self, stream: BinaryIO, *, filename: str, column: str | int | None) -> None:
        self._reader = LineReader(stream)
        self._blocks = iter(self._reader)
        first = next(self._blocks, None)
        if first is None or not first.text.strip():
            raise FileRefused(failures.EMPTY)
        self.layout = find_layout(first, filename=filename, column=column)
        self._first = _drop_lines(first, self.layout.data_from - first.first)

    def describe(self) -> str:
        return self.layout.describe(self._reader.encoding)

    def __iter__(self) -> Iterator[Rows]:
        count = 0
        for rows in without_quotes(chain([self._first], self._blocks), self.layout.delimiter):
            count += rows.count
            yield rows
        if not count:
            raise FileRefused(failures.HEADER_ONLY)


def find_layout(first: Lines, *, filename: str, column: str | int | None) -> Layout:
    lines = first.text.decode().split("\n")
    top = next(number for number, line in enumerate(lines) if line.strip())
    delimiter = _find_delimiter([line for line in lines[top : top + SAMPLE_LINES] if line.strip()])
    reader = csv.reader((line + "\n" for line in lines[top : top + SAMPLE_LINES]), delimiter=delimiter)
    try:
        cells = [" ".join(cell.split()) for cell in next(reader)]
    except (csv.Error, StopIteration) as error:
        raise FileRefused(failures.OPEN_QUOTE % {"line": f"{first.first + top:,}"}) from error
    if len(cells) > MOST_COLUMNS:
        raise FileRefused(
            failures.MANY_COLUMNS
            % {"line": f"{first.first + top:,}", "columns": f"{len(cells):,}", "most": MOST_COLUMNS}
        )
    position, is_named = _find_position(column, cells)
    is_table = delimiter != NEVER or filename.lower().endswith(".csv")
    is_header = is_named or (_is_heading(cells[position]) if is_table else PLAIN_HEADING.fullmatch(cells[position]))
    return Layout(
        delimiter,
        position,
        header=first.first + top if is_header else 0,
        data_from=first.first + top + reader.line_num if is_header else first.first,
        names=_names(cells if is_header else [""] * len(cells)),
    )


def _names(cells: list[str]) -> tuple[str, ...]:
    """One for each column, no two the same."""
    names: list[str] = []
    for number, cell in enumerate(cells, start=1):
        name = "".join(filter(str.isprintable, cell))[:LONGEST_NAME].strip()
        taken = {name.casefold() for name in names}
        names.append(name if name and name.casefold() not in taken else f"{name or 'column'} {number}")
    return tuple(names)


def _find_delimiter(lines: list[str]) -> str:
    """The candidate which most lines have, if more than half have it; the same number of times counts double."""
    bare = [ROUNDED.sub("0", QUOTED.sub("", line)) for line in lines]
    best, most = NEVER, len(bare)
    for candidate in DELIMITERS:
        counts = [line.count(candidate) for line in bare]
        score = 2 * (len(counts) - counts.count(0)) + (counts[0] > 0 and len(set(counts)) == 1)
        if score > most:
            best, most = candidate, score
    return best


def _find_position(column: str | int | None, names: list[str]) -> tuple[int, bool]:
    """Where the column is, from 0, and whether it was found by its name."""
    if column is None or column == "":
        return 0, False
    folded = [name.casefold() for name in names]
    if isinstance(column, str) and column.strip().casefold() in folded:
        return folded.index(column.strip().casefold()), True
    listed = ", ".join(f"“{name[:40]}”" for name in names[:20])
    try:
        position = int(column)
    except ValueError:
        raise FileRefused(failures.NO_COLUMN % {"column": column, "listed": listed}) from None
    if not 1 <= position <= len(names):
        raise FileRefused(failures.NO_COLUMN_AT % {"column": position, "count": len(names), "listed": listed})
    return position - 1, False


def _is_heading(cell: str) -> bool:
    return any(map(str.isalpha, cell)) and not any(map(str.isdigit, cell))


def _drop_lines(block: Lines, count: int) -> Lines:
    text = block.text.split(b"\n", count)[count]
    return Lines(text, block.first + count, block.count - count, block.bytes_read)
