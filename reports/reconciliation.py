"""Whether the counters of a campaign tell the same as its rows: one statement, so one instant, also while it sends."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from campaigns.models import Campaign
from campaigns.statuses import FINISHED, Status
from delivery import counters
from delivery.models import Receipt
from delivery.statuses import MessageState

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
        "intended": MessageState.INTENDED,
        "retry": MessageState.RETRY,
    }
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, values)
        counts: list[tuple[str, int, int, int]] = cursor.fetchall()
    found = [_in_words(what, which, counted, there) for what, which, counted, there in counts if counted != there]
    return sorted(found) + list(_unbalanced(campaign))


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
