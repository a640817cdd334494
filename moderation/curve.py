"""How many will have been sent when, drawn: a line over the open time, with the closed hours shaded. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from campaigns.hours import Hours

WIDTH, HEIGHT = 600, 120


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of closed time, in the drawing's units."""

    x: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """`line` is for a polyline: up with the open time, level over the closed hours."""

    begins_at: datetime
    ends_at: datetime
    line: str
    closed: tuple[Band, ...]
    width: int = WIDTH
    height: int = HEIGHT


def spread(begin: datetime, end: datetime, hours: Hours) -> Curve | None:
    """Evenly over what is open between the two; None when nothing is."""
    stretches = hours.intervals(begin, end)
    whole, span = sum((b - a).total_seconds() for a, b in stretches), (end - begin).total_seconds()
    if not whole:
        return None
    done, points, closed, at = 0.0, [(0.0, 0.0)], [], begin
    for opens, closes in stretches:
        if opens > at:
            closed.append((at, opens))
            points.append(((opens - begin).total_seconds() / span, done))
        done += (closes - opens).total_seconds() / whole
        points.append(((closes - begin).total_seconds() / span, done))
        at = closes
    if at < end:
        closed.append((at, end))
        points.append((1.0, 1.0))
    return Curve(
        begins_at=begin,
        ends_at=end,
        line=" ".join(f"{x * WIDTH:.1f},{(1 - y) * HEIGHT:.1f}" for x, y in points),
        closed=tuple(
            Band((a - begin).total_seconds() / span * WIDTH, (b - a).total_seconds() / span * WIDTH) for a, b in closed
        ),
    )


def at_rate(begin: datetime, parts: int, rate: int, hours: Hours) -> Curve | None:
    """As fast as the rate lets it, in parts a second; None without a rate, when nobody can say."""
    if not rate or not parts:
        return None
    end = finish(begin, timedelta(seconds=parts / rate), hours)
    return spread(begin, end, hours)


def finish(begin: datetime, work: timedelta, hours: Hours) -> datetime:
    """When so much open time has gone by, which is one moment more than what is not worth drawing."""
    if hours.is_always_open:
        return begin + max(work, timedelta(seconds=1))
    left, at = max(work, timedelta(seconds=1)), begin
    while True:
        at = hours.next_opening(at)
        closes = hours.next_closing(at)
        if closes is None or closes - at >= left:
            return at + left
        left, at = left - (closes - at), closes
