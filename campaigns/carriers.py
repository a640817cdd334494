"""Over whom a campaign goes: one channel, or a route of several."""

from django.utils.translation import gettext as _

from audit.refusal import Refused
from campaigns.models import Campaign
from channels.models import Channel, Route


def chosen(*, channel: Channel | None, route: Route | None) -> Channel:
    """The channel that was chosen, the first one of the route, or the default one; raises Refused."""
    if channel is not None and route is not None:
        raise Refused(_("Choose a route or a channel, not both."), code="route_or_channel")
    if route is not None:
        first = first_channel(route)
        if first is None:
            raise _empty(route)
        return first
    found = channel or Channel.objects.default()
    if found is None:
        raise Refused(_("There is no channel yet: an operator adds one with add_channel."), code="no_channel")
    return found


def first_channel(route: Route) -> Channel | None:
    """The first that carries, of those that are switched on; a backup when there is no other."""
    return next((member.channel for member in route.in_order if member.channel.is_active), None)


def check_can_carry(campaign: Campaign) -> None:
    """Asked where it counts, as both are changed by operators at any time; raises Refused."""
    if campaign.route is None:
        if not campaign.channel.is_active:
            raise Refused(
                _("The channel “%(channel)s” is switched off.") % {"channel": campaign.channel}, code="channel_off"
            )
    elif not campaign.route.is_active:
        raise Refused(_("The route “%(route)s” is switched off.") % {"route": campaign.route}, code="route_off")
    elif first_channel(campaign.route) is None:
        raise _empty(campaign.route)


def _empty(route: Route) -> Refused:
    return Refused(
        _("The route “%(route)s” has no channel that is switched on.") % {"route": route}, code="route_empty"
    )
