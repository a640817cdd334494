"""The campaigns of a workspace at a glance: how many are where, what waits for somebody, how far the newest are."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Min

from accounts.models import Workspace
from campaigns.models import Campaign
from campaigns.statuses import Mode, Status
from delivery import counters
from delivery.counters import Totals
from delivery.statuses import ACCEPTED, Term
from recipients.models import RecipientList
from reports import bar
from reports.attention import Attention, attention
from reports.bar import Share
from reports.campaign_search import GROUPS
from reports.pulse import Pulse, pulse
from reports.timeline import Timeline, timeline
from senders.models import Sender

ON_THEIR_WAY = (Status.SENDING, Status.PAUSED)
FUNNEL = (Status.DRAFT, Status.IN_REVIEW, Status.APPROVED, Status.SENDING, Status.DONE)
SHOWN = 8
MOST_ON_THEIR_WAY = 200

COLOURS: dict[Term, str] = {
    Term.DELIVERED: "--ok",
    Term.FAILED: "--bad",
    Term.PENDING: "--accent",
    Term.NO_RECEIPT: "--wait",
    Term.EXPIRED: "--muted",
    Term.CANCELLED: "--edge",
    Term.UNCERTAIN: "--warn",
    Term.WAITING: "--line",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    campaign: Campaign
    totals: Totals

    @property
    def begins_at(self) -> datetime | None:
        """When it began, or will."""
        return self.campaign.started_at or self.campaign.due_at

    @property
    def ends_at(self) -> datetime | None:
        """When it ended, or a window does."""
        campaign = self.campaign
        return campaign.finished_at or (campaign.date_to if campaign.mode == Mode.SPREAD else None)

    @property
    def is_under_way(self) -> bool:
        return self.campaign.status in ON_THEIR_WAY

    @property
    def percent(self) -> int:
        """How many of them are handed over."""
        return int(bar.handed_over_percent(self.totals))

    @property
    def unsent(self) -> int:
        """Those who got nothing and will not: its time was over, or it was called off."""
        return self.totals.expired + self.totals.cancelled

    @property
    def shares(self) -> list[Share]:
        return [one for one in bar.shares(self.totals) if one.count]

    @property
    def bar_in_words(self) -> str:
        return bar.in_words(self.shares)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    term: Term
    count: int
    percent: float
    colour: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A step of the funnel; `percent` is of the fullest one."""

    status: Status
    count: int
    percent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """What comes before the first campaign."""

    has_sender: bool
    has_list: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """`steps` is None once there are campaigns."""

    total: int
    active: int
    done: int
    failed: int
    in_review: int
    waiting_since: datetime | None
    on_their_way: int
    is_moving: bool
    is_awaited: bool
    slices: list[Slice]
    funnel: list[Stage]
    pulse: Pulse
    timeline: Timeline
    attention: Attention
    newest: list[Row]
    steps: Steps | None

    @property
    def seconds_to_next(self) -> int | None:
        """When it is worth looking again; None when nothing changes but by hand."""
        return 3 if self.is_moving else 30 if self.is_awaited else None

    @property
    def recipients(self) -> int:
        """Of the campaigns on their way."""
        return sum(one.count for one in self.slices)

    @property
    def chart(self) -> dict[str, Any]:
        shown = [one for one in self.slices if one.count]
        series = {"label": "", "data": [one.count for one in shown], "colour": [one.colour for one in shown]}
        return {
            "type": "doughnut",
            "labels": [str(one.term.label) for one in shown],
            "series": [series],
            "legend": False,
        }


def any_moving(shown: Iterable[Row]) -> bool:
    return any(row.campaign.status == Status.SENDING for row in shown)


def rows(campaigns: Iterable[Campaign]) -> list[Row]:
    shown = list(campaigns)
    totals = counters.totals_of(shown)
    return [Row(campaign=campaign, totals=totals[campaign.pk]) for campaign in shown]


def overview(workspace: Workspace, *, now: datetime) -> Overview:
    live = Campaign.objects.of(workspace).live()
    found = live.values_list("status").annotate(Count("pk"), Min("submitted_at")).order_by()
    counted = {status: (count, since) for status, count, since in found}

    def count(*statuses: Status) -> int:
        return sum(counted.get(status, (0, None))[0] for status in statuses)

    beat = pulse(workspace, now=now)
    newest = live.select_related("sender", "list", "created_by").order_by("-pk")
    return Overview(
        total=count(*Status),
        active=count(*GROUPS["active"]),
        done=count(Status.DONE),
        failed=count(*GROUPS["broken"]),
        in_review=count(Status.IN_REVIEW),
        waiting_since=counted.get(Status.IN_REVIEW, (0, None))[1],
        on_their_way=count(*ON_THEIR_WAY),
        is_moving=bool(count(Status.SENDING)) or beat.beats,
        is_awaited=bool(count(Status.APPROVED, Status.IN_REVIEW)),
        slices=_slices(newest) if count(*ON_THEIR_WAY) else [],
        funnel=_funnel([(status, count(status)) for status in FUNNEL]),
        pulse=beat,
        timeline=timeline(workspace, now=now),
        attention=attention(workspace, now=now),
        newest=rows(newest[:SHOWN]),
        steps=None if counted or Campaign.objects.of(workspace).exists() else _steps(workspace),
    )


def _slices(newest: Any) -> list[Slice]:
    on_their_way = list(newest.filter(status__in=ON_THEIR_WAY)[:MOST_ON_THEIR_WAY])
    totals = counters.totals_of(on_their_way).values()
    accepted = sum(one.accepted for one in totals)
    counts = {term: sum(getattr(one, term) for one in totals) for term in ACCEPTED}
    return [
        Slice(term=term, count=n, percent=100 * n / max(1, accepted), colour=COLOURS[term])
        for term, n in counts.items()
    ]


def _funnel(counts: list[tuple[Status, int]]) -> list[Stage]:
    fullest = max(1, *(n for _, n in counts))
    return [Stage(status=status, count=n, percent=round(100 * n / fullest, 2)) for status, n in counts]


def _steps(workspace: Workspace) -> Steps:
    return Steps(
        has_sender=Sender.objects.of(workspace).usable().exists(),
        has_list=RecipientList.objects.of(workspace).usable().exists(),
    )
