"""What to do about each answer of a carrier: a table by command_status, for submit_sm and for binds.

A negative answer is the only proof that a message was not accepted; only after one is a message handed over again. What
a carrier means by a code is never quite agreed on, so the table is data, and each channel may override its rows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from django.utils.translation import gettext as _

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
class Share:
    """More than `parts` of the last `of` answers."""

    parts: int
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """So many different numbers within so many seconds."""

    numbers: int
    seconds: float


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
    page: bool = False
    """A person is told at once."""
    review: Share | None = None
    """A campaign with so many of these has a bad list: it is paused until somebody has looked at it."""
    slow_share: Share | None = None
    """So many of these are trouble of the bind, not of a message: the bind waits for `slow_seconds`."""
    slow_seconds: float = 0.0
    slow_crowd: Crowd | None = None
    """About so many numbers it is the carrier that is full, not a phone: the bind slows down."""
    without_extras: bool = False
    """The first time it may be about a parameter that we added for convenience: such are left out from then on, and the
    message goes once more. If there are none, `action` it is."""


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
    page_after: int | None = None
    """After this many refusals in a row, and at a STOP, a person is told."""


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
_STOP = Answer(action=Action.STOP, breaker=1, page=True)
_VENDOR = _retry(1, breaker=20)
_RESERVED = _retry(2, breaker=20)


def _all(codes: Iterable[C], answer: Answer) -> dict[int, Answer]:
    return dict.fromkeys(map(int, codes), answer)


ANSWERS: dict[int, Answer] = {
    C.ROK: _OK,
    C.RINVBNDSTS: _retry(3, rebind=True),
    C.RALYBND: _retry(1, rebind=True),
    C.RSYSERR: replace(_retry(5), slow_share=Share(parts=20, of=100), slow_seconds=60.0),
    C.RINVSRCADR: Answer(action=Action.CONFIG, breaker=10),
    C.RINVDSTADR: replace(_FAIL, review=Share(parts=300, of=1000)),
    C.RMSGQFUL: replace(_retry(10), slow_crowd=Crowd(numbers=3, seconds=10.0)),
    C.RSUBMITFAIL: Answer(action=Action.RETRY, tries=3, delays=(5.0, 30.0, 120.0)),
    C.RX_T_APPN: _retry(5),
    C.RUNKNOWNERR: _retry(2, breaker=20),
    C.RSERTYPUNAVAIL: _retry(5),
    C.RTHROTTLED: _SLOW,
    C.RQUERYFAIL: replace(_SLOW, page=True),  # on a submit_sm some mean "no credit"
    **_all([C.RINVOPTPARSTREAM, C.ROPTPARNOTALLWD], replace(_CONFIG, without_extras=True)),
    **_all([C.RINVMSGID, C.RX_P_APPN, C.RX_R_APPN, C.RDELIVERYFAILURE], _FAIL),
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
_STOP_BIND = BindAction(outcome=BindOutcome.STOP, page_after=1)
BIND_ACTIONS: dict[int, BindAction] = {
    C.ROK: BindAction(outcome=BindOutcome.BOUND),
    C.RINVCMDLEN: BindAction(outcome=BindOutcome.BACKOFF, first=1.0, longest=60.0, tries=3, page_after=3),
    # Too many sessions, or a dead one that the carrier still counts: only time helps.
    C.RALYBND: BindAction(outcome=BindOutcome.BACKOFF, first=30.0, longest=300.0),
    C.RBINDFAIL: BindAction(outcome=BindOutcome.BACKOFF, first=5.0, longest=300.0, page_after=10),
    # Repeated tries with a wrong password lock accounts.
    C.RINVPASWD: _STOP_BIND,
    C.RINVSYSID: _STOP_BIND,
    C.RINVSYSTYP: _STOP_BIND,
}


# Any answer but an acceptance and a call for patience: as many of them as this, and the campaign pauses.
REFUSED_AT_MOST = Share(parts=99, of=200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What one carrier's answers mean: its overrides, else what they mean with everybody."""

    overrides: Mapping[int, Answer] = field(default_factory=dict)

    def answer(self, code: int) -> Answer:
        """What to do about this answer to a submit_sm."""
        found = self.overrides.get(code)
        return found if found is not None else answer(code)


def table(overrides: Mapping[str, Mapping[str, Any]]) -> Table:
    """Raises ValueError as parse_overrides does."""
    return Table(overrides=parse_overrides(overrides))


def answer(code: int) -> Answer:
    """What this answer to a submit_sm means with everybody."""
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


# --- Overrides --------------------------------------------------------------------------------------------------------

_PLAIN = {
    "slow": _SLOW,
    "retry": _RESERVED,
    "fail": _FAIL,
    "config": _CONFIG,
    "bug": _BUG,
    "stop": _STOP,
}
_MOST_TRIES = 100
_LONGEST_DELAY = 24 * 3600
_MOST_IN_A_ROW = 10_000
_WORDS = ("action", "tries", "delays", "breaker", "page")


def parse_overrides(given: object) -> dict[int, Answer]:
    """`{"0x45": {"action": "fail"}, "1027": {"breaker": 50, "page": true}}` as rows by code.

    Another action than the row's begins with what is usual for it; what else is given changes that. Raises ValueError,
    fit to show, that names the code and the key.
    """
    if not isinstance(given, Mapping):
        raise ValueError(_("The overrides are not an object: write {} for none."))
    rows: dict[int, Answer] = {}
    for key, wanted in given.items():
        code = _code(key)
        if code in rows:
            raise ValueError(_("%(key)s: this code is there twice.") % {"key": key})
        rows[code] = _overridden(key, answer(code), wanted)
    return rows


def _code(key: object) -> int:
    try:
        code = int(str(key), 16 if str(key).lower().startswith("0x") else 10)
    except ValueError:
        code = -1
    if not 0 <= code <= 0xFFFFFFFF or not str(key).isalnum():
        raise ValueError(_("%(key)s: this is not a command_status; write it as 0x45 or as 69.") % {"key": key})
    if code == C.ROK:
        raise ValueError(_("%(key)s: an accepted message stays accepted.") % {"key": key})
    return code


def _overridden(key: str, usual: Answer, wanted: object) -> Answer:
    if not isinstance(wanted, Mapping) or not wanted:
        raise ValueError(_('%(key)s: say what changes, as {"action": "fail"}.') % {"key": key})
    if unknown := [word for word in wanted if word not in _WORDS]:
        raise ValueError(
            _("%(key)s: there is no “%(word)s”, but %(words)s.")
            % {"key": key, "word": unknown[0], "words": ", ".join(_WORDS)}
        )
    row = usual
    if "action" in wanted:
        if not isinstance(wanted["action"], str) or wanted["action"] not in _PLAIN:
            raise ValueError(_("%(key)s: action is one of %(words)s.") % {"key": key, "words": ", ".join(_PLAIN)})
        plain = _PLAIN[wanted["action"]]
        row = usual if usual.action is plain.action else plain
    if "breaker" in wanted:
        row = replace(row, breaker=_whole(key, "breaker", wanted["breaker"], 0, _MOST_IN_A_ROW))
    if "page" in wanted:
        row = replace(row, page=_yes_or_no(key, "page", wanted["page"]))
    return _with_tries(key, row, wanted, keeps_delays=row.action is usual.action)


def _with_tries(key: str, row: Answer, wanted: Mapping[str, Any], *, keeps_delays: bool) -> Answer:
    if "tries" in wanted and row.action is not Action.RETRY:
        raise ValueError(_("%(key)s: tries are for the action retry.") % {"key": key})
    if "delays" in wanted and row.action not in (Action.RETRY, Action.SLOW):
        raise ValueError(_("%(key)s: delays are for the actions retry and slow.") % {"key": key})
    delays, tries = row.delays, row.tries
    if "delays" in wanted:
        delays = _seconds(key, wanted["delays"])
        tries = len(delays) if row.action is Action.RETRY else 0
    if "tries" in wanted:
        tries = _whole(key, "tries", wanted["tries"], 1, _MOST_TRIES)
        delays = delays if keeps_delays or "delays" in wanted else _doubled(1.0, longest=60.0, tries=tries)
    return replace(row, tries=tries, delays=delays)


def _whole(key: str, word: str, value: object, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(
            _("%(key)s: %(word)s is a whole number from %(least)s to %(most)s.")
            % {"key": key, "word": word, "least": least, "most": most}
        )
    return value


def _yes_or_no(key: str, word: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(_("%(key)s: %(word)s is true or false.") % {"key": key, "word": word})
    return value


def _seconds(key: str, value: object) -> tuple[float, ...]:
    if (
        not isinstance(value, list)
        or not 0 < len(value) <= _MOST_TRIES
        or any(isinstance(one, bool) or not isinstance(one, int | float) for one in value)
        or not all(0 < one <= _LONGEST_DELAY for one in value)
    ):
        raise ValueError(
            _("%(key)s: delays is a list of seconds, each from above 0 to %(most)s.")
            % {"key": key, "most": _LONGEST_DELAY}
        )
    return tuple(float(one) for one in value)
