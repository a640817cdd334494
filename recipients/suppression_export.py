"""The suppression list of a workspace as CSV, streamed: the database makes one value of thousands of lines."""

from collections.abc import Iterator

from django.db import connection, transaction
from django.http import StreamingHttpResponse

from accounts.models import User, Workspace
from audit.cells import FORMULA
from audit.ledger import record
from recipients import marks

HEADER = b"number,source,reason,since\r\n"
AT_ONCE = 10_000

_LINES = """
SELECT max(phone), string_agg(
    concat(
        CASE WHEN phone < %s THEN {number} ELSE 'erased' END, ',', source, ',"',
        CASE WHEN reason ~ %s THEN '''' END, replace(reason, '"', '""'), '",',
        to_char(added_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), E'\\r\\n'
    ), '' ORDER BY phone
)
FROM (
    SELECT s.phone, s.source, coalesce(i.reason, s.reason) AS reason, s.added_at
    FROM recipients_suppression s LEFT JOIN recipients_suppressionimport i ON i.id = s.imported_id
    WHERE s.workspace_id = %s AND s.phone > %s ORDER BY s.phone LIMIT %s
) page
"""


_WHOLE = "phone::text"
_MASKED = "left(phone::text, 4) || '•••' || substr(phone::text, greatest(8, length(phone::text) - 3))"  # masking.masked


def request(workspace: Workspace, *, by: User, is_whole: bool) -> Iterator[bytes]:
    """The lines in order of their numbers. That somebody took the whole list goes into the ledger."""
    with transaction.atomic():
        record("suppressions.exported", workspace, by=by, after={"numbers": "whole" if is_whole else "masked"})
    return _lines(workspace.pk, _LINES.format(number=_WHOLE if is_whole else _MASKED))


def response(lines: Iterator[bytes]) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        lines,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="suppressed.csv"', "X-Content-Type-Options": "nosniff"},
    )


def _lines(workspace_id: int, statement: str) -> Iterator[bytes]:
    yield HEADER
    after: int | None = 0
    while after is not None:
        with connection.cursor() as cursor:
            cursor.execute(statement, [marks.FIRST, FORMULA, workspace_id, after, AT_ONCE])
            after, lines = cursor.fetchone()
        if lines is not None:
            yield lines.encode()
