"""What must be done now and then: counters folded, partitions ahead of time, receipts that never came."""

from datetime import date, datetime

from django.conf import settings
from django.db import connection, transaction

from campaigns.models import Campaign
from delivery import receipts
from delivery.statuses import MessageState

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
WHERE t.state = %(pending)s AND (c.started_at < %(usual)s OR c.not_after < %(deadline)s)
GROUP BY 1 HAVING sum(t.n) > 0
"""


def close_unreceipted(*, now: datetime) -> None:
    """Messages whose validity period (`texts.templates`) and the grace are over; a later receipt still counts."""
    deadline = now - settings.RECEIPT_GRACE
    usual = deadline - settings.DEFAULT_VALIDITY
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, {"pending": MessageState.PENDING, "usual": usual, "deadline": deadline})
        waiting = [campaign_id for (campaign_id,) in cursor.fetchall()]
    for campaign in Campaign.objects.filter(pk__in=waiting):
        is_over = campaign.not_after is not None and campaign.not_after < deadline
        receipts.close_unreceipted(campaign.pk, campaign.day, before=now if is_over else usual, now=now)
