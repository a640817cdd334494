"""What is kept for how long: whole partitions go, a month at a time; the counters of their campaigns stay."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.utils import OperationalError
from django.utils.translation import gettext as _

from audit.refusal import Refused
from campaigns.models import Campaign
from campaigns.statuses import FINISHED
from delivery.plans import partition

# Whoever holds the table longer keeps its partition for an hour more: nobody waits behind us.
LOCK_WITHIN = "2s"
_NAME = re.compile(r"(\d{4})_(\d{2})")
# Those whose `day` is that of a campaign's start.
_BY_CAMPAIGN = ("delivery_message", "delivery_carrierid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Names of partitions; those `kept` are old enough, and still needed."""

    dropped: list[str]
    kept: list[str]


def is_kept(campaign: Campaign) -> bool:
    """Whether what became of each of its recipients is still on record."""
    if campaign.started_at is None:
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [partition(campaign.day)])
        (is_there,) = cursor.fetchone()
    return bool(is_there)


def check_kept(campaign: Campaign) -> None:
    if not is_kept(campaign):
        raise Refused(
            _("The details of %(campaign)s are no longer kept; its totals are.") % {"campaign": campaign},
            code="not_kept",
        )


def drop_old(*, today: date) -> Sweep:
    """Drop each partition whose last day is longer ago than its table is kept, unless a campaign needs it."""
    dropped: list[str] = []
    kept: list[str] = []
    for table, days in _kept_for().items():
        for name, begins, ends in _partitions(table):
            if ends <= today - timedelta(days=days):
                is_gone = not (table in _BY_CAMPAIGN and _is_needed(begins, ends)) and _drop(table, name, begins, ends)
                (dropped if is_gone else kept).append(name)
    return Sweep(dropped=dropped, kept=kept)


def _kept_for() -> dict[str, int]:
    return {
        "delivery_carrierid": settings.CARRIER_ID_RETENTION_DAYS,
        "delivery_message": settings.MESSAGE_RETENTION_DAYS,
        "delivery_receipt": settings.RECEIPT_RETENTION_DAYS,
        "delivery_inbox": settings.RECEIPT_RETENTION_DAYS,
    }


def _partitions(table: str) -> list[tuple[str, date, date]]:
    """(name, first day, day after the last) of each, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = %s::regclass ORDER BY c.relname",
            [table],
        )
        names = [name for (name,) in cursor.fetchall()]
    found = []
    for name in names:
        if month := _NAME.fullmatch(name.removeprefix(f"{table}_")):
            begins = date(int(month[1]), int(month[2]), 1)
            found.append((name, begins, (begins + timedelta(days=32)).replace(day=1)))
    return found


def _started(begins: date, ends: date) -> tuple[datetime, datetime]:
    return datetime.combine(begins, datetime.min.time(), UTC), datetime.combine(ends, datetime.min.time(), UTC)


def _is_needed(begins: date, ends: date) -> bool:
    first, end = _started(begins, ends)
    started = Campaign.objects.filter(started_at__gte=first, started_at__lt=end)
    return started.exclude(status__in=FINISHED).exists()


_FORGET_DOUBTS = """
DELETE FROM delivery_doubt d USING campaigns_campaign p
WHERE p.id = d.campaign_id AND p.started_at >= %s AND p.started_at < %s
"""


def _drop(table: str, name: str, begins: date, ends: date) -> bool:
    """False when somebody holds it."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_WITHIN}'")
            if table == "delivery_message":  # nobody can be told what becomes of them any more
                cursor.execute(_FORGET_DOUBTS, _started(begins, ends))
            cursor.execute("SELECT drop_partition(%s)", [name])
    except OperationalError:
        return False
    return True
