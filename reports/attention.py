"""What somebody must look at: campaigns that move on by themselves no more, messages in doubt, lists that failed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Case, IntegerField, Q, Sum, Value, When

from accounts.models import Workspace
from campaigns.models import Campaign
from campaigns.statuses import Status
from delivery.models import Tally
from delivery.statuses import MessageState
from recipients.models import RecipientList
from recipients.statuses import Status as ListStatus

SHOWN = 8
# What has failed cannot be mended: it is news for so long.
NEWS = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    campaigns: list[Campaign]
    uncertain: list[tuple[Campaign, int]]  # with how many messages nobody knows about
    lists: list[RecipientList]

    @property
    def is_needed(self) -> bool:
        return bool(self.campaigns or self.uncertain or self.lists)


def attention(workspace: Workspace, *, now: datetime) -> Attention:
    live = Campaign.objects.of(workspace).live()
    stuck = Q(status__in=[Status.MISSED, Status.PAUSED, Status.REJECTED])
    failed = Q(status=Status.FAILED, finished_at__gt=now - NEWS)
    return Attention(
        campaigns=list(live.filter(stuck | failed).select_related("list").order_by(_URGENCY, "-pk")[:SHOWN]),
        uncertain=_uncertain(workspace, now),
        lists=list(
            RecipientList.objects.of(workspace)
            .live()
            .filter(status=ListStatus.FAILED, created_at__gt=now - NEWS)
            .order_by("-pk")[:SHOWN]
        ),
    )


_URGENCY = Case(
    *(When(status=status, then=Value(n)) for n, status in enumerate([Status.MISSED, Status.PAUSED, Status.FAILED])),
    default=Value(9),
    output_field=IntegerField(),
)


def _uncertain(workspace: Workspace, now: datetime) -> list[tuple[Campaign, int]]:
    recent = Campaign.objects.of(workspace).live().filter(started_at__gt=now - NEWS)
    doubtful = Tally.objects.filter(campaign__in=recent, state=MessageState.UNCERTAIN).values("campaign")
    counted = doubtful.annotate(count=Sum("n")).filter(count__gt=0).order_by("-campaign")[:SHOWN]
    counts = {row["campaign"]: row["count"] for row in counted}
    found = Campaign.objects.of(workspace).in_bulk(counts) if counts else {}
    return [(found[pk], count) for pk, count in counts.items()]
