"""What became of the messages of each day, counted from the messages themselves, campaign by campaign.

A count outlives the messages that it was made of. A campaign is counted anew when its totals have moved: its counters
tell, and no message is read to find out.
"""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from campaigns.models import Campaign
from campaigns.statuses import FINISHED
from delivery import retention
from delivery.tallies import CODE, KIND
from reports.models import Counted, DayCount

logger = logging.getLogger(__name__)

EVERY = timedelta(minutes=10)  # while it sends; millions of messages are read each time
LOOKED_AFTER = timedelta(days=400)  # since its start; by then no receipt comes any more
LOCK = 0x6461795F  # with the id of the campaign: one counts it at a time

_STANDING = """
SELECT campaign_id, md5(string_agg(concat_ws(':', state, error_kind, error_code, n), ','
                                   ORDER BY state, error_kind, error_code))
FROM (
    SELECT campaign_id, state, error_kind, error_code, sum(n) AS n FROM delivery_tally
    WHERE campaign_id = ANY (%s) GROUP BY 1, 2, 3, 4 HAVING sum(n) <> 0
) standing GROUP BY 1
"""

# By the day, in the workspace's zone, on which it was handed over or, if it never was, ended.
_COUNT = f"""
INSERT INTO reports_daycount
    (workspace_id, campaign_id, sender_id, day, channel_id, state, error_kind, error_code, messages, parts)
SELECT %(workspace)s, %(campaign)s, %(sender)s,
       (coalesce(submitted_at, done_at, %(started)s) AT TIME ZONE %(zone)s)::date, coalesce(channel_id, %(channel)s),
       state, {KIND}, {CODE}, count(*), sum(bit_count(accepted_mask::bit(32)))
FROM delivery_message WHERE day = %(day)s AND campaign_id = %(campaign)s
GROUP BY 4, 5, 6, 7, 8
"""


def count_anew(*, now: datetime) -> None:
    """Every campaign whose totals are not those of its count. May be called at any time, and by several at once."""
    started = Campaign.objects.without_trials().filter(started_at__gt=now - LOOKED_AFTER)
    campaigns = {campaign.pk: campaign for campaign in started.select_related("workspace", "revision")}
    known = Counted.objects.in_bulk(campaigns)
    for campaign_id, standing in _standings(campaigns).items():
        campaign, counted = campaigns[campaign_id], known.get(campaign_id)
        if counted and counted.standing == standing:
            continue
        is_due = counted is None or campaign.status in FINISHED or counted.at <= now - EVERY
        if is_due and retention.is_kept(campaign):
            _count(campaign, now=now)


def _standings(campaign_ids: Iterable[int]) -> dict[int, str]:
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, [list(campaign_ids)])
        return dict(cursor.fetchall())


@transaction.atomic(durable=True)
def _count(campaign: Campaign, *, now: datetime) -> None:
    """Messages and counters of one instant, so that what moves meanwhile is counted the next time."""
    assert campaign.started_at is not None
    values: dict[str, Any] = {
        "workspace": campaign.workspace_id,
        "campaign": campaign.pk,
        "sender": campaign.sender_id,
        "channel": campaign.channel_id,
        "day": campaign.day,
        "started": campaign.started_at,
        "zone": campaign.workspace.time_zone,
    }
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [LOCK, campaign.pk])
        if not cursor.fetchone()[0]:
            return
        DayCount.objects.filter(campaign=campaign).delete()
        cursor.execute(_COUNT, values)
        standing = _standings([campaign.pk]).get(campaign.pk, "")
        Counted.objects.update_or_create(campaign_id=campaign.pk, defaults={"standing": standing, "at": now})
    logger.info("campaign.counted", extra={"campaign": campaign.pk})
