"""Threads for those who are slow: a few of the process, and fewer for one workspace, so that the others find one free.

Whoever answered late, or not at all, is slow for a while. No slow one waits for anybody but other slow ones.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

SLOW, OF_ONE = 8, 2  # of the process' sixteen threads; of a workspace
LATE = 1.0  # seconds: who takes longer to answer is slow
WHILE = timedelta(minutes=10)


class Seats:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: Counter[int] = Counter()  # by workspace

    @contextmanager
    def one_of(self, workspace_id: int) -> Iterator[bool]:
        """Whether there was a free one; it is kept until the end of the block."""
        found = self._take(workspace_id)
        try:
            yield found
        finally:
            if found:
                self._leave(workspace_id)

    def _take(self, workspace_id: int) -> bool:
        with self._lock:
            if self._taken.total() >= SLOW or self._taken[workspace_id] >= OF_ONE:
                return False
            self._taken[workspace_id] += 1
            return True

    def _leave(self, workspace_id: int) -> None:
        with self._lock:
            self._taken[workspace_id] -= 1
            self._taken += Counter()  # forgets who has none


seats = Seats()
