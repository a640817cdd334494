"""How a carrier is doing, by its answers: when a campaign must pause, and how fast a bind may go. Pure.

Answers come as runs, (code, n): n in a row with the same code. What a socket read holds hundreds of is a run or a few.
Times are arguments, in seconds of a clock that never goes back.
"""

import math
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Hashable, Iterable
from typing import Any

import numpy as np

from channels import reasons
from channels.answers import REFUSED_AT_MOST, Action, Answer, Crowd, Share, Table
from channels.answers import answer as usual
from smpp import status
from smpp.status import CommandStatus

EVERYBODY = Table()

WAITS = usual(CommandStatus.RTHROTTLED).delays
CUT = 0.7  # of its rate, each time that a bind is slowed down
STEP = 0.05  # of the rate that it had, back for each `STEP_SECONDS` without trouble
STEP_SECONDS = 10.0
LEAST_PART, LEAST_RATE = 0.01, 1.0
CONGESTED, FULL = 90, 100  # per cent
BURST = 0.1  # seconds of its rate that a bind may catch up with at once


def runs(codes: "np.ndarray[tuple[int], np.dtype[Any]]") -> list[tuple[int, int]]:
    """The codes of a read, in their order, as (code, n)."""
    if not len(codes):
        return []
    begins = np.flatnonzero(np.diff(codes, prepend=codes[0] + 1))
    lengths = np.diff(begins, append=len(codes))
    return list(zip(codes[begins].tolist(), lengths.tolist(), strict=True))


class Sliding:
    """How many of the last so many answers were of a kind."""

    def __init__(self, share: Share) -> None:
        self.share = share
        self.hits = 0
        self._total = 0
        self._runs: deque[tuple[bool, int]] = deque()

    @property
    def is_over(self) -> bool:
        """Also before there are so many: what is more than the share of less is more than the share of all."""
        return self.hits > self.share.parts

    def count(self, n: int, *, is_hit: bool) -> None:
        if not is_hit and not self.hits:
            return  # before the first hit there is nothing to push out
        n = min(n, self.share.of)
        self._add(n, is_hit)
        while self._total > self.share.of:
            was_hit, oldest = self._runs[0]
            leaving = min(oldest, self._total - self.share.of)
            self._runs[0] = (was_hit, oldest - leaving)
            self._total -= leaving
            self.hits -= leaving if was_hit else 0
            if leaving == oldest:
                self._runs.popleft()

    def _add(self, n: int, is_hit: bool) -> None:
        if self._runs and self._runs[-1][0] == is_hit:
            self._runs[-1] = (is_hit, self._runs[-1][1] + n)
        else:
            self._runs.append((is_hit, n))
        self._total += n
        self.hits += n if is_hit else 0


class Breaker:
    """Stops a campaign on a channel before refusals have spent its list. A resumed campaign gets a new one."""

    def __init__(self, table: Table = EVERYBODY) -> None:
        self.reason = ""
        self._table = table
        self._refused = Sliding(REFUSED_AT_MOST)
        self._review: dict[int, Sliding] = {}
        self._row: Counter[int] = Counter()  # how many there were without a break, by how many are too many

    def count(self, code: int, n: int = 1) -> str:
        """Why the campaign must pause, "" while it need not. Once it must, it must.

        A negative code is no answer. A call for patience neither is a refusal nor ends a row of them: it was given
        before anybody looked at the message.
        """
        if self.reason or code < 0 or n < 1:
            return self.reason
        found = self._table.answer(code)
        is_refused = found.action not in (Action.OK, Action.SLOW)
        self._refused.count(n, is_hit=is_refused)
        if found.review is not None:
            self._review.setdefault(code, Sliding(found.review))
        for one, window in self._review.items():
            window.count(n, is_hit=one == code)
        if found.breaker:
            self._row[found.breaker] += n
        elif found.action is not Action.SLOW:
            self._row.clear()
        if is_refused:
            self.reason = self._too_many(code)
        return self.reason

    def _too_many(self, code: int) -> str:
        name = status.name(code)
        row = 0
        for limit, count in sorted(self._row.items()):
            row += count  # whoever counts to the lower limit counts to the higher one as well
            if row >= limit:
                return _in_a_row(self._row.total(), code)
        if self._refused.is_over:
            share = self._refused
            return reasons.MANY_OF_THE_LAST % {"count": share.hits, "of": share.share.of, "name": name}
        if code in self._review and self._review[code].is_over:
            share = self._review[code]
            return reasons.NEEDS_A_LOOK % {"count": share.hits, "of": f"{share.share.of:,}", "name": name}
        return ""


def _in_a_row(count: int, code: int) -> str:
    if count == 1:
        return reasons.ONE_ANSWER % {"name": status.name(code), "text": status.text(code)}
    return reasons.IN_A_ROW % {"count": count, "name": status.name(code)}


class Latencies:
    """How long a bind's answers took, over its life: `counts` by the first of WITHIN that was enough, and one more for
    the slower ones."""

    WITHIN = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)  # seconds

    def __init__(self) -> None:
        self.counts = [0] * (len(self.WITHIN) + 1)
        self.seconds = 0.0

    def count(self, seconds: float, n: int) -> None:
        self.counts[bisect_left(self.WITHIN, seconds)] += n
        self.seconds += seconds * n


class Pace:
    """How fast one bind may go. Trouble makes it wait, then go slower than it went, and speed up again bit by bit:
    additive increase, multiplicative decrease. While there has been no trouble there is no limit here.
    """

    def __init__(self, table: Table = EVERYBODY) -> None:
        self.resume_at = -math.inf
        self._table = table
        self._repeats = 0
        self._waited = 0.0
        self._shares: dict[int, Sliding] = {}
        self._crowds: dict[int, dict[Hashable, float]] = {}
        self._top: float | None = None  # what it went at when the trouble began
        self._part = 1.0  # of that, since the last cut
        self._tokens, self._filled_at = 0.0, -math.inf
        self._second, self._accepted, self._accepted_before = 0, 0, 0

    def count(self, code: int, n: int = 1, *, now: float, numbers: Iterable[Hashable] = ()) -> float:
        """How long the bind waits because of these answers; 0.0 when it need not, or waits already.

        `numbers` are those that a full queue was about: many of them mean that it is not a phone's, but the carrier's.
        """
        if code == CommandStatus.ROK:
            self._measure(n, now)
        if code < 0 or n < 1 or now < self.resume_at:
            return 0.0  # what is answered while it waits was sent before
        found = self._table.answer(code)
        if found.slow_share is not None:
            self._shares.setdefault(code, Sliding(found.slow_share))
        for one, window in self._shares.items():
            window.count(n, is_hit=one == code)
        seconds = self._trouble(code, found, now, numbers)
        if seconds:
            self._slow_down(seconds, now)
        return seconds

    def congested(self, level: int, *, now: float) -> float | None:
        """The carrier says how full it is (SMPP 5.0 congestion_state, in per cent): how long the bind waits, None when
        that is no reason to slow down, or it waits already."""
        if level <= CONGESTED or now < self.resume_at:
            return None
        seconds = WAITS[0] if level >= FULL else 0.0
        self._slow_down(seconds, now)
        return seconds

    def rate(self, now: float) -> float | None:
        """Parts a second; None when there is no limit."""
        if self._top is None:
            return None
        part = self._part_at(now)
        return None if part > 1.0 - 1e-9 else max(self._top * part, LEAST_RATE)

    def take(self, wanted: int, *, now: float) -> int:
        """How many of the wanted parts may be written now."""
        if now < self.resume_at:
            return 0
        rate = self.rate(now)
        if rate is None:
            self._top = None
            return wanted
        self._fill(rate, now)
        taken = min(wanted, math.floor(self._tokens + 1e-9))
        self._tokens -= taken
        return taken

    def next_at(self, now: float) -> float:
        """When at least one part may be written."""
        if now < self.resume_at:
            return self.resume_at
        rate = self.rate(now)
        if rate is None:
            return now
        self._fill(rate, now)
        return now + max(0.0, 1.0 - self._tokens) / rate

    # --- Inside -------------------------------------------------------------------------------------------------------

    def _trouble(self, code: int, found: Answer, now: float, numbers: Iterable[Hashable]) -> float:
        if now - self.resume_at > self._waited:
            self._repeats = 0  # it was well for as long as it had waited
        if found.action is Action.SLOW:
            return self._next_of(found.delays)
        if found.slow_share is not None and self._shares[code].is_over:
            self._shares.clear()
            return found.slow_seconds
        if found.slow_crowd is not None and self._is_crowd(code, found.slow_crowd, now, numbers):
            return self._next_of(WAITS)
        return 0.0

    def _next_of(self, waits: tuple[float, ...]) -> float:
        return waits[min(self._repeats, len(waits) - 1)]

    def _is_crowd(self, code: int, crowd: Crowd, now: float, numbers: Iterable[Hashable]) -> bool:
        seen = self._crowds.setdefault(code, {})
        for number in [number for number, at in seen.items() if now - at > crowd.seconds]:
            del seen[number]
        for number in numbers:
            seen[number] = now
            if len(seen) >= crowd.numbers:
                seen.clear()
                return True
        return False

    def _slow_down(self, seconds: float, now: float) -> None:
        if self.rate(now) is None:
            self._top, self._part = self._measured(now), CUT
        else:
            self._part = max(self._part_at(now) * CUT, LEAST_PART)
        self._repeats += 1
        self._waited = seconds
        self.resume_at = now + seconds
        self._tokens, self._filled_at = 1.0, self.resume_at

    def _part_at(self, now: float) -> float:
        return self._part + STEP * max(0, math.floor((now - self.resume_at) / STEP_SECONDS))

    def _fill(self, rate: float, now: float) -> None:
        most = max(1.0, rate * BURST)
        self._tokens = min(most, self._tokens + (now - self._filled_at) * rate)
        self._filled_at = now

    def _measure(self, n: int, now: float) -> None:
        second = math.floor(now)
        if second != self._second:
            self._accepted_before = self._accepted if second == self._second + 1 else 0
            self._second, self._accepted = second, 0
        self._accepted += n

    def _measured(self, now: float) -> float:
        """Parts accepted in the last whole second, or in this one so far if these are more."""
        since = math.floor(now) - self._second
        return float(max(self._accepted, self._accepted_before) if since == 0 else self._accepted if since == 1 else 0)
