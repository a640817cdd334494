"""What to do about each answer of a carrier: a table by command_status, for submit_sm and for binds.

A negative answer is the only proof that a message was not accepted; only after one is a message handed over again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from smpp.status import VENDOR
from smpp.status import CommandStatus as C


class Action(Enum):
    OK = "accepted"
    SLOW = "the whole bind waits and slows down, then the same message again"
    RETRY = "this message again, later"
    FAIL = "this recipient has failed"
    CONFIG = "this recipient has failed, and every other will for the same reason"
    BUG = "as CONFIG, and the reason is ours"
    STOP = "the channel is switched off until a person looks at it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    action: Action
    tries: int = 0
    """How often the message is handed over again at most; SLOW has no limit but the campaign's deadline."""
    delays: tuple[float, ...] = ()
    """Seconds before each further try; the last one repeats. The caller adds the jitter."""
    breaker: int = 0
    """This many of such answers in a row pause the campaign on the channel; 0: they do not count."""
    rebind: bool = False
    """The bind is broken: close it and bind again before the next try."""


class BindOutcome(Enum):
    BOUND = "bound"
    BACKOFF = "try again later"
    STOP = "the channel is switched off until a person looks at it"


@dataclass(frozen=True, slots=True, kw_only=True)
class BindAction:
    outcome: BindOutcome
    first: float = 0.0
    """Seconds before the next try, doubled each time up to `longest`. The caller adds the jitter."""
    longest: float = 0.0
    tries: int | None = None
    """After this many refusals in a row, STOP; None: never."""


def _doubled(first: float, *, longest: float, tries: int) -> tuple[float, ...]:
    return tuple(min(first * 2**n, longest) for n in range(tries))


def _retry(tries: int, *, longest: float = 60.0, breaker: int = 0, rebind: bool = False) -> Answer:
    delays = _doubled(1.0, longest=longest, tries=tries)
    return Answer(action=Action.RETRY, tries=tries, delays=delays, breaker=breaker, rebind=rebind)


_OK = Answer(action=Action.OK)
_SLOW = Answer(action=Action.SLOW, delays=_doubled(1.0, longest=30.0, tries=6))
_FAIL = Answer(action=Action.FAIL)
_CONFIG = Answer(action=Action.CONFIG, breaker=20)
_BUG = Answer(action=Action.BUG, breaker=5)
_STOP = Answer(action=Action.STOP)
_VENDOR = _retry(1, breaker=20)
_RESERVED = _retry(2, breaker=20)


def _all(codes: Iterable[C], answer: Answer) -> dict[int, Answer]:
    return dict.fromkeys(map(int, codes), answer)


ANSWERS: dict[int, Answer] = {
    C.ROK: _OK,
    C.RINVBNDSTS: _retry(3, rebind=True),
    C.RALYBND: _retry(1, rebind=True),
    C.RSYSERR: _retry(5),
    C.RINVSRCADR: Answer(action=Action.CONFIG, breaker=10),
    C.RMSGQFUL: _retry(10),
    C.RSUBMITFAIL: Answer(action=Action.RETRY, tries=3, delays=(5.0, 30.0, 120.0)),
    C.RX_T_APPN: _retry(5),
    C.RUNKNOWNERR: _retry(2, breaker=20),
    C.RSERTYPUNAVAIL: _retry(5),
    **_all([C.RTHROTTLED, C.RQUERYFAIL], _SLOW),  # RQUERYFAIL on a submit_sm: some mean "no credit"
    **_all([C.RINVDSTADR, C.RINVMSGID, C.RX_P_APPN, C.RX_R_APPN, C.RDELIVERYFAILURE], _FAIL),
    **_all([C.RINVPASWD, C.RINVSYSID, C.RINVSYSTYP], _STOP),  # meant for binds; on a submit_sm the account is gone
    **_all(
        [
            C.RINVCMDID,
            C.RINVPRTFLG,
            C.RINVREGDLVFLG,
            C.RINVSERTYP,
            C.RINVSUBREP,
            C.RINVREPFLAG,
            C.RINVESMCLASS,
            C.RINVSRCTON,
            C.RINVSRCNPI,
            C.RINVDSTTON,
            C.RINVDSTNPI,
            C.RINVSCHED,
            C.RINVEXPIRY,
            C.RINVOPTPARSTREAM,
            C.ROPTPARNOTALLWD,
            C.RINVPARLEN,
            C.RMISSINGOPTPARAM,
            C.RINVOPTPARAMVAL,
            C.RSERTYPUNAUTH,
            C.RPROHIBITED,
            C.RSERTYPDENIED,
            C.RINVDCS,
            C.RINVSRCADDRSUBUNIT,
            C.RINVDSTADDRSUBUNIT,
        ],
        _CONFIG,
    ),
    **_all(
        [
            C.RINVMSGLEN,
            C.RINVCMDLEN,
            C.RINVNUMDESTS,
            C.RINVDLNAME,
            C.RINVDESTFLAG,
            C.RCNTSUBDL,
            C.RINVNUMMSGS,
            C.RINVDFTMSGID,
            *(code for code in C if C.RINVBCASTFREQINT <= code <= C.RINVBCASTCHANIND),
        ],
        _BUG,
    ),
}

_BACKOFF = BindAction(outcome=BindOutcome.BACKOFF, first=1.0, longest=60.0)
_STOP_BIND = BindAction(outcome=BindOutcome.STOP)
BIND_ACTIONS: dict[int, BindAction] = {
    C.ROK: BindAction(outcome=BindOutcome.BOUND),
    C.RINVCMDLEN: BindAction(outcome=BindOutcome.BACKOFF, first=1.0, longest=60.0, tries=3),
    # Too many sessions, or a dead one that the carrier still counts: only time helps.
    C.RALYBND: BindAction(outcome=BindOutcome.BACKOFF, first=30.0, longest=300.0),
    C.RBINDFAIL: BindAction(outcome=BindOutcome.BACKOFF, first=5.0, longest=300.0),
    # Repeated tries with a wrong password lock accounts.
    C.RINVPASWD: _STOP_BIND,
    C.RINVSYSID: _STOP_BIND,
    C.RINVSYSTYP: _STOP_BIND,
}


def answer(code: int) -> Answer:
    """What to do about this answer to a submit_sm."""
    return ANSWERS.get(code, _VENDOR if code in VENDOR else _RESERVED)


def bind_answer(code: int) -> BindAction:
    return BIND_ACTIONS.get(code, _BACKOFF)


def retry_delay(answer: Answer, attempt: int) -> float | None:
    """Seconds until the message is handed over again after its `attempt`-th time (from 1); None: not again."""
    if answer.action not in (Action.SLOW, Action.RETRY):
        return None
    if answer.action is Action.RETRY and attempt > answer.tries:
        return None
    return answer.delays[min(attempt, len(answer.delays)) - 1]


def bind_delay(action: BindAction, refusals: int) -> float | None:
    """Seconds until the next bind after so many refusals in a row (from 1); None: not again, or there is no need."""
    if action.outcome is not BindOutcome.BACKOFF or (action.tries is not None and refusals >= action.tries):
        return None
    return min(action.first * 2.0 ** min(refusals - 1, 30), action.longest)
