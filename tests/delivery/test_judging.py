import pytest

from delivery.batches import DOUBT, MISSING
from delivery.judging import judge
from delivery.statuses import MessageState

OK, BAD_NUMBER, THROTTLED, QUEUE_FULL = 0, 0x0B, 0x58, 0x14


@pytest.mark.parametrize(
    ("answers", "state", "mask"),
    [
        ([OK], MessageState.PENDING, 0b1),
        ([OK, OK, OK], MessageState.PENDING, 0b111),
        ([BAD_NUMBER], MessageState.FAILED, 0),
        ([OK, BAD_NUMBER], MessageState.FAILED, 0b01),
        ([OK, THROTTLED], MessageState.FAILED, 0b01),  # a part is with the carrier: never again from the first
        ([THROTTLED], MessageState.RETRY, 0),
        ([QUEUE_FULL, QUEUE_FULL], MessageState.RETRY, 0),
        ([DOUBT], MessageState.UNCERTAIN, 0),
        ([OK, DOUBT], MessageState.UNCERTAIN, 0b01),
        ([DOUBT, THROTTLED], MessageState.UNCERTAIN, 0),  # the refusal of one part says nothing of the other
        ([OK, MISSING], MessageState.INTENDED, 0b01),
        ([DOUBT, MISSING], MessageState.INTENDED, 0),
    ],
)
def test_the_answers_of_the_parts_decide_about_the_recipient(answers, state, mask):
    judgement = judge(answers, attempts=1)
    assert (judgement.state, judgement.accepted_mask) == (state, mask)


def test_only_an_explicit_refusal_is_ever_tried_again():
    for lost in (DOUBT, MISSING):
        assert judge([lost], attempts=1).state is not MessageState.RETRY


def test_a_refusal_that_repeats_too_often_is_final():
    states = [judge([QUEUE_FULL], attempts=n).state for n in range(1, 13)]
    assert states[0] is MessageState.RETRY
    assert states[-1] is MessageState.FAILED


def test_throttling_has_no_limit_of_tries():
    assert judge([THROTTLED], attempts=500).state is MessageState.RETRY
