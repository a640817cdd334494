"""Values as PostgreSQL's text, made in bulk: the driver would go element by element."""

from collections.abc import Iterable
from typing import Any

from django.db import connection


def write(cursor: Any, statement: str, lines: Iterable[str]) -> None:
    """COPY … FROM STDIN. What fails is one of Django's errors, as everywhere; by itself it would be the driver's."""
    with connection.wrap_database_errors, cursor.copy(statement) as copy:
        copy.write("".join(lines))


def array(values: Iterable[int]) -> str:
    """An array of integers, as a parameter to be cast."""
    return f"{{{','.join(map(str, values))}}}"


def copied(text: str) -> str:
    """A value of COPY's text format."""
    if text.isalnum():
        return text
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r").replace("\0", "")
