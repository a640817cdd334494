"""What the answers to a recipient's parts make of the recipient. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from channels.answers import answer, retry_delay
from delivery.batches import DOUBT, Answer
from delivery.statuses import MessageState


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    state: MessageState
    accepted_mask: int = 0
    error_code: int | None = None
    retry_after: float | None = None  # seconds


def judge(answers: Sequence[Answer | None], *, attempts: int) -> Judgement:
    """One missing answer leaves it INTENDED, one lost answer UNCERTAIN; a refusal is tried again only while no part
    was accepted, and only when the carrier's code says that it may go through later."""
    mask = sum(1 << part for part, given in enumerate(answers) if given is not None and given[0] == 0)
    if None in answers:
        return Judgement(state=MessageState.INTENDED, accepted_mask=mask)
    if DOUBT in answers:
        return Judgement(state=MessageState.UNCERTAIN, accepted_mask=mask)
    refusal = next((given[0] for given in answers if given is not None and given[0] != 0), None)
    if refusal is None:
        return Judgement(state=MessageState.PENDING, accepted_mask=mask)
    delay = retry_delay(answer(refusal), attempts) if mask == 0 else None
    if delay is not None:
        return Judgement(state=MessageState.RETRY, error_code=refusal, retry_after=delay)
    return Judgement(state=MessageState.FAILED, accepted_mask=mask, error_code=refusal)


def breaker(code: int) -> int:
    """After how many such answers in a row the campaign must pause: they say nothing about the recipient, and every
    other message will meet them as well. 0: this one says nothing of the kind."""
    return answer(code).breaker
