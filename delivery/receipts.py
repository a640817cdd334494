"""Receipts: committed to the inbox before they are acknowledged, matched in bulk, and states only rise."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction

from channels.models import Channel
from delivery import copying, doubts, inbound, inbox, incidents, reasons, tallies
from delivery.batches import NOTHING, Ids, Integers
from delivery.copying import array, copied
from delivery.errors import STATE_STEP
from delivery.id_bases import bases, converted
from delivery.inbox import Arrival
from delivery.intents import OVERDUE_MARGIN
from delivery.plans import by_key, partition
from delivery.results import copy_ids
from delivery.rows import day_of, days
from delivery.statuses import ErrorKind, IncidentKind, MessageState
from delivery.tallies import standing
from delivery.whereabouts import Bools, Places, Whereabouts, blank, normal, normal_forms, whereabouts
from smpp import receipts
from smpp.bulk import Octets
from smpp.pdu import HEADER
from smpp.receipts import MessageState as CarrierState
from smpp.status import CommandStatus

logger = logging.getLogger(__name__)

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

# Milliseconds: whoever waits longer for a row answers 0x08, and lets the others' receipts in.
STORE_WITHIN = 2000
NO_PHONE = -1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Told:
    """Receipts of one channel that say the same of different messages."""

    arrival: Arrival
    state: CarrierState
    error: str
    message_ids: Ids
    phones: Integers
    bodies: Callable[[int], bytes]  # by its place among them
    conflict: bool = False

    @property
    def code(self) -> int:
        return error_code(self.state, self.error)

    @property
    def verdict(self) -> MessageState | None:
        return VERDICTS[_meant(self.state, accepted_is_delivered=self.arrival.accepted_is_delivered)]


class Finding(NamedTuple):
    """A receipt whose message is known."""

    place: Whereabouts
    state: CarrierState
    code: int

    @property
    def key(self) -> tuple[int, int]:
        return self.place[1], self.place[2]


# What a receipt's message_state says of the part; intermediate ones say nothing yet (reference: SMPP 3.4 §5.2.28).
_VERDICTS: dict[CarrierState, MessageState] = {
    CarrierState.DELIVERED: S.DELIVERED,
    CarrierState.EXPIRED: S.FAILED,
    CarrierState.DELETED: S.FAILED,
    CarrierState.UNDELIVERABLE: S.FAILED,
    CarrierState.REJECTED: S.FAILED,
    CarrierState.SKIPPED: S.FAILED,
}
# By message_state; a tuple, as hashing a member of an enumeration for each receipt is dear.
VERDICTS: tuple[MessageState | None, ...] = tuple(_VERDICTS.get(state) for state in CarrierState)


def _meant(state: CarrierState, *, accepted_is_delivered: bool) -> CarrierState:
    """ACCEPTED is final with some carriers, and on its way with most."""
    return CarrierState.DELIVERED if accepted_is_delivered and state is CarrierState.ACCEPTED else state


def take_in(arrivals: Sequence[Arrival]) -> int:
    """Store them, and apply those whose message is known; the command_status to answer with.

    0x08 when the database does not take them: the carrier sends them again.
    """
    try:
        unlike = _store(arrivals)
        for channel_id, count in unlike.items():
            sample, at = reasons.RECEIPTS_CONTRADICT, arrivals[-1].at
            incidents.note(IncidentKind.PROTOCOL, at=at, sample=sample, channel_id=channel_id, count=count)
    except (DatabaseError, InterfaceError) as error:
        logger.warning("receipts.not_stored", extra={"reads": len(arrivals), "error": str(error)})
        return int(CommandStatus.RSYSERR)
    return int(CommandStatus.ROK)


@transaction.atomic
def _store(arrivals: Sequence[Arrival]) -> Counter[int]:
    """How many of each channel contradict themselves."""
    with connection.cursor() as cursor:
        by_key(cursor, within=STORE_WITHIN)
    inbox.keep(arrivals)
    told, others = _read(arrivals)
    raised, unknown = _Raised(), list[tuple[_Told, int]]()
    for one in told:
        known, places_of_known = _remembered(one)
        raised.add(one, np.flatnonzero(known), places_of_known)
        unknown += [(one, place) for place in np.flatnonzero(~known).tolist()]
    places = _looked_up(unknown, now=arrivals[-1].at)
    left: list[str] = []
    for number, (one, place) in enumerate(unknown):
        if number in places:
            raised.add(one, np.array([place]), _columns(places[number]))
        else:
            left.append(_line(one, place))
    left += raised.apply(at=arrivals[-1].at)
    if others:
        inbound.take_in([(arrival.channel_id, body, arrival.at) for arrival, body in others])
    if left:
        with connection.cursor() as cursor:
            copying.write(cursor, _COPY, left)
    return Counter(one.arrival.channel_id for one in told if one.conflict)


def _read(arrivals: Sequence[Arrival]) -> tuple[list[_Told], list[tuple[Arrival, bytes]]]:
    """What they say; and the bodies that are no receipts."""
    told: list[_Told] = []
    others: list[tuple[Arrival, bytes]] = []
    for arrival in arrivals:
        single = [body for _, body in arrival.pdus]
        for run in arrival.runs:
            bodies = run[:, HEADER.size :]
            odd = np.ones(len(bodies), bool)
            for group in receipts.alike(bodies):
                odd[group.rows] = False
                told.append(
                    _Told(
                        arrival=arrival,
                        state=group.state,
                        error=group.error,
                        message_ids=normal_forms(group.message_ids),
                        phones=group.sources,
                        bodies=partial(_body, bodies[group.rows]),
                    )
                )
            single += [bodies[place].tobytes() for place in np.flatnonzero(odd).tolist()]
        for body in single:
            receipt = _parse(body)
            if receipt is None:
                others.append((arrival, body))
            else:
                told.append(_told(arrival, body, receipt))
    return told, others


def _body(bodies: Octets, place: int) -> bytes:
    body: bytes = bodies[place].tobytes()
    return body


def _told(arrival: Arrival, body: bytes, receipt: "receipts.Receipt") -> _Told:
    number = _number(receipt.source)
    return _Told(
        arrival=arrival,
        state=receipt.state,
        error=receipt.error,
        message_ids=np.array([normal(receipt.message_id).encode()]),
        phones=np.array([NO_PHONE if number is None else number]),
        bodies=lambda _: body,
        conflict=receipt.conflict,
    )


def _parse(body: bytes) -> "receipts.Receipt | None":
    try:
        return receipts.parse(body)
    except Exception:  # the edge to the carrier: what nobody can read is kept as it came, and costs no other receipt
        logger.exception("receipts.unreadable", extra={"octets": len(body)})
        return None


def _number(text: str) -> int | None:
    """Of ASCII digits that fit a bigint; `isdigit` and `int` know more digits than a carrier may write."""
    return int(text) if len(text) < 19 and text.isascii() and text.isdecimal() else None


def _remembered(told: _Told) -> tuple[Bools, Places]:
    """Which are known, as this process handed them over, and what those mean; the number decides between readings of
    the id."""
    channel_id, ids = told.arrival.channel_id, told.message_ids.tolist()
    known, places = np.zeros(len(ids), bool), blank(len(ids))
    for base in bases.order(channel_id):
        left = np.flatnonzero(~known)
        if not len(left):
            break
        tried = converted(base, ids if len(left) == len(ids) else [ids[place] for place in left.tolist()])
        found, theirs = whereabouts.find(channel_id, tried)
        found &= theirs.phones == told.phones[left]
        hits = left[found]
        known[hits] = True
        for column, values in zip(places, theirs, strict=True):
            column[hits] = values[found]
        if len(hits):
            bases.count(channel_id, base, len(hits))
    return known, Places(*(column[known] for column in places))


def _looked_up(unknown: Sequence[tuple[_Told, int]], *, now: datetime) -> dict[int, Whereabouts]:
    """Where those belong that another process handed over, by their place in the sequence."""
    tries = [
        (number, told.arrival.channel_id, candidate, int(told.phones[place]), choice)
        for number, (told, place) in enumerate(unknown)
        for choice, candidate in enumerate(receipts.candidates(told.message_ids[place].decode()))
    ]
    return _by_id(tries, now=now)


def _columns(place: Whereabouts) -> Places:
    values = (days(place.day), *place[1:])
    return Places(*(np.array([value], np.int64) for value in values))


class _Raised:
    """Receipts whose messages are known, until they are applied together."""

    def __init__(self) -> None:
        self._told: list[tuple[_Told, Integers, Places]] = []

    def add(self, told: _Told, mine: Integers, places: Places) -> None:
        """Where those of `told` belong that are `mine`."""
        if len(mine) and told.verdict is not None:  # on its way, or unknown: kept, and nothing to raise
            self._told.append((told, mine, places))

    def apply(self, *, at: datetime) -> Iterator[str]:
        """The lines of those whose message is not on record."""
        if not self._told:
            return
        columns = [np.concatenate(column) for column in zip(*(places for _, _, places in self._told), strict=True)]
        places = Places(*columns)
        delivered = np.concatenate([np.full(len(mine), told.verdict is S.DELIVERED) for told, mine, _ in self._told])
        codes = np.concatenate([np.full(len(mine), told.code) for told, mine, _ in self._told])
        found = np.zeros(len(codes), bool)
        for day, campaign in sorted(set(zip(places.days.tolist(), places.campaigns.tolist(), strict=True))):
            its = np.flatnonzero((places.campaigns == campaign) & (places.days == day))
            verdicts = _Verdicts.of(places.recipients[its], places.parts[its], delivered[its], codes[its])
            missing = _raise_in(day_of(day), campaign, verdicts, at=at)
            found[its] = ~np.isin(places.recipients[its], missing) if len(missing) else True
        first = 0
        for told, mine, _ in self._told:
            for place in np.flatnonzero(~found[first : first + len(mine)]).tolist():
                yield _line(told, int(mine[place]))
            first += len(mine)


_COPY = (
    "COPY delivery_receipt (day, channel_id, received_at, is_receipt, message_id, phone, state, error_code,"
    " next_try_at, raw) FROM STDIN"
)
_NULL = "\\N"


def _line(told: _Told, place: int) -> str:
    """A receipt that waits for its message, in COPY's text format: due at once, whatever this process' clock says."""
    day, at = _written(told.arrival.at)
    phone = int(told.phones[place])
    return (
        f"{day}\t{told.arrival.channel_id}\t{at}\tt\t{copied(told.message_ids[place].decode())}"
        f"\t{_NULL if phone == NO_PHONE else phone}\t{int(told.state)}\t{told.code}\tepoch"
        f"\t\\\\x{told.bodies(place).hex()}\n"
    )


@lru_cache(maxsize=1024)  # what one read brought arrived at one time
def _written(at: datetime) -> tuple[str, str]:
    return str(at.date()), str(at)


def error_code(state: CarrierState, error: str) -> int:
    """message_state and the network's error code (0–99,999) in one number; unreadable codes count as 0."""
    return int(state) * STATE_STEP + (_number(error) or 0) % STATE_STEP


# The part masks only grow, so a receipt that comes twice changes nothing and order does not matter. The first strong
# final state stays, but a message called undeliverable may turn out to be delivered.
_RAISE = """
WITH given AS (
    SELECT * FROM unnest(%(recipients)s::int[], %(delivered)s::int[], %(failed)s::int[], %(codes)s::int[])
        AS g (recipient, delivered, failed, code)
), held AS (
    SELECT m.ctid, m.state AS was, m.error_kind AS kind_was, m.error_code AS code_was,
           g.code, (1 << m.parts) - 1 AS whole,
           m.accepted_mask | g.delivered | g.failed AS accepted, m.delivered_mask | g.delivered AS delivered,
           m.failed_mask | g.failed AS failed,
           m.state IN (%(uncertain)s, %(pending)s, %(no_receipt)s)
               OR (m.state = %(is_failed)s AND m.error_kind = %(receipt)s
                   AND m.error_code / %(factor)s = %(undeliverable)s) AS is_open
    FROM given g CROSS JOIN LATERAL (
        SELECT ctid, * FROM delivery_message
        WHERE day = %(day)s AND campaign_id = %(campaign)s AND recipient = g.recipient AND state >= %(uncertain)s
        FOR UPDATE
    ) m
), judged AS (
    SELECT *, CASE
        WHEN NOT is_open THEN was
        WHEN delivered = whole THEN %(is_delivered)s
        WHEN failed & ~delivered <> 0 THEN %(is_failed)s
        WHEN accepted = whole THEN %(pending)s
        ELSE was END::smallint AS becomes
    FROM held
), moved AS (
    UPDATE {partition} m SET
        accepted_mask = j.accepted, delivered_mask = j.delivered, failed_mask = j.failed, state = j.becomes,
        error_kind = CASE WHEN j.becomes = j.was THEN m.error_kind WHEN j.becomes = %(is_failed)s THEN %(receipt)s
                     ELSE 0 END,
        error_code = CASE WHEN j.becomes = j.was THEN m.error_code WHEN j.becomes = %(is_failed)s THEN j.code END,
        done_at = CASE WHEN j.becomes = j.was THEN m.done_at
                  WHEN j.becomes IN (%(is_failed)s, %(is_delivered)s) THEN %(at)s::timestamptz END
    FROM judged j
    WHERE m.ctid = j.ctid
    RETURNING m.recipient, j.was, j.kind_was, j.code_was, m.state, m.error_kind, m.error_code
)
SELECT * FROM moved
"""
_STATES = {
    "uncertain": S.UNCERTAIN,
    "pending": S.PENDING,
    "no_receipt": S.NO_RECEIPT,
    "is_failed": S.FAILED,
    "is_delivered": S.DELIVERED,
    "receipt": ErrorKind.RECEIPT,
    "factor": STATE_STEP,
    "undeliverable": CarrierState.UNDELIVERABLE,
}


class _Verdicts(NamedTuple):
    """By recipient, ascending: which parts were delivered, which failed, and with what code."""

    recipients: Integers
    delivered: Integers
    failed: Integers
    codes: Integers

    @classmethod
    def of(cls, recipients: Integers, parts: Integers, delivered: Any, codes: Integers) -> "_Verdicts":
        order = np.argsort(recipients, kind="stable")
        recipients, bits = recipients[order], 1 << parts[order].astype(np.int64)
        delivered, codes = delivered[order], codes[order]
        firsts = np.flatnonzero(np.diff(recipients, prepend=-1))
        return cls(
            recipients[firsts],
            np.bitwise_or.reduceat(np.where(delivered, bits, 0), firsts),
            np.bitwise_or.reduceat(np.where(delivered, 0, bits), firsts),
            np.maximum.reduceat(np.where(delivered, 0, codes), firsts),
        )


# The usual case, a message of one part that waits for its first word: no look at what it was. No join either, whose
# order a planner without statistics gets wrong.
_SETTLE = """
WITH moved AS (
    UPDATE {partition} m SET
        accepted_mask = 1, delivered_mask = %(delivered)s, failed_mask = %(failed)s, state = %(becomes)s,
        error_kind = %(kind)s, error_code = %(code)s, done_at = %(at)s
    WHERE m.day = %(day)s AND m.campaign_id = %(campaign)s AND m.recipient {of_these}
      AND m.state = %(pending)s AND m.parts = 1
    RETURNING 1
), n AS (SELECT count(*)::int AS n FROM moved), noted AS (
    INSERT INTO delivery_tally (campaign_id, state, error_kind, error_code, n)
    SELECT %(campaign)s, s, k, c, CASE s WHEN %(pending)s THEN -n ELSE n END
    FROM n, (VALUES (%(pending)s::smallint, 0::smallint, NULL::int), (%(becomes)s, %(kind)s, %(code)s)) AS v (s, k, c)
    WHERE n > 0
)
SELECT n FROM n
"""


def _raise_in(day: date, campaign: int, given: _Verdicts, *, at: datetime) -> Integers:
    """Raise the states of one campaign's messages, by key; the recipients of whom nothing is on record."""
    simple = given.delivered + given.failed == 1
    left = ~simple
    for code in np.unique(given.codes[simple]).tolist():
        mine = np.flatnonzero(simple & (given.codes == code))
        if _settle_all(day, campaign, given.recipients[mine], code=code, at=at) < len(mine):
            left[mine] = True  # some were not as usual; the others are not changed again
    if not left.any():
        return NOTHING
    rest = _Verdicts(*(column[left] for column in given))
    known = _raise_each(day, campaign, rest, at=at)
    return rest.recipients[~np.isin(rest.recipients, known)]


def _settle_all(day: date, campaign: int, recipients: Integers, *, code: int, at: datetime) -> int:
    """How many were waiting for just this."""
    first, last = int(recipients[0]), int(recipients[-1])
    is_run = last - first == len(recipients) - 1
    of_these = "BETWEEN %(first)s AND %(last)s" if is_run else "= ANY(%(recipients)s::int[])"
    values: dict[str, Any] = {
        **_STATES,
        "day": day,
        "campaign": campaign,
        "at": at,
        "first": first,
        "last": last,
        "recipients": "" if is_run else array(recipients.tolist()),
        "becomes": S.FAILED if code else S.DELIVERED,
        "delivered": 0 if code else 1,
        "failed": 1 if code else 0,
        "kind": ErrorKind.RECEIPT if code else ErrorKind.NONE,
        "code": code or None,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SETTLE.format(partition=partition(day), of_these=of_these), values)
        (count,) = cursor.fetchone()
    return int(count)


def _raise_each(day: date, campaign: int, given: _Verdicts, *, at: datetime) -> list[int]:
    """Whatever they were; the recipients that have a row."""
    values: dict[str, Any] = {
        **_STATES,
        "day": day,
        "campaign": campaign,
        "at": at,
        # Locks are taken in this order, everywhere.
        "recipients": array(given.recipients.tolist()),
        "delivered": array(given.delivered.tolist()),
        "failed": array(given.failed.tolist()),
        "codes": array(given.codes.tolist()),
    }
    with connection.cursor() as cursor:
        cursor.execute(_RAISE.format(partition=partition(day)), values)
        judged = [(row[0], standing(*row[1:4]), standing(*row[4:])) for row in cursor.fetchall()]
        tally = Counter(becomes for _, _, becomes in judged)
        tally.subtract(was for _, was, _ in judged)
        tallies.note(cursor, campaign, tally)
    left = [recipient for recipient, was, becomes in judged if was.state == S.UNCERTAIN != becomes.state]
    doubts.leave(campaign, left)
    return [recipient for recipient, _, _ in judged]


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
        verdicts = _Verdicts.of(*(np.array(column) for column in zip(*messages, strict=True)))
        missing = _raise_in(day, campaign, verdicts, at=at)
        done -= {(campaign, recipient) for recipient in missing.tolist()}
    return done


# --- The other side of the join: receipts that came before their response, on another process, in another base --------

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
    rows = [(*row[:5], _meant(CarrierState(row[5]), accepted_is_delivered=row[2] in final), *row[6:]) for row in rows]
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


def _note_ids(done: list[tuple[Unapplied, Whereabouts]]) -> None:
    """What a doubt explained has its id now: the same receipt once more must not explain another."""
    for row, one in {(row[2], row[3]): (row, one) for row, one in done}.values():
        with connection.cursor() as cursor:
            copy_ids(cursor, row[2], np.array([row[3].encode()]), _columns(one))


def _try_later(rows: list[Unapplied], *, now: datetime) -> None:
    values: dict[str, Any] = {"now": now, "hope": HOPE, "longest": LONGEST_WAIT}
    values |= {"days": [row[0] for row in rows], "ids": [row[1] for row in rows]}
    with connection.cursor() as cursor:
        cursor.execute(_TRY_LATER, values)


def _find_by_id(rows: Iterable[Unapplied], *, now: datetime) -> dict[int, Whereabouts]:
    return _by_id(
        [
            (pk, channel, candidate, phone, choice)
            for _, pk, channel, message_id, phone, *_ in rows
            for choice, candidate in enumerate(receipts.candidates(message_id))
        ],
        now=now,
    )


def _by_id(tries: Sequence[tuple[int, int, str, int | None, int]], *, now: datetime) -> dict[int, Whereabouts]:
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


# --- Receipts that never come -----------------------------------------------------------------------------------------

_CLOSE = """
WITH closed AS (
    UPDATE delivery_message m SET state = %(no_receipt)s, done_at = %(now)s
    WHERE m.day = %(day)s AND m.campaign_id = %(campaign)s AND m.state = %(pending)s AND m.submitted_at < %(before)s
    RETURNING 1
), n AS (SELECT count(*)::int AS n FROM closed)
INSERT INTO delivery_tally (campaign_id, state, n)
SELECT %(campaign)s, s, CASE s WHEN %(pending)s THEN -n ELSE n END
FROM n, unnest(ARRAY[%(pending)s, %(no_receipt)s]::smallint[]) AS s WHERE n > 0
"""


def close_unreceipted(campaign_id: int, day: date, *, before: datetime, now: datetime) -> None:
    """Messages handed over before `before` that still wait become NO_RECEIPT."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            _CLOSE,
            {
                "day": day,
                "campaign": campaign_id,
                "before": before,
                "now": now,
                "pending": S.PENDING,
                "no_receipt": S.NO_RECEIPT,
            },
        )
