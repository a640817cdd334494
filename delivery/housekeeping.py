"""What must be done now and then: counters folded, partitions ahead of time, receipts that never came."""

from collections import Counter
from datetime import date, datetime

from django.conf import settings
from django.db import connection, transaction

from accounts.models import User
from audit.ledger import record
from campaigns.models import Campaign
from delivery import retention
from delivery.statuses import MessageState
from delivery.tallies import CODE, KIND

# One statement, so a reader sees either the many rows or their sum. When it was is kept as well, in stretches that grow
# with the age of the campaign: however long it goes on, its course has no more than some ten thousand of them.
_FOLD = """
WITH gone AS (
    DELETE FROM delivery_tally WHERE campaign_id = %(campaign)s RETURNING state, error_kind, error_code, n, at
), kept AS (
    INSERT INTO delivery_movement (campaign_id, begin, state, n)
    SELECT %(campaign)s, date_bin(stretch.width, at, 'epoch'), state, sum(n)
    FROM gone, (
        SELECT CASE WHEN now() - started_at < '1 hour' THEN interval '10 seconds'
                    WHEN now() - started_at < '1 day' THEN interval '1 minute'
                    WHEN now() - started_at < '7 days' THEN interval '10 minutes'
                    ELSE interval '1 hour' END AS width
        FROM campaigns_campaign WHERE id = %(campaign)s
    ) stretch
    WHERE at IS NOT NULL GROUP BY 2, 3 HAVING sum(n) <> 0
    ON CONFLICT (campaign_id, begin, state) DO UPDATE SET n = delivery_movement.n + EXCLUDED.n
)
INSERT INTO delivery_tally (campaign_id, state, error_kind, error_code, n, at)
SELECT %(campaign)s, state, error_kind, error_code, sum(n), NULL FROM gone GROUP BY 1, 2, 3, 4 HAVING sum(n) <> 0
"""
FOLD_FROM = 200


def fold_tallies() -> None:
    """Sum up the counters of campaigns whose tallies have grown long."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT campaign_id FROM delivery_tally GROUP BY 1 HAVING count(*) > %s", [FOLD_FROM])
        for (campaign_id,) in cursor.fetchall():
            with transaction.atomic():
                cursor.execute(_FOLD, {"campaign": campaign_id})


def prepare_partitions(*, today: date) -> None:
    """Partitions of the current and the next two months, so that no insert ever lacks one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT prepare_partitions(%s, 2)", [today])


# Both sides are of one instant, so whatever is written meanwhile adds to both of them, or to none.
_REPAIR = f"""
INSERT INTO delivery_tally (campaign_id, state, error_kind, error_code, n)
SELECT %(campaign)s, state, kind, code, sum(found) - sum(counted) FROM (
    SELECT state, error_kind AS kind, error_code AS code, n AS counted, 0 AS found
    FROM delivery_tally WHERE campaign_id = %(campaign)s
    UNION ALL
    SELECT state, {KIND}, {CODE}, 0, count(*) FROM delivery_message
    WHERE day = %(day)s AND campaign_id = %(campaign)s GROUP BY 1, 2, 3
) both_sides
GROUP BY 1, 2, 3, 4 HAVING sum(found) <> sum(counted)
RETURNING state, n
"""


@transaction.atomic
def repair_tallies(campaign_id: int, *, by: User | None = None) -> dict[str, int]:
    """Make the counters say what the messages say; what was missing of each state. Refused when the messages are not
    kept any more."""
    campaign = Campaign.objects.lock(campaign_id)
    if campaign.started_at is None:
        return {}
    retention.check_kept(campaign)
    with connection.cursor() as cursor:
        cursor.execute(_REPAIR, {"campaign": campaign_id, "day": campaign.day})
        missing = Counter[str]()
        for state, n in cursor.fetchall():
            missing[MessageState(state).name.lower()] += n
    if missing:
        record("campaign.tallies_repaired", campaign, by=by, after=dict(missing))
    return dict(missing)


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
        close_in(campaign.pk, campaign.day, before=now if is_over else usual, now=now)


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


def close_in(campaign_id: int, day: date, *, before: datetime, now: datetime) -> None:
    """Messages handed over before `before` that still wait become NO_RECEIPT."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            _CLOSE,
            {
                "day": day,
                "campaign": campaign_id,
                "before": before,
                "now": now,
                "pending": MessageState.PENDING,
                "no_receipt": MessageState.NO_RECEIPT,
            },
        )
