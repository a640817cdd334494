"""What is kept no longer, over all stores: seen first, then done; each by the verb of its room."""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from accounts.models import Workspace
from audit import walls
from audit.refusal import Refused
from campaigns.models import Campaign
from campaigns.statuses import FINISHED
from delivery import retention
from recipients import transitions
from recipients.models import RecipientList
from recipients.statuses import MOVES
from recipients.statuses import Status as ListStatus
from reports import exports
from reports.models import Export

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Names of partitions; ids of campaigns, lists and exports; how many messages from phones, by workspace."""

    partitions: list[str]
    campaigns: list[int]
    lists: list[int]
    exports: list[int]
    inbound: dict[int | None, int]


def look(*, now: datetime) -> Due:
    """What `run` would do at this moment. Lists follow their campaigns in the same run."""
    today = now.date()
    months = retention.look_for_old(today=today).dropped
    campaigns = retention.to_forget(today=today)
    return Due(
        partitions=months,
        campaigns=campaigns,
        lists=[listed.pk for listed in _old_lists(now) if not _needing(listed, months=months, forgotten=campaigns)],
        exports=list(Export.objects.kept_too_long(now).order_by("pk").values_list("pk", flat=True)),
        inbound=retention.old_inbound(now=now),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DueHere:
    """How many of each are of one workspace: campaigns whose messages go, with their month or before it."""

    campaigns: int
    lists: int
    exports: int
    inbound: int


def look_in(workspace: Workspace, *, now: datetime) -> DueHere:
    """Of `look`, what a page of the workspace tells."""
    with walls.everything():  # whether a month goes is a matter of all workspaces
        due = look(now=now)
    begun = Campaign.objects.filter(workspace=workspace, started_at__isnull=False)
    months = {one.pk for one in begun if retention.month_of(one) in due.partitions} if due.partitions else set()
    forgotten = Campaign.objects.filter(workspace=workspace, pk__in=due.campaigns).values_list("pk", flat=True)
    return DueHere(
        campaigns=len(months | set(forgotten)),
        lists=RecipientList.objects.filter(workspace=workspace, pk__in=due.lists).count(),
        exports=Export.objects.filter(workspace=workspace, pk__in=due.exports).count(),
        inbound=due.inbound.get(workspace.pk, 0),
    )


def run(*, now: datetime) -> Due:
    """What was done. What somebody is in the way of is done the next time."""
    due = look(now=now)
    months = retention.drop_old(today=now.date()).dropped
    campaigns = [pk for pk in due.campaigns if _done(partial(retention.forget, pk, now=now), campaign=pk)]
    inbound = retention.delete_inbound(now=now)
    lists = [listed.pk for listed in _old_lists(now) if _done(partial(_let_go, listed), list=listed.pk)]
    exports.let_go(now=now)
    return Due(partitions=months, campaigns=campaigns, lists=lists, exports=due.exports, inbound=inbound)


def _let_go(listed: RecipientList) -> None:
    spent = Campaign.objects.filter(list=listed, status__in=FINISHED)
    transitions.let_go(listed.pk, spent=[one for one in spent if not _is_kept(one)])


def _done(verb: "partial[None]", **about: int) -> bool:
    try:
        verb()
    except Refused as refusal:
        logger.info("retention.refused", extra={**about, "code": refusal.code})
        return False
    return True


def _old_lists(now: datetime) -> list[RecipientList]:
    """Lists of workspaces that keep them for so many days."""
    ended = [status for status in MOVES if ListStatus.DELETED in MOVES[status]]
    lists = RecipientList.objects.filter(status__in=ended, workspace__lists_kept_days__gt=0)
    return [
        listed
        for listed in lists.select_related("workspace").order_by("pk")
        if (listed.ready_at or listed.created_at) < now - timedelta(days=listed.workspace.lists_kept_days or 0)
    ]


def _needing(listed: RecipientList, *, months: list[str], forgotten: list[int]) -> list[Campaign]:
    """Campaigns that will still need it once those months and the details of those campaigns are gone."""
    return [
        one
        for one in Campaign.objects.filter(list=listed)
        if one.status not in FINISHED or (one.pk not in forgotten and _is_kept(one, without=months))
    ]


def _is_kept(campaign: Campaign, *, without: Collection[str] = ()) -> bool:
    """A campaign that ended before it began has nothing to keep."""
    if campaign.started_at is None:
        return False
    return retention.is_kept(campaign) and retention.month_of(campaign) not in without
