"""When a campaign will be through, and how much of it will not be in time. Pure arithmetic: no Django, no clock.

Everything is in message parts. What shares a channel shares its rate: equally, as campaigns have turns
(`delivery.due`), except that nobody gets more than it can use; what one cannot use goes to the others. A spread
campaign uses what its line asks for, a limited one its limit.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from campaigns.hours import Hours

FURTHEST = timedelta(days=366)
MOST_STEPS = 5_000
NOTHING = 1e-6  # of a part: what rounding leaves


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Some parts to be sent from `begins` on, within `hours`, not after `ends`. `limit` is the campaign's own rate;
    `even_until` the end of a spread window, over which they go evenly."""

    parts: float
    begins: datetime
    hours: Hours
    ends: datetime | None = None
    limit: float | None = None
    even_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Point:
    at: datetime
    sent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """`done_at` is None when some of it stays `unsent`, or when nobody can say how fast it goes; `curve` is how much
    is sent when, straight between its points."""

    done_at: datetime | None
    unsent: float
    curve: tuple[Point, ...]
    is_known: bool = True

    def sent_by(self, at: datetime) -> float:
        for before, after in zip(self.curve, self.curve[1:], strict=False):
            if at <= after.at:
                length = (after.at - before.at) / timedelta(seconds=1)
                gone = max(0.0, (at - before.at) / timedelta(seconds=1))
                return before.sent + (after.sent - before.sent) * (gone / length if length else 1.0)
        return self.curve[-1].sent if self.curve else 0.0


def forecast(own: Load, others: Sequence[Load] = (), *, rate: float | None, now: datetime) -> Forecast:
    """`rate` is what the channel takes a second, None where it has no limit."""
    if rate is None and own.limit is None and own.even_until is None:
        return Forecast(done_at=None, unsent=0.0, curve=(), is_known=False)
    loads = [own, *others]
    left = [load.parts for load in loads]
    at = min([max(now, own.begins), *(max(now, other.begins) for other in others)])
    stop = min(own.ends or max(now, own.begins) + FURTHEST, max(now, own.begins) + FURTHEST)
    curve = [Point(max(now, own.begins), 0.0)]
    for _ in range(MOST_STEPS):
        if left[0] <= NOTHING or at >= stop:
            break
        rates = shares([_wish(load, rest, at) for load, rest in zip(loads, left, strict=True)], rate)
        until = min([stop, *(_change(load, rest, got, at) for load, rest, got in zip(loads, left, rates, strict=True))])
        seconds = (until - at) / timedelta(seconds=1)
        left = [max(0.0, rest - got * seconds) for rest, got in zip(left, rates, strict=True)]
        left = [0.0 if rest <= NOTHING + got * 2e-6 else rest for rest, got in zip(left, rates, strict=True)]
        at = until
        if at > curve[0].at:
            curve.append(Point(at, own.parts - left[0]))
    done = left[0] <= NOTHING
    return Forecast(done_at=at if done else None, unsent=0.0 if done else left[0], curve=tuple(curve))


def shares(wishes: Sequence[float], rate: float | None) -> list[float]:
    """What each gets of the rate: its wish, or an equal part of what is left by those who wish for less."""
    if rate is None:
        return [wish if math.isfinite(wish) else 0.0 for wish in wishes]
    got, left = [0.0] * len(wishes), rate
    order = sorted((index for index, wish in enumerate(wishes) if wish > 0), key=wishes.__getitem__)
    for place, index in enumerate(order):
        got[index] = min(wishes[index], left / (len(order) - place))
        left -= got[index]
    return got


def route_rate(members: Sequence[tuple[int, int]]) -> float | None:
    """Of (weight, TPS) each: they have turns by weight, so the one that is too slow for its share slows the route. No
    limit is 0; None when none of them has one."""
    total = sum(weight for weight, _ in members)
    return min((tps * total / weight for weight, tps in members if tps), default=None)


def _wish(load: Load, left: float, at: datetime) -> float:
    if left <= 0 or at < load.begins or (load.ends is not None and at >= load.ends) or not load.hours.is_open(at):
        return 0.0
    limit = load.limit or math.inf
    if load.even_until is not None and at < load.even_until:
        seconds = load.hours.open_seconds(at, load.even_until)
        return min(limit, left / seconds) if seconds else limit
    return limit


def _change(load: Load, left: float, got: float, at: datetime) -> datetime:
    """When its rate may be another one."""
    found = [one for one in (load.begins, load.ends, load.even_until) if one is not None and one > at]
    if left > 0 and at >= load.begins:
        closing = load.hours.next_closing(at) if load.hours.is_open(at) else load.hours.next_opening(at)
        found += [closing] if closing is not None else []
    if got > 0:
        seconds = min(left / got, FURTHEST.total_seconds() * 2)
        found.append(at + max(timedelta(seconds=seconds), timedelta(microseconds=1)))
    return min(found, default=at + FURTHEST * 2)
