"""De-duplication of any number of phone numbers in bounded memory: the first one wins, the order stays."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

PARTITION_BITS = 6
PARTITIONS = 1 << PARTITION_BITS
READ_AT_ONCE = 1 << 20

ENTRY = np.dtype([("number", "<u8"), ("place", "<u4")])


class FirstWins:
    """Add numbers in order, then read those that are no repetition, in the same order.

    Numbers are spilled twice into `folder`: in order, and with their place into partitions by a hash. Equal numbers
    meet in one partition; in memory there is one partition at a time, and one byte for each number.
    """

    def __init__(self, folder: Path) -> None:
        # A secret odd multiplier: no file can be made so that all its numbers fall into one partition.
        self._multiplier = np.uint64(secrets.randbits(64) | 1)
        self._ordered = folder / "ordered"
        self._partitions = [folder / f"partition-{number}" for number in range(PARTITIONS)]
        self._added = 0
        self.repetitions = 0  # counted by kept()
        self._open_files = ExitStack()
        self._ordered_file = self._open_files.enter_context(self._ordered.open("wb"))
        self._partition_files = [self._open_files.enter_context(path.open("wb")) for path in self._partitions]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open_files.close()
        for path in (self._ordered, *self._partitions):
            path.unlink(missing_ok=True)

    def add(self, numbers: NDArray[np.uint64]) -> None:
        self._ordered_file.write(numbers.astype("<u8", copy=False).tobytes())
        entries = np.empty(len(numbers), dtype=ENTRY)
        entries["number"] = numbers
        entries["place"] = np.arange(self._added, self._added + len(numbers))
        partition = (numbers * self._multiplier >> np.uint64(64 - PARTITION_BITS)).astype(np.uint8)
        entries = entries[np.argsort(partition, kind="stable")]
        ends = np.cumsum(np.bincount(partition, minlength=PARTITIONS))[:-1]
        for file, part in zip(self._partition_files, np.split(entries, ends), strict=True):
            file.write(part.tobytes())
        self._added += len(numbers)

    def kept(self) -> Iterator[NDArray[np.uint64]]:
        """End adding; the numbers without repetitions, in blocks."""
        self._open_files.close()
        is_first = np.ones(self._added, dtype=np.bool_)
        for path in self._partitions:
            repeated = _repetitions(path)
            is_first[repeated] = False
            self.repetitions += len(repeated)
        place = 0
        for numbers in _read(self._ordered, np.dtype("<u8")):
            yield numbers[is_first[place : place + len(numbers)]]
            place += len(numbers)


def _repetitions(partition: Path) -> NDArray[np.uint32]:
    """The places of all but the first of equal numbers. A number repeated a million times takes no more memory."""
    distinct = np.empty(0, dtype=ENTRY)
    repeated: list[NDArray[np.uint32]] = []
    for piece in _read(partition, ENTRY):
        entries = np.concatenate((distinct, piece))  # earlier places first, and a stable sort keeps it so
        entries = entries[np.argsort(entries["number"], kind="stable")]
        is_repeated = np.zeros(len(entries), dtype=np.bool_)
        is_repeated[1:] = entries["number"][1:] == entries["number"][:-1]
        repeated.append(entries["place"][is_repeated])
        distinct = entries[~is_repeated]
    return np.concatenate(repeated) if repeated else np.empty(0, dtype=np.uint32)


def _read(path: Path, dtype: np.dtype[Any]) -> Iterator[NDArray[Any]]:
    with path.open("rb") as file:
        while block := file.read(READ_AT_ONCE * dtype.itemsize):
            yield np.frombuffer(block, dtype=dtype)
