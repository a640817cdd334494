"""What is kept for how long: whole partitions go, a month at a time; the counters of their campaigns stay.

A partition goes when no workspace keeps its messages any longer (docs/adr/0072). Where another workspace's stay, those
of a campaign are deleted on the day on which the partition would have gone: it is always a matter of whole months.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.utils import OperationalError
from django.utils.translation import gettext as _

from accounts.models import Workspace
from audit.ledger import record
from audit.refusal import Refused
from campaigns.models import Campaign
from campaigns.statuses import FINISHED
from delivery.models import Forgotten, Inbound
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


_IS_KEPT = """
SELECT to_regclass(%s) IS NOT NULL AND NOT EXISTS (SELECT FROM delivery_forgotten WHERE campaign_id = %s)
"""


def is_kept(campaign: Campaign) -> bool:
    """Whether what became of each of its recipients is still on record."""
    if campaign.started_at is None:
        return True
    with connection.cursor() as cursor:
        cursor.execute(_IS_KEPT, [partition(campaign.day), campaign.pk])
        return bool(cursor.fetchone()[0])


def month_of(campaign: Campaign) -> str:
    """The partition of its messages."""
    return partition(campaign.day)


def check_kept(campaign: Campaign) -> None:
    if not is_kept(campaign):
        raise Refused(
            _("The details of %(campaign)s are no longer kept; its totals are.") % {"campaign": campaign},
            code="not_kept",
        )


def drop_old(*, today: date) -> Sweep:
    """Drop each partition whose last day is longer ago than its table is kept, unless a campaign needs it."""
    swept = Sweep(dropped=[], kept=[])
    for table, name, begins, ends in _old_partitions(today):
        is_gone = not _is_needed(table, begins, ends) and _drop(table, name, begins, ends)
        (swept.dropped if is_gone else swept.kept).append(name)
    return swept


def look_for_old(*, today: date) -> Sweep:
    """What `drop_old` would do, if nobody is in its way."""
    swept = Sweep(dropped=[], kept=[])
    for table, name, begins, ends in _old_partitions(today):
        (swept.kept if _is_needed(table, begins, ends) else swept.dropped).append(name)
    return swept


def to_forget(*, today: date) -> list[int]:
    """Campaigns that are over whose workspace keeps messages for less time than another one does."""
    longest = _longest()
    found: list[int] = []
    since = _month_of(today - timedelta(days=longest))  # before it, partitions go
    for workspace in Workspace.objects.order_by("pk"):
        begun = Campaign.objects.filter(workspace=workspace, started_at__gte=since, status__in=FINISHED)
        begun = begun.filter(started_at__lt=_month_of(today - timedelta(days=_days_of(workspace))))
        begun = begun.exclude(pk__in=Forgotten.objects.values("pk"))
        found += begun.order_by("pk").values_list("pk", flat=True)
    return found


_FORGET = (
    "DELETE FROM delivery_doubt WHERE campaign_id = %(campaign)s",
    "DELETE FROM delivery_carrierid WHERE day = %(day)s AND campaign_id = %(campaign)s",
    "DELETE FROM delivery_message WHERE day = %(day)s AND campaign_id = %(campaign)s",
)


@transaction.atomic
def forget(campaign_id: int, *, now: datetime) -> None:
    """What became of each of its recipients; what it came to stays."""
    campaign = Campaign.objects.lock(campaign_id)
    if campaign.status not in FINISHED:
        raise Refused(_("%(campaign)s is not over.") % {"campaign": campaign}, code="wrong_status")
    _made, is_new = Forgotten.objects.get_or_create(campaign=campaign, defaults={"at": now})
    if is_new:
        with connection.cursor() as cursor:
            for statement in _FORGET:
                cursor.execute(statement, {"campaign": campaign_id, "day": campaign.day})
            record("campaign.details_forgotten", campaign, by=None, after={"messages": cursor.rowcount})


def old_inbound(*, now: datetime) -> dict[int | None, int]:
    """How many messages from phones are to be deleted, by workspace; None are those that nobody knew a workspace of."""
    counts = {pk: Inbound.objects.filter(workspace=pk, received_at__lt=end).count() for pk, end in _inbound_ends(now)}
    return {pk: count for pk, count in counts.items() if count}


@transaction.atomic
def delete_inbound(*, now: datetime) -> dict[int | None, int]:
    deleted: dict[int | None, int] = {}
    with connection.cursor() as cursor:
        for workspace_id, end in _inbound_ends(now):
            cursor.execute("SELECT forget_inbound(%s, %s)", [workspace_id, end])
            (deleted[workspace_id],) = cursor.fetchone()
    return {workspace_id: count for workspace_id, count in deleted.items() if count}


def _inbound_ends(now: datetime) -> list[tuple[int | None, datetime]]:
    days: list[tuple[int | None, int | None]] = [(None, None)]
    days += Workspace.objects.order_by("pk").values_list("pk", "inbound_kept_days")
    return [(pk, now - timedelta(days=kept or settings.INBOUND_RETENTION_DAYS)) for pk, kept in days]


def _kept_for() -> dict[str, int]:
    return {
        "delivery_carrierid": settings.CARRIER_ID_RETENTION_DAYS,
        "delivery_message": _longest(),
        "delivery_receipt": settings.RECEIPT_RETENTION_DAYS,
        "delivery_inbox": settings.RECEIPT_RETENTION_DAYS,
    }


def _longest() -> int:
    return max([_days_of(workspace) for workspace in Workspace.objects.all()] or [settings.MESSAGE_RETENTION_DAYS])


def _days_of(workspace: Workspace) -> int:
    return int(workspace.messages_kept_days or settings.MESSAGE_RETENTION_DAYS)


def _month_of(day: date) -> datetime:
    return datetime(day.year, day.month, 1, tzinfo=UTC)


def _old_partitions(today: date) -> list[tuple[str, str, date, date]]:
    return [
        (table, name, begins, ends)
        for table, days in _kept_for().items()
        for name, begins, ends in _partitions(table)
        if ends <= today - timedelta(days=days)
    ]


def names_of_partitions(table: str) -> list[str]:
    """Of each month, the oldest first."""
    return [name for name, *_ in _partitions(table)]


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


def _is_needed(table: str, begins: date, ends: date) -> bool:
    if table not in _BY_CAMPAIGN:
        return False
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
