"""What waits and what is wrong, for the first page of the desk."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min

from accounts.models import User, Workspace
from campaigns.models import Campaign
from campaigns.statuses import Status
from channels import links
from delivery import clocks
from delivery.models import HostClock
from moderation import incidents, waiting
from moderation.waiting import Wait
from senders.models import Revision

LOOKED_BACK = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """`oldest` is how long the first of them has waited; None when nothing does."""

    count: int
    oldest: Wait | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    campaigns: Queue
    missed: int
    revisions: Queue
    new_incidents: int
    failed: int
    channels: list[links.Standing]
    wrong_clocks: list[HostClock]

    @property
    def channels_down(self) -> list[links.Standing]:
        return [one for one in self.channels if one.is_down]


def standing(user: User, *, now: datetime) -> Standing:
    workspaces = Workspace.objects.decided_by(user).values("pk")
    own = Campaign.objects.without_trials().filter(workspace__in=workspaces)
    return Standing(
        campaigns=_queue(own.in_review(), now),
        missed=own.filter(status=Status.MISSED).count(),
        revisions=_queue(Revision.objects.pending().filter(sender__workspace__in=workspaces), now),
        new_incidents=incidents.seen_by(user).filter(is_acknowledged=False, minute__gte=now - LOOKED_BACK).count(),
        failed=own.filter(status=Status.FAILED, finished_at__gte=now - LOOKED_BACK).count(),
        channels=links.standings(now=now),
        wrong_clocks=clocks.wrong(),
    )


def _queue(rows: Any, now: datetime) -> Queue:
    found = rows.aggregate(count=Count("pk"), oldest=Min("submitted_at"))
    return Queue(count=found["count"], oldest=waiting.since(found["oldest"], now) if found["count"] else None)
