"""How each bind is doing, from the last that its dispatch process said of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from channels.models import LinkState

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
    found = LinkState.objects.filter(channel_id__in=list(channel_ids), seen_at__gt=now - FORGOTTEN_AFTER)
    found = found.select_related("channel").order_by("channel__name", "process", "name", "pk")
    return [_state(row, is_gone=row.seen_at < now - GONE_AFTER) for row in found]


def _state(row: LinkState, *, is_gone: bool) -> State:
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
