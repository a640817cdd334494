"""What the answers to a recipient's parts make of the recipient. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from channels.answers import Table, retry_delay
from delivery.batches import DOUBT, MISSING
from delivery.statuses import MessageState

EVERYBODY = Table()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    state: MessageState
    accepted_mask: int = 0
    error_code: int | None = None
    retry_after: float | None = None  # seconds


def judge(answers: Sequence[int], *, attempts: int, table: Table = EVERYBODY) -> Judgement:
    """Of the codes of its parts: one missing answer leaves it INTENDED, one lost answer UNCERTAIN; a refusal is tried
    again only while no part was accepted, and only when the carrier's code says that it may go through later."""
    mask = sum(1 << part for part, code in enumerate(answers) if code == 0)
    if MISSING in answers:
        return Judgement(state=MessageState.INTENDED, accepted_mask=mask)
    if DOUBT in answers:
        return Judgement(state=MessageState.UNCERTAIN, accepted_mask=mask)
    refusal = next((code for code in answers if code), None)
    if refusal is None:
        return Judgement(state=MessageState.PENDING, accepted_mask=mask)
    delay = retry_delay(table.answer(refusal), attempts) if mask == 0 else None
    if delay is not None:
        return Judgement(state=MessageState.RETRY, error_code=refusal, retry_after=delay)
    return Judgement(state=MessageState.FAILED, accepted_mask=mask, error_code=refusal)
