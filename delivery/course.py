"""The course of a campaign: how its counters moved over time, from the tallies and from what folding kept of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from campaigns.models import Campaign
from delivery.statuses import MessageState

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_MOVED = """
SELECT date_bin(%(width)s, at, %(epoch)s), state, sum(n) FROM (
    SELECT begin AS at, state, n FROM delivery_movement WHERE campaign_id = %(campaign)s AND begin < %(until)s
    UNION ALL
    SELECT at, state, n FROM delivery_tally WHERE campaign_id = %(campaign)s AND at < %(until)s
) moved GROUP BY 1, 2 ORDER BY 1, 2
"""


def moved(campaign: Campaign, *, width: timedelta, until: datetime) -> dict[datetime, dict[MessageState, int]]:
    """How many messages more are in each state after each stretch of this width than before it, by its begin. Stretches
    begin at multiples of the width since 1970. No message is read."""
    values: dict[str, Any] = {"campaign": campaign.pk, "width": width, "until": until, "epoch": EPOCH}
    with connection.cursor() as cursor:
        cursor.execute(_MOVED, values)
        rows: list[tuple[datetime, int, int]] = cursor.fetchall()
    found: dict[datetime, dict[MessageState, int]] = {}
    for begin, state, n in rows:
        found.setdefault(begin, {})[MessageState(state)] = int(n)
    return found
