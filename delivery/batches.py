"""What a task hands to a link, and what comes back: one value for hundreds of messages."""

from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, Protocol

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from channels.answers import Table

Integers = NDArray[np.int64]
Ids = NDArray[np.bytes_]
LONGEST_ID = 64  # octets of a message_id (SMPP 3.4 §4.4.2) without its NUL; a longer one would not fit its index either

MISSING: Final = -2  # in place of a command_status: written, and no answer yet; or never written
DOUBT: Final = -1  # written, and no answer will be waited for any longer: cut, timed out, or refused as a frame

NOTHING: Final = np.zeros(0, np.int64)

SHARE = 4  # of B, that a batch to a list has for each share of one of pushed messages


def most_in_batch(*, is_pushed: bool) -> int:
    """What a thread may have intended and not yet recorded: together, no more than B."""
    shares = SHARE * settings.DISPATCH_THREADS + settings.DISPATCH_PUSH_THREADS
    return max(1, settings.DISPATCH_BATCH * (1 if is_pushed else SHARE) // shares)


class Wire(Protocol):
    """How the recipients' messages look on the wire. A unit is one PDU."""

    @property
    def cost(self) -> int:
        """Message parts in a unit, at most."""

    @property
    def starts(self) -> Integers:
        """The first unit of each recipient, and how many there are in all."""

    def encode(self, first: int, count: int, sequence: int) -> bytes:
        """Units `first` … as one buffer, numbered from `sequence`."""


@dataclass(slots=True, kw_only=True, eq=False)
class Batch:
    """Recipients of one chunk, covered by one committed intent.

    Whoever the intent covers and must not get anything is no recipient of it, and is recorded with it: `suppressed`,
    `expired` and `unfit` have (recipient, phone) and, of the unfit, why. The links' thread owns the fields from
    `next_unit` on until `finished` is set; then what it found is the task's to read. Answers that come later wait until
    the task says `is_recorded`.
    """

    campaign_id: int
    channel_id: int
    chunk_id: int
    day: date
    recipients: Integers  # numbers within the list, ascending
    phones: NDArray[np.uint64]
    wire: Wire
    send_by: float  # loop time; then only the recipient that was begun gets the rest, and the others are given back
    intended_at: datetime
    table: Table = field(default_factory=Table)  # what the carrier's answers mean
    period: datetime | None = None  # when the campaign was resumed last: refusals before it are forgotten
    is_retry: bool = False
    attempts: Integers | None = None  # of each recipient, this time included; a fresh batch is everybody's first
    parts_per_second: int = 0  # the campaign's own limit; 0 is none
    is_pushed: bool = False  # somebody waits for it: it goes before what does not hurry, up to a half
    suppressed: list[tuple[int, int]] = field(default_factory=list)
    expired: list[tuple[int, int]] = field(default_factory=list)
    unfit: list[tuple[int, int, int]] = field(default_factory=list)

    link: object = None  # of several parts: the bind that has them all, in order
    next_unit: int = 0
    open_units: int = 0
    given_back: bool = False
    stopped_because: str = ""  # of a batch given back by the breaker
    starts: Integers = field(init=False)
    codes: Integers = field(init=False)  # command_status by unit
    ids: Ids = field(init=False)  # message_id by unit
    last_written: float = 0.0
    finished: "Future[None]" = field(default_factory=Future)
    is_recorded: bool = False

    def __post_init__(self) -> None:
        self.starts = self.wire.starts
        self.codes = np.full(self.units, MISSING, np.int64)
        self.ids = np.zeros(self.units, f"S{LONGEST_ID}")

    @property
    def units(self) -> int:
        return int(self.starts[-1])

    @property
    def is_long(self) -> bool:
        """Somebody's message has several parts."""
        return self.units > len(self.recipients)

    @property
    def is_written(self) -> bool:
        return self.next_unit == self.units

    @property
    def handed_over(self) -> int:
        """Recipients of whom at least one part was written."""
        return int(np.searchsorted(self.starts, self.next_unit))

    @property
    def begun(self) -> int:
        """How many parts are still to be written of the recipient of whom some are."""
        return int(self.starts[self.handed_over]) - self.next_unit

    def take(self, units: Integers, codes: Integers, ids: Any) -> None:
        """What the carrier said of these units, each of them once."""
        self.open_units -= int(np.count_nonzero(self.codes[units] == MISSING))
        self.codes[units] = codes
        self.ids[units] = ids

    def places(self, units: Integers) -> tuple[Integers, Integers]:
        """Of each unit: the index of its recipient, and which part it is."""
        if not self.is_long:
            return units, np.zeros(len(units), np.int64)
        indexes = np.searchsorted(self.starts, units, side="right") - 1
        return indexes, units - self.starts[indexes]

    def attempt_of(self, index: int) -> int:
        return 1 if self.attempts is None else int(self.attempts[index])

    def answers_of(self, index: int) -> list[int]:
        """The codes of one recipient's parts."""
        answers: list[int] = self.codes[self.starts[index] : self.starts[index + 1]].tolist()
        return answers

    def _before_the_rest(self, people: list[Any]) -> list[Any]:
        if self.handed_over == len(self.recipients):
            return people
        first_left = self.recipients[self.handed_over]
        return [one for one in people if one[0] < first_left]

    @property
    def passed_over(self) -> list[tuple[int, int]]:
        """The suppressed ones before the first recipient that was given back; those after it are asked about again."""
        return self._before_the_rest(self.suppressed)

    @property
    def outdated(self) -> list[tuple[int, int]]:
        """The expired ones before the first recipient that was given back."""
        return self._before_the_rest(self.expired)

    @property
    def misfits(self) -> list[tuple[int, int, int]]:
        """The unfit ones before the first recipient that was given back."""
        return self._before_the_rest(self.unfit)
