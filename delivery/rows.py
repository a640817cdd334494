"""Rows for PostgreSQL's binary COPY, made of whole columns: no touch for each value (COPY, "Binary Format")."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

Octets = NDArray[np.bytes_]
Values = int | bool | bytes | NDArray[Any]
Column = tuple[str, Values]  # "i2", "i4", "i8", "bool" or "text", and one value for all, or one a row

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_KINDS = {"i2": ">i2", "i4": ">i4", "i8": ">i8", "bool": "i1"}


def write(cursor: Any, table: str, columns: str, rows: Iterable[bytes]) -> None:
    """COPY … FROM STDIN of what `packed` made. What fails is one of Django's errors; by itself it would be the
    driver's."""
    statement = f"COPY {table} ({columns}) FROM STDIN (FORMAT binary)"
    with connection.wrap_database_errors, cursor.copy(statement) as copy:
        copy.write(_HEADER + b"".join(rows) + _END)


def packed(count: int, columns: Iterable[Column]) -> bytes:
    """So many rows. A text is one for all, or an array of texts that are all as long as its items are wide."""
    columns = list(columns)
    fields: list[tuple[str, str]] = [("fields", ">i2")]
    for number, (kind, values) in enumerate(columns):
        fields += [(f"size{number}", ">i4"), (f"value{number}", _KINDS.get(kind) or _text(values))]
    rows = np.zeros(count, fields)
    rows["fields"] = len(columns)
    for number, (_, values) in enumerate(columns):
        rows[f"size{number}"] = rows.dtype[f"value{number}"].itemsize
        rows[f"value{number}"] = values
    return rows.tobytes()


def by_length(texts: Octets) -> Iterator[tuple[NDArray[np.intp], Octets]]:
    """Where the texts of each length stand, and those texts, as `packed` takes them; the empty ones are left out."""
    lengths = np.strings.str_len(texts)
    for length in np.unique(lengths[lengths > 0]):
        where = np.flatnonzero(lengths == length)
        yield where, texts[where].astype(f"S{length}")


def _text(values: Values) -> str:
    return f"S{len(values)}" if isinstance(values, bytes) else np.asarray(values).dtype.str


@lru_cache(maxsize=64)
def days(day: date) -> int:
    """A date as PostgreSQL counts."""
    return (day - _EPOCH.date()).days


def day_of(days: int) -> date:
    return _EPOCH.date() + timedelta(days=days)


def microseconds(at: datetime) -> int:
    """A timestamptz as PostgreSQL counts."""
    return (at - _EPOCH) // timedelta(microseconds=1)
