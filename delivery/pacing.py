"""When what may be sent: the arithmetic of spread lines and rate slots. Pure: instants come in, numbers go out."""

from dataclasses import dataclass
from datetime import datetime, timedelta

# A rate is granted in slots of SLICE seconds, each written as one buffer. A writer that comes more than LATE seconds
# after its slot gives it up, so a sliding second holds at most (1 + LATE) / SLICE + 1 slots: MARGIN makes up for both.
SLICE = 0.02
LATE = 0.03
MARGIN = 1.08

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


def slot_parts(tps: int, parts: int = 1) -> int:
    """How many message parts one slot holds: a SLICE's worth, and never less than one whole message."""
    return max(parts, int(tps * SLICE))


def part_interval(tps: float) -> float:
    """Seconds of the line that one part takes up, so that no sliding second holds more than `tps` of them."""
    return MARGIN / tps


def validity(now: datetime, *, usual: timedelta, not_after: datetime | None) -> datetime:
    """Until when the carrier may try: the usual period, cut at the campaign's deadline."""
    until = now + usual
    return min(until, not_after) if not_after else until


def smpp_time(at: datetime) -> str:
    """An absolute time as SMPP writes it (3.4 §7.1.1): YYMMDDhhmmsstnnp, in UTC."""
    offset = at.utcoffset() or timedelta(0)
    return (at - offset).strftime("%y%m%d%H%M%S") + "000+"
