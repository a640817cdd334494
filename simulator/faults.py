"""What goes wrong with a submit, and when: pure counting."""

from collections import deque
from enum import Enum

from simulator.knobs import Knobs
from smpp.status import CommandStatus


class Twist(Enum):
    NONE = "answered"
    NACK = "answered by generic_nack"
    SILENCE = "not answered"
    CUT_BEFORE = "cut, then not answered"
    CUT_AFTER = "answered, then cut"
    UNBIND = "answered, then unbound"
    LENGTH_BOMB = "answered, then an impossible length"


class Faults:
    def __init__(self, knobs: Knobs) -> None:
        self._knobs = knobs
        self._seen = 0
        self._times: deque[float] = deque()
        self._bad_suffix = knobs.bad_suffix.encode()
        every = [
            (knobs.throttle_every, CommandStatus.RTHROTTLED, Twist.NONE),
            (knobs.qfull_every, CommandStatus.RMSGQFUL, Twist.NONE),
            (knobs.syserr_every, CommandStatus.RSYSERR, Twist.NONE),
            (knobs.nack_every, CommandStatus.RSYSERR, Twist.NACK),
            (knobs.drop_every, CommandStatus.ROK, Twist.CUT_BEFORE),
            (knobs.noresp_every, CommandStatus.ROK, Twist.SILENCE),
            (knobs.drop_after_every, CommandStatus.ROK, Twist.CUT_AFTER),
            (knobs.unbind_every, CommandStatus.ROK, Twist.UNBIND),
        ]
        self._every = [(n, int(status), twist) for n, status, twist in every if n]
        self._passed = [0] * len(self._every)
        self.are_wanted = bool(
            self._every or knobs.tps or knobs.max_window or knobs.bad_suffix or knobs.length_bomb_after
        )

    def judge(self, destination: bytes, *, unanswered: int, now: float) -> tuple[int, Twist]:
        """The answer to the next submit, and what else happens; `unanswered` counts those before it on its bind."""
        self._seen += 1
        self._passed = [passed + 1 for passed in self._passed]
        if self._knobs.max_window and unanswered >= self._knobs.max_window:
            return CommandStatus.RTHROTTLED, Twist.NONE
        if self._knobs.tps and self._is_too_fast(now):
            return CommandStatus.RTHROTTLED, Twist.NONE
        if self._bad_suffix and destination.endswith(self._bad_suffix):
            return CommandStatus.RINVDSTADR, Twist.NONE
        for number, (every, status, twist) in enumerate(self._every):
            if self._passed[number] >= every:  # what was due beside another fault is due still
                self._passed[number] -= every
                return status, twist
        if self._seen == self._knobs.length_bomb_after:
            return CommandStatus.ROK, Twist.LENGTH_BOMB
        return CommandStatus.ROK, Twist.NONE

    def _is_too_fast(self, now: float) -> bool:
        while self._times and self._times[0] <= now - 1:
            self._times.popleft()
        if len(self._times) >= self._knobs.tps:
            return True
        self._times.append(now)
        return False
