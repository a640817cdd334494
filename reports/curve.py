"""The chart of a campaign: handed over, delivered and failed over time, against the plan."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from campaigns import gsm
from campaigns.models import Campaign
from campaigns.statuses import FINISHED, Mode
from delivery import course, pacing
from delivery.counters import Totals
from delivery.statuses import MessageState

S = MessageState
HANDED_OVER = frozenset({S.PENDING, S.DELIVERED, S.FAILED, S.NO_RECEIPT, S.UNCERTAIN})
MOST_POINTS = 90
SHORTEST = timedelta(minutes=2)  # a chart of less would be two points and a line between them
RECEIPTS = timedelta(minutes=10)  # of a campaign that ended: what its curve of receipts is watched for at least
WIDTHS = [
    timedelta(seconds=seconds)
    for seconds in (10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400, 604_800)
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Recipients up to this instant; `plan` is where it should be, None without a plan."""

    at: datetime
    handed_over: int
    delivered: int
    failed: int
    plan: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    points: list[Point]
    width: timedelta

    @property
    def has_plan(self) -> bool:
        return any(point.plan is not None for point in self.points)

    @property
    def chart(self) -> dict[str, Any]:
        """As static/charts.js draws it."""

        def series(label: str, name: str, colour: str, **more: bool) -> dict[str, Any]:
            data = [getattr(point, name) for point in self.points]
            return {"label": label, "data": data, "colour": colour, **more}

        shown = [
            series(_("Handed over"), "handed_over", "--accent", fill=True),
            series(_("Delivered"), "delivered", "--ok"),
        ]
        if any(point.failed for point in self.points):
            shown.append(series(_("Failed"), "failed", "--bad"))
        if self.has_plan:
            shown.append(series(_("Plan"), "plan", "--muted", dashed=True))
        labels = [point.at.isoformat() for point in self.points]
        return {"type": "line", "time": True, "labels": labels, "series": shown}


def curve(campaign: Campaign, totals: Totals, *, now: datetime) -> Curve | None:
    """None before it has begun, and when what it did has no time: from before courses were kept."""
    if campaign.started_at is None:
        return None
    begin, end = campaign.started_at, _end(campaign, now)
    width = next((width for width in WIDTHS if (end - begin) / width <= MOST_POINTS), WIDTHS[-1])
    moved = course.moved(campaign, width=width, until=end)
    if totals.handed_over and not moved:
        return None
    plan = _plan(campaign, totals, end=end)
    points, sums = [], dict.fromkeys(S, 0)
    at = begin - (begin - course.EPOCH) % width
    points.append(_point(begin, sums, plan))
    while at < end:
        for state, n in moved.get(at, {}).items():
            sums[state] += n
        at += width
        points.append(_point(min(at, end), sums, plan))
    return Curve(points=points, width=width)


def _point(at: datetime, sums: dict[S, int], plan: Callable[[datetime], int] | None) -> Point:
    return Point(
        at=at,
        handed_over=sum(sums[state] for state in HANDED_OVER),
        delivered=sums[S.DELIVERED],
        failed=sums[S.FAILED],
        plan=None if plan is None else plan(at),
    )


def _end(campaign: Campaign, now: datetime) -> datetime:
    assert campaign.started_at is not None
    end = now
    if campaign.status in FINISHED and campaign.finished_at is not None:
        # Receipts come for days: the curve goes on for as long again as a tenth of the run.
        after = max(RECEIPTS, (campaign.finished_at - campaign.started_at) / 10)
        end = min(now, campaign.finished_at + after)
    return max(end, campaign.started_at + SHORTEST)


def _plan(campaign: Campaign, totals: Totals, *, end: datetime) -> Callable[[datetime], int] | None:
    """Where it should be at an instant: on the line of its window, or at the rate that its carriers and its own limit
    allow; None when there is neither."""
    assert campaign.started_at is not None
    if campaign.mode == Mode.SPREAD and campaign.date_from and campaign.date_to:
        begin = max(campaign.started_at, campaign.date_from)
        until = pacing.line_end(begin, campaign.date_to, not_after=campaign.not_after)
        time = pacing.allowed(campaign.hours, begin=begin, end=max(begin, until))
        line = pacing.Line(time=time, first=0, count=totals.accepted)
        return line.due
    rate = rate_limit(campaign)
    if not rate:
        return None
    a_second = rate / max(1, gsm.count_parts(campaign.template.least))
    open_time = pacing.allowed(campaign.hours, begin=campaign.started_at, end=end)
    return lambda at: min(totals.accepted, int(a_second * open_time.gone(at).total_seconds()))


def rate_limit(campaign: Campaign) -> int:
    """Parts a second at most: its own limit, its channel's or those of its route together, the installation's; 0 when
    nothing limits it."""
    channels = [campaign.channel]
    if campaign.route is not None:
        members = [member for member in campaign.route.in_order if member.channel.is_active]
        channels = [member.channel for member in members if not member.is_backup] or [m.channel for m in members]
    rates = [channel.tps for channel in channels]
    together = sum(rates) if rates and all(rates) else 0
    return pacing.slowest(campaign.parts_per_second, together, settings.FLEET_TPS)
