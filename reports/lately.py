"""What campaigns that are sending handed over within the last minute, from their intents: no message is counted."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connections, router

from campaigns.models import Campaign
from campaigns.statuses import Status
from delivery.models import Intent

WINDOW = timedelta(minutes=1)
MOST_INTENTS = 600  # of one chunk within the window

# Asks only the chunks at work lately, and of each only its last intents: the cost does not grow with the campaign.
# What went before a pause says nothing about how fast it goes now. `of` says of which campaigns.
HANDED_OVER = """
SELECT campaign.id, sum(latest.count) AS count, min(latest.at) AS since
FROM campaigns_campaign campaign
JOIN delivery_chunk chunk ON chunk.campaign_id = campaign.id
    AND (chunk.owner <> '' OR chunk.released_at > %(since)s)
CROSS JOIN LATERAL (
    SELECT count, at FROM delivery_intent
    WHERE chunk_id = chunk.id AND NOT is_retry ORDER BY id DESC LIMIT %(most)s
) latest
WHERE {of} AND latest.at > greatest(%(since)s, campaign.resumed_at) AND latest.at <= %(now)s
GROUP BY campaign.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lately:
    """So many recipients since `since`: the first of them, or how far back was looked when there was none."""

    count: int
    since: datetime


def handed_over(campaigns: Iterable[Campaign], *, now: datetime) -> dict[int, Lately]:
    """By id; those that are not sending are left out."""
    sending = [campaign for campaign in campaigns if campaign.status == Status.SENDING]
    if not sending:
        return {}
    since = now - WINDOW
    values: dict[str, Any] = {
        "ids": [campaign.pk for campaign in sending],
        "since": since,
        "now": now,
        "most": MOST_INTENTS,
    }
    with connections[router.db_for_read(Intent)].cursor() as cursor:
        cursor.execute(HANDED_OVER.format(of="campaign.id = ANY(%(ids)s)"), values)
        found = {pk: Lately(count=int(count), since=first) for pk, count, first in cursor.fetchall()}
    return {one.pk: found.get(one.pk) or _none(one, since) for one in sending}


def _none(campaign: Campaign, since: datetime) -> Lately:
    began = campaign.resumed_at or campaign.started_at
    return Lately(count=0, since=max(since, began) if began else since)
