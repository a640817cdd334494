"""Claim and intent: who works on a chunk, and what is going to be handed over, committed before the first byte."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from numpy.typing import NDArray

from delivery import spending, tallies
from delivery.copying import array
from delivery.models import Chunk
from delivery.plans import partition
from delivery.statuses import MessageState
from delivery.tallies import Standing
from recipients import marks
from recipients.erased import NOBODY

# After the response timeout nobody waits for an answer any more, whatever became of the process that did.
OVERDUE_MARGIN = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Indexes of the chunk that an intent covers, and which of their phones must not get anything: `barred` of them
    because the workspace does not allow where they are. `spent` parts were counted for it."""

    indexes: range
    suppressed: frozenset[int]
    barred: int = 0
    spent: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    recipient: int
    phone: int
    attempts: int  # this time included


# The clock on the wall decides, as in campaigns.hours. A zone is read only where there is a window.
_IS_OPEN = """
CASE WHEN p.daily_from IS NULL THEN true
     WHEN p.daily_from < p.daily_to THEN (%(now)s::timestamptz AT TIME ZONE p.daily_zone)::time >= p.daily_from
                                     AND (%(now)s::timestamptz AT TIME ZONE p.daily_zone)::time < p.daily_to
     ELSE (%(now)s::timestamptz AT TIME ZONE p.daily_zone)::time >= p.daily_from
       OR (%(now)s::timestamptz AT TIME ZONE p.daily_zone)::time < p.daily_to END
"""
# One statement, so one transaction and one round trip: owner, epoch, status, seal, deadline, hours, plan and whether
# everything is stopped are checked and the intent is written, or nothing is. `suppressed_among` is of recipients (its
# migration 0014), and so is `withheld_from_trial` (0011): a test send reaches nobody but test phones. What a workspace
# spends is counted before it, in its transaction; what is not counted must not be limited by now.
_INTEND = f"""
WITH chosen AS (
    UPDATE delivery_chunk c
    SET intended = least(c.count, c.next + %(count)s), lease_until = %(lease)s
    FROM campaigns_campaign p JOIN accounts_workspace w ON w.id = p.workspace_id
    WHERE c.id = %(chunk)s AND c.owner = %(owner)s AND c.epoch = %(epoch)s AND c.status = 'open'
      AND c.next = %(next)s AND c.intended = c.next AND p.id = c.campaign_id
      AND p.status = 'sending' AND p.seal = %(seal)s
      AND (p.not_after IS NULL OR p.not_after > %(now)s) AND {_IS_OPEN}
      AND (c.plan_from IS NULL OR p.resumed_at IS NULL OR c.plan_from >= p.resumed_at)
      AND NOT EXISTS (SELECT FROM delivery_halt WHERE released_at IS NULL)
      AND (%(is_counted)s OR (w.parts_per_day IS NULL AND w.parts_per_month IS NULL))
    RETURNING c.id, c.epoch, c.owner, c.next, c.intended, p.workspace_id, p.trial_of_id, w.destinations
), noted AS (
    INSERT INTO delivery_intent (chunk_id, epoch, owner, first, count, is_retry, at, channel_id)
    SELECT id, epoch, owner, next, intended - next, false, %(now)s, %(channel)s FROM chosen
)
SELECT next, intended,
       CASE WHEN trial_of_id IS NULL
            THEN suppressed_among(workspace_id, %(phones)s::bigint[], %(marks)s::bigint[])
            ELSE withheld_from_trial(workspace_id, %(phones)s::bigint[]) END,
       barred_among(destinations, %(phones)s::bigint[])
FROM chosen
"""


def intend(
    chunk: Chunk,
    phones: NDArray[np.uint64],
    *,
    seal: str,
    channel_id: int,
    now: datetime,
    costs: Sequence[int] | None = None,
) -> Chosen | None:
    """Cover the next recipients of the chunk, whose numbers these are; None when they must not be handed over: somebody
    else owns the chunk, everything is stopped, or the campaign is paused, ended, past its deadline, in its closed
    hours, or differs from what was approved.

    Those that were suppressed by `now` must not be handed over either, nor those whose number was erased, nor those
    where the workspace does not allow, nor, in a test send, those that are no test phones.

    In a workspace with a limit, `costs` are the parts of each: as many are covered as it may still spend. Without
    `costs` the answer is None there. Raises LimitReached when it may spend no more.
    """
    if costs is None:
        return _intend(chunk, phones, seal=seal, channel_id=channel_id, now=now, is_counted=False)
    with transaction.atomic():
        fitting = spending.spend(chunk.campaign.workspace, costs, now=now)
        chosen = _intend(chunk, phones[:fitting], seal=seal, channel_id=channel_id, now=now, is_counted=True)
        if chosen is None:
            transaction.set_rollback(True)
            return None
        return replace(chosen, spent=sum(costs[:fitting]))


def _intend(
    chunk: Chunk, phones: NDArray[np.uint64], *, seal: str, channel_id: int, now: datetime, is_counted: bool
) -> Chosen | None:
    erased = marks.of(phones)
    with connection.cursor() as cursor:
        cursor.execute(
            _INTEND,
            {
                "chunk": chunk.pk,
                "owner": chunk.owner,
                "epoch": chunk.epoch,
                "next": chunk.next,
                "count": len(phones),
                "phones": array(phones.tolist()),
                "marks": array(erased.ravel().tolist()),
                "seal": seal,
                "channel": channel_id,
                "now": now,
                "lease": now + settings.CHUNK_LEASE,
                "is_counted": is_counted,
            },
        )
        row = cursor.fetchone()
    if row is None:
        return None
    begin, end, suppressed, barred = row
    known = set(suppressed)
    unwanted = known | {NOBODY} | set(barred)
    if any(marks.is_mark(name) for name in known):
        named = zip(phones.tolist(), *erased.tolist(), strict=True)
        unwanted |= {phone for phone, *names in named if not known.isdisjoint(names)}
    return Chosen(
        indexes=range(begin, end),
        suppressed=frozenset(unwanted.intersection(phones.tolist())),
        barred=sum(phone != NOBODY for phone in barred),
    )


_HOLD = f"""
SELECT p.workspace_id, p.trial_of_id IS NOT NULL FROM delivery_chunk c JOIN campaigns_campaign p ON p.id = c.campaign_id
WHERE c.id = %(chunk)s AND c.owner = %(owner)s AND c.epoch = %(epoch)s AND c.status = 'open'
  AND p.status = 'sending' AND p.seal = %(seal)s AND (p.not_after IS NULL OR p.not_after > %(now)s)
  AND {_IS_OPEN}
  AND NOT EXISTS (SELECT FROM delivery_halt WHERE released_at IS NULL)
FOR NO KEY UPDATE OF c
"""
_INTEND_RETRIES = """
WITH ready AS (
    SELECT ctid, phone FROM delivery_message
    WHERE day = %(day)s AND campaign_id = %(campaign)s AND recipient >= %(first)s AND recipient < %(end)s
      AND state = %(retry)s AND retry_at <= %(now)s
    ORDER BY recipient LIMIT %(count)s FOR UPDATE
), unwanted AS MATERIALIZED (
    SELECT CASE WHEN %(is_trial)s THEN withheld_from_trial(%(workspace)s, ARRAY(SELECT phone FROM ready))
                ELSE suppressed_among(%(workspace)s, ARRAY(SELECT phone FROM ready)) END
        || barred_among((SELECT destinations FROM accounts_workspace WHERE id = %(workspace)s),
                        ARRAY(SELECT phone FROM ready)) AS phones
), judged AS (
    SELECT ready.ctid AS place, ready.phone = ANY (unwanted.phones || %(nobody)s::bigint) AS is_suppressed
    FROM ready, unwanted
)
UPDATE {partition} m SET
    state = CASE WHEN is_suppressed THEN %(suppressed)s ELSE %(intended)s END,
    attempts = CASE WHEN is_suppressed THEN attempts ELSE attempts + 1 END,
    submitted_at = CASE WHEN is_suppressed THEN submitted_at ELSE %(now)s END,
    channel_id = CASE WHEN is_suppressed THEN channel_id ELSE %(channel)s END,
    done_at = CASE WHEN is_suppressed THEN %(now)s ELSE done_at END,
    retry_at = NULL
FROM judged
WHERE m.ctid = judged.place
RETURNING m.recipient, m.phone, m.attempts, is_suppressed
"""


@transaction.atomic
def intend_retries(chunk: Chunk, count: int, *, seal: str, channel_id: int, now: datetime) -> list[Retry]:
    """Messages of the chunk that were refused for the moment and are to be tried again now.

    Those whose number has been suppressed since, or is where the workspace does not allow any more, are over:
    SUPPRESSED, and not among them. A retry was paid for at first.
    """
    owned: dict[str, Any] = {"chunk": chunk.pk, "owner": chunk.owner, "epoch": chunk.epoch, "seal": seal, "now": now}
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, owned)
        held = cursor.fetchone()
        if held is None:
            return []
        cursor.execute(
            _INTEND_RETRIES.format(partition=partition(chunk.campaign.day)),
            {
                "day": chunk.campaign.day,
                "campaign": chunk.campaign_id,
                "workspace": held[0],
                "is_trial": held[1],
                "nobody": NOBODY,
                "first": chunk.first,
                "end": chunk.first + chunk.count,
                "retry": MessageState.RETRY,
                "intended": MessageState.INTENDED,
                "suppressed": MessageState.SUPPRESSED,
                "channel": channel_id,
                "now": now,
                "count": count,
            },
        )
        judged: list[tuple[int, int, int, bool]] = cursor.fetchall()
        retries = [Retry(recipient=r, phone=phone, attempts=n) for r, phone, n, is_over in judged if not is_over]
        over = len(judged) - len(retries)
        if retries:
            cursor.execute(
                "INSERT INTO delivery_intent (chunk_id, epoch, owner, first, count, is_retry, at, channel_id)"
                " VALUES (%s, %s, %s, %s, %s, true, %s, %s)",
                [chunk.pk, chunk.epoch, chunk.owner, retries[0].recipient - chunk.first, len(retries), now, channel_id],
            )
        if over:
            cursor.execute("UPDATE delivery_chunk SET unresolved = unresolved - %s WHERE id = %s", [over, chunk.pk])
        moved = {
            Standing(MessageState.RETRY): -len(judged),
            Standing(MessageState.INTENDED): len(retries),
            Standing(MessageState.SUPPRESSED): over,
        }
        tallies.note(cursor, chunk.campaign_id, moved)
    return sorted(retries, key=lambda one: one.recipient)


def release(chunk: Chunk, *, now: datetime) -> None:
    """Give the chunk up, if it is still ours."""
    Chunk.objects.filter(pk=chunk.pk, owner=chunk.owner, epoch=chunk.epoch).update(owner="", released_at=now)


def put_off(chunk: Chunk, *, until: datetime) -> None:
    """Its object is away: until then the campaign's other chunks have their turn."""
    Chunk.objects.filter(pk=chunk.pk).update(away_until=until)


def renew(chunk: Chunk, *, now: datetime) -> None:
    Chunk.objects.filter(pk=chunk.pk, owner=chunk.owner, epoch=chunk.epoch).update(
        lease_until=now + settings.CHUNK_LEASE
    )


_LOOK_AGAIN = """
UPDATE delivery_chunk c SET retry_at = (
    SELECT min(CASE m.state WHEN %(retry)s THEN m.retry_at ELSE m.submitted_at + %(overdue)s END)
    FROM delivery_message m
    WHERE m.day = %(day)s AND m.campaign_id = %(campaign)s AND m.recipient >= %(first)s AND m.recipient < %(end)s
      AND m.state IN (%(retry)s, %(intended)s)
), status = CASE WHEN c.next = c.count AND c.unresolved = 0 AND c.status = 'open' THEN 'done' ELSE c.status END
WHERE c.id = %(chunk)s
"""


def look_again(chunk: Chunk) -> None:
    """Note when the chunk's next retry, or the next answer to give up, is due."""
    values: dict[str, Any] = {
        "chunk": chunk.pk,
        "day": chunk.campaign.day,
        "campaign": chunk.campaign_id,
        "first": chunk.first,
        "end": chunk.first + chunk.count,
        "retry": MessageState.RETRY,
        "intended": MessageState.INTENDED,
        "overdue": timedelta(seconds=settings.RESPONSE_TIMEOUT) + OVERDUE_MARGIN,
    }
    with connection.cursor() as cursor:
        cursor.execute(_LOOK_AGAIN, values)
