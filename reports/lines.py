"""The lines of an export: every recipient of a campaign once, in list order, with what became of it, as CSV."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from campaigns import gsm
from campaigns.models import Campaign
from delivery import counters, errors
from delivery.models import Message
from delivery.statuses import TERM_OF, Term
from recipients.listing import Piece, listing_of

COLUMNS = ("to", "status", "error_code", "error_name", "error_text", "submitted_at", "done_at", "parts")
OF_LIST = "list."  # before the name of a column of the list

# One chunk's recipients as CSV lines in one value: reading a million rows one by one would take the most time of all.
# An error stands as !kind:code until `_explained`; the only blanks are those between date and time.
_LINES = f"""
SELECT string_agg(
    concat_ws(
        ',', phone, CASE state {" ".join(f"WHEN {state.value} THEN '{term}'" for state, term in TERM_OF.items())} END,
        coalesce('!' || nullif(error_kind, 0) || ':' || error_code, ',,'),
        coalesce(submitted_at::timestamptz(3)::text, ''), coalesce(done_at::timestamptz(3)::text, ''), parts
    ), E'\\n' ORDER BY recipient
) || E'\\n'
FROM delivery_message
WHERE day = %(day)s AND campaign_id = %(campaign)s AND recipient >= %(first)s AND recipient < %(end)s
"""
_ERROR = re.compile(rb"!(\d+):(\d+)")
_NOBODYS = re.compile(rb"^0,", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Lines:
    """Those of one chunk of the list."""

    piece: Piece
    text: bytes


def of(campaign: Campaign) -> Iterator[Lines]:
    """Chunk after chunk. In a transaction whose reads are repeatable they are all of one instant.

    Raises ChunkDamaged, ObjectMissing.
    """
    assert campaign.list is not None
    parts = gsm.count_parts(campaign.template.least)
    rest, waiting = (f",{term},,,,,,{parts}\n".encode() for term in (counters.rest_term(campaign), Term.WAITING))
    unrecorded = counters.unrecorded(campaign)
    for piece in listing_of(campaign.list).pieces:
        lines = _of_the_intended(campaign, piece)
        if lines.count(b"\n") < piece.entry.count:
            intended = _intended(campaign, piece)
            lines = _with_the_rest(piece, lines, intended, rest, waiting=waiting, unrecorded=unrecorded)
        yield Lines(piece, _with_nobody(lines))


def _of_the_intended(campaign: Campaign, piece: Piece) -> bytes:
    if campaign.started_at is None:
        return b""
    values: dict[str, Any] = {"day": campaign.day, "campaign": campaign.pk, "first": piece.first, "end": piece.end}
    with connection.cursor() as cursor:
        cursor.execute(_LINES, values)
        lines: str = cursor.fetchone()[0] or ""
    stamped = lines.encode().replace(b" ", b"T").replace(b"+00", b"Z")
    return _ERROR.sub(_explained, stamped)


def _intended(campaign: Campaign, piece: Piece) -> list[int]:
    """Whose lines these are, in their order. Their numbers would not tell: an erased one is nobody's."""
    if campaign.started_at is None:
        return []
    some = Message.objects.filter(day=campaign.day, campaign=campaign)
    some = some.filter(recipient__gte=piece.first, recipient__lt=piece.end)
    return list(some.order_by("recipient").values_list("recipient", flat=True))


def _with_the_rest(
    piece: Piece,
    lines: bytes,
    intended: Sequence[int],
    rest: bytes,
    *,
    waiting: bytes,
    unrecorded: Sequence[range],
) -> bytes:
    """In list order, with a line for each of those who have no message: `waiting` if they are among the unrecorded."""
    line_of = dict(zip(intended, lines.splitlines(keepends=True), strict=True))
    phones: list[bytes] = piece.read().astype("S20").tolist()
    for numbers in unrecorded:
        for number in range(max(numbers.start, piece.first), min(numbers.stop, piece.end)):
            line_of[number] = phones[number - piece.first] + waiting
    return b"".join(line_of.get(number) or phone + rest for number, phone in enumerate(phones, piece.first))


def _with_nobody(lines: bytes) -> bytes:
    """An erased number is empty: who it was is nobody's to know."""
    return _NOBODYS.sub(b",", lines) if lines.startswith(b"0,") or b"\n0," in lines else lines


def _explained(mark: re.Match[bytes]) -> bytes:
    error = errors.explain(int(mark[1]), int(mark[2]))
    cells = io.StringIO()
    csv.writer(cells, lineterminator="").writerow([error.code, error.name, error.text] if error else ["", "", ""])
    return cells.getvalue().encode()
