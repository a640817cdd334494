"""Uploaded files: a byte stream of unknown encoding becomes blocks of whole lines in UTF-8."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from recipients import failures

# The columns that a block becomes must stay inside the processor's cache; measured against 512 KB and 2 MB.
BLOCK = 1 << 20
LONGEST_LINE = 1 << 20

MAGIC = {
    b"PK\x03\x04": failures.ZIP,
    b"\xd0\xcf\x11\xe0": failures.OLD_EXCEL,
    b"\x1f\x8b": failures.GZIP,
    b"7z\xbc\xaf": failures.SEVEN_ZIP,
    b"Rar!": failures.RAR,
    b"BZh": failures.BZIP2,
    b"\xfd7zXZ": failures.XZ,
    b"\x28\xb5\x2f\xfd": failures.ZSTD,
    b"\x89PNG": failures.PNG,
    b"\xff\xd8\xff": failures.JPEG,
    b"GIF8": failures.GIF,
    b"%PDF": failures.PDF,
    b"\x7fELF": failures.PROGRAM,
    b"MZ": failures.WINDOWS_PROGRAM,
    b"{\\rtf": failures.RTF,
    b"SQLite format 3": failures.DATABASE,
    b"PAR1": failures.PARQUET,
    b"<!DOCTYPE": failures.WEB_PAGE,
    b"<html": failures.WEB_PAGE,
    b"<?xml": failures.XML,
    b"<svg": failures.SVG,
}
CYRILLIC_WORD = re.compile(rb"[\xc0-\xff]{3}")
ENCODINGS = {"cp1251": "Windows-1251", "cp1252": "Windows-1252 (Latin-1)"}


class FileRefused(Exception):
    """The file cannot become a list; the message tells its uploader why."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class Lines:
    """Whole lines in UTF-8, each ended by a newline; `first` is the number of the first one in the file."""

    text: bytes
    first: int
    count: int
    bytes_read: int


class LineReader:
    """Decodes and cuts into whole lines: UTF-8, UTF-16, Windows-1251 or -1252; lines end with LF, CRLF or CR.

    Raises FileRefused, at once or while reading on. `encoding` is what was found so far.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._raw = _raw_blocks(stream)
        self._head = next(self._raw, b"")
        self._decoder = Decoder(self._head)

    @property
    def encoding(self) -> str:
        return self._decoder.encoding

    def __iter__(self) -> Iterator[Lines]:
        rest, line, bytes_read = b"", 1, 0
        for raw in chain([self._head] if self._head else [], self._raw, [b""]):
            bytes_read += len(raw)
            text = rest + self._decoder.decode(raw, final=not raw)
            held = b"\r" if raw and text.endswith(b"\r") else b""  # The other half of a CRLF may follow.
            text = text.removesuffix(held)
            if b"\r" in text:
                text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            if not raw and text and not text.endswith(b"\n"):
                text += b"\n"
            _refuse_zeros(text, line)
            _refuse_long_lines(text, line)
            cut = text.rfind(b"\n") + 1
            text, rest = text[:cut], text[cut:]
            count = count_lines(text)
            if text:
                yield Lines(self._decoder.to_utf8(text), line, count, bytes_read)
            line, rest = line + count, rest + held


def count_lines(text: bytes) -> int:
    return int(np.count_nonzero(np.frombuffer(text, dtype=np.uint8) == ord("\n")))


def _raw_blocks(stream: BinaryIO) -> Iterator[bytes]:
    """Full blocks, whatever portions the stream hands out."""
    while portion := stream.read(BLOCK):
        portions, missing = [portion], BLOCK - len(portion)
        while missing > 0 and (portion := stream.read(missing)):
            portions.append(portion)
            missing -= len(portion)
        yield b"".join(portions)


class Decoder:
    """Finds the encoding from the first block. UTF-16 is decoded as a stream; everything else line by line."""

    def __init__(self, head: bytes) -> None:
        _refuse_by_looks(head)
        self._utf16 = _utf16_decoder(head)
        self._has_utf8_mark = head.startswith(codecs.BOM_UTF8)
        self._skip = len(codecs.BOM_UTF8) if self._has_utf8_mark else 0
        self._fallback = ""

    @property
    def encoding(self) -> str:
        return "UTF-16" if self._utf16 else ENCODINGS.get(self._fallback, "UTF-8")

    def decode(self, raw: bytes, *, final: bool) -> bytes:
        if self._utf16:
            return self._utf16.decode(raw, final).removeprefix("\ufeff").encode()
        raw, self._skip = raw[self._skip :], 0
        return raw

    def to_utf8(self, text: bytes) -> bytes:
        if text.isascii():
            return text
        try:
            text.decode()
        except UnicodeDecodeError:
            if self._has_utf8_mark:
                return text.decode(errors="replace").encode()
            self._fallback = self._fallback or ("cp1251" if CYRILLIC_WORD.search(text) else "cp1252")
            return text.decode(self._fallback, errors="replace").encode()
        return text


def _refuse_by_looks(head: bytes) -> None:
    for magic, kind in MAGIC.items():
        if head.removeprefix(codecs.BOM_UTF8).lstrip(b" \r\n" if magic.startswith(b"<") else b"").startswith(magic):
            raise FileRefused(failures.LOOKS_LIKE % {"kind": kind})


def _utf16_decoder(head: bytes) -> codecs.IncrementalDecoder | None:
    """By the byte order mark, or by the zeros in every other byte of plain characters."""
    sample = np.frombuffer(head[:1024], dtype=np.uint8)
    little = head.startswith(codecs.BOM_UTF16_LE) or (_mostly_zero(sample[1::2]) and not _mostly_zero(sample[::2]))
    big = head.startswith(codecs.BOM_UTF16_BE) or (_mostly_zero(sample[::2]) and not _mostly_zero(sample[1::2]))
    if not (little or big):
        return None
    return codecs.getincrementaldecoder("utf-16-le" if little else "utf-16-be")(errors="replace")


def _mostly_zero(sample: NDArray[np.uint8]) -> bool:
    return len(sample) > 1 and int(np.count_nonzero(sample)) * 10 < len(sample) * 4


def _refuse_zeros(text: bytes, line: int) -> None:
    if (zero := text.find(b"\0")) >= 0:
        at = line + text.count(b"\n", 0, zero)
        raise FileRefused(failures.ZERO_BYTE % {"line": f"{at:,}"})


def _refuse_long_lines(text: bytes, line: int) -> None:
    begin = 0
    while len(text) - begin > LONGEST_LINE:  # from the last line end within reach to the next such one
        cut = text.rfind(b"\n", begin, begin + LONGEST_LINE + 1) + 1
        if not cut:
            at = line + text.count(b"\n", 0, begin)
            raise FileRefused(failures.LONG_LINE % {"line": f"{at:,}", "most": f"{LONGEST_LINE:,}"})
        begin = cut
