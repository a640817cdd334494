"""Each code gets the answer that the table of the specification's readers gives it; none is left out."""

import re

import pytest

from channels.answers import (
    ANSWERS,
    BIND_ACTIONS,
    REFUSED_AT_MOST,
    Action,
    Answer,
    BindOutcome,
    Crowd,
    Share,
    answer,
    bind_answer,
    bind_delay,
    parse_overrides,
    retry_delay,
    table,
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


# What is more than an action: code: (what is set, its value)
BESIDES = {
    0x04: {"rebind": True},
    0x05: {"rebind": True},
    0x08: {"slow_share": Share(parts=20, of=100), "slow_seconds": 60.0},
    0x0B: {"review": Share(parts=300, of=1000)},
    0x0E: {"page": True},
    0x0F: {"page": True},
    0x14: {"slow_crowd": Crowd(numbers=3, seconds=10.0)},
    0x53: {"page": True},
    0x67: {"page": True},
    0xC0: {"without_extras": True},
    0xC1: {"without_extras": True},
}
NOTHING_BESIDES = {
    "rebind": False,
    "page": False,
    "review": None,
    "slow_share": None,
    "slow_seconds": 0.0,
    "slow_crowd": None,
    "without_extras": False,
}


@pytest.mark.parametrize("code", ROWS, ids=hex)
def test_a_row_sets_off_what_is_written_of_it_and_nothing_else(code):
    found = answer(code)

    assert {name: getattr(found, name) for name in NOTHING_BESIDES} == NOTHING_BESIDES | BESIDES.get(code, {})


def test_half_of_the_last_two_hundred_refused_is_too_many():
    assert Share(parts=99, of=200) == REFUSED_AT_MOST


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


PAGED_AFTER = {0x02: 3, 0x0D: 10, 0x0E: 1, 0x0F: 1, 0x53: 1}


@pytest.mark.parametrize("code", BINDS, ids=hex)
def test_a_person_is_told_of_refused_binds_where_waiting_does_not_help(code):
    assert bind_answer(code).page_after == PAGED_AFTER.get(code)


@pytest.mark.parametrize("code", BINDS, ids=hex)
def test_a_bind_is_tried_again_as_the_carrier_says(code):
    found = bind_answer(code)

    assert (found.outcome, bind_delay(found, 1), bind_delay(found, 5000)) == BINDS[code]


def test_a_carrier_that_cannot_read_our_bind_is_left_alone_after_three_times():
    assert [bind_delay(bind_answer(0x02), refusals) for refusals in (1, 2, 3)] == [1.0, 2.0, None]


def test_no_row_for_binds_goes_untested():
    assert BIND_ACTIONS.keys() <= BINDS.keys()


# --- Overrides --------------------------------------------------------------------------------------------------------


def test_a_channel_may_mean_something_else_by_a_code_and_keeps_the_other_rows():
    ours = table({"0x45": {"action": "fail"}, "1027": {"action": "slow", "page": True}})

    assert ours.answer(0x45) == Answer(action=FAIL)
    assert (ours.answer(1027).action, ours.answer(1027).page) == (Action.SLOW, True)
    assert retry_delay(ours.answer(1027), 500) == 30.0
    assert all(ours.answer(code) == answer(code) for code in ROWS if code != 0x45)


def test_without_overrides_the_table_is_everybodys():
    assert all(table({}).answer(code) == answer(code) for code in ROWS)


@pytest.mark.parametrize(
    ("code", "override", "expected"),
    [
        (0x0A, {"action": "fail"}, Answer(action=FAIL)),
        (0x0B, {"action": "config"}, Answer(action=CONFIG, breaker=20)),
        (0x0B, {"action": "bug"}, Answer(action=BUG, breaker=5)),
        (0x0B, {"action": "stop"}, Answer(action=Action.STOP, breaker=1, page=True)),
        (0x0B, {"action": "retry"}, Answer(action=RETRY, tries=2, delays=(1.0, 2.0), breaker=20)),
        (
            0x0B,
            {"action": "retry", "tries": 4, "breaker": 0},
            Answer(action=RETRY, tries=4, delays=(1.0, 2.0, 4.0, 8.0)),
        ),
        (0x0B, {"action": "fail"}, Answer(action=FAIL, review=Share(parts=300, of=1000))),  # what it was: nothing new
        (0x45, {"tries": 2}, Answer(action=RETRY, tries=2, delays=(5.0, 30.0, 120.0))),
        (0x45, {"delays": [7, 70]}, Answer(action=RETRY, tries=2, delays=(7.0, 70.0))),
        (0x45, {"delays": [7], "tries": 9}, Answer(action=RETRY, tries=9, delays=(7.0,))),
        (0x03, {"breaker": 3, "page": True}, Answer(action=CONFIG, breaker=3, page=True)),
        (0x58, {"delays": [10, 60]}, Answer(action=Action.SLOW, delays=(10.0, 60.0))),
    ],
)
def test_an_override_changes_what_it_names(code, override, expected):
    assert table({hex(code): override}).answer(code) == expected
    assert table({str(code): override}).answer(code) == expected


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([], "not an object"),
        ("0x45", "not an object"),
        (None, "not an object"),
        ({"fail": {"action": "fail"}}, "fail: this is not a command_status"),
        ({"-1": {"action": "fail"}}, "-1: this is not"),
        ({"0x1FFFFFFFF": {"action": "fail"}}, "0x1FFFFFFFF: this is not"),
        ({"1_0": {"action": "fail"}}, "1_0: this is not"),
        ({"": {"action": "fail"}}, "this is not"),
        ({"0": {"action": "fail"}}, "0: an accepted message stays accepted"),
        ({"0x45": {"action": "fail"}, "69": {"action": "stop"}}, "69: this code is there twice"),
        ({"0x45": {}}, "0x45: say what changes"),
        ({"0x45": "fail"}, "0x45: say what changes"),
        ({"0x45": {"action": "ok"}}, "0x45: action is one of slow, retry"),
        ({"0x45": {"action": ["fail"]}}, "0x45: action is one of"),
        ({"0x45": {"retries": 3}}, "0x45: there is no “retries”"),
        ({"0x45": {"tries": 0}}, "0x45: tries is a whole number from 1 to 100"),
        ({"0x45": {"tries": True}}, "0x45: tries"),
        ({"0x45": {"tries": 2.5}}, "0x45: tries"),
        ({"0x45": {"action": "fail", "tries": 1}}, "0x45: tries are for the action retry"),
        ({"0x45": {"action": "fail", "delays": [1]}}, "0x45: delays are for"),
        ({"0x45": {"delays": []}}, "0x45: delays is a list"),
        ({"0x45": {"delays": [0]}}, "0x45: delays is a list"),
        ({"0x45": {"delays": ["5"]}}, "0x45: delays is a list"),
        ({"0x45": {"delays": [float("nan")]}}, "0x45: delays is a list"),
        ({"0x45": {"delays": 5}}, "0x45: delays is a list"),
        ({"0x45": {"breaker": -1}}, "0x45: breaker is a whole number"),
        ({"0x45": {"page": "yes"}}, "0x45: page is true or false"),
    ],
)
def test_an_override_that_means_nothing_is_refused_and_named(wrong, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        parse_overrides(wrong)
