"""The receipts of one bind, from the moment they are due until they are acknowledged."""

from collections import deque
from collections.abc import Iterable

from simulator.reports import Report


class Outbox:
    def __init__(self, *, window: int) -> None:
        self._window = window
        self._ready: deque[Report] = deque()
        self._unacked: dict[int, tuple[float, Report]] = {}  # by sequence, in the order of sending

    def add(self, reports: Iterable[Report]) -> None:
        self._ready.extend(reports)

    @property
    def room(self) -> int:
        """How many may be sent now."""
        return max(0, min(self._window - len(self._unacked), len(self._ready)))

    def send(self, count: int, *, first_sequence: int, now: float) -> list[bytes]:
        """The bodies of the next ones."""
        reports = [self._ready.popleft() for _ in range(count)]
        for sequence, report in enumerate(reports, first_sequence):
            self._unacked[sequence] = now, report
        return [body for _, body in reports]

    def acknowledge(self, sequence: int) -> Report | None:
        found = self._unacked.pop(sequence, None)
        return found and found[1]

    def send_again(self, *, sent_before: float) -> None:
        late = [sequence for sequence, (sent_at, _) in self._unacked.items() if sent_at <= sent_before]
        self._ready.extend(self._unacked.pop(sequence)[1] for sequence in late)

    @property
    def oldest_sent_at(self) -> float | None:
        return next(iter(self._unacked.values()))[0] if self._unacked else None

    def empty(self) -> list[Report]:
        """Everything that was never acknowledged."""
        left = [report for _, report in self._unacked.values()] + list(self._ready)
        self._unacked.clear()
        self._ready.clear()
        return left
