"""Do the processes keep their rates together in Redis, or each a share of them? Never some the one and some the other.

A process that does not reach Redis while others do would take its share on top of their full rate. So each says in the
database how it stands, and looks how the others do: all are together, or each has a share, or whoever cannot tell
waits. What a process leaves, it leaves before it says so; what it begins, it begins after it has said so and has seen
that nobody stands otherwise: of two that would begin different things at once, whoever looks second sees the first.
"""

import time
from collections.abc import Callable, Collection
from enum import Enum, IntEnum, auto
from threading import Event, Lock

from django.conf import settings

ALONE = 5.0  # seconds without asking Redis, once it did not answer
VALID = 10.0  # seconds for which an agreement holds that is not renewed
GONE = 15.0  # seconds without a word, then a process has no say: it must be longer than the agreement of a dead one
SETTLED, UNSETTLED = 1.0, 0.2  # seconds between two looks at how the others stand


class Says(IntEnum):
    """How a process stands, in the database."""

    TOGETHER = 0
    LOST = 1  # it does not reach Redis
    YIELDS = 2  # it would, and somebody else does not


class Mode(Enum):
    """What it may do now."""

    TOGETHER = auto()
    SHARE = auto()
    WAIT = auto()


class Standing:
    """Of this process. Its limiters ask what they may do and say when Redis is lost, from the links' loop; a thread
    agrees with the others, once `join` has said that there may be some."""

    def __init__(self) -> None:
        self.changed = Event()
        self._lock = Lock()
        self._has_joined = False
        self._mode = Mode.WAIT
        self._said = Says.TOGETHER
        self._is_lost = self._others_are_lost = False
        self._alone_until = self._valid_until = 0.0
        self._others = 0

    def mode(self) -> Mode:
        now = time.monotonic()
        if not self._has_joined:
            return Mode.SHARE if now < self._alone_until else Mode.TOGETHER
        return self._mode if now < self._valid_until else Mode.WAIT

    def fleet(self) -> int:
        """Among how many the rates are shared."""
        return max(int(settings.DISPATCH_FLEET), self._others + 1)

    def lose(self) -> None:
        """Redis did not answer."""
        with self._lock:
            self._is_lost, self._mode = True, Mode.WAIT
            self._alone_until = time.monotonic() + ALONE
        self.changed.set()

    def join(self) -> None:
        self._has_joined, self._mode = True, Mode.WAIT

    def leave(self) -> None:
        self._has_joined = False

    def agree(
        self, tell: Callable[[Says], Collection[Says]], *, is_back: Callable[[], bool], leave: Callable[[], None]
    ) -> float:
        """Say how we stand, and look how the others do: `tell` does both, in this order. `leave` waits until what was
        begun before is over. Seconds until that should be done again."""
        began = time.monotonic()
        if self._is_lost and began >= self._alone_until and is_back():
            self._is_lost = False
        says = self._stands()
        if says != self._said:
            with self._lock:
                self._mode = Mode.WAIT
            leave()
        others = tell(says)
        with self._lock:
            self._said, self._others, self._others_are_lost = says, len(others), Says.LOST in others
            self._mode = _mode(says, others) if says is self._stands() else Mode.WAIT
            self._valid_until = began + VALID
            return UNSETTLED if self._mode is Mode.WAIT else SETTLED

    def _stands(self) -> Says:
        if self._is_lost:
            return Says.LOST
        return Says.YIELDS if self._others_are_lost else Says.TOGETHER


def _mode(says: Says, others: Collection[Says]) -> Mode:
    together = sum(other is Says.TOGETHER for other in others)
    if says is Says.TOGETHER:
        return Mode.TOGETHER if together == len(others) else Mode.WAIT
    return Mode.WAIT if together else Mode.SHARE


standing = Standing()
