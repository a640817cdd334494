"""Preparation of a list: from an uploaded file to chunks, a manifest and the lines left out, in bounded memory.

Two passes. The first reads the file block by block, several at once, and spills numbers, lines and the other columns;
then each number gets its fate, partition by partition. The second reads the spill in order and writes the chunks.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from recipients import chunks, failures, phones
from recipients.cells import Cells
from recipients.chunks import Entry, Manifest, Totals
from recipients.columns import Cut, Others
from recipients.dedup import Fate, FirstWins, Sorted
from recipients.downloads import Rejected, Repeated, Write
from recipients.files import FileRefused
from recipients.origins import Origins
from recipients.quotes import Rows
from recipients.spill import Spill
from recipients.statuses import Stage
from recipients.tables import Table
from recipients.widths import Widths

THREADS = 2  # NumPy works on blocks without the interpreter's lock
AHEAD = 2 * THREADS  # blocks, or chunks, on their way at a time

WriteChunk: TypeAlias = Callable[[int, bytes], str]
Suppressed: TypeAlias = Callable[[], NDArray[np.uint64]]
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """`rows` were read, `done` of the valid ones are through the stage."""

    stage: Stage
    bytes_read: int
    rows: int
    invalid: int
    done: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """`layout` says how the file was read; `breakdown` how many numbers each country and prefix has;
    `widths` how long the cells of each column get."""

    totals: Totals
    manifest: Manifest
    layout: str
    breakdown: dict[str, list[tuple[str, int]]]
    widths: dict[str, tuple[int, str]]


class NothingLeft(FileRefused):
    """No row of the file can get a message; `totals` say why not."""

    def __init__(self, message: str, totals: Totals) -> None:
        super().__init__(message)
        self.totals = totals


@dataclass(frozen=True, slots=True)
class _Block:
    """What one block of rows comes to."""

    rows: Rows
    cells: Cells
    reasons: NDArray[np.uint8]
    valid: Sorted
    lines: NDArray[np.uint32]
    others: Others | None


def prepare(
    stream: BinaryIO,
    *,
    filename: str,
    column: str | int | None,
    country: str,
    spill: Path,
    chunk_size: int,
    write_chunk: WriteChunk,
    write_rejected: Write,
    write_repeated: Write,
    suppressed: Suppressed | None = None,
    on_progress: Callable[[Progress], object] | None = None,
) -> Prepared:
    """Parse, normalise, drop repetitions (the first wins, the order stays) and suppressed numbers, cut into chunks.

    `column` is a name from the header or a number from 1; `country` is ISO 3166 ("NL"). `write_chunk` stores the
    bytes of chunk n, from 0, and returns their object key; it is called from several threads. `write_rejected` and
    `write_repeated` take their CSV piece by piece; `suppressed` returns the numbers that must not get anything, sorted.
    `spill` is a folder for temporary files: 24 bytes for each valid row, and its other columns. Raises FileRefused,
    before any chunk is written; NothingLeft when no row is left.
    """
    tell = on_progress or (lambda progress: None)
    table = Table(stream, filename=filename, column=column)
    rejected, repeated, origins = Rejected(write_rejected), Repeated(write_repeated), Origins()
    names = table.layout.other_names
    widths = Widths(names)
    with FirstWins(spill) as first_wins, Spill(spill, with_others=bool(names)) as spilled, _threads() as pool:
        unwanted = pool.submit(suppressed) if suppressed else None
        rows = bytes_read = 0

        def note(stage: Stage, done: int) -> None:
            tell(Progress(stage=stage, bytes_read=bytes_read, rows=rows, invalid=rejected.count, done=done))

        def work(block: Rows) -> _Block:
            return _work(block, table.layout.position, country, first_wins, with_others=bool(names))

        for block in _in_order(pool, work, table):
            rejected.add(block.cells, block.rows.lines, block.reasons)
            first_wins.add(block.valid)
            spilled.add(block.lines, block.others)
            rows, bytes_read = rows + block.rows.count, block.rows.bytes_read
            note(Stage.READING, rows - rejected.count)
        for decided in first_wins.judge(unwanted.result() if unwanted else None):
            note(Stage.SORTING, decided)
        totals = Totals(
            rows=rows,
            accepted=first_wins.counts[Fate.KEPT],
            invalid=rejected.count,
            duplicate=first_wins.counts[Fate.REPEATED],
            suppressed=first_wins.counts[Fate.SUPPRESSED],
        )
        _check_somebody_is_left(totals, rejected)

        def write(chunk: tuple[int, NDArray[np.uint64], bytes, NDArray[np.uint32]]) -> Entry:
            number, numbers, others, lines = chunk
            widths.add(others)
            data = chunks.encode(numbers, others, lines)
            return chunks.entry_for(number, write_chunk(number, data), data)

        entries: list[Entry] = []
        kept = _kept(first_wins, spilled, repeated, origins)
        written = 0
        for entry in _in_order(pool, write, _in_chunks(kept, chunk_size)):
            entries.append(entry)
            written += entry.count
            note(Stage.WRITING, written)
    return Prepared(
        totals=totals,
        manifest=Manifest(tuple(entries), totals, names),
        layout=table.describe(),
        breakdown=origins.as_json(),
        widths=widths.as_json(),
    )


def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="list")


def _in_order(pool: ThreadPoolExecutor, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """The results in the order of the items, a few of which are worked on at a time."""
    going: deque[Future[R]] = deque()
    try:
        for item in _after(items, going):
            going.append(pool.submit(work, item))
            if len(going) >= AHEAD:
                yield going.popleft().result()
        while going:
            yield going.popleft().result()
    finally:
        for future in going:
            future.cancel()


def _after(items: Iterable[T], going: "deque[Future[R]]") -> Iterator[T]:
    """The items; when there is trouble with the next one, but trouble with an earlier one comes first."""
    try:
        yield from items
    except FileRefused:
        for future in going:
            future.result()
        raise


def _work(block: Rows, position: int, country: str, first_wins: FirstWins, *, with_others: bool) -> _Block:
    cut = Cut(block, position)
    numbers = phones.normalise(cut.numbers, country)
    is_valid = numbers.reasons == 0
    return _Block(
        rows=block,
        cells=cut.numbers,
        reasons=numbers.reasons,
        valid=first_wins.sort(numbers.e164[is_valid]),
        lines=block.lines[is_valid].astype(np.uint32),
        others=cut.others(is_valid) if with_others else None,
    )


def _check_somebody_is_left(totals: Totals, rejected: Rejected) -> None:
    if totals.invalid == totals.rows:
        raise NothingLeft(failures.NO_VALID_NUMBER % {"rows": f"{totals.rows:,}", "first": rejected.first}, totals)
    if not totals.accepted:
        told = {
            **{"rows": f"{totals.rows:,}", "invalid": f"{totals.invalid:,}"},
            **{"repeated": f"{totals.duplicate:,}", "suppressed": f"{totals.suppressed:,}"},
        }
        raise NothingLeft(failures.NOBODY_LEFT % told, totals)


def _kept(
    first_wins: FirstWins, spilled: Spill, repeated: Repeated, origins: Origins
) -> Iterator[tuple[NDArray[np.uint64], NDArray[np.uint32], Others | None]]:
    spilled.rewind()
    for numbers, fates in first_wins.numbers():
        lines = spilled.take_lines(len(numbers))
        if len(again := np.flatnonzero(fates == Fate.REPEATED)):
            repeated.add(lines[again], numbers[again])
        is_kept = fates == Fate.KEPT
        kept = numbers[is_kept]
        origins.add(kept)
        yield kept, lines[is_kept], spilled.take_others(is_kept)


def _in_chunks(
    pieces: Iterable[tuple[NDArray[np.uint64], NDArray[np.uint32], Others | None]], size: int
) -> Iterator[tuple[int, NDArray[np.uint64], bytes, NDArray[np.uint32]]]:
    number, rest = 0, _NOBODY
    for more, its_lines, others in pieces:
        numbers, lines = np.concatenate((rest[0], more)), np.concatenate((rest[1], its_lines))
        sizes = rest[2].sizes if others is None else np.concatenate((rest[2].sizes, others.sizes))
        text = memoryview(rest[2].text + (others.text if others else b""))
        ends = (
            np.concatenate(([0], np.cumsum(sizes, dtype=np.int64))) if others else np.zeros(len(numbers) + 1, dtype=int)
        )
        whole = len(numbers) - len(numbers) % size
        for begin in range(0, whole, size):
            said = bytes(text[ends[begin] : ends[begin + size]])
            yield number, numbers[begin : begin + size], said, lines[begin : begin + size]
            number += 1
        rest = numbers[whole:], lines[whole:], Others(bytes(text[ends[whole] :]), sizes[whole:])
    if len(rest[0]):
        yield number, rest[0], rest[2].text, rest[1]


_NOBODY = np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.uint32), Others(b"", np.empty(0, dtype=np.uint16))
