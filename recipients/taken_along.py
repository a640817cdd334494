"""The lines of a file that were left out, on their way to whoever asked: as they are, or with their numbers masked."""

import csv
import io
from collections.abc import Iterator
from itertools import islice
from typing import IO

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase

from objects.downloads import attachment
from objects.store import store
from recipients import masking

AT_ONCE = 1000


def response(key: str, *, filename: str, is_whole: bool) -> HttpResponseBase:
    if is_whole:
        return attachment(key, filename=filename, content_type="text/csv")
    disposition = f'attachment; filename="{filename}"'
    headers = {"Content-Disposition": disposition, "X-Content-Type-Options": "nosniff"}
    return StreamingHttpResponse(_Masked(store.open(key)), content_type="text/csv; charset=utf-8", headers=headers)


class _Masked:
    """The number, or what was taken for none, is the second cell of each line. The file is closed with the answer,
    also when nobody reads a line of it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def __iter__(self) -> Iterator[bytes]:
        lines = csv.reader(io.TextIOWrapper(self._file, encoding="utf-8", newline=""))
        while some := list(islice(lines, AT_ONCE)):
            out = io.StringIO()
            csv.writer(out).writerows([line, masking.in_text(value), *rest] for line, value, *rest in some)
            yield out.getvalue().encode()

    def close(self) -> None:
        self._file.close()
