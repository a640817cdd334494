"""When what may be sent: the arithmetic of spread lines and rate slots. Pure: instants come in, numbers go out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from campaigns.hours import Hours, Interval

# A rate of n parts a second is n tokens: each may be used again when a second has gone by since it was used. So no
# sliding second holds more than n, whoever writes them and however late: nothing has to be kept free for a late writer.
# What has to be is the way to the carrier, which is not equally long each time. Seconds until a token comes back: after
# its slot, and at least after its use. The difference is what a writer may be late without losing time.
TURN = 1.003
AGAIN = 1.002
SLICE = 0.0025  # seconds of a line that are written as one buffer
GRANT = 0.02  # seconds of it that a process asks for at once
LATE = 0.1  # seconds after its slot a slice is given up, and nobody need be told of its use any more
CATCH_UP = 0.1  # seconds that a busy line may lag behind and still make up for
AHEAD = 0.1  # seconds until the first slot of a grant, at most: else come back later

# Without Redis nobody knows of the others: slots of a share, and a margin for a writer that is up to LATE_ALONE late.
LATE_ALONE = 0.03
MARGIN_ALONE = 1.08

# What a spread line keeps free before the deadline, of its length and at most: whoever is due last is handed over a
# moment after their time, and must not expire for it.
RESERVE = 0.01
LONGEST_RESERVE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Allowed:
    """The time in which something may be sent: intervals in order, closed time between them. Never empty, though one
    of no length stands for an instant."""

    intervals: tuple[Interval, ...]

    @property
    def begin(self) -> datetime:
        return self.intervals[0][0]

    @property
    def end(self) -> datetime:
        return self.intervals[-1][1]

    @property
    def length(self) -> timedelta:
        return sum((closes - opens for opens, closes in self.intervals), timedelta())

    def gone(self, now: datetime) -> timedelta:
        """How much of it is over by now."""
        return sum((min(now, closes) - opens for opens, closes in self.intervals if opens < now), timedelta())

    def opening(self, gone: timedelta) -> datetime:
        """When so much of it is over and it goes on: where that is at a closing, the next opening."""
        for opens, closes in self.intervals:
            if gone < closes - opens:
                return opens + gone
            gone -= closes - opens
        return self.end

    def closing(self, gone: timedelta) -> datetime:
        """When so much of it is over: where that is at a closing, then."""
        for opens, closes in self.intervals:
            if gone <= closes - opens:
                return opens + gone
            gone -= closes - opens
        return self.end

    def between(self, begin: datetime, end: datetime) -> "Allowed":
        cut = [(max(opens, begin), min(closes, end)) for opens, closes in self.intervals]
        return Allowed(tuple((opens, closes) for opens, closes in cut if opens < closes) or ((begin, begin),))


def allowed(hours: Hours, *, begin: datetime, end: datetime) -> Allowed:
    """What is open from `begin` to `end`; when nothing is, the next instant that is."""
    if found := hours.intervals(begin, end):
        return Allowed(tuple(found))
    at = hours.next_opening(begin)
    return Allowed(((at, at),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """`count` recipients from index `first`, evenly over the allowed time: the i-th when i/count of it is over."""

    time: Allowed
    first: int
    count: int

    @property
    def begin(self) -> datetime:
        return self.time.begin

    @property
    def end(self) -> datetime:
        return self.time.end

    def due(self, now: datetime) -> int:
        """The index up to which (exclusive) recipients are due by now."""
        if now < self.begin:
            return self.first
        if now >= self.end:
            return self.first + self.count
        return self.first + min(self.count, int(self.count * (self.time.gone(now) / self.time.length)) + 1)

    def due_at(self, index: int) -> datetime:
        """When the recipient of this index is due."""
        return self.time.opening(self.time.length * ((index - self.first) / self.count))


def lines(counts: Sequence[tuple[int, int]], time: Allowed) -> list[Line]:
    """One line for each (first, count) piece, end to end, together even over the allowed time."""
    total, length = sum(count for _, count in counts), time.length
    made, before = [], 0
    for first, count in counts:
        begin = time.opening(length * (before / total))
        end = max(begin, time.closing(length * ((before + count) / total)))
        made.append(Line(time=time.between(begin, end), first=first, count=count))
        before += count
    return made


def line_end(begin: datetime, end: datetime, *, not_after: datetime | None) -> datetime:
    """When the last recipient of a line is due: at its end, or a little before a deadline that ends it as well."""
    return end if not_after is None else min(end, not_after - min((end - begin) * RESERVE, LONGEST_RESERVE))


def rate(count: int, *, begin: datetime, end: datetime) -> float:
    """Recipients a second: 500,000 over two hours is 69.4."""
    return count / max((end - begin).total_seconds(), 0.001)


def slice_parts(tps: int) -> int:
    """How many message parts are written as one buffer."""
    return max(1, int(tps * SLICE))


def grant_slices(tps: int) -> int:
    """How many of these a process asks for at once."""
    return max(1, int(tps * GRANT) // slice_parts(tps))


def slowest(*rates: int | None) -> int:
    """The lowest of the rates that there are; 0 when there is none."""
    return min((rate for rate in rates if rate), default=0)


def batch_share(rate: int, *, parts: int, most: int) -> int:
    """Recipients of a batch: what the rate takes in half a second. A thread waits no longer for them, and another batch
    is there while this one is written down."""
    return min(most, max(1, rate // (2 * parts)))


def looks_at_once(rate: int, *, batch: int) -> int:
    """How many chunks of a campaign may be at work where a rate limits it: more would only wait, each with a thread."""
    return 2 + rate // (2 * batch)


def share(tps: int, *, fleet: int) -> float:
    """Parts a second of one process that keeps its share by itself: whole ones, so that all shares are the rate."""
    return tps // fleet or tps / fleet


def interval_alone(tps: int, *, fleet: int) -> float:
    """Seconds of the line that one part takes up there."""
    return MARGIN_ALONE / share(tps, fleet=fleet)


def validity(now: datetime, *, usual: timedelta, not_after: datetime | None) -> datetime:
    """Until when the carrier may try: the usual period, cut at the campaign's deadline."""
    until = now + usual
    return min(until, not_after) if not_after else until


def smpp_time(at: datetime) -> str:
    """An absolute time as SMPP writes it (3.4 §7.1.1): YYMMDDhhmmsstnnp, in UTC."""
    offset = at.utcoffset() or timedelta(0)
    return (at - offset).strftime("%y%m%d%H%M%S") + "000+"
