"""The hours of a day in which a campaign may send, in the time zone of its workspace. Pure.

It is the clock on the wall that counts: an instant is open when the time that clocks show then is in
[daily_from, daily_to), or, where the window goes over midnight, outside [daily_to, daily_from). So a wall time that a
change of clocks leaves out opens or closes with the change, and one that comes twice counts both times: with
02:30–05:00, the night in which 03:00 becomes 02:00 is open at 02:30, closed at the second 02:00, open at the second
02:30 (docs/adr/0033).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TypeAlias

Interval: TypeAlias = tuple[datetime, datetime]

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Clocks that change leave a daily wall time out once; the date line, when it moves, takes a whole day with it.
FURTHEST = 4 * DAY


@dataclass(frozen=True, slots=True)
class Hours:
    """Both times, or none: then it is always open. Instants go in with any offset, and come out in UTC."""

    daily_from: time | None
    daily_to: time | None
    zone: tzinfo

    def __post_init__(self) -> None:
        if (self.daily_from is None) != (self.daily_to is None):
            raise ValueError("A daily window has a beginning and an end.")
        if self.daily_from is not None and self.daily_from == self.daily_to:
            raise ValueError("A daily window ends at another time than it begins.")

    @property
    def is_always_open(self) -> bool:
        return self.daily_from is None

    def is_open(self, at: datetime) -> bool:
        if self.daily_from is None or self.daily_to is None:
            return True
        shown = at.astimezone(self.zone).time()
        if self.daily_from < self.daily_to:
            return self.daily_from <= shown < self.daily_to
        return not self.daily_to <= shown < self.daily_from

    def next_opening(self, at: datetime) -> datetime:
        """The first open instant from then on: `at` itself while it is open."""
        if self.is_open(at):
            return at.astimezone(UTC)
        return self.intervals(at, at + FURTHEST)[0][0]

    def next_closing(self, at: datetime) -> datetime | None:
        """The first closed instant from then on: `at` itself while it is closed. None if it never closes."""
        if self.is_always_open:
            return None
        if not self.is_open(at):
            return at.astimezone(UTC)
        return self.intervals(at, at + FURTHEST)[0][1]

    def open_seconds(self, begin: datetime, end: datetime) -> float:
        return sum((closes - opens).total_seconds() for opens, closes in self.intervals(begin, end))

    def intervals(self, begin: datetime, end: datetime) -> list[Interval]:
        """The open parts of [begin, end), in order; there is closed time between any two of them."""
        if self.is_always_open:
            return [(begin.astimezone(UTC), end.astimezone(UTC))] if begin < end else []
        found: list[Interval] = []
        for opens, closes in self._pieces(begin.astimezone(UTC), end.astimezone(UTC)):
            if found and found[-1][1] == opens:
                found[-1] = found[-1][0], closes
            else:
                found.append((opens, closes))
        return found

    def _pieces(self, begin: datetime, end: datetime) -> Iterator[Interval]:
        """The open parts, cut where a day or an offset ends."""
        for first, last, offset in _stretches(begin, end, self.zone):
            shown = (first + offset).date()
            for day in (shown - DAY, shown, shown + DAY):
                opens, closes = (at - offset for at in self._window_of(day))
                if (opens := max(opens, first)) < (closes := min(closes, last)):
                    yield opens, closes

    def _window_of(self, day: date) -> Interval:
        """The window that begins on this day, as if the zone's clocks showed UTC."""
        opens, closes = self.daily_from or time.min, self.daily_to or time.min
        ends_on = day if opens < closes else day + DAY
        return datetime.combine(day, opens, UTC), datetime.combine(ends_on, closes, UTC)


def _stretches(begin: datetime, end: datetime, zone: tzinfo) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """[begin, end) in parts of at most a day, in each of which clocks run on without a change."""
    while begin < end:
        offset = _offset(begin, zone)
        stop = min(begin + DAY, end)
        if _offset(stop, zone) != offset:
            stop = _change(begin, stop, zone)
        yield begin, stop, offset
        begin = stop


def _change(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """When the zone's offset changes between the two: clocks are changed at a whole second."""
    low, high = (before - EPOCH) // SECOND, (after - EPOCH) // SECOND
    offset = _offset(before, zone)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(EPOCH + middle * SECOND, zone) == offset else (low, middle)
    return EPOCH + high * SECOND


def _offset(at: datetime, zone: tzinfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()
