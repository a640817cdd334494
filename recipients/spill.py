"""What a list's rows say besides their numbers, on disk between the two passes of a preparation."""

from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from recipients.columns import Others


class Spill:
    """Add blocks of valid rows in order, then take them again in pieces of any size, in the same order."""

    def __init__(self, folder: Path, *, with_others: bool) -> None:
        self._lines = (folder / "lines").open("w+b")
        self._sizes = (folder / "sizes").open("w+b") if with_others else None
        self._texts = (folder / "texts").open("w+b") if with_others else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in filter(None, (self._lines, self._sizes, self._texts)):
            file.close()
            Path(file.name).unlink()

    def add(self, lines: NDArray[np.uint32], others: Others | None) -> None:
        self._lines.write(lines.data)
        if others is not None and self._sizes and self._texts:
            self._sizes.write(others.sizes.data)
            self._texts.write(others.text)

    def rewind(self) -> None:
        for file in filter(None, (self._lines, self._sizes, self._texts)):
            file.seek(0)

    def take_lines(self, count: int) -> NDArray[np.uint32]:
        return np.frombuffer(self._lines.read(4 * count), dtype=np.uint32)

    def take_others(self, kept: NDArray[np.bool_]) -> Others | None:
        """Of the next len(kept) rows, those that are kept."""
        if not self._sizes or not self._texts:
            return None
        sizes = np.frombuffer(self._sizes.read(2 * len(kept)), dtype=np.uint16)
        text = self._texts.read(int(sizes.sum(dtype=np.int64)))
        if not kept.all():
            text = np.frombuffer(text, dtype=np.uint8)[np.repeat(kept, sizes)].tobytes()
        return Others(text, sizes[kept])
