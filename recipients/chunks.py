"""Chunks of recipients and the manifest that names them: the frozen form of a list.

A chunk is a header, the E.164 digits of its recipients as a little-endian uint64 array in list order, what the
other columns say of each (docs/adr/0017), and on which line of the file each stood (docs/adr/0087). The manifest is
canonical JSON.
"""

import hashlib
import json
import struct
import zlib
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recipients import failures

FORMAT = "message-center/list/2"
LITTLE_ENDIAN = np.dtype("<u8")
# Magic, how many recipients, bytes of the other columns once they are inflated.
HEADER = struct.Struct("<8sII")
MAGIC = b"MCCHUNK3"
LINES = struct.Struct("<Q")  # after the header: bytes of the lines, which are the last; 0 where they are not kept
BEFORE_LINES = b"MCCHUNK2"  # of lists that were prepared before lines were kept
FAR = 255  # a step of so many lines or more is written beside the others
LEVEL = 1  # of zlib: higher ones save an eighth in three times the time


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
    """`columns` are the names of those that travel with each recipient, besides the number."""

    entries: tuple[Entry, ...]
    totals: Totals
    columns: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        """Canonical JSON: equal manifests are equal bytes."""
        content = {
            "format": FORMAT,
            "totals": asdict(self.totals),
            "columns": list(self.columns),
            "chunks": [asdict(entry) for entry in self.entries],
        }
        return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()

    @property
    def count(self) -> int:
        return sum(entry.count for entry in self.entries)

    @cached_property
    def digest(self) -> str:
        """The name of the list for ever: SHA-256 of the canonical bytes."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @classmethod
    def from_bytes(cls, data: bytes, *, digest: str) -> "Manifest":
        """Read a manifest back; raises ChunkDamaged when it is not the one with this digest."""
        if hashlib.sha256(data).hexdigest() != digest:
            raise ChunkDamaged(failures.LIST_CHANGED)
        content: dict[str, Any] = json.loads(data)
        return cls(
            entries=tuple(Entry(**entry) for entry in content["chunks"]),
            totals=Totals(**content["totals"]),
            columns=tuple(content["columns"]),
        )


@dataclass(frozen=True, slots=True)
class Chunk:
    """Recipients in list order: the E.164 digits, and the other columns, inflated when they are asked for."""

    phones: NDArray[np.uint64]
    _deflated: bytes = b""
    _lines: bytes = b""

    def lines(self) -> NDArray[np.uint32] | None:
        """On which line of the file each stood, from 1; None when that was not kept."""
        return _unpacked(self._lines) if self._lines else None

    def rows(self) -> list[str]:
        """What else is said of each recipient, cells between tabs; empty when there is nothing."""
        return zlib.decompress(self._deflated).decode().split("\n")[:-1] if self._deflated else []

    def others(self, columns: int) -> list[tuple[str, ...]]:
        """The cells of each recipient, exactly so many: a short row has empty ones, a long row loses the rest."""
        if not self._deflated or not columns:
            return [("",) * columns] * len(self.phones)
        rows = self.rows()
        short = ("",) * columns
        return [(*row.split("\t", columns)[:columns], *short[row.count("\t") + 1 :]) for row in rows]


def encode(phones: NDArray[np.uint64], others: bytes = b"", lines: NDArray[np.uint32] | None = None) -> bytes:
    """`others` are as many rows as phones: cells between tabs, each row ended by a newline; `lines` ascend."""
    deflated = zlib.compress(others, LEVEL) if others else b""
    packed = b"" if lines is None else _packed(lines)
    header = HEADER.pack(MAGIC, len(phones), len(others)) + LINES.pack(len(packed))
    return b"".join((header, phones.astype(LITTLE_ENDIAN, copy=False).tobytes(), deflated, packed))


def _packed(lines: NDArray[np.uint32]) -> bytes:
    """Steps from one to the next, a byte each, deflated: most are 1. Before them those that do not fit into a byte."""
    steps = np.diff(lines, prepend=np.uint32(0))
    far = steps[steps >= FAR].astype("<u4")
    near = np.minimum(steps, FAR).astype(np.uint8)
    return LINES.pack(len(far)) + far.tobytes() + zlib.compress(near.data, LEVEL)


def _unpacked(packed: bytes) -> NDArray[np.uint32]:
    far = np.frombuffer(packed, dtype="<u4", count=LINES.unpack_from(packed)[0], offset=LINES.size)
    near = np.frombuffer(zlib.decompress(packed[LINES.size + far.nbytes :]), dtype=np.uint8)
    steps = near.astype(np.uint32)
    steps[near == FAR] = far
    return np.cumsum(steps, dtype=np.uint32)


def entry_for(number: int, key: str, data: bytes) -> Entry:
    return Entry(number, key, hashlib.sha256(data).hexdigest(), HEADER.unpack_from(data)[1])


def decode(entry: Entry, data: bytes) -> Chunk:
    """The recipients of a chunk; raises ChunkDamaged unless the bytes are exactly those that were written."""
    magic, count, _ = HEADER.unpack_from(data) if hashlib.sha256(data).hexdigest() == entry.sha256 else (b"", 0, 0)
    if magic not in (MAGIC, BEFORE_LINES) or count != entry.count:
        raise ChunkDamaged(failures.CHUNK_CHANGED % {"number": entry.number})
    keeps_lines = magic == MAGIC
    begin = HEADER.size + (LINES.size if keeps_lines else 0)
    end = len(data) - (LINES.unpack_from(data, HEADER.size)[0] if keeps_lines else 0)
    phones = np.frombuffer(data, dtype=LITTLE_ENDIAN, count=entry.count, offset=begin)
    return Chunk(phones, data[begin + phones.nbytes : end], data[end:])
