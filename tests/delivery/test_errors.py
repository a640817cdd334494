import pytest

from delivery.errors import RECEIPT_STATES, STATE_STEP, explain
from delivery.statuses import ErrorKind
from smpp.receipts import MessageState


def test_a_message_without_an_error_has_none():
    assert explain(ErrorKind.NONE, None) is None
    assert explain(ErrorKind.ANSWER, None) is None


def test_an_answer_is_named_by_its_command_status():
    error = explain(ErrorKind.ANSWER, 0x58)
    assert (error.code, error.name) == ("0x00000058", "ESME_RTHROTTLED")
    assert error.text.endswith(".")


def test_an_unknown_answer_still_has_a_code_a_name_and_a_text():
    error = explain(ErrorKind.ANSWER, 0x4AB)
    assert error.code == "0x000004AB"
    assert error.name
    assert error.text


@pytest.mark.parametrize("state", MessageState)
def test_every_state_of_a_receipt_has_its_sentence(state):
    error = explain(ErrorKind.RECEIPT, state * STATE_STEP + 7)
    assert (error.code, error.name, error.text) == ("007", *RECEIPT_STATES[state])


def test_a_receipt_with_a_state_of_its_own_is_not_lost():
    assert explain(ErrorKind.RECEIPT, 77 * STATE_STEP + 12345).name == "STATE 77"
