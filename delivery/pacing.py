"""When what may be sent: the arithmetic of spread lines and rate slots. Pure: instants come in, numbers go out."""

from dataclasses import dataclass
from datetime import datetime, timedelta

# A rate of n parts a second is n tokens: each may be used again when a second has gone by since it was used. So no
# sliding second holds more than n, whoever writes them and however late: nothing has to be kept free for a late writer.
# What has to be is the way to the carrier, which is not equally long each time. Seconds until a token comes back: after
# its slot, and at least after its use. The difference is what a writer may be late without losing time.
TURN = 1.003
AGAIN = 1.001
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """`count` recipients from index `first`, evenly from `begin` to `end`: the i-th is due at begin + i/count of it."""

    begin: datetime
    end: datetime
    first: int
    count: int

    def due(self, now: datetime) -> int:
        """The index up to which (exclusive) recipients are due by now."""
        if now < self.begin:
            return self.first
        if now >= self.end:
            return self.first + self.count
        return self.first + min(self.count, int(self.count * ((now - self.begin) / (self.end - self.begin))) + 1)

    def due_at(self, index: int) -> datetime:
        """When the recipient of this index is due."""
        return self.begin + (self.end - self.begin) * ((index - self.first) / self.count)


def lines(counts: list[tuple[int, int]], *, begin: datetime, end: datetime) -> list[Line]:
    """One line for each (first, count) piece, end to end, together even from `begin` to `end`."""
    total = sum(count for _, count in counts)
    made, before = [], 0
    for first, count in counts:
        made.append(
            Line(
                begin=begin + (end - begin) * (before / total),
                end=begin + (end - begin) * ((before + count) / total),
                first=first,
                count=count,
            )
        )
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
