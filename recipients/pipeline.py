"""Preparation of a list: from an uploaded file to chunks, a manifest and the rejected lines, in bounded memory."""

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from recipients import chunks, phones
from recipients.chunks import CHUNK_SIZE, Entry, Manifest, Totals
from recipients.dedup import FirstWins
from recipients.files import Column, FileRefused, read_column

LONGEST_VALUE = 64
# More than anybody reads; a gigabyte of blank lines must not become thirty gigabytes of report.
MOST_REJECTED_LISTED = 1_000_000
# To a spreadsheet, a cell that begins with one of these is a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

WriteChunk: TypeAlias = Callable[[int, bytes], str]
Suppressed: TypeAlias = Callable[[NDArray[np.uint64]], NDArray[np.bool_]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    bytes_read: int
    rows: int
    invalid: int
    written: int


@dataclass(frozen=True, slots=True)
class Prepared:
    totals: Totals
    manifest: Manifest


def prepare(
    stream: BinaryIO,
    *,
    filename: str,
    column: str | int | None,
    country: str,
    spill: Path,
    write_chunk: WriteChunk,
    write_rejected: Callable[[bytes], object],
    suppressed: Suppressed | None = None,
    on_progress: Callable[[Progress], object] | None = None,
) -> Prepared:
    """Parse, normalise, drop repetitions (the first wins, the order stays) and suppressed numbers, cut into chunks.

    `column` is a name from the header or a number from 1; `country` is ISO 3166 ("NL"). `write_chunk` stores the
    bytes of chunk n, from 0, and returns their object key; `write_rejected` takes the CSV `line,value,reason` piece by
    piece; `suppressed` says for an array of numbers which of them must not get anything. `spill` is a folder for
    temporary files: 20 bytes for each valid row. Raises FileRefused, before any chunk is written.
    """
    tell = on_progress or (lambda progress: None)
    rejected = Rejected(write_rejected)
    rows = bytes_read = written = 0
    with FirstWins(spill) as first_wins:
        for block in read_column(stream, filename=filename, column=column):
            numbers = phones.normalise(block.values, country)
            rejected.add(block, numbers.reasons)
            first_wins.add(numbers.e164[numbers.reasons == 0])
            rows, bytes_read = rows + len(block.lines), block.bytes_read
            tell(Progress(bytes_read=bytes_read, rows=rows, invalid=rejected.count, written=0))
        if rejected.count == rows:
            raise FileRefused(f"There is no valid number in this file: {rows:,} rows, all invalid. {rejected.first}")

        entries: list[Entry] = []
        for numbers_of_chunk in _in_chunks(_wanted(first_wins.kept(), suppressed)):
            data = chunks.encode(numbers_of_chunk)
            entries.append(chunks.entry_for(len(entries), write_chunk(len(entries), data), data))
            written += entries[-1].count
            tell(Progress(bytes_read=bytes_read, rows=rows, invalid=rejected.count, written=written))

        duplicate = first_wins.repetitions
        totals = Totals(
            rows=rows,
            accepted=written,
            invalid=rejected.count,
            duplicate=duplicate,
            suppressed=rows - rejected.count - duplicate - written,
        )
    if not entries:
        raise FileRefused(
            f"No number is left of this file: {rows:,} rows, {totals.invalid:,} invalid, "
            f"{totals.duplicate:,} repeated and {totals.suppressed:,} suppressed."
        )
    return Prepared(totals, Manifest(tuple(entries), totals))


class Rejected:
    """Writes the CSV of rejected lines, safe to open in a spreadsheet; keeps their count and the first one."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self.count = 0
        self.first = ""
        write(b"line,value,reason\r\n")

    def add(self, block: Column, reasons: NDArray[np.uint8]) -> None:
        rows = np.flatnonzero(reasons)
        listed = rows[: max(0, MOST_REJECTED_LISTED - self.count)]
        if len(listed):
            self._list(block, listed, reasons)
        if self.count <= MOST_REJECTED_LISTED < self.count + len(rows):
            self._write(b",,The rejected lines below these are only counted.\r\n")
        self.count += len(rows)

    def _list(self, block: Column, rows: NDArray[np.intp], reasons: NDArray[np.uint8]) -> None:
        cells = block.values.split(b"\n")
        values = b"\n".join([cells[row] for row in rows.tolist()]).decode().split("\n")
        lines = block.lines[rows].tolist()
        sentences = [phones.SENTENCES[code] for code in reasons[rows].tolist()]
        text = io.StringIO()
        csv.writer(text).writerows(zip(lines, map(_harmless, values), sentences, strict=True))
        self._write(text.getvalue().encode())
        self.first = self.first or f"Line {lines[0]:,}, “{values[0][:LONGEST_VALUE]}”: {sentences[0]}"


def _harmless(value: str) -> str:
    value = value[:LONGEST_VALUE]
    return f"'{value}" if value.startswith(FORMULA_STARTS) else value


def _wanted(blocks: Iterator[NDArray[np.uint64]], suppressed: Suppressed | None) -> Iterator[NDArray[np.uint64]]:
    return blocks if suppressed is None else (numbers[~suppressed(numbers)] for numbers in blocks)


def _in_chunks(blocks: Iterator[NDArray[np.uint64]]) -> Iterator[NDArray[np.uint64]]:
    rest = np.empty(0, dtype=np.uint64)
    for block in blocks:
        numbers = np.concatenate((rest, block))
        whole = len(numbers) - len(numbers) % CHUNK_SIZE
        yield from numbers[:whole].reshape(-1, CHUNK_SIZE)
        rest = numbers[whole:]
    if len(rest):
        yield rest
