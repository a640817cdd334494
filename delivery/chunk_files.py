"""A chunk's numbers and a list's manifest out of object storage: verified, and read before they are needed."""

import logging
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Lock

import numpy as np
from django.core.files.storage import default_storage
from numpy.typing import NDArray

from delivery.models import Chunk
from recipients.chunks import ChunkDamaged, Entry, Manifest
from recipients.listing import Piece
from recipients.models import RecipientList

logger = logging.getLogger(__name__)

KEPT = 32  # chunks in memory, some 80 KB each
AHEAD = 2  # chunks after the one at work


def manifest(of: RecipientList) -> Manifest:
    """Raises ChunkDamaged when it is not the one that the list's digest names."""
    with default_storage.open(of.manifest_key) as file:
        return Manifest.from_bytes(file.read(), digest=of.digest)


def phones(chunk: Chunk) -> NDArray[np.uint64]:
    """E.164 digits in list order; raises ChunkDamaged unless the bytes are those of the manifest."""
    found = _read.find(chunk)
    return _read.fetch(chunk) if found is None else found


def read_ahead(chunk: Chunk) -> None:
    """Fetch those that follow in a thread, so that their turn does not wait for storage."""
    following = Chunk.objects.open().filter(campaign=chunk.campaign_id, number__gt=chunk.number).order_by("number")
    for one in following[:AHEAD]:
        if _read.find(one) is None:
            _reader().submit(_try, one)


class _Read:
    """Verified numbers by their SHA-256, the longest unused forgotten first. What is damaged is never kept."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], NDArray[np.uint64]] = OrderedDict()
        self._lock = Lock()

    def find(self, chunk: Chunk) -> NDArray[np.uint64] | None:
        with self._lock:
            found = self._kept.get((chunk.key, chunk.sha256))
            if found is not None:
                self._kept.move_to_end((chunk.key, chunk.sha256))
        return found

    def fetch(self, chunk: Chunk) -> NDArray[np.uint64]:
        entry = Entry(number=chunk.number, key=chunk.key, sha256=chunk.sha256, count=chunk.count)
        # A copy: the array is part of the whole object, other columns included.
        numbers = Piece(chunk.first, entry).read().copy()
        with self._lock:
            self._kept[chunk.key, chunk.sha256] = numbers
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return numbers

    def forget(self) -> None:
        with self._lock:
            self._kept.clear()


def _try(chunk: Chunk) -> None:
    """Whoever works on the chunk sees the same trouble, and says so."""
    try:
        _read.fetch(chunk)
    except (ChunkDamaged, OSError) as error:
        logger.info("chunk.not_read_ahead", extra={"chunk": chunk.pk, "error": type(error).__name__})


@cache
def _reader() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="chunks-ahead")


_read = _Read()
forget = _read.forget
