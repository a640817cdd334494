"""How each bind is doing, from the last that its dispatch process said of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from channels.models import Channel, LinkState

GONE_AFTER = timedelta(seconds=15)
FORGOTTEN_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """`is_gone`: its process has not been heard of lately, and nothing else here is of now."""

    channel_id: int
    channel: str
    process: str
    name: str
    is_up: bool
    is_gone: bool
    bound_at: datetime | None
    window: int
    unanswered: int
    rate: float
    last_error: str
    last_error_at: datetime | None
    seen_at: datetime


def states_of(channel_ids: Iterable[int], *, now: datetime) -> list[State]:
    """By channel, process and bind. A process that has stopped as it should leaves none."""
    return [_state(row, now=now) for row in _heard_of(now).filter(channel_id__in=list(channel_ids))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The links of a channel that is in use: those that are up, of those that should be."""

    channel: Channel
    up: int
    wanted: int
    last_error: str

    @property
    def is_down(self) -> bool:
        return not self.up

    @property
    def is_whole(self) -> bool:
        return self.up >= self.wanted


def standings(*, now: datetime) -> list[Standing]:
    """Of every active channel, by name. Where no process speaks of one, the links that one process would open."""
    of_channel: dict[int, list[State]] = {}
    for state in (_state(row, now=now) for row in _heard_of(now)):
        of_channel.setdefault(state.channel_id, []).append(state)
    return [_standing(channel, of_channel.get(channel.pk, [])) for channel in Channel.objects.active().order_by("name")]


def _standing(channel: Channel, states: list[State]) -> Standing:
    failures = [(state.last_error_at, state.last_error) for state in states if state.last_error and state.last_error_at]
    return Standing(
        channel=channel,
        up=sum(state.is_up for state in states),
        wanted=len(states) or channel.binds,
        last_error=max(failures)[1] if failures else "",
    )


def _heard_of(now: datetime) -> QuerySet[LinkState]:
    found = LinkState.objects.filter(seen_at__gt=now - FORGOTTEN_AFTER).select_related("channel")
    return found.order_by("channel__name", "process", "name", "pk")


def _state(row: LinkState, *, now: datetime) -> State:
    is_gone = row.seen_at < now - GONE_AFTER
    return State(
        channel_id=row.channel_id,
        channel=row.channel.name,
        process=row.process,
        name=row.name,
        is_up=row.is_up and not is_gone,
        is_gone=is_gone,
        bound_at=row.bound_at if row.is_up and not is_gone else None,
        window=row.window,
        unanswered=0 if is_gone else row.unanswered,
        rate=0.0 if is_gone else row.rate,
        last_error=row.last_error,
        last_error_at=row.last_error_at,
        seen_at=row.seen_at,
    )
