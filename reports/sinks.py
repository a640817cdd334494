"""What an export's lines become: CSV as they are, with the columns that were chosen, packed by gzip, or Parquet."""

import gzip
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from audit.cells import FORMULA, neutral
from objects.outlet import Outlet
from recipients import masking
from reports.lines import COLUMNS, OF_LIST, Lines
from reports.models import Format

GZIP_LEVEL = 3  # nine tenths of what the usual 6 saves, in less than half of the time
ROWS_OF_A_GROUP = 100_000  # of Parquet, which reads and packs by groups

Put = Callable[[Lines], object]

INSTANT = pa.timestamp("ms", tz="UTC")
AS_TEXT = {name: pa.string() for name in COLUMNS}
TYPES = AS_TEXT | {"submitted_at": INSTANT, "done_at": INSTANT, "parts": pa.int16()}


@contextmanager
def opened(file: Outlet, format: Format, columns: Sequence[str], kept: Sequence[str]) -> Iterator[Put]:
    """`columns` are names of COLUMNS, or `list.NAME` of those that the list has `kept`."""
    if format == Format.PARQUET:
        schema = pa.schema([(name, TYPES.get(name, pa.string())) for name in columns])
        with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
            groups = _Groups(writer)
            yield lambda lines: groups.add(_table(lines, columns, kept, TYPES))
            groups.close()
        return
    with _packed(file, format) as out:
        out.write(f"{','.join(map(_cell, columns))}\n".encode())
        if tuple(columns) == COLUMNS:
            yield lambda lines: out.write(lines.text)
        else:
            yield lambda lines: out.write(_csv(_table(lines, columns, kept, AS_TEXT)))


@contextmanager
def _packed(file: Outlet, format: Format) -> Iterator[io.RawIOBase | gzip.GzipFile]:
    if format == Format.CSV:
        yield file
        return
    with gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=GZIP_LEVEL, mtime=0) as packed:
        yield packed


class _Groups:
    def __init__(self, writer: parquet.ParquetWriter) -> None:
        self._writer = writer
        self._tables: list[pa.Table] = []

    def add(self, table: pa.Table) -> None:
        self._tables.append(table)
        if sum(len(table) for table in self._tables) >= ROWS_OF_A_GROUP:
            self.close()

    def close(self) -> None:
        if self._tables:
            self._writer.write_table(pa.concat_tables(self._tables))
            self._tables.clear()


def _table(lines: Lines, columns: Sequence[str], kept: Sequence[str], types: Mapping[str, pa.DataType]) -> pa.Table:
    table = csv.read_csv(
        io.BytesIO(lines.text),
        read_options=csv.ReadOptions(column_names=list(COLUMNS), use_threads=False),
        convert_options=csv.ConvertOptions(column_types=types, null_values=[""], strings_can_be_null=True),
    )
    own = [name for name in columns if name.startswith(OF_LIST)]
    for name, cells in zip(own, _of_list(lines, own, kept), strict=True):
        table = table.append_column(name, _harmless(cells) if types is AS_TEXT else cells)
    return table.select(list(columns))


def _of_list(lines: Lines, columns: Sequence[str], kept: Sequence[str]) -> list[pa.Array]:
    if not columns:
        return []
    places = [kept.index(name.removeprefix(OF_LIST)) for name in columns]
    by_column = list(zip(*lines.piece.others(len(kept)), strict=True))
    chosen = [by_column[place] for place in places]
    if lines.is_masked:  # a column may hold another number
        chosen = [tuple(map(masking.in_text, cells)) for cells in chosen]
    return [pa.array(cells, pa.string()) for cells in chosen]


def _harmless(cells: pa.Array) -> pa.Array:
    return pc.if_else(pc.match_substring_regex(cells, FORMULA), pc.binary_join_element_wise("'", cells, ""), cells)


def _csv(table: pa.Table) -> bytes:
    text = io.BytesIO()
    csv.write_csv(table, text, csv.WriteOptions(include_header=False, quoting_style="needed"))
    return text.getvalue()


def _cell(name: str) -> str:
    """Of the header: a column of a list may be called anything."""
    text = neutral(name)
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\n\r') else text
