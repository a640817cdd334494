"""The figures of a scrape, from counters, partial indexes and the ends of logs: nothing here reads more rows the longer
the installation runs (docs/adr/0080)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Count, F, Max, Min, Q, Sum

from audit.models import Check, Entry
from campaigns.models import Campaign
from campaigns.querysets import DUE_AT
from campaigns.statuses import FINISHED, Status
from channels import links
from channels.models import Channel
from delivery import clocks
from delivery.models import Chunk, Incident
from delivery.statuses import IncidentKind
from recipients.models import RecipientList
from recipients.statuses import Status as ListStatus
from reports import replica
from reports.models import Export
from reports.statuses import UNFINISHED
from reports.statuses import Status as ExportStatus
from webhooks.statuses import DeliveryState, Disabled

MOST = 100_000  # rows that are counted one by one: what is more is told as this
CAMPAIGNS_SHOWN = 100  # the busiest: labels must not be as many as campaigns
WINDOW = timedelta(seconds=10)
MOST_INTENTS = 2000  # within the window
LATELY = timedelta(minutes=10)
NEWS = timedelta(days=1)  # what has failed is news for so long


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A campaign of which something was handed over a moment ago."""

    campaign_id: int
    recipients_per_second: float
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """How long a channel took to answer what one process sent."""

    channel: str
    process: str
    counts: list[int]
    seconds: float


def campaigns() -> dict[str, int]:
    """By status, of those that are not over."""
    unfinished = [status for status in Status if status not in FINISHED]
    found = Campaign.objects.filter(status__in=unfinished).order_by().values_list("status").annotate(count=Count("pk"))
    return {status.value: 0 for status in unfinished} | dict(found)


def overdue(now: datetime) -> float:
    """For how many seconds the campaign has been due that is so for longest; 0 when none is."""
    first = Campaign.objects.due(now).annotate(since=DUE_AT).aggregate(first=Min("since"))["first"]
    return (now - first).total_seconds() if first else 0.0


def latest_start(now: datetime) -> float:
    """By how many seconds the latest of those started that began in the last minutes."""
    began = Campaign.objects.sending().filter(started_at__gt=now - LATELY).annotate(late=F("started_at") - DUE_AT)
    late = began.aggregate(most=Max("late"))["most"]
    return max(0.0, late.total_seconds()) if late else 0.0


# The last chunk of a trigger is open as long as the trigger is, whether anything waits in it or not.
_CHUNKS = """
SELECT (SELECT count(*) FROM (
           SELECT FROM delivery_chunk
           WHERE status = 'open' AND owner = '' AND (key <> '' OR next < count) LIMIT %(most)s
       ) waiting),
       (SELECT count(*) FROM delivery_chunk WHERE owner <> '' AND lease_until >= %(now)s),
       (SELECT min(started_at) FROM campaigns_campaign campaign WHERE status = ANY(%(open)s) AND EXISTS (
           SELECT FROM delivery_chunk WHERE campaign_id = campaign.id AND status = 'open' AND key <> ''))
"""


def chunks(now: datetime) -> tuple[int, int, float]:
    """How many are open and nobody's, how many somebody has, and since when the campaign of the oldest open one
    sends."""
    values = {"most": MOST, "now": now, "open": [Status.SENDING, Status.PAUSED]}
    waiting, owned, first = _row(_CHUNKS, values)
    return waiting, owned, (now - first).total_seconds() if first else 0.0


# The first that waits of each chunk is its oldest: they are numbered as they are taken on.
_PUSHED = """
SELECT chunk.campaign_id, sum(chunk.count - chunk.next)::bigint, min(push.at)
FROM delivery_chunk chunk
JOIN campaigns_campaign campaign ON campaign.id = chunk.campaign_id AND campaign.status = %(sending)s
JOIN delivery_push push ON push.campaign_id = chunk.campaign_id AND push.recipient = chunk.first + chunk.next
WHERE chunk.status = 'open' AND chunk.key = '' AND chunk.next < chunk.count
GROUP BY chunk.campaign_id ORDER BY 3
"""


def pushed(now: datetime) -> tuple[int, float]:
    """How many pushed messages wait, and for how many seconds the oldest of those that may be sent at this hour."""
    with connection.cursor() as cursor:
        cursor.execute(_PUSHED, {"sending": Status.SENDING})
        found = cursor.fetchall()
    first = next((at for campaign_id, _, at in found if _is_open(campaign_id, now)), None)
    return sum(waiting for _, waiting, _ in found), (now - first).total_seconds() if first else 0.0


def _is_open(campaign_id: int, now: datetime) -> bool:
    return Campaign.objects.get(pk=campaign_id).hours.is_open(now)


# The last intents, whatever wrote them: a look at each campaign would cost more, the more there are.
_FLOWS = """
SELECT campaign.id,
       sum(of_chunk.count) / greatest(1, extract(epoch FROM %(now)s - min(of_chunk.since)))::float8 AS rate,
       coalesce(campaign.parts_per_second, 0)
FROM (
    SELECT chunk_id, sum(count) AS count, min(at) AS since
    FROM (SELECT chunk_id, count, at FROM delivery_intent ORDER BY id DESC LIMIT %(most)s) latest
    WHERE at > %(within)s GROUP BY chunk_id
) of_chunk
JOIN delivery_chunk chunk ON chunk.id = of_chunk.chunk_id
JOIN campaigns_campaign campaign ON campaign.id = chunk.campaign_id
WHERE campaign.status = %(sending)s
GROUP BY campaign.id ORDER BY rate DESC LIMIT %(shown)s
"""


def flows(now: datetime) -> list[Flow]:
    """The busiest of those that are sending."""
    values: dict[str, Any] = {"now": now, "within": now - WINDOW, "sending": Status.SENDING}
    with connection.cursor() as cursor:
        cursor.execute(_FLOWS, values | {"most": MOST_INTENTS, "shown": CAMPAIGNS_SHOWN})
        return [
            Flow(campaign_id=campaign_id, recipients_per_second=float(rate), limit=limit)
            for campaign_id, rate, limit in cursor.fetchall()
        ]


def channels() -> list[Channel]:
    return list(Channel.objects.active().order_by("name"))


def binds(of: Iterable[Channel], *, now: datetime) -> list[links.State]:
    return links.states_of([channel.pk for channel in of], now=now)


_ANSWERS = """
SELECT channel.name, process, array_agg(n ORDER BY place), max(seconds) FROM (
    SELECT channel_id, process, place, sum(n)::bigint AS n,
           sum(answer_seconds) FILTER (WHERE place = 1) AS seconds
    FROM channels_linkstate, unnest(answered) WITH ORDINALITY AS one (n, place)
    WHERE seen_at > %(heard)s GROUP BY channel_id, process, place
) one JOIN channels_channel channel ON channel.id = channel_id GROUP BY channel.name, process ORDER BY 1, 2
"""


def answers(now: datetime) -> list[Answers]:
    with connection.cursor() as cursor:
        cursor.execute(_ANSWERS, {"heard": now - links.FORGOTTEN_AFTER})
        return [
            Answers(channel=channel, process=process, counts=counts, seconds=float(seconds))
            for channel, process, counts, seconds in cursor.fetchall()
        ]


_RECEIPTS = """
SELECT (SELECT count(*) FROM (
           SELECT FROM delivery_receipt WHERE applied_at IS NULL AND is_receipt LIMIT %(most)s
       ) unmatched), (SELECT min(next_try_at) FROM delivery_receipt WHERE applied_at IS NULL AND is_receipt)
"""


def receipts(now: datetime) -> tuple[int, float]:
    """How many have no message yet, and by how many seconds the matching of the first of them is late."""
    count, first = _row(_RECEIPTS, {"most": MOST})
    return count, max(0.0, (now - first).total_seconds()) if first else 0.0


def uncertain() -> int:
    return int(_row("SELECT count(*) FROM (SELECT FROM delivery_doubt LIMIT %(most)s) one", {"most": MOST})[0])


def kept_back() -> int:
    """Chunks that somebody must look at."""
    return Chunk.objects.kept_back().filter(campaign__status__in=[Status.SENDING, Status.PAUSED]).count()


def incidents(now: datetime) -> dict[str, int]:
    """By kind, of the last minutes."""
    found = Incident.objects.filter(minute__gt=now - LATELY).order_by().values_list("kind").annotate(total=Sum("count"))
    return {kind.value: 0 for kind in IncidentKind} | dict(found)


def lists(now: datetime) -> dict[str, int]:
    """Being prepared; of those, waiting for somebody to do it; failed of the last day."""
    open_or_news = Q(status=ListStatus.PREPARING) | Q(status=ListStatus.FAILED, created_at__gt=now - NEWS)
    found = RecipientList.objects.filter(open_or_news).aggregate(
        preparing=Count("pk", filter=Q(status=ListStatus.PREPARING)),
        failed=Count("pk", filter=Q(status=ListStatus.FAILED)),
    )
    return found | {"waiting": RecipientList.objects.left_alone(now).count()}


def exports(now: datetime) -> dict[str, int]:
    """Queued, running, and failed of the last day."""
    open_or_news = Q(status__in=UNFINISHED) | Q(status=ExportStatus.FAILED, requested_at__gt=now - NEWS)
    found = Export.objects.filter(open_or_news).order_by().values_list("status").annotate(count=Count("pk"))
    return {status.value: 0 for status in (*sorted(UNFINISHED), ExportStatus.FAILED)} | dict(found)


def ledger() -> tuple[float, float, int]:
    """When the newest entry was written, and when the chain was verified whole that was so longest ago (0: never), in
    seconds since 1970; and how many chains did not hold when they were last looked at."""
    newest = Entry.objects.order_by("-pk").values_list("at", flat=True).first()
    first = Check.objects.filter(is_whole=True).aggregate(first=Min("at"))["first"]
    broken = Check.objects.exclude(broken_seq=None).count()
    return newest.timestamp() if newest else 0.0, first.timestamp() if first else 0.0, broken


_WEBHOOKS = """
SELECT count(*), min(since), min(greatest(next_at, rests_until)) FROM (
    SELECT since, next_at, rests_until
    FROM webhooks_delivery delivery JOIN webhooks_endpoint endpoint ON endpoint.id = endpoint_id
    WHERE state = %(pending)s AND disabled = %(on)s AND deleted_at IS NULL LIMIT %(most)s
) waiting
"""


def webhooks(now: datetime) -> tuple[int, float, float]:
    """How many deliveries wait, for how many seconds the oldest has done so, whoever is to blame, and by how many
    seconds we are late with one that is due."""
    count, oldest, due = _row(_WEBHOOKS, {"pending": DeliveryState.PENDING, "on": Disabled.NO, "most": MOST})
    if not count:
        return 0, 0.0, 0.0
    return count, (now - oldest).total_seconds(), max(0.0, (now - due).total_seconds())


def replica_lag(now: datetime) -> float | None:
    """By how many seconds the copy for reports is behind; None where there is none."""
    lag = replica.lag(now=now)
    return None if lag is None else lag.total_seconds()


def clock_errors() -> dict[str, float]:
    """By host, in seconds; those ahead of the database's clock are positive."""
    return {one.host: one.ahead for one in clocks.heard_of()}


def _row(statement: str, values: dict[str, Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()
