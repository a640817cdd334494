"""What must be done now and then: counters folded, partitions ahead of time, receipts that never came."""

from datetime import date, datetime

from django.db import connection, transaction

from campaigns.models import Campaign
from delivery import receipts

# One statement, so a reader sees either the many rows or their sum.
_FOLD = """
WITH gone AS (
    DELETE FROM delivery_tally WHERE campaign_id = %s RETURNING state, n
)
INSERT INTO delivery_tally (campaign_id, state, n)
SELECT %s, state, sum(n) FROM gone GROUP BY state HAVING sum(n) <> 0
"""
FOLD_FROM = 200


def fold_tallies() -> None:
    """Sum up the counters of campaigns whose tallies have grown long."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT campaign_id FROM delivery_tally GROUP BY 1 HAVING count(*) > %s", [FOLD_FROM])
        for (campaign_id,) in cursor.fetchall():
            with transaction.atomic():
                cursor.execute(_FOLD, [campaign_id, campaign_id])


def prepare_partitions(*, today: date) -> None:
    """Partitions of the current and the next two months, so that no insert ever lacks one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT prepare_partitions(%s, 2)", [today])


_WAITING = """
SELECT t.campaign_id FROM delivery_tally t JOIN campaigns_campaign c ON c.id = t.campaign_id
WHERE t.state = 4 AND c.started_at < %s GROUP BY 1 HAVING sum(t.n) > 0
"""


def close_unreceipted(*, before: datetime, now: datetime) -> None:
    """Messages handed over before `before` whose receipt never came; a later one still counts."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [before])
        waiting = [campaign_id for (campaign_id,) in cursor.fetchall()]
    for campaign in Campaign.objects.filter(pk__in=waiting):
        receipts.close_unreceipted(campaign.pk, campaign.day, before=before, now=now)
