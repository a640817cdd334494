"""Chunks of recipients and the manifest that names them: the frozen form of a list.

A chunk is a little-endian uint64 array of E.164 digits in list order; the manifest is canonical JSON.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

CHUNK_SIZE = 10_000
FORMAT = "message-center/list/1"
LITTLE_ENDIAN = np.dtype("<u8")


class ChunkDamaged(Exception):
    """The bytes in storage are not the ones which the manifest names."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One chunk: its number from 0, its object key, the SHA-256 of its bytes, how many recipients it has."""

    number: int
    key: str
    sha256: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """rows = accepted + invalid + duplicate + suppressed, always."""

    rows: int
    accepted: int
    invalid: int
    duplicate: int
    suppressed: int


@dataclass(frozen=True)
class Manifest:
    entries: tuple[Entry, ...]
    totals: Totals

    def to_bytes(self) -> bytes:
        """Canonical JSON: equal manifests are equal bytes."""
        content = {"format": FORMAT, "totals": asdict(self.totals), "chunks": [asdict(entry) for entry in self.entries]}
        return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()

    @cached_property
    def digest(self) -> str:
        """The name of the list for ever: SHA-256 of the canonical bytes."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @classmethod
    def from_bytes(cls, data: bytes, *, digest: str) -> "Manifest":
        """Read a manifest back; raises ChunkDamaged when it is not the one with this digest."""
        if hashlib.sha256(data).hexdigest() != digest:
            raise ChunkDamaged("The manifest of this list has changed since the list was prepared.")
        content: dict[str, Any] = json.loads(data)
        return cls(entries=tuple(Entry(**entry) for entry in content["chunks"]), totals=Totals(**content["totals"]))


def encode(numbers: NDArray[np.uint64]) -> bytes:
    return numbers.astype(LITTLE_ENDIAN, copy=False).tobytes()


def entry_for(number: int, key: str, data: bytes) -> Entry:
    return Entry(number, key, hashlib.sha256(data).hexdigest(), len(data) // LITTLE_ENDIAN.itemsize)


def decode(entry: Entry, data: bytes) -> NDArray[np.uint64]:
    """The recipients of a chunk; raises ChunkDamaged unless the bytes are exactly those that were written."""
    if hashlib.sha256(data).hexdigest() != entry.sha256 or len(data) != entry.count * LITTLE_ENDIAN.itemsize:
        raise ChunkDamaged(f"Chunk {entry.number} of this list has changed since the list was prepared.")
    return np.frombuffer(data, dtype=LITTLE_ENDIAN)
