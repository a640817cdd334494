"""De-duplication of any number of phone numbers in bounded memory: the first one wins, the order stays."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from recipients import marks

PARTITION_BITS = 6
PARTITIONS = 1 << PARTITION_BITS
READ_AT_ONCE = 1 << 17  # numbers, when they are written
DECIDE_AT_ONCE = 1 << 20
SPARE_BITS = 2  # a hash table has four slots and more for each number

Numbers: TypeAlias = NDArray[np.uint64]


class Fate(IntEnum):
    KEPT = 0
    REPEATED = 1
    SUPPRESSED = 2


@dataclass(frozen=True, slots=True)
class Sorted:
    """Numbers in the order of the file, and the same by partition with their places among them."""

    numbers: Numbers
    by_partition: Numbers
    places: NDArray[np.uint32]
    ends: NDArray[np.intp]


class FirstWins:
    """Add numbers in order, then read them again with the Fate of each.

    Numbers are spilled twice into `folder`: in order, and with their place into partitions by a hash. Equal numbers
    meet in one partition; in memory there is one partition at a time, and one byte for each number.
    """

    def __init__(self, folder: Path) -> None:
        self._multiplier = _multiplier()
        self._ordered = folder / "ordered"
        self._partitions = [folder / f"partition-{number}" for number in range(PARTITIONS)]
        self._places = [folder / f"places-{number}" for number in range(PARTITIONS)]
        self._added = 0
        self.counts = dict.fromkeys(Fate, 0)  # by judge()
        self._fates: NDArray[np.uint8] = np.empty(0, dtype=np.uint8)
        self._erased: Numbers = np.empty(0, dtype=np.uint64)
        self._open_files = ExitStack()
        self._ordered_file = self._open(self._ordered)
        self._partition_files = [self._open(path) for path in self._partitions]
        self._place_files = [self._open(path) for path in self._places]

    def _open(self, path: Path) -> Any:
        return self._open_files.enter_context(path.open("wb"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open_files.close()
        for path in (self._ordered, *self._partitions, *self._places):
            path.unlink(missing_ok=True)

    def sort(self, numbers: Numbers) -> Sorted:
        """The part of add() that several threads may do at once."""
        partition = self._partition_of(numbers)
        order = np.argsort(partition, kind="stable")
        ends = np.cumsum(np.bincount(partition, minlength=PARTITIONS))
        return Sorted(numbers, numbers[order], order.astype(np.uint32), ends)

    def add(self, block: Sorted) -> None:
        self._ordered_file.write(block.numbers.astype("<u8", copy=False).data)
        places = block.places + np.uint32(self._added)
        begin = 0
        for partition, end in enumerate(block.ends.tolist()):
            if end > begin:
                self._partition_files[partition].write(block.by_partition[begin:end].data)
                self._place_files[partition].write(places[begin:end].data)
            begin = end
        self._added += len(block.numbers)

    def judge(self, suppressed: Numbers | None = None) -> Iterator[int]:
        """End adding and decide; `suppressed` are sorted, marks of erased numbers last. Yields how many numbers are
        decided, now and then."""
        self._open_files.close()
        self._fates = np.zeros(self._added, dtype=np.uint8)
        suppressed = np.empty(0, dtype=np.uint64) if suppressed is None else suppressed
        unwanted, self._erased = marks.split(suppressed)
        by_partition = self._by_partition(unwanted)
        decided = 0
        for number in range(PARTITIONS):
            decided += self._decide(number, by_partition[number])
            yield decided
        # Not bincount: it would make eight bytes of each.
        self.counts = {fate: int(np.count_nonzero(self._fates == fate)) for fate in Fate}

    def _decide(self, partition: int, unwanted: Numbers) -> int:
        """A number that is repeated a million times takes no more memory."""
        numbers, places, count = np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.uint32), 0
        pieces = zip(
            _read(self._partitions[partition], np.dtype("<u8"), DECIDE_AT_ONCE),
            _read(self._places[partition], np.dtype("<u4"), DECIDE_AT_ONCE),
            strict=True,
        )
        for more, their_places in pieces:
            numbers, places = np.concatenate((numbers, more)), np.concatenate((places, their_places))
            count += len(more)
            repeated = _is_repeated(numbers)
            self._fates[places[repeated]] = Fate.REPEATED
            numbers, places = numbers[~repeated], places[~repeated]
        if len(unwanted):
            self._fates[places[_is_among(numbers, unwanted)]] = Fate.SUPPRESSED
        if len(self._erased):
            self._fates[places[marks.are_among(numbers, self._erased)]] = Fate.SUPPRESSED
        return count

    def numbers(self) -> Iterator[tuple[Numbers, NDArray[np.uint8]]]:
        """All numbers in the order in which they were added, and their fates, piece by piece."""
        place = 0
        for numbers in _read(self._ordered, np.dtype("<u8"), READ_AT_ONCE):
            yield numbers, self._fates[place : place + len(numbers)]
            place += len(numbers)

    def _partition_of(self, numbers: Numbers) -> NDArray[np.uint8]:
        return (numbers * self._multiplier >> np.uint64(64 - PARTITION_BITS)).astype(np.uint8)

    def _by_partition(self, numbers: Numbers) -> list[Numbers]:
        if not len(numbers):
            return [np.empty(0, dtype=np.uint64)] * PARTITIONS
        block = self.sort(numbers)
        return np.split(block.by_partition, block.ends[:-1])


def _is_repeated(numbers: Numbers) -> NDArray[np.bool_]:
    """All but the first of equal numbers: by hashing all at once, and again those that met another one in a slot."""
    repeated = np.zeros(len(numbers), dtype=np.bool_)
    rows = np.arange(len(numbers), dtype=np.uint32)
    while len(rows):
        mine = numbers[rows]
        bits = len(rows).bit_length() + SPARE_BITS
        slot = (mine * _multiplier() >> np.uint64(64 - bits)).view(np.int64)
        first = np.full(1 << bits, np.iinfo(np.uint32).max, dtype=np.uint32)
        np.minimum.at(first, slot, rows)
        first = first[slot]
        is_same = numbers[first] == mine
        repeated[rows[is_same & (first != rows)]] = True
        rows = rows[~is_same]
    return repeated


def _is_among(numbers: Numbers, ordered: Numbers) -> NDArray[np.bool_]:
    at = np.searchsorted(ordered, numbers)
    at[at == len(ordered)] = 0
    among: NDArray[np.bool_] = ordered[at] == numbers
    return among


def _multiplier() -> np.uint64:
    """Secret and odd: nobody can make a file whose numbers all meet in one partition, or in one slot."""
    return np.uint64(secrets.randbits(64) | 1)


def _read(path: Path, dtype: np.dtype[Any], count: int) -> Iterator[NDArray[Any]]:
    with path.open("rb") as file:
        while block := file.read(count * dtype.itemsize):
            yield np.frombuffer(block, dtype=dtype)
