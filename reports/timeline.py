"""What is scheduled for the next days, as bars over a week of the current time zone. Pure but for the question."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import Workspace
from campaigns.models import Campaign
from campaigns.statuses import Mode, Status

DAYS = 7
SHOWN = 10
MOST = 100  # are counted
# A minute is no wider than this, in per cent of the week: it would not be seen.
NARROWEST = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    begins_at: datetime
    x: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """`x` and `width` in per cent of the week; `until` is None where there is only a minute."""

    campaign: Campaign
    begins_at: datetime
    until: datetime | None
    x: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    days: list[Day]
    now_x: float
    bars: list[Bar]
    more: int
    is_cut: bool  # there are even more


def timeline(workspace: Workspace, *, now: datetime) -> Timeline:
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    # Adding days to a local time keeps its hour, also over a change of the clocks.
    days = [midnight + timedelta(days=number) for number in range(DAYS + 1)]
    begin, end = days[0], days[-1]
    minute = Q(mode=Mode.SCHEDULED, send_at__gte=now, send_at__lt=end, status__in=[Status.IN_REVIEW, Status.APPROVED])
    window = Q(mode=Mode.SPREAD, date_from__lt=end, date_to__gt=now) & Q(
        status__in=[Status.IN_REVIEW, Status.APPROVED, Status.SENDING, Status.PAUSED]
    )
    found = Campaign.objects.of(workspace).live().filter(minute | window).select_related("list")
    planned = found.order_by(Coalesce(F("date_from"), F("send_at")), "pk")
    ordered = list(planned[: MOST + 1])
    return Timeline(
        days=[Day(begins_at=day, x=_place(day, begin, end)) for day in days[:-1]],
        now_x=_place(now, begin, end),
        bars=[_bar(campaign, begin, end) for campaign in ordered[:SHOWN]],
        more=max(0, len(ordered) - SHOWN),
        is_cut=len(ordered) > MOST,
    )


def _place(at: datetime, begin: datetime, end: datetime) -> float:
    """Instants, not clocks: a day with a change of the clocks is as long as it is."""
    length = end.timestamp() - begin.timestamp()
    return round(min(100.0, max(0.0, 100 * (at.timestamp() - begin.timestamp()) / length)), 3)


def _bar(campaign: Campaign, begin: datetime, end: datetime) -> Bar:
    is_spread = campaign.mode == Mode.SPREAD
    begins_at = campaign.date_from if is_spread else campaign.send_at
    until = campaign.date_to if is_spread else None
    assert begins_at is not None
    x = _place(begins_at, begin, end)
    width = max(NARROWEST, _place(until, begin, end) - x if until else 0.0)
    return Bar(
        campaign=campaign, begins_at=begins_at, until=until, x=min(x, 100.0 - NARROWEST), width=min(width, 100.0 - x)
    )
