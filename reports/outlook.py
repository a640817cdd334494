"""What a draft would meet on its way: the rate of its channel, and the campaigns that share it."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q

from audit import walls
from campaigns import gsm, worst
from campaigns.drafts import Content
from campaigns.forecast import Forecast, Load, forecast, route_rate
from campaigns.hours import Hours
from campaigns.models import Campaign
from campaigns.statuses import Mode, Status
from channels.models import Channel
from delivery import counters

UNDER_WAY = (Status.APPROVED, Status.SENDING)
MOST_OTHERS = 50  # campaigns that are looked at; more of them on one channel say nothing exact any more
POINTS = 80  # of the curve
FEW = 1_000  # recipients from which on a campaign says how fast a channel is


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """`rate` in parts a second is the channel's, `measured` when it comes from an earlier campaign. `late` counts the
    recipients who get nothing by the `deadline`."""

    begins: datetime
    deadline: datetime | None
    recipients: int
    parts: int
    most_parts: int
    rate: float | None
    is_measured: bool
    pace: float | None
    others: int
    typical: Forecast
    worst: Forecast | None

    @property
    def late(self) -> int:
        return math.ceil(self.typical.unsent / self.parts)

    @property
    def worst_late(self) -> int:
        return math.ceil(self.worst.unsent / self.most_parts) if self.worst else 0

    @property
    def chart(self) -> dict[str, Any]:
        curve = self.typical.curve
        begin, length = curve[0].at, curve[-1].at - curve[0].at
        moments = [begin + length * (place / POINTS) for place in range(POINTS + 1)]
        sent = [round(self.typical.sent_by(at) / self.parts) for at in moments]
        return {"labels": [at.isoformat() for at in moments], "sent": sent}


def outlook(campaign: Campaign, content: Content, *, now: datetime) -> Outlook | None:
    """Of the content that is being written; None while it has no list."""
    listed = content.list
    if listed is None or not listed.accepted:
        return None
    hours = Hours(content.daily_from, content.daily_to, campaign.workspace.zone)
    begins = max(now, content.send_at or content.date_from or now)
    deadline = content.not_after or (content.date_to if content.mode == Mode.SPREAD else None)
    parts = gsm.count_parts(campaign.template.least) if campaign.text else 1
    dearest = worst.of(campaign.text, listed)
    most = max(parts, dearest.parts) if dearest else parts
    channels = _channels(content, campaign)
    with walls.everything():  # who shares the channel may be anybody's; what is told of them is how much they send
        rate, is_measured = _rate(content, channels)
        others = _others(campaign, channels, now=now)

    def own(each: int) -> Load:
        return Load(
            parts=float(listed.accepted * each),
            begins=begins,
            hours=hours,
            ends=deadline,
            limit=content.parts_per_second,
            even_until=content.date_to if content.mode == Mode.SPREAD else None,
        )

    return Outlook(
        begins=hours.next_opening(begins),
        deadline=deadline,
        recipients=listed.accepted,
        parts=parts,
        most_parts=most,
        rate=rate,
        is_measured=is_measured,
        pace=_pace(content, hours, listed.accepted),
        others=len(others),
        typical=forecast(own(parts), others, rate=rate, now=now),
        worst=forecast(own(most), others, rate=rate, now=now) if most > parts else None,
    )


def _pace(content: Content, hours: Hours, recipients: int) -> float | None:
    if content.mode != Mode.SPREAD or content.date_from is None or content.date_to is None:
        return None
    seconds = hours.open_seconds(content.date_from, content.date_to)
    return recipients / seconds if seconds else None


def _channels(content: Content, campaign: Campaign) -> list[tuple[int, Channel]]:
    """With their weights: of a route those that carry, its backups only where nothing else does."""
    if content.route is None:
        return [(1, content.channel or campaign.channel)]
    members = [one for one in content.route.members.select_related("channel") if one.channel.is_active]
    return [(one.weight, one.channel) for one in members if not one.is_backup] or [
        (one.weight, one.channel) for one in members
    ]


def _rate(content: Content, channels: list[tuple[int, Channel]]) -> tuple[float | None, bool]:
    known = route_rate([(weight, channel.tps) for weight, channel in channels])
    if known is not None:
        return known, False
    measured = _measured([channel for _, channel in channels])
    return measured, measured is not None


def _measured(channels: list[Channel]) -> float | None:
    """What the last campaign on these channels reached that was not held back by a plan or a limit of its own."""
    done = Campaign.objects.filter(channel__in=channels, status=Status.DONE, parts_per_second=None, daily_from=None)
    fast = done.exclude(mode=Mode.SPREAD).filter(list__accepted__gte=FEW, finished_at__gt=F("started_at"))
    last = fast.select_related("list").order_by("-pk").first()
    if last is None or last.list is None or last.started_at is None or last.finished_at is None:
        return None
    seconds = (last.finished_at - last.started_at) / timedelta(seconds=1)
    return last.list.accepted * gsm.count_parts(last.template.least) / seconds


def _others(campaign: Campaign, channels: list[tuple[int, Channel]], *, now: datetime) -> list[Load]:
    """Whatever has been approved, or is on its way, over one of these channels, in any workspace: all of them share
    the carrier's rate."""
    ids = [channel.pk for _, channel in channels]
    on_them = Q(channel__in=ids) | Q(route__members__channel__in=ids)
    under_way = Campaign.objects.filter(on_them, status__in=UNDER_WAY).exclude(pk=campaign.pk).distinct()
    found = list(under_way.select_related("list").order_by("-pk")[:MOST_OTHERS])
    return list(_loads(found, now=now))


def _loads(campaigns: list[Campaign], *, now: datetime) -> Iterable[Load]:
    if not campaigns:
        return
    totals = counters.totals_of(campaigns)
    for one in campaigns:
        yield Load(
            parts=float(totals[one.pk].waiting * gsm.count_parts(one.template.least)),
            begins=max(now, one.due_at or now),
            hours=one.hours,
            ends=one.not_after,
            limit=one.parts_per_second,
            even_until=one.date_to if one.mode == Mode.SPREAD else None,
        )
