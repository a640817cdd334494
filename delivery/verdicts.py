"""What receipts say of their messages: verdicts are raised in bulk, and states only rise."""

from collections import Counter
from datetime import date, datetime
from typing import Any, NamedTuple

import numpy as np
from django.db import connection

from delivery import doubts, tallies
from delivery.batches import NOTHING, Integers
from delivery.copying import array
from delivery.errors import STATE_STEP
from delivery.plans import partition
from delivery.statuses import ErrorKind, MessageState
from delivery.tallies import standing
from smpp.receipts import MessageState as CarrierState

S = MessageState

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


def meant(state: CarrierState, *, accepted_is_delivered: bool) -> CarrierState:
    """ACCEPTED is final with some carriers, and on its way with most."""
    return CarrierState.DELIVERED if accepted_is_delivered and state is CarrierState.ACCEPTED else state


def error_code(state: CarrierState, error: str) -> int:
    """message_state and the network's error code (0–99,999) in one number; unreadable codes count as 0."""
    return int(state) * STATE_STEP + (number_in(error) or 0) % STATE_STEP


def number_in(text: str) -> int | None:
    """Of ASCII digits that fit a bigint; `isdigit` and `int` know more digits than a carrier may write."""
    return int(text) if len(text) < 19 and text.isascii() and text.isdecimal() else None


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


class Verdicts(NamedTuple):
    """By recipient, ascending: which parts were delivered, which failed, and with what code."""

    recipients: Integers
    delivered: Integers
    failed: Integers
    codes: Integers

    @classmethod
    def of(cls, recipients: Integers, parts: Integers, delivered: Any, codes: Integers) -> "Verdicts":
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


def raise_in(day: date, campaign: int, given: Verdicts, *, at: datetime) -> Integers:
    """Raise the states of one campaign's messages, by key; the recipients of whom nothing is on record."""
    simple = given.delivered + given.failed == 1
    left = ~simple
    for code in np.unique(given.codes[simple]).tolist():
        mine = np.flatnonzero(simple & (given.codes == code))
        if _settle_all(day, campaign, given.recipients[mine], code=code, at=at) < len(mine):
            left[mine] = True  # some were not as usual; the others are not changed again
    if not left.any():
        return NOTHING
    rest = Verdicts(*(column[left] for column in given))
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


def _raise_each(day: date, campaign: int, given: Verdicts, *, at: datetime) -> list[int]:
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
