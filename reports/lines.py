"""The lines of an export: every recipient of a campaign once, in list order, with what became of it, as CSV."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import connections, router

from campaigns import gsm
from campaigns.models import Campaign
from delivery import counters, errors
from delivery.models import Chunk, Message
from delivery.pushes import PushedPiece
from delivery.statuses import STATES_OF, TERM_OF, MessageState, Term
from recipients import masking
from recipients.listing import Piece, listing_of

COLUMNS = ("to", "status", "error_code", "error_name", "error_text", "submitted_at", "done_at", "parts")
OF_LIST = "list."  # before the name of a column of the list

# One chunk's recipients as CSV lines in one value: reading a million rows one by one would take the most time of all.
# An error stands as !kind:code until `_explained`; the only blanks are those between date and time.
_TOLD = f"""
SELECT string_agg(
    concat_ws(
        ',', phone, CASE state {" ".join(f"WHEN {state.value} THEN '{term}'" for state, term in TERM_OF.items())} END,
        coalesce('!' || nullif(error_kind, 0) || ':' || error_code, ',,'),
        coalesce(submitted_at::timestamptz(3)::text, ''), coalesce(done_at::timestamptz(3)::text, ''), parts
    ), E'\\n' ORDER BY recipient
) || E'\\n'
"""
_LINES = f"""{_TOLD} FROM delivery_message
WHERE day = %(day)s AND campaign_id = %(campaign)s AND recipient >= %(first)s AND recipient < %(end)s
"""
_ERROR = re.compile(rb"!(\d+):(\d+)")
_NOBODYS = re.compile(rb"^0,", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Lines:
    """Those of one chunk of the list."""

    piece: Piece | PushedPiece
    text: bytes
    is_masked: bool = False

    def masked(self) -> "Lines":
        return replace(self, text=masking.in_first_cells(self.text), is_masked=True)


def of(campaign: Campaign) -> Iterator[Lines]:
    """Chunk after chunk. In a transaction whose reads are repeatable they are all of one instant.

    Raises ChunkDamaged, ObjectMissing.
    """
    parts = gsm.count_parts(campaign.template.least)
    rest, waiting = (f",{term},,,,,,{parts}\n".encode() for term in (counters.rest_term(campaign), Term.WAITING))
    unrecorded = counters.unrecorded(campaign)
    if campaign.list is None:  # a trigger
        yield from _of_pushed(campaign, parts)
        return
    for piece in listing_of(campaign.list).pieces:
        lines = _of_the_intended(campaign, piece)
        if lines.count(b"\n") < piece.entry.count:
            intended = _intended(campaign, piece)
            lines = _with_the_rest(piece, lines, intended, rest, waiting=waiting, unrecorded=unrecorded)
        yield Lines(piece, _with_nobody(lines))


# A number may have many messages, so those without a row are told from the others by their own.
_PUSHED = f"""{_TOLD} FROM (
    SELECT p.recipient, p.phone, m.error_kind, m.error_code, m.submitted_at, m.done_at,
           coalesce(m.state, CASE WHEN p.recipient < %(intended)s THEN %(waiting)s ELSE %(rest)s END) AS state,
           coalesce(m.parts, %(parts)s) AS parts
    FROM delivery_push p LEFT JOIN delivery_message m
        ON m.day = %(day)s AND m.campaign_id = p.campaign_id AND m.recipient = p.recipient
    WHERE p.campaign_id = %(campaign)s AND p.recipient >= %(first)s AND p.recipient < %(end)s
) AS told
"""


def _of_pushed(campaign: Campaign, parts: int) -> Iterator[Lines]:
    """Every message of a trigger, in the order in which they were accepted."""
    rest = STATES_OF[counters.rest_term(campaign)][0]
    for chunk in Chunk.objects.filter(campaign=campaign).order_by("number"):
        values: dict[str, Any] = {
            "day": campaign.day,
            "campaign": campaign.pk,
            "first": chunk.first,
            "end": chunk.first + chunk.count,
            "intended": chunk.first + chunk.intended,
            "waiting": MessageState.INTENDED,
            "rest": rest,
            "parts": parts,
        }
        yield Lines(PushedPiece(chunk), _with_nobody(_read(_PUSHED, values)))


def _of_the_intended(campaign: Campaign, piece: Piece) -> bytes:
    if campaign.started_at is None:
        return b""
    return _read(_LINES, {"day": campaign.day, "campaign": campaign.pk, "first": piece.first, "end": piece.end})


def _read(statement: str, values: dict[str, Any]) -> bytes:
    with connections[router.db_for_read(Message)].cursor() as cursor:
        cursor.execute(statement, values)
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
