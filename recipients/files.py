"""Uploaded files: a byte stream of unknown encoding and layout becomes blocks of one column's values."""

import codecs
import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

# Two megabytes keep the vectorised steps that follow inside the processor's cache: measured faster than eight.
BLOCK = 1 << 21
LONGEST_LINE = 1 << 20
MOST_LINES_IN_A_FIELD = 100
SAMPLE_LINES = 20
QUOTE = b'"'
NEVER = "\x1f"  # The delimiter for files of one column: a character that no text contains.

MAGIC = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"%PDF": "a PDF document",
    b"\x7fELF": "a program",
}
# The only headings that a file of bare lines may begin with; in a table every cell with letters is a heading.
PLAIN_HEADING = re.compile(
    r"(?:mobile|cell|tele)?[ _-]?(?:phones?|numbers?|mobiles?|msisdns?|tel|to|recipients?|телефоны?|номера?)"
    r"(?:[ _-]?(?:numbers?|телефона))?",
    re.IGNORECASE,
)
CYRILLIC_WORD = re.compile(rb"[\xc0-\xff]{3}")
ROUNDED = re.compile(r"\d,\d+[eE]\+?\d+")  # 9,98E+11: this comma separates no columns
QUOTED = re.compile(r'"[^"]*"')


class FileRefused(Exception):
    """The file cannot become a list; the message tells its uploader why."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True)
class Column:
    """The values of consecutive rows, in UTF-8 and each ended by a newline, and the line where each row begins."""

    values: bytes
    lines: NDArray[np.int64]
    bytes_read: int


@dataclass(frozen=True, slots=True)
class Lines:
    """Whole lines in UTF-8, each ended by a newline; `first` is the number of the first one in the file."""

    text: bytes
    first: int
    count: int
    bytes_read: int


@dataclass(frozen=True, slots=True)
class Layout:
    delimiter: str
    position: int
    data_from: int  # the first line of data


def read_column(stream: BinaryIO, *, filename: str, column: str | int | None) -> Iterator[Column]:
    """The column of numbers: `column` is a name in the header, a number from 1, or None for the first column.

    Raises FileRefused, at once or while reading on.
    """
    blocks = read_lines(stream)
    first = next(blocks, None)
    if first is None or not first.text.strip():
        raise FileRefused("The file is empty.")
    layout = find_layout(first, filename=filename, column=column)
    if layout.data_from > first.first:
        first = _drop_lines(first, layout.data_from - first.first)
    rows = 0
    blocks = chain([first], blocks)
    for quoted in blocks:
        block = _without_plain_quotes(quoted, layout.delimiter)
        values = _quoted(block, blocks, layout) if QUOTE in block.text else _unquoted(block, layout)
        rows += len(values.lines)
        yield values
    if not rows:
        raise FileRefused("The file has a header and nothing below it.")


def read_lines(stream: BinaryIO) -> Iterator[Lines]:
    """Decode and cut into whole lines: UTF-8, UTF-16, Windows-1251 or Latin-1; lines end with LF, CRLF or CR."""
    rest, line, bytes_read = b"", 1, 0
    decoder: Decoder | None = None
    for raw in chain(_raw_blocks(stream), [b""]):
        decoder = decoder or Decoder(raw)
        bytes_read += len(raw)
        text = rest + decoder.decode(raw, final=not raw)
        held = b"\r" if raw and text.endswith(b"\r") else b""  # The other half of a CRLF may follow.
        text = text.removesuffix(held)
        if b"\r" in text:
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if not raw and text and not text.endswith(b"\n"):
            text += b"\n"
        cut = text.rfind(b"\n") + 1
        text, rest = text[:cut], text[cut:]
        count = _check_lines(text, rest, line)
        if text:
            yield Lines(decoder.to_utf8(text), line, count, bytes_read)
        line, rest = line + count, rest + held


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
        for magic, kind in MAGIC.items():
            if head.startswith(magic):
                raise FileRefused(f"This looks like {kind}, not like a list. Save it as CSV or as plain text.")
        self.utf16 = _utf16_decoder(head)
        self.has_utf8_mark = head.startswith(codecs.BOM_UTF8)
        self.skip = len(codecs.BOM_UTF8) if self.has_utf8_mark else 0

    def decode(self, raw: bytes, *, final: bool) -> bytes:
        if self.utf16:
            return self.utf16.decode(raw, final).removeprefix("\ufeff").encode()
        raw, self.skip = raw[self.skip :], 0
        return raw

    def to_utf8(self, text: bytes) -> bytes:
        if text.isascii():
            return text
        try:
            text.decode()
        except UnicodeDecodeError:
            guess = "utf-8" if self.has_utf8_mark else "cp1251" if CYRILLIC_WORD.search(text) else "latin-1"
            return text.decode(guess, errors="replace").encode()
        return text


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


def _check_lines(text: bytes, rest: bytes, line: int) -> int:
    """Count the lines; refuse what no list contains."""
    if b"\0" in text or b"\0" in rest:
        at = line + (text + rest).partition(b"\0")[0].count(b"\n")
        raise FileRefused(f"Line {at} has a zero byte in it: this is not a text file.")
    ends = np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == ord("\n"))
    lengths = np.diff(ends, prepend=-1, append=len(text) + len(rest))
    if lengths.max() > LONGEST_LINE:
        raise FileRefused(f"Line {line + int(lengths.argmax())} is longer than {LONGEST_LINE:,} bytes.")
    return len(ends)


def find_layout(first: Lines, *, filename: str, column: str | int | None) -> Layout:
    lines = first.text.decode().split("\n")
    top = next(number for number, line in enumerate(lines) if line.strip())
    delimiter = _find_delimiter([line for line in lines[top : top + SAMPLE_LINES] if line.strip()])
    try:
        names = [name.strip() for name in next(csv.reader(lines[top : top + SAMPLE_LINES], delimiter=delimiter))]
    except csv.Error as error:
        raise FileRefused(f"Line {first.first + top}: a quote opens here and does not close.") from error
    position, is_named = _find_position(column, names)
    is_table = delimiter != NEVER or filename.lower().endswith(".csv")
    is_header = is_named or (_is_heading(names[position]) if is_table else PLAIN_HEADING.fullmatch(names[position]))
    return Layout(delimiter, position, first.first + top + 1 if is_header else first.first)


def _find_delimiter(lines: list[str]) -> str:
    """The candidate which most lines have, if more than half have it; the same number of times counts double."""
    bare = [ROUNDED.sub("0", QUOTED.sub("", line)) for line in lines]
    best, most = NEVER, len(bare)
    for candidate in ";\t,":
        counts = [line.count(candidate) for line in bare]
        score = 2 * (len(counts) - counts.count(0)) + (counts[0] > 0 and len(set(counts)) == 1)
        if score > most:
            best, most = candidate, score
    return best


def _find_position(column: str | int | None, names: list[str]) -> tuple[int, bool]:
    """Where the column is, from 0, and whether it was found by its name."""
    if column is None or column == "":
        return 0, False
    folded = [name.casefold() for name in names]
    if isinstance(column, str) and column.strip().casefold() in folded:
        return folded.index(column.strip().casefold()), True
    listed = ", ".join(f"“{name[:40]}”" for name in names[:20])
    try:
        position = int(column)
    except ValueError:
        raise FileRefused(f"There is no column “{column}” in the file. Its first line has: {listed}.") from None
    if not 1 <= position <= len(names):
        raise FileRefused(f"There is no column {position} in the file. Its first line has {len(names)}: {listed}.")
    return position - 1, False


def _is_heading(cell: str) -> bool:
    return any(map(str.isalpha, cell)) and not any(map(str.isdigit, cell))


def _drop_lines(block: Lines, count: int) -> Lines:
    text = block.text.split(b"\n", count)[count]
    return Lines(text, block.first + count, block.count - count, block.bytes_read)


def _without_plain_quotes(block: Lines, delimiter: str) -> Lines:
    """Without its quotes, if each of them encloses a whole field with no delimiter, line end or quote in it."""
    if QUOTE not in block.text:
        return block
    characters = np.frombuffer(block.text, dtype=np.uint8)
    quotes = np.flatnonzero(characters == ord(QUOTE))
    opening, closing = quotes[: len(quotes) // 2 * 2 : 2], quotes[1::2]
    is_border = (characters == ord(delimiter)) | (characters == ord("\n"))
    borders = np.cumsum(is_border, dtype=np.int32)
    is_plain = (
        len(quotes) % 2 == 0
        and is_border[opening - 1].all()  # Before the first character is the last one: a line end.
        and is_border[closing + 1].all()
        and (borders[opening] == borders[closing]).all()
    )
    return replace(block, text=block.text.translate(None, QUOTE)) if is_plain else block


def _unquoted(block: Lines, layout: Layout) -> Column:
    lines = np.arange(block.first, block.first + block.count, dtype=np.int64)
    if layout.delimiter == NEVER:
        return Column(block.text, lines, block.bytes_read)
    return Column(cut_column(block.text, layout.delimiter.encode(), layout.position), lines, block.bytes_read)


def cut_column(text: bytes, delimiter: bytes, position: int) -> bytes:
    """Column `position` (from 0) of every line, without quotes, all lines at once; empty where a line is too short."""
    characters = np.frombuffer(text, dtype=np.uint8)
    ends = np.flatnonzero(characters == ord("\n"))
    firsts = np.concatenate(([0], ends[:-1] + 1))
    found = np.flatnonzero(characters == ord(delimiter))
    before = np.searchsorted(found, firsts)
    found = np.concatenate((found, np.full(position + 1, len(text))))
    right = np.minimum(found[before + position], ends)
    left = np.minimum(found[before + position - 1] + 1, ends) if position else firsts
    inside = np.zeros(len(text) + 1, dtype=np.int8)
    inside[left] += 1
    inside[right] -= 1
    keep = np.cumsum(inside[:-1], dtype=np.int8).view(np.bool_)
    keep[ends] = True
    return characters[keep].tobytes()


def _quoted(block: Lines, following: Iterator[Lines], layout: Layout) -> Column:
    """A block with quotes, by the csv module; a field that goes on in the next block draws that block in."""
    source = _LineSource(block, following)
    reader = csv.reader(source, delimiter=layout.delimiter)
    values: list[str] = []
    lines: list[int] = []
    while source.has_more():
        begins = source.line
        try:
            record = next(reader)
        except csv.Error:
            record = None
        if record is None or source.line - begins > MOST_LINES_IN_A_FIELD or source.ended_inside:
            raise FileRefused(f"Line {begins}: a quote opens here and does not close.")
        values.append(record[layout.position].replace("\n", " ") if layout.position < len(record) else "")
        lines.append(begins)
    return Column(("\n".join(values) + "\n").encode(), np.array(lines, dtype=np.int64), source.block.bytes_read)


class _LineSource:
    """The lines of a block one by one, and of the next block only when a record is not complete yet."""

    def __init__(self, block: Lines, following: Iterator[Lines]) -> None:
        self.following = following
        self.line = block.first
        self.ended_inside = False
        self._open(block)

    def _open(self, block: Lines) -> None:
        self.block = block
        self.lines = iter(block.text.decode().split("\n")[:-1])
        self.left = block.count

    def has_more(self) -> bool:
        return self.left > 0

    def __iter__(self) -> "_LineSource":
        return self

    def __next__(self) -> str:
        if not self.left:
            block = next(self.following, None)
            if block is None:
                self.ended_inside = True
                raise StopIteration
            self._open(block)
        self.left -= 1
        self.line += 1
        return next(self.lines) + "\n"
