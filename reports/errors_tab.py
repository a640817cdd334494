"""What went wrong with a campaign: incidents of the infrastructure, and apart from them why messages failed."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Max, Min, Q, Sum

from campaigns.models import Campaign
from delivery import errors
from delivery.errors import Error
from delivery.models import Chunk, Incident, Tally
from delivery.statuses import ChunkStatus, IncidentKind, MessageState

TOP = 10
SHOWN_CHUNKS = 100
SHOWN_MINUTES = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentGroup:
    kind: IncidentKind
    channel: str
    count: int
    first_at: datetime
    last_at: datetime
    sample: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why recipients failed; `share` is of the failed ones, 0 to 1."""

    error: Error
    count: int
    share: float

    @property
    def percent(self) -> float:
        return 100 * self.share


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptBack:
    """A chunk that nobody works on until an operator has looked; `waiting` are its recipients without a result."""

    number: int
    status: ChunkStatus
    waiting: int
    trouble: str


def kept_back(campaign: Campaign) -> list[KeptBack]:
    chunks = Chunk.objects.filter(campaign=campaign).kept_back().order_by("number")
    return [
        KeptBack(
            number=chunk.number,
            status=ChunkStatus(chunk.status),
            waiting=chunk.count - chunk.next + chunk.unresolved,
            trouble=chunk.trouble,
        )
        for chunk in chunks[:SHOWN_CHUNKS]
    ]


def incidents(campaign: Campaign, *, kind: str = "", channel: str = "") -> list[IncidentGroup]:
    """Those of the campaign, and while it ran those of its channel, or all of its route's; never another campaign's."""
    wanted = {**({"kind": kind} if kind else {}), **({"channel__name": channel} if channel else {})}
    groups = (
        Incident.objects.filter(_concern(campaign), **wanted)
        .values("kind", "channel__name")
        .annotate(
            n=Sum("count"),
            first=Min("first_at"),
            last=Max("last_at"),
            samples=ArrayAgg("sample", order_by=("-last_at", "-pk")),
        )
        .order_by("-last", "kind", "channel__name")
    )
    return [
        IncidentGroup(
            kind=IncidentKind(group["kind"]),
            channel=group["channel__name"] or "",
            count=group["n"],
            first_at=group["first"],
            last_at=group["last"],
            sample=group["samples"][0],
        )
        for group in groups
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentMinute:
    at: datetime
    kind: IncidentKind
    channel: str
    count: int


def minutes(campaign: Campaign) -> list[IncidentMinute]:
    """The latest minutes with incidents, the newest first."""
    found = Incident.objects.filter(_concern(campaign)).select_related("channel").order_by("-minute", "-pk")
    return [
        IncidentMinute(
            at=incident.minute,
            kind=IncidentKind(incident.kind),
            channel=incident.channel.name if incident.channel else "",
            count=incident.count,
        )
        for incident in found[:SHOWN_MINUTES]
    ]


def reasons(campaign: Campaign) -> list[Reason]:
    """The most frequent error codes of the failed messages."""
    tallied = Tally.objects.filter(campaign=campaign, state=MessageState.FAILED)
    groups = (
        tallied.values_list("error_kind", "error_code")
        .annotate(total=Sum("n"))
        .filter(total__gt=0)
        .order_by("-total", "error_kind", "error_code")
    )
    failed = sum(n for _, _, n in groups)
    unknown = Error("", "UNKNOWN", "The carrier gave no reason.")
    return [
        Reason(error=errors.explain(kind, code) or unknown, count=n, share=n / failed) for kind, code, n in groups[:TOP]
    ]


def _concern(campaign: Campaign) -> Q:
    own = Q(campaign=campaign)
    if campaign.started_at is None:
        return own
    channels = [campaign.channel_id]
    if campaign.route is not None:
        channels = [member.channel_id for member in campaign.route.in_order]
    during = Q(channel__in=channels, campaign=None, last_at__gte=campaign.started_at)
    if campaign.finished_at:
        during &= Q(first_at__lte=campaign.finished_at)
    return own | during
