"""How fast a campaign goes over its whole run, in message parts, and when it will be through. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from campaigns.models import Campaign
from campaigns.statuses import Mode, Status
from delivery.counters import Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """`rate` in parts a second: of a spread campaign what its window asks for, else what was reached so far."""

    rate: float | None
    eta: datetime | None


def pace(campaign: Campaign, totals: Totals, *, parts: int, now: datetime) -> Pace:
    rate = _planned(campaign, totals, parts) or _reached(campaign, totals, parts, now)
    return Pace(rate=rate, eta=_eta(campaign, totals, rate, parts, now))


def _planned(campaign: Campaign, totals: Totals, parts: int) -> float | None:
    if campaign.mode != Mode.SPREAD or campaign.date_from is None or campaign.date_to is None:
        return None
    seconds = campaign.hours.open_seconds(campaign.date_from, campaign.date_to)
    return totals.accepted * parts / seconds if seconds else None


def _reached(campaign: Campaign, totals: Totals, parts: int, now: datetime) -> float | None:
    if campaign.started_at is None:
        return None
    seconds = ((campaign.finished_at or now) - campaign.started_at).total_seconds()
    return totals.handed_over * parts / seconds if seconds > 0 else None


def _eta(campaign: Campaign, totals: Totals, rate: float | None, parts: int, now: datetime) -> datetime | None:
    if campaign.status != Status.SENDING or not totals.waiting:
        return None
    if campaign.mode == Mode.SPREAD:
        return campaign.date_to
    return now + timedelta(seconds=round(totals.waiting * parts / rate)) if rate else None
