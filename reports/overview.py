"""The campaigns of a workspace at a glance: how many are where, what waits for somebody, how far the newest are."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count

from accounts.models import Workspace
from campaigns.models import Campaign
from campaigns.statuses import Status
from delivery import counters
from delivery.counters import Totals

ACTIVE = (Status.SENDING, Status.PAUSED, Status.APPROVED)
# Nothing moves on by itself from here.
STUCK = (Status.MISSED, Status.REJECTED, Status.PAUSED, Status.FAILED)
SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    campaign: Campaign
    totals: Totals

    @property
    def ended(self) -> int:
        """Recipients whose dispatch has ended, one way or another."""
        return self.totals.accepted - self.totals.waiting

    @property
    def percent(self) -> int:
        if not self.totals.accepted:  # no list yet, or all of it suppressed before its turn came
            return 100 if self.totals.rows else 0
        return 100 * self.ended // self.totals.accepted


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    total: int
    active: int
    done: int
    failed: int
    in_review: int
    needs_attention: list[Campaign]
    newest: list[Row]

    @property
    def is_moving(self) -> bool:
        return any_moving(self.newest)


def any_moving(shown: Iterable[Row]) -> bool:
    return any(row.campaign.status == Status.SENDING for row in shown)


def rows(campaigns: Iterable[Campaign]) -> list[Row]:
    shown = list(campaigns)
    totals = counters.totals_of(shown)
    return [Row(campaign=campaign, totals=totals[campaign.pk]) for campaign in shown]


def overview(workspace: Workspace) -> Overview:
    live = Campaign.objects.of(workspace).live()
    counted = dict(live.order_by().values_list("status").annotate(Count("pk")))
    newest = live.select_related("sender", "list").order_by("-pk")
    return Overview(
        total=sum(counted.values()),
        active=sum(counted.get(status, 0) for status in ACTIVE),
        done=counted.get(Status.DONE, 0),
        failed=counted.get(Status.FAILED, 0) + counted.get(Status.EXPIRED, 0),
        in_review=counted.get(Status.IN_REVIEW, 0),
        needs_attention=list(newest.filter(status__in=STUCK)[:SHOWN]),
        newest=rows(newest[:SHOWN]),
    )
