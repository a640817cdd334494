"""Whether a campaign's counters tell the same as its rows, and its rows what can be true of them.

Each question is one statement, so it is asked of one instant, also while the campaign sends.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from campaigns.models import Campaign
from campaigns.statuses import FINISHED, Status
from delivery import counters, incidents, retention
from delivery.models import Receipt
from delivery.receipts import VERDICTS
from delivery.statuses import ErrorKind, IncidentKind, MessageState
from smpp.receipts import MessageState as CarrierState

_COUNTS = """
WITH per_chunk AS (
    SELECT chunk.number, chunk.next, chunk.count, chunk.unresolved, here.*
    FROM delivery_chunk chunk
    CROSS JOIN LATERAL (
        SELECT count(*) AS handed_over,
               count(*) FILTER (WHERE state IN (%(intended)s, %(retry)s)) AS unresolved_rows,
               count(*) FILTER (WHERE recipient >= chunk.first + chunk.next) AS ahead
        FROM delivery_message
        WHERE day = %(day)s AND campaign_id = %(campaign)s
          AND recipient >= chunk.first AND recipient < chunk.first + chunk.count
    ) here
    WHERE chunk.campaign_id = %(campaign)s
)
SELECT 'state', state::bigint, coalesce(sum(counted), 0)::bigint, coalesce(sum(found), 0)::bigint FROM (
    SELECT state, n AS counted, 0 AS found FROM delivery_tally WHERE campaign_id = %(campaign)s
    UNION ALL
    SELECT state, 0, count(*) FROM delivery_message WHERE day = %(day)s AND campaign_id = %(campaign)s GROUP BY state
) both_sides GROUP BY state
UNION ALL SELECT 'handed over', number, next, handed_over FROM per_chunk
UNION ALL SELECT 'unresolved', number, unresolved, unresolved_rows FROM per_chunk
UNION ALL SELECT 'ahead', number, 0, ahead FROM per_chunk
UNION ALL SELECT 'recipients', 0, %(accepted)s, coalesce(sum(count), %(accepted)s)::bigint FROM per_chunk
"""


# What cannot be, whatever happened: each line is a sentence, and how many rows make it true. `whole` are all parts.
_IMPOSSIBLE = """
WITH mine AS (
    SELECT m.*, (1 << m.parts) - 1 AS whole FROM delivery_message m
    WHERE m.day = %(day)s AND m.campaign_id = %(campaign)s
), chunks AS (
    SELECT id, number, first, count, epoch FROM delivery_chunk WHERE campaign_id = %(campaign)s
), intents AS (
    SELECT i.*, c.number, c.epoch AS newest,
           lag(i.epoch) OVER (PARTITION BY i.chunk_id ORDER BY i.id) AS epoch_before,
           lag(i.owner) OVER (PARTITION BY i.chunk_id ORDER BY i.id) AS owner_before
    FROM chunks c JOIN delivery_intent i ON i.chunk_id = c.id
), reach AS (
    SELECT c.first, c.count, max(i.first + i.count) FILTER (WHERE NOT i.is_retry) AS intended,
           count(*) FILTER (WHERE i.is_retry) AS retries
    FROM chunks c LEFT JOIN intents i ON i.chunk_id = c.id GROUP BY c.id, c.first, c.count
)
SELECT 'messages are called taken by the carrier, and not all of their parts were', count(*) FROM mine
WHERE state IN (%(pending)s, %(no_receipt)s) AND accepted_mask <> whole
UNION ALL
SELECT 'messages are called delivered, and not all of their parts were', count(*) FROM mine
WHERE state = %(delivered)s AND delivered_mask <> whole
UNION ALL
SELECT 'messages are called failed for no reason', count(*) FROM mine
WHERE state = %(failed)s AND (error_kind = 0 OR error_kind = %(by_receipt)s AND failed_mask = 0)
UNION ALL
SELECT 'messages are called unsent, and the carrier took a part of them', count(*) FROM mine
WHERE state IN (%(retry)s, %(suppressed)s, %(expired)s, %(cancelled)s) AND accepted_mask <> 0
UNION ALL
SELECT 'messages have a receipt for a part that nobody took, or that they do not have', count(*) FROM mine
WHERE (delivered_mask | failed_mask) & ~accepted_mask <> 0 OR accepted_mask & ~whole <> 0
UNION ALL
SELECT 'messages in doubt are missing from the list of doubts', count(*) FROM mine
WHERE state = %(uncertain)s
  AND NOT EXISTS (SELECT FROM delivery_doubt d WHERE d.campaign_id = %(campaign)s AND d.recipient = mine.recipient)
UNION ALL
SELECT 'doubts are of messages that are in none', count(*) FROM delivery_doubt d
WHERE d.campaign_id = %(campaign)s
  AND NOT EXISTS (SELECT FROM mine WHERE mine.recipient = d.recipient AND mine.state = %(uncertain)s)
UNION ALL
SELECT 'messages were handed over without an intent', count(*) FROM mine
JOIN reach r ON mine.recipient >= r.first AND mine.recipient < r.first + r.count
WHERE mine.attempts > 0 AND mine.recipient - r.first >= coalesce(r.intended, 0)
UNION ALL
SELECT 'messages were tried more often than intended', count(*) FROM mine
JOIN reach r ON mine.recipient >= r.first AND mine.recipient < r.first + r.count
WHERE mine.attempts > 1 + r.retries
UNION ALL
SELECT 'messages were never tried, and are neither suppressed nor in doubt after a restore', count(*) FROM mine
WHERE attempts < 1 AND state NOT IN (%(suppressed)s, %(uncertain)s) AND accepted_mask = 0
UNION ALL
SELECT 'intents of chunk ' || number || ' are of an older epoch than the intent before them, or of one to come',
       count(*)
FROM intents WHERE epoch < epoch_before OR epoch > newest GROUP BY number
UNION ALL
SELECT 'intents of chunk ' || number || ' have another owner than their epoch', count(*)
FROM intents WHERE epoch = epoch_before AND owner <> owner_before GROUP BY number
"""
# Receipts that are said to be applied, and whose message does not show it. All campaigns at once: the inbox has no
# index by campaign.
_NOT_SHOWN = """
SELECT r.campaign_id, count(*)
FROM delivery_receipt r
LEFT JOIN delivery_message m ON m.day = r.message_day AND m.campaign_id = r.campaign_id AND m.recipient = r.recipient
WHERE r.applied_at IS NOT NULL AND r.campaign_id = ANY(%(campaigns)s) AND r.day >= %(since)s
  AND r.message_day = ANY(%(days)s)
  AND CASE WHEN r.state = %(delivered)s THEN coalesce(m.delivered_mask, 0)
           WHEN r.state = ANY(%(failed)s) THEN coalesce(m.failed_mask, 0)
           ELSE 1 << r.part END & (1 << r.part) = 0
GROUP BY 1
"""


def to_check(*, now: datetime) -> QuerySet[Campaign]:
    """Campaigns that have started and are not over, or were over within a day."""
    return Campaign.objects.filter(started_at__isnull=False).filter(
        ~Q(status__in=FINISHED) | Q(finished_at__gte=now - timedelta(days=1))
    )


def differences(campaign: Campaign) -> list[str]:
    """Each difference in words; none when everything agrees."""
    if campaign.list is None or campaign.started_at is None:
        return []
    values: dict[str, Any] = {
        "day": campaign.day,
        "campaign": campaign.pk,
        "accepted": campaign.list.accepted,
        "by_receipt": ErrorKind.RECEIPT,
        **{state.name.lower(): state for state in MessageState},
    }
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, values)
        counts: list[tuple[str, int, int, int]] = cursor.fetchall()
        found = [_in_words(what, which, counted, there) for what, which, counted, there in counts if counted != there]
        cursor.execute(_IMPOSSIBLE, values)
        impossible = [f"{n} {what}" for what, n in cursor.fetchall() if n]
    return sorted(found) + sorted(impossible) + list(_unbalanced(campaign))


def receipts_not_shown(campaigns: Sequence[Campaign]) -> dict[int, int]:
    """How many applied receipts of each campaign its messages do not show."""
    started = [campaign for campaign in campaigns if campaign.started_at is not None]
    if not started:
        return {}
    days = sorted({campaign.day for campaign in started})
    values: dict[str, Any] = {
        "campaigns": [campaign.pk for campaign in started],
        "days": days,
        "since": days[0],
        "delivered": CarrierState.DELIVERED,
        "failed": [state for state in CarrierState if VERDICTS[state] is MessageState.FAILED],
    }
    with connection.cursor() as cursor:
        cursor.execute(_NOT_SHOWN, values)
        return dict(cursor.fetchall())


def check(campaigns: Sequence[Campaign]) -> dict[Campaign, list[str]]:
    """What is wrong with each, in words. Those whose details are no longer kept have nothing to compare with."""
    kept = [campaign for campaign in campaigns if retention.is_kept(campaign)]
    not_shown = receipts_not_shown(kept)
    found = {campaign: differences(campaign) for campaign in kept}
    for campaign in kept:
        if n := not_shown.get(campaign.pk):
            found[campaign].append(f"{n} receipts are called applied, and their messages do not show it")
    return found


def watch(*, now: datetime) -> None:
    """Compare what is under way or was over today, and raise an incident for each campaign that is not right."""
    for campaign, found in check(list(to_check(now=now).select_related("list").order_by("pk"))).items():
        if found:
            incidents.note_once(IncidentKind.UNBALANCED, at=now, sample="; ".join(found), campaign_id=campaign.pk)


def unmatched_receipts(*, now: datetime) -> int:
    """Receipts that have found no message within a minute."""
    return Receipt.objects.filter(is_receipt=True, applied_at=None, received_at__lt=now - timedelta(minutes=1)).count()


def _in_words(what: str, which: int, counted: int, there: int) -> str:
    match what:
        case "state":
            return f"{MessageState(which).name}: the tally says {counted}, there are {there} messages"
        case "handed over":
            return f"chunk {which}: it says {counted} are handed over, there are {there} messages"
        case "unresolved":
            return f"chunk {which}: it says {counted} are unresolved, there are {there} such messages"
        case "ahead":
            return f"chunk {which}: {there} messages belong to recipients that it says are waiting"
    return f"the list has {counted} recipients, the chunks have {there}"


def _unbalanced(campaign: Campaign) -> Iterator[str]:
    totals = counters.totals(campaign)
    if not totals.balanced:
        yield f"the equation does not balance: {totals}"
    if campaign.status == Status.DONE and totals.waiting:
        yield f"it is done, and {totals.waiting} recipients wait"
