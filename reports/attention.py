"""What somebody must look at: campaigns that move on by themselves no more, messages in doubt, lists that failed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Case, CharField, IntegerField, OuterRef, Q, Subquery, Sum, Value, When
from django.db.models.functions import Cast

from accounts.models import Workspace
from audit.models import Entry
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
    """`by_hand` is how many campaigns people have paused: they know, and it needs no attention."""

    campaigns: list[Campaign]
    uncertain: list[tuple[Campaign, int]]  # with how many messages nobody knows about
    lists: list[RecipientList]
    by_hand: int

    @property
    def is_needed(self) -> bool:
        return bool(self.campaigns or self.uncertain or self.lists)


def attention(workspace: Workspace, *, now: datetime) -> Attention:
    live = Campaign.objects.of(workspace).live().annotate(paused_by=Subquery(_WHO_PAUSED))
    paused = Q(status=Status.PAUSED)
    stuck = Q(status__in=[Status.MISSED, Status.REJECTED]) | paused & Q(paused_by=None)
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
        by_hand=live.filter(paused).exclude(paused_by=None).count(),
    )


# The system is nobody.
_WHO_PAUSED = (
    Entry.objects.filter(
        chain=OuterRef("workspace"),
        subject_type="campaign",
        subject_id=Cast(OuterRef("pk"), CharField()),
        action="campaign.paused",
    )
    .order_by("-seq")
    .values("actor")[:1]
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
