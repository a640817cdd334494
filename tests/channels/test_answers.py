"""Each code gets the answer that the table of the specification's readers gives it; none is left out."""

import pytest

from channels.answers import (
    ANSWERS,
    BIND_ACTIONS,
    Action,
    BindOutcome,
    answer,
    bind_answer,
    bind_delay,
    retry_delay,
)
from smpp.status import CommandStatus

DOUBLING = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 60.0)
CONFIG, BUG, FAIL, RETRY = Action.CONFIG, Action.BUG, Action.FAIL, Action.RETRY

# code: action, tries, breaker
ROWS = {
    0x00: (Action.OK, 0, 0),
    0x01: (BUG, 0, 5),
    0x02: (BUG, 0, 5),
    0x03: (CONFIG, 0, 20),
    0x04: (RETRY, 3, 0),
    0x05: (RETRY, 1, 0),
    0x06: (CONFIG, 0, 20),
    0x07: (CONFIG, 0, 20),
    0x08: (RETRY, 5, 0),
    0x0A: (CONFIG, 0, 10),
    0x0B: (FAIL, 0, 0),
    0x0C: (FAIL, 0, 0),
    0x0D: (RETRY, 2, 20),
    0x0E: (Action.STOP, 0, 1),
    0x0F: (Action.STOP, 0, 1),
    0x11: (RETRY, 2, 20),
    0x13: (RETRY, 2, 20),
    0x14: (RETRY, 10, 0),
    0x15: (CONFIG, 0, 20),
    0x33: (BUG, 0, 5),
    0x34: (BUG, 0, 5),
    0x40: (BUG, 0, 5),
    0x42: (CONFIG, 0, 20),
    0x43: (CONFIG, 0, 20),
    0x44: (BUG, 0, 5),
    0x45: (RETRY, 3, 0),
    0x48: (CONFIG, 0, 20),
    0x49: (CONFIG, 0, 20),
    0x50: (CONFIG, 0, 20),
    0x51: (CONFIG, 0, 20),
    0x53: (Action.STOP, 0, 1),
    0x54: (CONFIG, 0, 20),
    0x55: (BUG, 0, 5),
    0x58: (Action.SLOW, 0, 0),
    0x61: (CONFIG, 0, 20),
    0x62: (CONFIG, 0, 20),
    0x63: (BUG, 0, 5),
    0x64: (RETRY, 5, 0),
    0x65: (FAIL, 0, 0),
    0x66: (FAIL, 0, 0),
    0x67: (Action.SLOW, 0, 0),
    0xC0: (CONFIG, 0, 20),
    0xC1: (CONFIG, 0, 20),
    0xC2: (CONFIG, 0, 20),
    0xC3: (CONFIG, 0, 20),
    0xC4: (CONFIG, 0, 20),
    0xFE: (FAIL, 0, 0),
    0xFF: (RETRY, 2, 20),
    0x100: (CONFIG, 0, 20),
    0x101: (CONFIG, 0, 20),
    0x102: (RETRY, 5, 0),
    0x103: (CONFIG, 0, 20),
    0x104: (CONFIG, 0, 20),
    0x105: (CONFIG, 0, 20),
    0x106: (CONFIG, 0, 20),
    **dict.fromkeys(range(0x107, 0x113), (BUG, 0, 5)),
    **dict.fromkeys((0x400, 0x401, 0x4FF), (RETRY, 1, 20)),
    **dict.fromkeys((0x09, 0x10, 0x99, 0x113, 0x3FF, 0x500, 0xFFFFFFFF), (RETRY, 2, 20)),
}


@pytest.mark.parametrize("code", ROWS, ids=hex)
def test_every_row_of_the_table_has_its_action(code):
    found = answer(code)

    assert (found.action, found.tries, found.breaker) == ROWS[code]


def test_no_code_of_the_specification_is_missing_from_the_table():
    assert set(CommandStatus) <= ROWS.keys()
    assert ANSWERS.keys() <= set(CommandStatus)


@pytest.mark.parametrize("code", [0x08, 0x14, 0x64, 0x102, 0xFF, 0x400, 0x500])
def test_a_retry_waits_longer_each_time_and_then_ends(code):
    found = answer(code)

    delays = [retry_delay(found, attempt) for attempt in range(1, found.tries + 2)]

    assert delays == [*DOUBLING[: found.tries], None]


def test_a_failed_submit_waits_five_thirty_and_a_hundred_and_twenty_seconds():
    assert [retry_delay(answer(0x45), attempt) for attempt in (1, 2, 3, 4)] == [5.0, 30.0, 120.0, None]


def test_a_throttled_message_is_tried_without_end():
    assert [retry_delay(answer(0x58), attempt) for attempt in (1, 2, 5, 6, 1000)] == [1.0, 2.0, 16.0, 30.0, 30.0]


@pytest.mark.parametrize("code", [code for code, (action, *_) in ROWS.items() if action.name not in ("SLOW", "RETRY")])
def test_nothing_else_is_ever_handed_over_again(code):
    assert retry_delay(answer(code), 1) is None


@pytest.mark.parametrize("code", ROWS)
def test_only_a_broken_bind_is_bound_again(code):
    assert answer(code).rebind == (code in (0x04, 0x05))


BINDS = {
    0x00: (BindOutcome.BOUND, None, None),
    0x02: (BindOutcome.BACKOFF, 1.0, None),
    0x04: (BindOutcome.BACKOFF, 1.0, 60.0),
    0x05: (BindOutcome.BACKOFF, 30.0, 300.0),
    0x08: (BindOutcome.BACKOFF, 1.0, 60.0),
    0x0D: (BindOutcome.BACKOFF, 5.0, 300.0),
    0x0E: (BindOutcome.STOP, None, None),
    0x0F: (BindOutcome.STOP, None, None),
    0x53: (BindOutcome.STOP, None, None),
    0x58: (BindOutcome.BACKOFF, 1.0, 60.0),
    0xFF: (BindOutcome.BACKOFF, 1.0, 60.0),
    0x401: (BindOutcome.BACKOFF, 1.0, 60.0),
}


@pytest.mark.parametrize("code", BINDS, ids=hex)
def test_a_bind_is_tried_again_as_the_carrier_says(code):
    found = bind_answer(code)

    assert (found.outcome, bind_delay(found, 1), bind_delay(found, 5000)) == BINDS[code]


def test_a_carrier_that_cannot_read_our_bind_is_left_alone_after_three_times():
    assert [bind_delay(bind_answer(0x02), refusals) for refusals in (1, 2, 3)] == [1.0, 2.0, None]


def test_no_row_for_binds_goes_untested():
    assert BIND_ACTIONS.keys() <= BINDS.keys()
