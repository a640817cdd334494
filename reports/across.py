"""All workspaces side by side, for the Master view: what is in each, and what goes on there."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from accounts.models import Membership, Workspace
from campaigns.models import Campaign
from campaigns.statuses import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    workspace: Workspace
    members: int
    campaigns: int
    waiting: int
    sending: int
    last_started_at: datetime | None


def places(wanted: str = "") -> Any:
    """By name; `wanted` is a part of a name or a code. One question for a page of them."""
    found = Workspace.objects.filter(Q(name__icontains=wanted) | Q(slug__icontains=wanted))
    members = Membership.objects.filter(workspace=OuterRef("pk"), user__is_active=True)
    return found.order_by("name", "pk").annotate(
        member_count=_counted(members, Count("pk")),
        campaign_count=_counted(_campaigns(), Count("pk")),
        waiting_count=_counted(_campaigns(), Count("pk", filter=Q(status=Status.IN_REVIEW))),
        sending_count=_counted(_campaigns(), Count("pk", filter=Q(status=Status.SENDING))),
        last_started_at=Subquery(_alone(_campaigns(), Max("started_at"))),
    )


def place_of(row: Any) -> Place:
    return Place(
        workspace=row,
        members=row.member_count,
        campaigns=row.campaign_count,
        waiting=row.waiting_count,
        sending=row.sending_count,
        last_started_at=row.last_started_at,
    )


def _campaigns() -> Any:
    return Campaign.objects.without_trials().filter(workspace=OuterRef("pk"))


def _counted(rows: Any, count: Count) -> Coalesce:
    return Coalesce(Subquery(_alone(rows, count)), 0)


def _alone(rows: Any, value: Any) -> Any:
    return rows.order_by().values("workspace").annotate(found=value).values("found")
