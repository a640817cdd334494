"""How far a campaign is, how fast, and until when."""

from dataclasses import dataclass
from datetime import datetime

from campaigns.models import Campaign
from campaigns.statuses import FINISHED, Status
from delivery import counters
from delivery.counters import Totals
from reports import bar, lately
from reports.bar import Share
from reports.pace import pace

LIVE = frozenset({Status.SENDING})
# Somebody, the clock or a carrier will move it on; how soon is not worth a request each two seconds.
UNHURRIED = frozenset({Status.IN_REVIEW, Status.APPROVED, Status.MISSED, Status.PAUSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """`percent` of the accepted recipients are handed over; rates are recipients a second (`reports.pace`)."""

    status: Status
    totals: Totals
    percent: float
    rate: float | None
    planned_rate: float | None
    eta: datetime | None
    is_still: bool  # it should have moved for a minute, and did not
    stopped_because: str
    opens_at: datetime | None  # it waits for the next of its hours

    @property
    def is_active(self) -> bool:
        return self.status in LIVE

    @property
    def shares(self) -> list[Share]:
        return bar.shares(self.totals)

    @property
    def bar_in_words(self) -> str:
        return bar.in_words(self.shares)

    @property
    def rows_balance(self) -> bool:
        totals = self.totals
        return totals.rows == totals.invalid + totals.duplicate + totals.suppressed + totals.accepted

    @property
    def accepted_balance(self) -> bool:
        totals = self.totals
        return totals.accepted == totals.handed_over + totals.expired + totals.cancelled + totals.waiting

    @property
    def awaits_receipts(self) -> bool:
        return self.totals.pending > 0

    @property
    def awaits_answers(self) -> bool:
        """It ended with messages on their way to the carrier."""
        return self.status in FINISHED and self.totals.waiting > 0

    @property
    def seconds_to_next_point(self) -> int | None:
        """The same of the chart."""
        return None if self.seconds_to_next is None or not self.totals.handed_over else 5 * self.seconds_to_next

    @property
    def seconds_to_next(self) -> int | None:
        """When it is worth looking again; None when nothing changes any more but by hand."""
        if self.is_active or self.awaits_answers:
            return 2
        if self.status in UNHURRIED or (self.status in FINISHED and self.awaits_receipts):
            return 10
        return None


def progress(campaign: Campaign, *, now: datetime) -> Progress:
    totals = counters.totals(campaign)
    tempo = pace(campaign, totals, lately.handed_over([campaign], now=now).get(campaign.pk), parts=1, now=now)
    return Progress(
        status=Status(campaign.status),
        totals=totals,
        percent=bar.handed_over_percent(totals),
        rate=tempo.reached if campaign.status in LIVE else None,
        planned_rate=tempo.planned,
        eta=tempo.eta,
        is_still=tempo.is_still,
        stopped_because=campaign.stopped_because,
        opens_at=_opens_at(campaign, now=now),
    )


def _opens_at(campaign: Campaign, *, now: datetime) -> datetime | None:
    if campaign.status not in LIVE or campaign.hours.is_open(now):
        return None
    return campaign.hours.next_opening(now)
