"""Messages that a program pushes into a trigger campaign: accepted in one short transaction, then the bell rings.

What is accepted is a row, and a recipient more in the campaign's last chunk: from there on everything is the
dispatcher's usual work (docs/adr/0076).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.models import ApiKey
from audit.refusal import Refused
from campaigns import gsm
from campaigns.models import Campaign
from campaigns.placeholders import Template, key_of
from campaigns.statuses import Mode, Status
from delivery import due
from delivery.models import Push
from delivery.statuses import Term
from recipients import suppressions

CHUNK = 1_000  # messages after which another chunk begins: a look reads a whole one
MOST = 1_000  # in one call
LONGEST_KEY = 255
TAKING = (Status.SENDING, Status.PAUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One message: `params` fill the text, or `text` is what it must come to; with both, they must agree."""

    to: str
    params: Mapping[str, str] | None = None
    text: str | None = None
    key: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """`id` finds it again; `status` is WAITING, or SUPPRESSED when its number gets nothing, or of a repetition as its
    first was answered."""

    id: int
    status: Term


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fit:
    ask: Ask
    phone: int
    cells: tuple[str, ...]

    @property
    def digest(self) -> str:
        ask = self.ask
        said: list[Any] = [self.phone, self.cells, ask.expires_at and ask.expires_at.timestamp()]
        return hashlib.sha256(json.dumps(said, separators=(",", ":")).encode()).hexdigest()


def push(campaign: Campaign, asks: Sequence[Ask], *, by: ApiKey | None, now: datetime) -> list[Taken | Refused]:
    """An answer for each, in order: what is refused keeps nothing else from being accepted. `by` is the key of the
    program, kept with each message.

    Raises Refused when the campaign takes none: it is no trigger, has not been let go, or is over. While it is paused
    or in its closed hours messages are taken and wait.
    """
    if campaign.mode != Mode.TRIGGER:
        raise Refused(
            _("%(campaign)s is no trigger: it sends to a list.") % {"campaign": campaign}, code="not_a_trigger"
        )
    fits = _judged(campaign, asks, now=now)
    good = [fit for fit in fits if isinstance(fit, _Fit)]
    if not good:
        _check_taking(campaign, campaign.status, now=now)
        return [fit for fit in fits if isinstance(fit, Refused)]
    taken = iter(_take(campaign, good, by=by, now=now))
    return [fit if isinstance(fit, Refused) else next(taken) for fit in fits]


@transaction.atomic
def _take(campaign: Campaign, fits: Sequence[_Fit], *, by: ApiKey | None, now: datetime) -> list[Taken | Refused]:
    with connection.cursor() as cursor:
        # SHARE: many may push at once, and nobody while the campaign is paused, ended or cancelled.
        cursor.execute("SELECT status FROM campaigns_campaign WHERE id = %s FOR SHARE", [campaign.pk])
        (status,) = cursor.fetchone()
        _check_taking(campaign, status, now=now)
        chunk_id, begin = _last_chunk(cursor, campaign.pk)
        known = _known(campaign, fits)
        cursor.execute(
            "SELECT suppressed_among(%s, %s::bigint[])", [campaign.workspace_id, [fit.phone for fit in fits]]
        )
        unwanted = set(cursor.fetchone()[0])
        made: list[Push] = []
        answers = [
            _answer(campaign, fit, known, made, first=begin, is_suppressed=fit.phone in unwanted, by=by, now=now)
            for fit in fits
        ]
        if made:
            Push.objects.bulk_create(made)
            _grow(cursor, chunk_id, len(made), rings=status == Status.SENDING and campaign.hours.is_open(now), now=now)
    return answers


def _answer(
    campaign: Campaign,
    fit: _Fit,
    known: dict[str, Push],
    made: list[Push],
    *,
    first: int,
    is_suppressed: bool,
    by: ApiKey | None,
    now: datetime,
) -> Taken | Refused:
    key = fit.ask.key
    if key is not None and (earlier := known.get(key)):
        if earlier.digest != fit.digest:
            return Refused(
                _("The key “%(key)s” was used for another message.") % {"key": key}, code="key_mismatch", field="key"
            )
        return _taken(earlier)
    one = Push(
        workspace_id=campaign.workspace_id,
        campaign_id=campaign.pk,
        recipient=first + len(made),
        phone=fit.phone,
        cells=list(fit.cells),
        key=key,
        digest=fit.digest,
        expires_at=fit.ask.expires_at,
        is_suppressed=is_suppressed,
        at=now,
        pushed_by=by,
    )
    made.append(one)
    if key is not None:
        known[key] = one
    return _taken(one)


def _taken(pushed: Push) -> Taken:
    return Taken(id=pushed.recipient, status=Term.SUPPRESSED if pushed.is_suppressed else Term.WAITING)


def _check_taking(campaign: Campaign, status: str, *, now: datetime) -> None:
    if status not in TAKING:
        told = {"campaign": campaign, "status": Status(status).label.lower()}
        raise Refused(_("%(campaign)s is %(status)s: it takes no messages.") % told, code="wrong_status")
    if campaign.not_after is not None and campaign.not_after <= now:
        raise Refused(_("The end of %(campaign)s has passed.") % {"campaign": campaign}, code="deadline_passed")


_LAST = """
SELECT id, number, first, count, status FROM delivery_chunk WHERE campaign_id = %s ORDER BY number DESC LIMIT 1
FOR NO KEY UPDATE
"""
_NEXT = """
INSERT INTO delivery_chunk (campaign_id, number, first, count, key, sha256, status, owner, epoch, next, intended,
                            unresolved, plan_first)
VALUES (%s, %s, %s, 0, '', '', 'done', '', 0, 0, 0, 0, 0) ON CONFLICT DO NOTHING
"""


def _last_chunk(cursor: Any, campaign_id: int) -> tuple[int, int]:
    """The chunk that grows, locked, and the number of the next recipient. Whoever has it is the only one that pushes:
    keys are looked up after it."""
    while True:
        cursor.execute(_LAST, [campaign_id])
        last = cursor.fetchone()
        if last and last[3] < CHUNK and last[4] in ("open", "done"):
            return last[0], last[2] + last[3]
        number, first = (last[1] + 1, last[2] + last[3]) if last else (0, 0)
        cursor.execute(_NEXT, [campaign_id, number, first])


def _known(campaign: Campaign, fits: Sequence[_Fit]) -> dict[str, Push]:
    keys = [fit.ask.key for fit in fits if fit.ask.key is not None]
    if not keys:
        return {}
    return {str(one.key): one for one in Push.objects.filter(campaign=campaign, key__in=keys)}


# Nobody rings for a chunk that somebody has, or that was rung for and waits: whoever puts it down looks again.
_GROW = """
UPDATE delivery_chunk c SET
    count = c.count + %(n)s, status = 'open',
    rung_at = CASE WHEN b.is_needed THEN %(now)s ELSE c.rung_at END
FROM (
    SELECT id, %(rings)s AND (owner = '' OR lease_until < %(now)s)
        AND NOT coalesce(rung_at BETWEEN %(now)s - %(again)s AND %(now)s + %(again)s
                         AND (released_at IS NULL OR rung_at >= released_at), false) AS is_needed
    FROM delivery_chunk WHERE id = %(chunk)s
) b
WHERE c.id = b.id
RETURNING b.is_needed
"""


def _grow(cursor: Any, chunk_id: int, n: int, *, rings: bool, now: datetime) -> None:
    values: dict[str, Any] = {"chunk": chunk_id, "n": n, "rings": rings, "now": now, "again": settings.RING_AGAIN}
    cursor.execute(_GROW, values)
    (is_needed,) = cursor.fetchone()
    if is_needed:
        transaction.on_commit(partial(due.sound, chunk_id, rung_at=now), robust=True)


def _judged(campaign: Campaign, asks: Sequence[Ask], *, now: datetime) -> list[_Fit | Refused]:
    numbers = suppressions.numbers_of([ask.to for ask in asks], campaign.workspace)
    return [_fit(campaign, ask, number, now=now) for ask, number in zip(asks, numbers, strict=True)]


def _fit(campaign: Campaign, ask: Ask, number: int | Refused, *, now: datetime) -> _Fit | Refused:
    try:
        if isinstance(number, Refused):
            raise Refused(number.message, code=number.code, field="to")
        if ask.expires_at is not None and ask.expires_at <= now:
            raise Refused(_("%(name)s is in the past.") % {"name": "expires_at"}, code="expired", field="expires_at")
        if ask.key is not None and not 0 < len(ask.key) <= LONGEST_KEY:
            told = {"most": LONGEST_KEY}
            raise Refused(_("A key has 1 to %(most)s characters.") % told, code="bad_key", field="key")
        return _Fit(ask=ask, phone=number, cells=_cells(campaign.template, ask))
    except Refused as refusal:
        return refusal


def _cells(template: Template, ask: Ask) -> tuple[str, ...]:
    params = template.values_in(ask.text) if ask.params is None and ask.text is not None else ask.params or {}
    if params is None:
        raise _other_text()
    given = {key_of(name): value for name, value in params.items()}
    names = {key_of(name): name for name in template.names}
    if unknown := next((name for name in params if key_of(name) not in names), None):
        known = ", ".join(template.names) or _("none")
        raise Refused(
            _("The text has no placeholder “%(name)s”; it has: %(known)s.") % {"name": unknown, "known": known},
            code="unknown_param",
            field=f"params.{unknown}",
        )
    cells = tuple(given.get(key, "") for key in names)
    (text,) = template.fill([cells], template.names)
    if text is None:
        lacking = {one.key: one.name for one in template.placeholders if one.default is None}
        name = next(name for key, name in lacking.items() if not given.get(key, "").strip())
        raise Refused(
            _("The text needs a value for “%(name)s”.") % {"name": name}, code="param_missing", field=f"params.{name}"
        )
    if ask.text is not None and ask.text != text:
        raise _other_text()
    if (parts := gsm.count_parts(text)) > settings.MAX_PARTS:
        raise Refused(
            _("The text would be %(parts)s parts long; the limit is %(most)s.")
            % {"parts": parts, "most": settings.MAX_PARTS},
            code="text_too_long",
            field="params" if ask.params is not None else "text",
        )
    return cells


def _other_text() -> Refused:
    return Refused(
        _("This is not the text that was approved, with its placeholders filled."), code="text_differs", field="text"
    )
