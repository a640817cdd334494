"""Numbers that must not get anything: of a workspace, or, where the workspace is None, of the whole installation.

The ledger never holds one in clear: an entry has the number masked, and its `fingerprint` to find it again by. A number
that was erased stands here by its mark (`recipients.marks`), and is left out like any other.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from accounts.models import User, Workspace
from audit import keyed
from audit.ledger import record
from audit.refusal import Refused
from recipients import marks, phones
from recipients.cells import Cells
from recipients.models import Suppression, SuppressionCount
from recipients.querysets import SuppressionQuerySet
from recipients.reasons import Reason
from recipients.statuses import Source

LONGEST_REASON = 500
NEWEST = 25
AT_ONCE = 100_000  # numbers in one value from the database
# Of no consequence for a number with its country code, and any other is read as if it had a +.
ANY_COUNTRY = "NL"
TELLING = 7  # digits by which a number is known
# Between the time that a row says and its id lie a batch of an import, and the difference of two clocks.
ASTRAY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    hand: int = 0
    imported: int = 0
    opt_out: int = 0

    @property
    def count(self) -> int:
        return self.hand + self.imported + self.opt_out


def number_of(text: str, workspace: Workspace | None) -> int:
    """E.164 digits of a number in whatever format; raises Refused. National format needs the workspace's country."""
    (number,) = numbers_of([text], workspace)
    if isinstance(number, Refused):
        raise number
    return number


def numbers_of(texts: Sequence[str], workspace: Workspace | None) -> list[int | Refused]:
    """The same of many, each with its own answer."""
    country = workspace.country if workspace else ""
    lines = b"".join(_line(text.strip(), country) for text in texts)
    found = phones.normalise(Cells.of_lines(lines), country or ANY_COUNTRY)
    read = zip(texts, found.reasons.tolist(), found.e164.tolist(), strict=True)
    return [_bad_number(text, Reason(reason)) if reason else int(number) for text, reason, number in read]


def _line(value: str, country: str) -> bytes:
    if not country and not value.startswith(("+", "00")):
        value = f"+{value}"
    return value.replace("\n", " ").encode(errors="replace") + b"\n"


def _bad_number(text: str, reason: Reason) -> Refused:
    return Refused(
        _("“%(number)s” is not a phone number: %(sentence)s")
        % {"number": text.strip()[:40], "sentence": reason.sentence},
        code="bad_number",
    )


@transaction.atomic
def add(workspace: Workspace | None, number: str, *, reason: str, by: User) -> Suppression:
    phone = number_of(number, workspace)
    reason = checked_reason(reason, phone)
    row, is_new = _put(workspace, phone, Source.HAND, reason=reason, by=by)
    if not is_new:
        raise Refused(
            _("%(row)s is suppressed already, since %(added_at)s.")
            % {"row": row, "added_at": f"{row.added_at:%-d %B %Y}"},
            code="already_suppressed",
        )
    return row


@transaction.atomic
def opt_out(
    workspace: Workspace | None,
    phone: int,
    *,
    reason: str = "The recipient asked for it.",
    by: User | None = None,
) -> Suppression:
    """The recipient wants nothing any more. Harmless when said again: the first time stands."""
    row, _ = _put(workspace, phone, Source.OPT_OUT, reason=checked_reason(reason, phone), by=by)
    return row


@transaction.atomic
def remove(suppression_id: int, *, reason: str, by: User) -> None:
    """From now on the number may get messages again. Raises Refused when somebody else was first."""
    try:
        row = Suppression.objects.lock(suppression_id)
    except Suppression.DoesNotExist:
        raise Refused(_("This number is not suppressed any more."), code="not_suppressed") from None
    reason = checked_reason(reason, row.phone)
    before = {"hash": fingerprint(row.phone), "source": row.source, "since": row.added_at}
    record("suppression.removed", row, by=by, note=reason, before=before)
    count(row.workspace_id, Source(row.source), -1)
    row.delete()


def find(
    workspace: Workspace | None, number: str, *, source: Collection[str] = (), added_after: datetime | None = None
) -> list[Suppression]:
    """The entries that keep messages of the workspace from this number: its own, the installation's, both or none."""
    names = marks.names_of([number_of(number, workspace)])
    found = Suppression.objects.that_bind(workspace).filter(phone__in=names)
    return list(found.listed(source=source, added_after=added_after).explained().order_by("-pk"))


def listed(
    workspace: Workspace, *, source: Collection[str] = (), added_after: datetime | None = None
) -> SuppressionQuerySet:
    """Those of a workspace, to be read by descending id, which ends where everything is older."""
    rows = Suppression.objects.of(workspace).listed(source=source, added_after=added_after).explained()
    return rows if added_after is None else rows.filter(pk__gt=_last_before(workspace.pk, added_after - ASTRAY))


def newest(workspace: Workspace | None, *, source: str = "") -> list[Suppression]:
    rows = Suppression.objects.of(workspace).listed(source=[source] if source else [])
    return list(rows.explained().order_by("-pk")[:NEWEST])


def totals(workspace: Workspace | None) -> Totals:
    counted = dict(SuppressionCount.objects.filter(workspace=workspace).values_list("source", "n"))
    return Totals(
        hand=counted.get(Source.HAND, 0),
        imported=counted.get(Source.IMPORT, 0),
        opt_out=counted.get(Source.OPT_OUT, 0),
    )


def that_bind(workspace: Workspace, phones: Iterable[int]) -> set[int]:
    """Those of these numbers that must not get anything from the workspace."""
    names = marks.names_of(phones)
    found = Suppression.objects.that_bind(workspace).filter(phone__in=names)
    return {names[name] for name in found.values_list("phone", flat=True)}


def fingerprint(phone: int) -> str:
    """The same for the same number, and of no use to whoever does not have this installation's secret key."""
    return fingerprints(phone)[0]


def fingerprints(phone: int) -> list[str]:
    """That of today's key, and those by which the ledger knew it under the keys before."""
    return keyed.digests("recipients.suppressions", str(phone))


# Each step looks at one row in the middle, compared so that only the index of the workspace's own has them in order.
# Rows of erased numbers have a new id, and say since when the old one was there.
_HALVING = """
WITH RECURSIVE halving (low, high) AS (
    SELECT 0::bigint, (SELECT max(id) FROM recipients_suppression WHERE workspace_id = %(workspace)s)
    UNION ALL
    SELECT CASE WHEN next.is_before THEN next.id ELSE low END, CASE WHEN next.is_before THEN high ELSE half END
    FROM halving CROSS JOIN LATERAL (SELECT (low + high) / 2 AS half) middle CROSS JOIN LATERAL (
        SELECT id, added_at <= %(at)s AS is_before FROM recipients_suppression
        WHERE (workspace_id, id) > (%(workspace)s, half) AND workspace_id <= %(workspace)s AND phone < %(marks)s
        ORDER BY workspace_id, id LIMIT 1
    ) next
    WHERE low < high
)
SELECT max(low) FROM halving
"""


def _last_before(workspace_id: int, at: datetime) -> int:
    """An id up to which everything was added before: ids go up with time, but for what is `ASTRAY`."""
    with connection.cursor() as cursor:
        cursor.execute(_HALVING, {"workspace": workspace_id, "at": at, "marks": marks.FIRST})
        (last,) = cursor.fetchone()
    return int(last)


_PIECE = """
SELECT string_agg(int8send(phone), ''::bytea), max(phone) FROM (
    SELECT phone FROM recipients_suppression
    WHERE workspace_id {scope} AND phone > %(after)s ORDER BY phone LIMIT %(count)s
) piece
"""


def numbers_for(workspace_id: int) -> NDArray[np.uint64]:
    """Every number that must not get anything from the workspace, sorted, each once; eight bytes a number. Behind them
    the marks of those that were erased."""
    own, everywhere = _numbers(workspace_id), _numbers(None)
    return distinct(np.concatenate((own, everywhere))) if len(everywhere) else own


def without_erased(workspace_id: int | None, numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Without those that stand on this list by their marks already."""
    erased = Suppression.objects.of(workspace_id).filter(phone__gte=marks.FIRST).values_list("phone", flat=True)
    known = np.array(list(erased), dtype=np.uint64)
    return numbers[~marks.are_among(numbers, known)] if len(known) else numbers


def distinct(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Sorted, each once; np.unique takes six times as long."""
    ordered = np.sort(numbers, kind="stable")
    return ordered[np.concatenate(([True], ordered[1:] != ordered[:-1]))] if len(ordered) else ordered


def _numbers(workspace_id: int | None) -> NDArray[np.uint64]:
    statement = _PIECE.format(scope="IS NULL" if workspace_id is None else "= %(workspace)s")
    pieces: list[NDArray[np.uint64]] = []
    after: int | None = 0
    with connection.cursor() as cursor:
        while after is not None:
            cursor.execute(statement, {"workspace": workspace_id, "after": after, "count": AT_ONCE})
            digits, after = cursor.fetchone()
            if digits is not None:
                pieces.append(np.frombuffer(digits, dtype=">i8").astype(np.uint64))
    return np.concatenate(pieces) if pieces else np.empty(0, dtype=np.uint64)


_COUNT = """
INSERT INTO recipients_suppressioncount AS counted (workspace_id, source, n) VALUES (%s, %s, %s)
ON CONFLICT (workspace_id, source) DO UPDATE SET n = counted.n + EXCLUDED.n
"""


def count(workspace_id: int | None, source: Source, n: int) -> None:
    """Say it last in a transaction: until its end, others who change the same list wait."""
    if n < 0:
        SuppressionCount.objects.filter(workspace=workspace_id, source=source).update(n=F("n") + n)
    elif n > 0:
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, [workspace_id, source, n])


def checked_reason(text: str, phone: int | None = None) -> str:
    reason = text.strip()
    if not reason:
        raise Refused(_("Say why."), code="reason_missing")
    if len(reason) > LONGEST_REASON:
        raise Refused(
            _("Say why in at most %(most)s characters.") % {"most": LONGEST_REASON},
            code="reason_too_long",
        )
    if phone is not None and str(phone)[-TELLING:] in re.sub(r"\D", "", reason):
        raise Refused(_("Leave the number out of the reason: the ledger keeps it for ever."), code="number_in_reason")
    return reason


def _put(
    workspace: Workspace | None, phone: int, source: Source, *, reason: str, by: User | None
) -> tuple[Suppression, bool]:
    if row := _erased(workspace, phone):
        return row, False
    row, is_new = Suppression.objects.get_or_create(
        workspace=workspace, phone=phone, defaults={"source": source, "reason": reason, "added_by": by}
    )
    if is_new:
        after = {"hash": fingerprint(phone), "source": source}
        record("suppression.added", row, by=by, note=reason, after=after)
        count(row.workspace_id, source, 1)
    return row, is_new


def _erased(workspace: Workspace | None, phone: int) -> Suppression | None:
    """The entry of a number that was erased: it stands, whoever wants to write the number down again."""
    names = marks.of(np.array([phone], dtype=np.uint64)).ravel().tolist()
    return Suppression.objects.of(workspace).filter(phone__in=names).first()
