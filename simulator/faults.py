"""What goes wrong with a submit, and when: pure counting."""

from collections import Counter, deque
from enum import Enum

from simulator.knobs import Knobs, Refusal, refusals
from smpp.status import CommandStatus


class Twist(Enum):
    NONE = "answered"
    NACK = "answered by generic_nack"
    SILENCE = "not answered"
    CUT_BEFORE = "cut, then not answered"
    CUT_AFTER = "answered, then cut"
    UNBIND = "answered, then unbound"
    LENGTH_BOMB = "answered, then an impossible length"
    NACK_ZERO = "answered, then a generic_nack of nothing"
    LATE = "answered late"
    STRAY = "answered, then an answer to nothing, and the same again"


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
            (knobs.late_every, CommandStatus.ROK, Twist.LATE),
            (knobs.unknown_resp_every, CommandStatus.ROK, Twist.STRAY),
        ]
        self._every = [(n, int(status), twist) for n, status, twist in every if n]
        self._passed = [0] * len(self._every)
        once = ((knobs.length_bomb_after, Twist.LENGTH_BOMB), (knobs.nack_zero_after, Twist.NACK_ZERO))
        self._once = [(after, twist) for after, twist in once if after]
        self._refusals = refusals(knobs.answers)
        self._refused: Counter[tuple[Refusal, bytes]] = Counter()
        self.are_wanted = bool(
            self._every
            or self._once
            or self._refusals
            or knobs.answer_all
            or knobs.tps
            or knobs.max_window
            or knobs.bad_suffix
        )

    def judge(self, destination: bytes, *, unanswered: int, now: float) -> tuple[int, Twist]:
        """The answer to the next submit, and what else happens; `unanswered` counts those before it on its bind."""
        self._seen += 1
        self._passed = [passed + 1 for passed in self._passed]
        if self._knobs.max_window and unanswered >= self._knobs.max_window:
            return CommandStatus.RTHROTTLED, Twist.NONE
        if self._knobs.tps and self._is_too_fast(now):
            return CommandStatus.RTHROTTLED, Twist.NONE
        if status := self._knobs.answer_all or self._refusal(destination):
            return status, Twist.NONE
        if self._bad_suffix and destination.endswith(self._bad_suffix):
            return CommandStatus.RINVDSTADR, Twist.NONE
        for number, (every, status, twist) in enumerate(self._every):
            if self._passed[number] >= every:  # what was due beside another fault is due still
                self._passed[number] -= every
                return status, twist
        for number, (after, twist) in enumerate(self._once):
            if self._seen >= after:
                del self._once[number]
                return CommandStatus.ROK, twist
        return CommandStatus.ROK, Twist.NONE

    def _refusal(self, destination: bytes) -> int:
        for refusal in self._refusals:
            if destination.endswith(refusal.suffix):
                if refusal.tries and self._refused[refusal, destination] >= refusal.tries:
                    return 0
                self._refused[refusal, destination] += 1
                return refusal.status
        return 0

    def _is_too_fast(self, now: float) -> bool:
        while self._times and self._times[0] <= now - 1:
            self._times.popleft()
        if len(self._times) >= self._knobs.tps:
            return True
        self._times.append(now)
        return False
