"""Exports that are asked for by themselves: of each campaign after its end, or every day of those under way.

Each is an export like any other, in the name of whoever made the standing one, with what they may do at the time. When
its file is ready, webhooks are told where it is (docs/adr/0093).
"""

from collections.abc import Collection, Sequence
from datetime import datetime, time, timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.access import permissions_in
from accounts.models import User, Workspace
from accounts.roles import Permission
from audit.ledger import record
from audit.refusal import Refused
from audit.wording import stored
from campaigns.models import Campaign
from reports import exports
from reports.lines import COLUMNS
from reports.models import Export, Format, StandingExport

MOST = 20  # of a workspace
DAY = timedelta(days=1)
LATEST = timedelta(days=7)  # after its time: what nobody asked for by then, because nothing ran, is not made any more
NOT_THEIRS = stored(gettext_noop("Whoever made it may not ask for such exports any more."))


@transaction.atomic
def create(
    workspace: Workspace,
    *,
    format: str,
    by: User,
    permissions: Collection[Permission],
    now: datetime,
    columns: Sequence[str] = (),
    hours_after_end: int | None = None,
    daily_at: time | None = None,
) -> StandingExport:
    """Of campaigns that end from here on, or every day at a time of the workspace's zone: one of the two."""
    if (hours_after_end is None) == (daily_at is None):
        raise Refused(_("Give hours_after_end or daily_at, one of them."), code="one_of_two")
    exports.check_role(format, permissions)
    exports.check_columns(columns, COLUMNS, format=format)
    workspace = Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
    if StandingExport.objects.of(workspace).count() >= MOST:
        raise Refused(_("There are %(most)s standing exports already.") % {"most": MOST}, code="too_many")
    standing = StandingExport.objects.create(
        workspace=workspace,
        format=Format(format),
        columns=list(columns),
        hours_after_end=hours_after_end,
        daily_at=daily_at,
        next_at=_next(daily_at, workspace, now) if daily_at else None,
        created_by=by,
        created_at=now,
    )
    record("standingexport.created", standing, by=by, after=_shown(standing))
    return standing


@transaction.atomic
def end(standing_id: int, *, by: User | None, now: datetime, note: str = "") -> None:
    """What it has asked for stays. Once is enough: again changes nothing."""
    standing = StandingExport.objects.lock(standing_id)
    if standing.ended_at is None:
        standing.ended_at = now
        standing.save(update_fields=["ended_at"])
        record("standingexport.ended", standing, by=by, before=_shown(standing), note=note)


def ask_due(*, now: datetime) -> int:
    """How many exports were asked for. May be called by several at once: a standing one is looked at by one of them."""
    return sum(_ask(pk, now=now) for pk in StandingExport.objects.due(now).order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def _ask(standing_id: int, *, now: datetime) -> int:
    standing = StandingExport.objects.due(now).claim(standing_id)
    if standing is None:
        return 0
    if not _may(standing):
        end(standing.pk, by=None, now=now, note=NOT_THEIRS)
        return 0
    asked = sum(_request(standing, campaign) for campaign in _campaigns(standing, now=now))
    if standing.daily_at:
        standing.next_at = _next(standing.daily_at, standing.workspace, now)
        standing.save(update_fields=["next_at"])
    return asked


def _may(standing: StandingExport) -> bool:
    permissions = permissions_in(standing.workspace, standing.created_by)
    try:
        exports.check_role(standing.format, permissions)
    except PermissionDenied:
        return False
    return standing.created_by.is_active and Permission.MANAGE in permissions


def _campaigns(standing: StandingExport, *, now: datetime) -> QuerySet[Campaign]:
    ours = Campaign.objects.of(standing.workspace).without_trials().exclude(started_at=None).order_by("pk")
    if standing.next_at:
        since = standing.next_at - DAY
        return ours.filter(started_at__lte=now).exclude(finished_at__lt=since)
    until = now - timedelta(hours=standing.hours_after_end or 0)
    since = max(standing.created_at, until - LATEST)
    done = Export.objects.filter(standing=standing).values("campaign")
    return ours.filter(finished_at__gte=since, finished_at__lte=until).exclude(pk__in=done)


def _request(standing: StandingExport, campaign: Campaign) -> int:
    """0 where there is nothing to take away: its list was deleted, its details are no longer kept."""
    try:
        exports.request(
            campaign.pk,
            format=standing.format,
            columns=standing.columns,
            by=standing.created_by,
            standing=standing,
        )
    except Refused:
        return 0
    return 1


def _next(at: time, workspace: Workspace, now: datetime) -> datetime:
    """The next time that the clock on the workspace's wall says so."""
    local = now.astimezone(workspace.zone)
    today = datetime.combine(local.date(), at, tzinfo=workspace.zone)
    return today if today > now else datetime.combine(local.date() + DAY, at, tzinfo=workspace.zone)


def _shown(standing: StandingExport) -> dict[str, object]:
    return {
        "format": standing.format,
        "columns": standing.columns,
        "hours_after_end": standing.hours_after_end,
        "daily_at": standing.daily_at and standing.daily_at.isoformat("minutes"),
    }
