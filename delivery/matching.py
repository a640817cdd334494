"""Receipts find their messages by what is on record: those that came before their response, on another process, in
another base, and those of a message in doubt."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from django.conf import settings
from django.db import connection, transaction

from channels.models import Channel
from delivery.intents import OVERDUE_MARGIN
from delivery.plans import by_key
from delivery.results import copy_ids
from delivery.statuses import MessageState
from delivery.verdicts import VERDICTS, Verdicts, meant, raise_in
from delivery.whereabouts import Whereabouts
from smpp import receipts
from smpp.receipts import MessageState as CarrierState

S = MessageState
BATCH = 5000
# An operator's usual longest validity is a week; a spread campaign's messages stand under its first day.
REMEMBERED = timedelta(days=60)
# A receipt for a message in doubt is matched by number once its own id had time to turn up.
DOUBT_AFTER = timedelta(seconds=5)
# Receipts that match nothing are looked at again and again, each time a quarter of their age later.
LONGEST_WAIT = timedelta(hours=1)
HOPE = timedelta(days=7)
MATCHING = (19779, 2)  # the advisory lock of whoever matches

_UNAPPLIED = """
SELECT day, id, channel_id, message_id, phone, state, error_code, received_at
FROM delivery_receipt
WHERE applied_at IS NULL AND is_receipt AND next_try_at < %s
ORDER BY next_try_at, id LIMIT %s
"""
_TRY_LATER = """
UPDATE delivery_receipt r
SET next_try_at = CASE WHEN r.received_at < %(now)s - %(hope)s THEN 'infinity'
                       ELSE %(now)s + least(greatest(%(now)s - r.received_at, interval '0') / 4, %(longest)s) END
FROM unnest(%(days)s::date[], %(ids)s::bigint[]) AS g (day, id)
WHERE r.day = g.day AND r.id = g.id
"""
# Campaigns of which an answer may still be stored; `is_late` when it may be one that should have come before now. Of a
# frozen chunk nobody knows what was sent.
_SUSPECTS = """
SELECT w.channel_id, p.id, p.mode = 'trigger', bool_or(
    c.status = 'frozen' OR c.unresolved > 0
    OR (SELECT i.at FROM delivery_intent i WHERE i.chunk_id = c.id AND NOT i.is_retry ORDER BY i.id DESC LIMIT 1) <= %s
)
FROM delivery_chunk c JOIN campaigns_campaign p ON p.id = c.campaign_id CROSS JOIN LATERAL (
    SELECT p.channel_id UNION SELECT m.channel_id FROM channels_routemember m WHERE m.route_id = p.route_id
) w
WHERE (c.status IN ('open', 'quarantined') AND (c.intended > c.next OR c.unresolved > 0) OR c.status = 'frozen')
  AND w.channel_id = ANY(%s)
GROUP BY 1, 2, 3
"""
# 0 was erased (recipients.erased): the id alone says whose receipt it is.
_BY_ID = """
SELECT DISTINCT ON (g.id) g.id, c.day, c.campaign_id, c.recipient, c.part, c.phone
FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::bigint[], %s::int[])
    AS g (id, channel_id, message_id, phone, choice)
JOIN delivery_carrierid c ON c.channel_id = g.channel_id AND c.message_id = g.message_id AND c.phone IN (g.phone, 0)
WHERE c.day BETWEEN %s AND CURRENT_DATE + 1
ORDER BY g.id, c.phone = 0, g.choice, c.day DESC
"""
# A receipt that no id explains, for a number of which exactly one message of this channel is in doubt: evidence that it
# was taken after all. Of several parts we would not know which.
_BY_DOUBT = """
SELECT g.id, min(m.day), min(d.campaign_id), min(d.recipient), 0, g.phone
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::timestamptz[]) AS g (id, channel_id, phone, received_at)
JOIN delivery_doubt d
  ON d.channel_id = g.channel_id AND d.phone = g.phone AND g.received_at > d.at - interval '5 minutes'
JOIN campaigns_campaign p ON p.id = d.campaign_id
JOIN delivery_message m ON m.day = (p.started_at AT TIME ZONE 'UTC')::date AND m.campaign_id = d.campaign_id
                       AND m.recipient = d.recipient
GROUP BY g.id, g.phone
HAVING count(*) = 1 AND min(m.parts) = 1
"""
_APPLIED = """
UPDATE delivery_receipt r
SET message_day = g.message_day, campaign_id = g.campaign_id, recipient = g.recipient, part = g.part, applied_at = %s
FROM unnest(%s::date[], %s::bigint[], %s::date[], %s::bigint[], %s::int[], %s::int[])
    AS g (day, id, message_day, campaign_id, recipient, part)
WHERE r.day = g.day AND r.id = g.id
"""

Unapplied = tuple[date, int, int, str, int | None, int, int, datetime]


class Finding(NamedTuple):
    """A receipt whose message is known."""

    place: Whereabouts
    state: CarrierState
    code: int

    @property
    def key(self) -> tuple[int, int]:
        return self.place[1], self.place[2]


def match_pending(*, now: datetime) -> int:
    """Match what the inbox still holds and is due; how many receipts found their message.

    One at a time: a long inbox must not keep every thread of the clock from the tick.
    """
    matched = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", MATCHING)
            if cursor.fetchone() != (True,):
                return matched
            cursor.execute(_UNAPPLIED, [now, BATCH])
            rows: list[Unapplied] = cursor.fetchall()
            matched += _match(rows, now=now)
        if len(rows) < BATCH:
            return matched


def _match(rows: list[Unapplied], *, now: datetime) -> int:
    if not rows:
        return 0
    final = set(Channel.objects.filter(accepted_is_delivered=True).values_list("pk", flat=True))
    rows = [(*row[:5], meant(CarrierState(row[5]), accepted_is_delivered=row[2] in final), *row[6:]) for row in rows]
    readable = {row[1]: row for row in rows if row[4] is not None}
    # Asked first: who is not suspect now has its ids or its doubts on record below.
    suspects = _suspects({row[2] for row in rows}, overdue=now - _to_answer())
    places = _find_by_id(readable.values(), now=now)
    guessed = _find_by_doubt([row for pk, row in readable.items() if pk not in places], suspects, now=now)
    places |= guessed
    findings = {pk: Finding(place, CarrierState(readable[pk][5]), readable[pk][6]) for pk, place in places.items()}
    applied = _raise(findings.values(), at=now)
    done = [(readable[pk], one.place) for pk, one in findings.items() if one.key in applied]
    found = {row[1] for row, _ in done}
    _note_ids([(row, place) for row, place in done if row[1] in guessed])
    _try_later([row for row in rows if row[1] not in found], now=now)
    if done:
        with connection.cursor() as cursor:
            cursor.execute(
                _APPLIED,
                [
                    now,
                    [row[0] for row, _ in done],
                    [row[1] for row, _ in done],
                    *([place[n] for _, place in done] for n in range(4)),
                ],
            )
    return len(done)


def _raise(findings: Iterable[Finding], *, at: datetime) -> set[tuple[int, int]]:
    """Raise the messages' states; the (campaign, recipient) of those whose receipts are done with."""
    done = set()
    by_campaign: dict[tuple[date, int], list[tuple[int, int, bool, int]]] = {}
    for finding in findings:
        (day, campaign, recipient, part, _), state, code = finding
        done.add((campaign, recipient))
        verdict = VERDICTS[state]
        if verdict is not None:  # on its way, or unknown: kept, and nothing to raise
            by_campaign.setdefault((day, campaign), []).append((recipient, part, verdict is S.DELIVERED, code))
    for (day, campaign), messages in sorted(by_campaign.items()):
        verdicts = Verdicts.of(*(np.array(column) for column in zip(*messages, strict=True)))
        missing = raise_in(day, campaign, verdicts, at=at)
        done -= {(campaign, recipient) for recipient in missing.tolist()}
    return done


def _note_ids(done: list[tuple[Unapplied, Whereabouts]]) -> None:
    """What a doubt explained has its id now: the same receipt once more must not explain another."""
    for row, one in {(row[2], row[3]): (row, one) for row, one in done}.values():
        with connection.cursor() as cursor:
            copy_ids(cursor, row[2], np.array([row[3].encode()]), one.columns)


def _try_later(rows: list[Unapplied], *, now: datetime) -> None:
    values: dict[str, Any] = {"now": now, "hope": HOPE, "longest": LONGEST_WAIT}
    values |= {"days": [row[0] for row in rows], "ids": [row[1] for row in rows]}
    with connection.cursor() as cursor:
        cursor.execute(_TRY_LATER, values)


def _find_by_id(rows: Iterable[Unapplied], *, now: datetime) -> dict[int, Whereabouts]:
    return by_id(
        [
            (pk, channel, candidate, phone, choice)
            for _, pk, channel, message_id, phone, *_ in rows
            for choice, candidate in enumerate(receipts.candidates(message_id))
        ],
        now=now,
    )


def by_id(tries: Sequence[tuple[int, int, str, int | None, int]], *, now: datetime) -> dict[int, Whereabouts]:
    """`tries` are (what it is called, channel, id, phone, the lower the likelier); found by key."""
    if not tries:
        return {}
    with connection.cursor() as cursor:
        by_key(cursor)
        cursor.execute(_BY_ID, [*(list(column) for column in zip(*tries, strict=True)), (now - REMEMBERED).date()])
        return {pk: Whereabouts(*place) for pk, *place in cursor.fetchall()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A campaign that a receipt without an id may be of, though none of its doubts says so."""

    campaign_id: int
    is_trigger: bool
    is_late: bool

    def may_be_meant(self, *, doubted: int, is_ripe: bool) -> bool:
        """Rather than the one doubt, of that campaign: a trigger may have another message to the same number."""
        return (self.is_late or not is_ripe) and (self.is_trigger or self.campaign_id != doubted)


def _to_answer() -> timedelta:
    """After which no response is waited for."""
    return timedelta(seconds=settings.RESPONSE_TIMEOUT) + OVERDUE_MARGIN


def _suspects(channels: set[int], *, overdue: datetime) -> dict[int, list[Suspect]]:
    """By channel."""
    found: dict[int, list[Suspect]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_SUSPECTS, [overdue, list(channels)])
        for channel_id, campaign_id, is_trigger, is_late in cursor.fetchall():
            suspect = Suspect(campaign_id=campaign_id, is_trigger=is_trigger, is_late=bool(is_late))
            found.setdefault(channel_id, []).append(suspect)
    return found


def _find_by_doubt(
    rows: list[Unapplied], suspects: dict[int, list[Suspect]], *, now: datetime
) -> dict[int, Whereabouts]:
    ids: dict[tuple[int, int | None], set[str]] = {}
    for _, _, channel, message_id, phone, *_ in rows:
        ids.setdefault((channel, phone), set()).add(message_id)
    tries = {
        pk: (channel, phone, at)
        for _, pk, channel, _, phone, state, _, at in rows
        if VERDICTS[state] is not None
        and at <= now - DOUBT_AFTER
        # Two ids are of two messages, and nobody knows which is whose.
        and len(ids[channel, phone]) == 1
    }
    if not tries:
        return {}
    with connection.cursor() as cursor:
        by_key(cursor)
        cursor.execute(_BY_DOUBT, [list(tries), *(list(column) for column in zip(*tries.values(), strict=True))])
        found = {pk: Whereabouts(*place) for pk, *place in cursor.fetchall()}
    ripe = now - _to_answer()
    return {
        pk: place
        for pk, place in found.items()
        if not any(
            one.may_be_meant(doubted=place.campaign, is_ripe=tries[pk][2] <= ripe)
            for one in suspects.get(tries[pk][0], ())
        )
    }
