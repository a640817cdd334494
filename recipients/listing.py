"""The recipients of a ready list by their number, from 0 in list order: read from its chunks, verified each time."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import accumulate, groupby

import numpy as np
from django.core.files.storage import default_storage
from numpy.typing import NDArray

from recipients import chunks
from recipients.chunks import Chunk, Entry, Manifest
from recipients.models import ErasedChunk, RecipientList

READERS = 4  # threads that fetch chunks while a number is looked for
GROUP = 64  # chunks fetched before the first of them is looked at


@dataclass(frozen=True, slots=True)
class Piece:
    """One chunk, and the number of its first recipient within the list."""

    first: int
    entry: Entry

    @property
    def end(self) -> int:
        return self.first + self.entry.count

    def read(self) -> NDArray[np.uint64]:
        """Its E.164 digits; raises ChunkDamaged."""
        return self.open().phones

    def others(self, columns: int) -> list[tuple[str, ...]]:
        """The other columns of each; raises ChunkDamaged."""
        return self.open().others(columns)

    def open(self) -> Chunk:
        """Its recipients with their other columns; raises ChunkDamaged."""
        with default_storage.open(self.entry.key, "rb") as file:
            return chunks.decode(self.entry, file.read())


@dataclass(frozen=True, slots=True)
class Listing:
    pieces: tuple[Piece, ...]

    @property
    def count(self) -> int:
        return self.pieces[-1].end if self.pieces else 0

    def phones(self, numbers: Iterable[int]) -> dict[int, int]:
        """E.164 digits of the recipients with these numbers, which ascend: each chunk is read once."""
        found: dict[int, int] = {}
        for piece, mine in groupby(numbers, key=self._piece_with):
            digits = piece.read()
            found |= {number: int(digits[number - piece.first]) for number in mine}
        return found

    def find(self, phone: int) -> int | None:
        """The recipient with these E.164 digits; a list has each at most once."""
        for at in range(0, len(self.pieces), GROUP):
            group = self.pieces[at : at + GROUP]
            for piece, places in zip(group, _readers().map(lambda piece: _places(piece, phone), group), strict=True):
                if len(places):
                    return piece.first + int(places[0])
        return None

    def line(self, number: int) -> int | None:
        """On which line of its file this recipient stood; None when that was not kept."""
        piece = self._piece_with(number)
        lines = piece.open().lines()
        return None if lines is None else int(lines[number - piece.first])

    def _piece_with(self, number: int) -> Piece:
        return self.pieces[bisect_right(self.pieces, number, key=lambda piece: piece.first) - 1]


def listing_of(listed: RecipientList) -> Listing:
    """Raises ChunkDamaged when the manifest is not the one that the list's digest names. Chunks from which somebody
    was erased are those that took their place."""
    listing = _listing(listed.manifest_key, listed.digest)
    erased = ErasedChunk.objects.newest(listed.pk)
    return Listing(tuple(now_at(piece, erased) for piece in listing.pieces)) if erased else listing


def now_at(piece: Piece, erased: Mapping[int, ErasedChunk]) -> Piece:
    row = erased.get(piece.entry.number)
    return replace(piece, entry=replace(piece.entry, key=row.key, sha256=row.sha256)) if row else piece


@lru_cache(maxsize=16)  # The digest names the content for ever.
def _listing(manifest_key: str, digest: str) -> Listing:
    with default_storage.open(manifest_key, "rb") as file:
        entries = Manifest.from_bytes(file.read(), digest=digest).entries
    firsts = accumulate((entry.count for entry in entries), initial=0)
    return Listing(tuple(Piece(first, entry) for first, entry in zip(firsts, entries, strict=False)))


@cache  # The threads live on, and with them the storage's connections.
def _readers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(READERS, thread_name_prefix="chunks")


def _places(piece: Piece, phone: int) -> NDArray[np.intp]:
    return np.flatnonzero(piece.read() == np.uint64(phone))
