"""A chunk's numbers and a list's manifest out of object storage: verified, and read before they are needed."""

import logging
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Lock

import numpy as np
from django.core.files.storage import default_storage
from numpy.typing import NDArray

from campaigns.models import Campaign
from delivery.models import Chunk
from recipients.chunks import ChunkDamaged, Entry, Manifest
from recipients.listing import Piece, now_at
from recipients.models import ErasedChunk, RecipientList

logger = logging.getLogger(__name__)

KEPT = 32  # chunks in memory, some 80 KB each
AHEAD = 2  # chunks after the one at work
ENTRIES = 100_000  # of manifests in memory, from a moment before their campaigns start
READERS = 8  # manifests at a time


def manifest(of: RecipientList) -> Manifest:
    """Raises ChunkDamaged when it is not the one that the list's digest names."""
    return _manifests.find(of.digest) or _read_manifest(of)


def read_manifests(of: Iterable[RecipientList]) -> None:
    """Have them at hand in a moment; a trouble comes up with whoever asks for the one."""
    of = [one for one in of if _manifests.find(one.digest) is None]
    if not of:
        return
    with ThreadPoolExecutor(READERS, thread_name_prefix="manifests") as readers:
        list(readers.map(_try_manifest, {one.digest: one for one in of}.values()))


def phones(chunk: Chunk) -> NDArray[np.uint64]:
    """E.164 digits in list order; raises ChunkDamaged unless the bytes are those of the manifest."""
    [piece] = _pieces([chunk])
    found = _read.find(piece)
    return _read.fetch(piece) if found is None else found


def others(chunk: Chunk, columns: int) -> list[tuple[str, ...]]:
    """The other columns of each recipient; raises ChunkDamaged as well."""
    [piece] = _pieces([chunk])
    return piece.open().others(columns)


def read_ahead(chunk: Chunk) -> None:
    """Fetch those that follow in a thread, so that their turn does not wait for storage."""
    following = Chunk.objects.open().filter(campaign=chunk.campaign_id, number__gt=chunk.number).order_by("number")
    for piece in _pieces(following[:AHEAD]):
        if _read.find(piece) is None:
            _reader().submit(_try, piece)


class _Manifests:
    """Those that were read ahead, by their digest; the longest unused are forgotten first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Manifest] = OrderedDict()
        self._lock = Lock()

    def add(self, manifest: Manifest) -> None:
        with self._lock:
            self._kept[manifest.digest] = manifest
            while sum(len(one.entries) for one in self._kept.values()) > ENTRIES and len(self._kept) > 1:
                self._kept.popitem(last=False)

    def find(self, digest: str) -> Manifest | None:
        with self._lock:
            if digest in self._kept:
                self._kept.move_to_end(digest)
            return self._kept.get(digest)


def _read_manifest(of: RecipientList) -> Manifest:
    with default_storage.open(of.manifest_key) as file:
        return Manifest.from_bytes(file.read(), digest=of.digest)


def _try_manifest(of: RecipientList) -> None:
    try:
        _manifests.add(_read_manifest(of))
    except (ChunkDamaged, OSError) as error:
        logger.info("manifest.not_read_ahead", extra={"list": of.pk, "error": type(error).__name__})


class _Read:
    """Verified numbers by their SHA-256, the longest unused forgotten first. What is damaged is never kept."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], NDArray[np.uint64]] = OrderedDict()
        self._lock = Lock()

    def find(self, piece: Piece) -> NDArray[np.uint64] | None:
        name = piece.entry.key, piece.entry.sha256
        with self._lock:
            found = self._kept.get(name)
            if found is not None:
                self._kept.move_to_end(name)
        return found

    def fetch(self, piece: Piece) -> NDArray[np.uint64]:
        # A copy: the array is part of the whole object, other columns included.
        numbers = piece.read().copy()
        with self._lock:
            self._kept[piece.entry.key, piece.entry.sha256] = numbers
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return numbers

    def forget(self) -> None:
        with self._lock:
            self._kept.clear()


def _pieces(chunks: Iterable[Chunk]) -> list[Piece]:
    """Of one campaign, as they are now: somebody may have been erased since they were laid out."""
    rows = list(chunks)
    if not rows:
        return []
    of_campaign = Campaign.objects.filter(pk=rows[0].campaign_id).values("list")[:1]
    erased = ErasedChunk.objects.newest(of_campaign, [row.number for row in rows])
    return [now_at(_piece(row), erased) for row in rows]


def _piece(chunk: Chunk) -> Piece:
    return Piece(chunk.first, Entry(number=chunk.number, key=chunk.key, sha256=chunk.sha256, count=chunk.count))


def _try(piece: Piece) -> None:
    """Whoever works on the chunk sees the same trouble, and says so."""
    try:
        _read.fetch(piece)
    except (ChunkDamaged, OSError) as error:
        logger.info("chunk.not_read_ahead", extra={"key": piece.entry.key, "error": type(error).__name__})


@cache
def _reader() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="chunks-ahead")


_manifests = _Manifests()
_read = _Read()
forget = _read.forget
