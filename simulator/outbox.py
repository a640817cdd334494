"""The receipts of one bind, from the moment they are due until they are acknowledged."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.reports import Reports

Places = NDArray[np.intp]


@dataclass(slots=True, eq=False)
class _Sent:
    first: int  # sequence; the others follow
    at: float
    reports: Reports
    is_waiting: NDArray[np.bool_]

    def holds(self, sequence: int) -> bool:
        return 0 <= sequence - self.first < len(self.reports)

    @property
    def waiting(self) -> Reports:
        return self.reports if self.is_waiting.all() else self.reports[np.flatnonzero(self.is_waiting)]


class Outbox:
    def __init__(self, *, window: int) -> None:
        self._window = window
        self._ready: deque[Reports] = deque()
        self._ready_count = 0
        self._sent: deque[_Sent] = deque()
        self._unacked = 0

    def add(self, reports: Reports) -> None:
        if len(reports):
            self._ready.append(reports)
            self._ready_count += len(reports)

    @property
    def room(self) -> int:
        """How many may be sent now."""
        return max(0, min(self._window - self._unacked, self._ready_count))

    def send(self, count: int, *, first_sequence: int, now: float) -> bytes:
        """The PDUs of the next ones."""
        pdus: list[bytes] = []
        for reports in self._take(count):
            pdus.append(reports.pdus(first_sequence))
            self._sent.append(_Sent(first_sequence, now, reports, np.ones(len(reports), bool)))
            first_sequence += len(reports)
        self._unacked += count
        return b"".join(pdus)

    def _take(self, count: int) -> Iterator[Reports]:
        self._ready_count -= count
        while count:
            reports = self._ready.popleft()
            if len(reports) > count:
                self._ready.appendleft(reports[count:])
                reports = reports[:count]
            count -= len(reports)
            yield reports

    def acknowledge(self, sequences: NDArray[np.int64]) -> Iterator[tuple[Reports, Places]]:
        """The reports that these acknowledge, and where among these the sequence of each stands."""
        at = 0
        while at < len(sequences):
            sent = self._holding(int(sequences[at]))
            if sent is None:
                at += 1
                continue
            ahead = sequences[at:] - sent.first
            is_inside = (ahead >= 0) & (ahead < len(sent.reports))
            count = len(ahead) if is_inside.all() else int(is_inside.argmin())
            places, which = ahead[:count], np.arange(at, at + count)
            if not (places[1:] > places[:-1]).all():  # out of order, or the same twice
                places, first = np.unique(places, return_index=True)
                which = which[first]
            fresh = sent.is_waiting[places]
            if not fresh.all():
                places, which = places[fresh], which[fresh]
            at += count
            if not len(places):
                continue
            sent.is_waiting[places] = False
            self._unacked -= len(places)
            if not sent.is_waiting.any():
                self._sent.remove(sent)
            yield (sent.reports if len(places) == len(sent.reports) else sent.reports[places]), which

    def _holding(self, sequence: int) -> _Sent | None:
        return next((sent for sent in self._sent if sent.holds(sequence)), None)

    def send_again(self, *, sent_before: float) -> None:
        while self._sent and self._sent[0].at <= sent_before:
            waiting = self._sent.popleft().waiting
            self._unacked -= len(waiting)
            self.add(waiting)

    @property
    def oldest_sent_at(self) -> float | None:
        return self._sent[0].at if self._sent else None

    def empty(self) -> list[Reports]:
        """Everything that was never acknowledged."""
        left = [sent.waiting for sent in self._sent] + list(self._ready)
        self._sent.clear()
        self._ready.clear()
        self._unacked = self._ready_count = 0
        return left
