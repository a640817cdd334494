"""Writing a route: its channels, their shares and which of them only stand by; recorded."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from audit.ledger import record
from channels.choosing import Turns
from channels.models import Channel, Route, RouteMember


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    channel: Channel
    weight: int = 1
    is_backup: bool = False


@transaction.atomic
def save(name: str, *, by: User | None, members: Sequence[Member] | None = None, **fields: Any) -> Route:
    """Create the route, or change it. `members=None` keeps those that are there.

    Raises django's ValidationError when the members make no route.
    """
    route = Route.objects.select_for_update().filter(name=name).first()
    before = _shown(route) if route else {}
    made = route is None
    route = route or Route(name=name)
    if members is not None or made:
        check(members or [])
    for field, value in fields.items():
        setattr(route, field, value)
    route.changed_at = timezone.now()
    route.full_clean()
    route.save()
    if members is not None:
        _replace(route, members)
    record("route.created" if made else "route.changed", route, by=by, before=before, after=_shown(route))
    return route


def check(members: Iterable[Member]) -> None:
    members = list(members)
    if not any(not one.is_backup for one in members):
        raise ValidationError({"members": _("A route needs a channel that is not a backup.")})
    if len({one.channel.pk for one in members}) < len(members):
        raise ValidationError({"members": _("A route has each channel once.")})


def turns(route: Route) -> Turns:
    """Whose turn it is on this route, by channel id."""
    all_of_them = members(route)
    return Turns(
        {one.channel.pk: one.weight for one in all_of_them if not one.is_backup},
        backups={one.channel.pk: one.weight for one in all_of_them if one.is_backup},
    )


def members(route: Route) -> list[Member]:
    """Those that are no backups first."""
    rows = Route.objects.with_members().get(pk=route.pk).in_order
    return [Member(channel=row.channel, weight=row.weight, is_backup=row.is_backup) for row in rows]


def _replace(route: Route, members: Sequence[Member]) -> None:
    """One by one: the history tells of each row, and a route has a handful."""
    there = {row.channel_id: row for row in route.members.all()}
    for one in members:
        row = there.pop(one.channel.pk, None) or RouteMember(route=route, channel=one.channel)
        if row.pk and (row.weight, row.is_backup) == (one.weight, one.is_backup):
            continue
        row.weight, row.is_backup = one.weight, one.is_backup
        row.full_clean()
        row.save()
    for row in there.values():
        row.delete()


def _shown(route: Route) -> Mapping[str, Any]:
    shown = {
        one.channel.name: {"weight": one.weight, **({"backup": True} if one.is_backup else {})}
        for one in members(route)
    }
    return {"is_active": route.is_active, "members": shown}
