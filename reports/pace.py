"""How fast a campaign goes, in message parts, and when it will be through. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from campaigns.forecast import Load, forecast
from campaigns.models import Campaign
from campaigns.statuses import FINISHED, Mode, Status
from delivery.counters import Totals
from reports import lately
from reports.lately import Lately

SETTLED = 5.0  # seconds of sending from which on somebody can say how fast it goes
NOTICED = 3  # recipients that should have gone within the last minute: none of them, and it stands still


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """In parts a second: `planned` is what a spread campaign's window asks for, `reached` what went within the last
    minute of sending, or over the run once it is over. None is what cannot be told, and so of the end."""

    planned: float | None
    reached: float | None
    eta: datetime | None
    is_still: bool

    @property
    def rate(self) -> float | None:
        return self.reached if self.planned is None else self.planned


def pace(campaign: Campaign, totals: Totals, recent: Lately | None, *, parts: int, now: datetime) -> Pace:
    """`recent` is what `lately` says of it."""
    planned = _planned(campaign, totals, parts)
    reached = _over_the_run(campaign, totals, parts) if recent is None else _recently(campaign, recent, parts, now)
    is_still = recent is not None and _is_still(campaign, recent, planned, parts, now)
    return Pace(
        planned=planned,
        reached=reached,
        eta=None if is_still else _eta(campaign, totals, reached, parts, now),
        is_still=is_still,
    )


def _planned(campaign: Campaign, totals: Totals, parts: int) -> float | None:
    if campaign.mode != Mode.SPREAD or campaign.date_from is None or campaign.date_to is None:
        return None
    seconds = campaign.hours.open_seconds(campaign.date_from, campaign.date_to)
    return totals.accepted * parts / seconds if seconds else None


def _over_the_run(campaign: Campaign, totals: Totals, parts: int) -> float | None:
    if campaign.status not in FINISHED or campaign.started_at is None or campaign.finished_at is None:
        return None
    seconds = (campaign.finished_at - campaign.started_at).total_seconds()
    return totals.handed_over * parts / seconds if seconds > 0 else None


def _recently(campaign: Campaign, recent: Lately, parts: int, now: datetime) -> float | None:
    seconds = campaign.hours.open_seconds(recent.since, now)
    return recent.count * parts / seconds if seconds >= SETTLED else None


def _is_still(campaign: Campaign, recent: Lately, planned: float | None, parts: int, now: datetime) -> bool:
    """For a whole minute in which it should have moved."""
    seconds = campaign.hours.open_seconds(recent.since, now)
    expected = NOTICED if planned is None else seconds * planned / parts
    return not recent.count and seconds >= lately.WINDOW.total_seconds() and expected >= NOTICED


def _eta(campaign: Campaign, totals: Totals, rate: float | None, parts: int, now: datetime) -> datetime | None:
    if campaign.status != Status.SENDING or campaign.mode == Mode.TRIGGER or not totals.waiting:
        return None
    if campaign.mode == Mode.SPREAD:
        return campaign.date_to
    if not rate:
        return None
    left = Load(parts=totals.waiting * parts, begins=now, hours=campaign.hours, ends=campaign.not_after, limit=rate)
    done_at = forecast(left, rate=None, now=now).done_at
    return None if done_at is None else now + timedelta(seconds=round((done_at - now).total_seconds()))
