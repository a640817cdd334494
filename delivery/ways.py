"""The channels that a campaign may go over, and whose turn it is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from campaigns.models import Campaign
from channels import answers, routes
from channels.answers import Table
from channels.choosing import Turns
from channels.models import Channel
from delivery import reasons, texts
from delivery.texts import Style
from smpp.hot import SubmitTemplate


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One channel, and how the campaign looks on it."""

    channel: Channel
    style: Style
    table: Table
    parts: int  # of the text; of one that is filled, at least
    templates: tuple[SubmitTemplate, ...]  # none of a text that is filled, or cannot be written
    misfit: str  # why it cannot, in a sentence

    @property
    def id(self) -> int:
        return self.channel.pk


class Ways:
    """Of a campaign, as a look finds them; the turns go on from look to look."""

    def __init__(self, campaign: Campaign, *, now: datetime) -> None:
        self._turns = _turns_of(campaign)
        channels = [campaign.channel] if campaign.route is None else [m.channel for m in routes.members(campaign.route)]
        self._ways = {channel.pk: _way(campaign, channel, now=now) for channel in channels}

    @property
    def own(self) -> Way:
        """Of the campaign's own channel, or the first of its route."""
        return next(iter(self._ways.values()))

    def is_open(self, is_bound: Callable[[int], bool]) -> bool:
        return any(is_bound(channel_id) for channel_id in self._ways)

    def next(self, is_bound: Callable[[int], bool]) -> Way | None:
        """Whose turn it is, of those that are bound."""
        usable = {channel_id for channel_id in self._ways if is_bound(channel_id)}
        if self._turns is None:
            return self.own if usable else None
        with _lock:
            chosen = self._turns.next(usable)
        return None if chosen is None else self._ways[chosen]

    @property
    def misfit(self) -> str:
        """Why one of them cannot write the text, in a sentence; empty when each can."""
        return next((way.misfit for way in self._ways.values() if way.misfit), "")


def style_of(channel: Channel) -> Style:
    return Style(
        default_coding=channel.default_coding,
        gsm_data_coding=channel.gsm_data_coding,
        ucs2_data_coding=channel.ucs2_data_coding,
        long_messages=channel.long_messages,
        dest_ton=channel.dest_ton,
        dest_npi=channel.dest_npi,
        plus_sign=channel.plus_sign,
        service_type=channel.service_type,
        longest_validity=channel.default_validity_seconds,
    )


def _way(campaign: Campaign, channel: Channel, *, now: datetime) -> Way:
    style, template = style_of(channel), campaign.template
    foreign = texts.foreign(template.least, style)
    is_ready = template.is_plain and foreign is None
    return Way(
        channel=channel,
        style=style,
        table=answers.table(channel.answer_overrides),
        parts=texts.parts(template.least, style),
        templates=texts.templates(campaign, style, now=now) if is_ready else (),
        misfit=reasons.FOREIGN_LETTER % {"channel": channel, "letter": foreign} if foreign else "",
    )


# By route and weights: whoever changes a route begins its turns anew.
_kept: dict[int, tuple[object, Turns]] = {}
_lock = Lock()


def _turns_of(campaign: Campaign) -> Turns | None:
    if campaign.route is None:
        return None
    members = routes.members(campaign.route)
    known = tuple((one.channel.pk, one.weight, one.is_backup) for one in members)
    with _lock:
        if (kept := _kept.get(campaign.route.pk)) is None or kept[0] != known:
            kept = _kept[campaign.route.pk] = known, routes.turns(campaign.route)
    return kept[1]
