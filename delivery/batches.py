"""What a task hands to a link, and what comes back: one value for hundreds of messages."""

from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from smpp.hot import SubmitTemplate

Answer = tuple[int, bytes]  # command_status and message_id of the submit_sm_resp
# Handed over, and no answer will be waited for any longer: cut, timed out, or refused as a frame.
DOUBT: Final[Answer] = (-1, b"")


@dataclass(slots=True, kw_only=True, eq=False)
class Batch:
    """Recipients of one chunk, covered by one committed intent.

    A unit is one PDU: unit u is part u % parts of recipient u // parts. Whoever the intent covers and is suppressed is
    no recipient of it, and is recorded with it: `suppressed` has (recipient, phone). The links' thread owns the fields
    from `next_unit` on until `finished` is set; then what it found is the task's to read. Answers that come later wait
    until the task says `is_recorded`.
    """

    campaign_id: int
    channel_id: int
    chunk_id: int
    day: date
    recipients: list[int]  # numbers within the list
    phones: list[int]
    destinations: list[bytes]
    templates: tuple[SubmitTemplate, ...]  # one a part
    send_by: float  # loop time; then only the recipient that was begun gets the rest, and the others are given back
    intended_at: datetime
    period: datetime | None = None  # when the campaign was resumed last: refusals before it are forgotten
    is_retry: bool = False
    parts_per_second: int = 0  # the campaign's own limit; 0 is none
    suppressed: list[tuple[int, int]] = field(default_factory=list)

    link: object = None  # of several parts: the bind that has them all, in order
    next_unit: int = 0
    open_units: int = 0
    given_back: bool = False
    stopped_because: str = ""  # of a batch given back by the breaker
    answers: list[Answer | None] = field(default_factory=list)
    last_written: float = 0.0
    finished: "Future[None]" = field(default_factory=Future)
    is_recorded: bool = False

    def __post_init__(self) -> None:
        self.answers = [None] * (len(self.recipients) * len(self.templates))

    @property
    def parts(self) -> int:
        return len(self.templates)

    @property
    def is_written(self) -> bool:
        return self.next_unit == len(self.answers)

    @property
    def begun(self) -> int:
        """How many parts are still to be written of the recipient of whom some are."""
        return -self.next_unit % self.parts

    @property
    def handed_over(self) -> int:
        """Recipients of whom at least one part was written."""
        return -(-self.next_unit // self.parts)

    @property
    def passed_over(self) -> list[tuple[int, int]]:
        """The suppressed ones before the first recipient that was given back; those after it are asked about again."""
        if self.handed_over == len(self.recipients):
            return self.suppressed
        first_left = self.recipients[self.handed_over]
        return [(recipient, phone) for recipient, phone in self.suppressed if recipient < first_left]
