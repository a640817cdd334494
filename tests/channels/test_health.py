"""Breaker and Pace: what a row of answers does to a campaign, and to a bind."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.answers import Action, Share, answer, table
from channels.health import Breaker, Pace, Sliding, runs

OK, THROTTLED, SYSTEM, FULL, NUMBER, SENDER, CONFIG, BUG = 0, 0x58, 0x08, 0x14, 0x0B, 0x0A, 0x03, 0x01
CODES = st.sampled_from([OK, THROTTLED, SYSTEM, FULL, NUMBER, SENDER, CONFIG, BUG, 0x45, 0xFF, 0x401, 0x67])
RUNS = st.lists(st.tuples(CODES, st.integers(1, 40)), max_size=60)


def after(*given, overrides=None):
    breaker = Breaker(table(overrides or {}))
    for code, n in given:
        breaker.count(code, n)
    return breaker.reason


# --- Sliding ----------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 30)), max_size=60), st.integers(1, 50))
def test_a_window_counts_the_last_ones_and_no_others(given, of):
    window, told = Sliding(Share(parts=of // 2, of=of)), []
    for is_hit, n in given:
        window.count(n, is_hit=is_hit)
        told += [is_hit] * n
        assert window.hits == sum(told[-of:])
        assert window.is_over == (sum(told[-of:]) > of // 2)


@given(st.lists(st.integers(0, 3), max_size=50))
def test_runs_are_the_codes_in_their_order(codes):
    found = runs(np.array(codes, dtype=np.int64))
    assert list(itertools.chain.from_iterable([code] * n for code, n in found)) == codes
    assert all(one[0] != other[0] for one, other in itertools.pairwise(found))


# --- Breaker ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "limit"), [(CONFIG, 20), (SENDER, 10), (BUG, 5), (0x401, 20), (0xFF, 20), (0x99, 20), (0x0E, 1)]
)
def test_so_many_in_a_row_pause_the_campaign(code, limit):
    assert after((OK, 500), (code, limit - 1)) == ""
    assert after((OK, 500), (code, limit)) != ""
    assert after((OK, 500), *[(code, 1)] * limit) != ""
    assert after((OK, 500), (code, limit - 1), (OK, 1), (code, limit - 1)) == ""


def test_the_reason_says_how_many_and_what():
    assert after((SENDER, 10)) == "The carrier refused 10 messages in a row, the last with ESME_RINVSRCADR."
    assert after((0x0E, 1)) == "The carrier answered ESME_RINVPASWD: The carrier says that the password is wrong."


def test_a_call_for_patience_does_not_end_a_row():
    assert after(*[(SENDER, 1), (THROTTLED, 3)] * 9) == ""
    assert after(*[(SENDER, 1), (THROTTLED, 3)] * 10) != ""


def test_an_answer_about_the_number_ends_a_row():
    assert after(*[(CONFIG, 19), (NUMBER, 1), (OK, 20)] * 3) == ""


def test_what_counts_to_a_lower_limit_counts_to_a_higher_one_as_well_and_not_the_other_way():
    assert after((SENDER, 9), (CONFIG, 11)) != ""
    assert after((CONFIG, 15), (SENDER, 4)) == ""
    assert after((CONFIG, 10), (SENDER, 9), (BUG, 1)) != ""  # twenty of which every one is about all


def test_half_of_the_last_two_hundred_refused_pauses_the_campaign():
    assert after((OK, 500), *[(0x45, 1), (OK, 1)] * 99) == ""
    assert after((OK, 500), *[(0x45, 1), (OK, 1)] * 100).startswith("The carrier refused 100 of the last 200 messages")
    assert after((OK, 500), (0x45, 99), (OK, 101), (0x45, 99)) == ""


def test_throttling_is_never_a_refusal():
    assert after(*[(THROTTLED, 1000), (0x67, 1000)] * 20) == ""


def test_a_list_with_three_tenths_of_bad_numbers_needs_a_look():
    mixed = [(NUMBER, 3), (OK, 7)] * 100
    assert after(*mixed) == ""
    assert after(*mixed, (NUMBER, 1)) == ""  # the first three went out as it came
    assert "the list needs a look" in after(*[(NUMBER, 31), (OK, 69)] * 10)


def test_once_paused_it_stays_paused_and_a_new_one_counts_anew():
    reason = after((BUG, 5))
    assert after((BUG, 5), (OK, 10_000)) == reason
    assert after((BUG, 4)) == ""


def test_what_is_no_answer_counts_for_nothing():
    assert after(*[(SENDER, 9), (-1, 100), (OK, 0), (OK, 1)] * 3) == ""


def test_the_channels_own_table_decides():
    assert after((0x45, 3), overrides={"0x45": {"breaker": 3}}) != ""
    assert after((OK, 500), (SENDER, 50), overrides={"0x0A": {"action": "fail"}}) == ""
    assert after((0x45, 500), overrides={"0x45": {"action": "slow"}}) == ""


@given(RUNS)
def test_counting_runs_is_counting_one_by_one(given):
    """But for the moment in which it pauses: within a run nobody looks."""
    at_once, single = Breaker(), Breaker()
    for code, n in given:
        at_once.count(code, n)
        for _ in range(n):
            single.count(code)
        assert bool(at_once.reason) == bool(single.reason)


def naive(codes):
    """The rules as they are written, over everything that was answered."""
    row = []
    for code in codes:
        if answer(code).breaker:
            row.append(answer(code).breaker)
        elif answer(code).action is not Action.SLOW:
            row.clear()
    refused = [answer(code).action not in (Action.OK, Action.SLOW) for code in codes]
    return (
        any(sum(one <= limit for one in row) >= limit for limit in row)
        or sum(refused[-200:]) >= 100
        or sum(code == NUMBER for code in codes[-1000:]) > 300
    )


@given(RUNS)
def test_it_pauses_when_the_rules_say_so_and_never_else(given):
    breaker, codes = Breaker(), []
    for code, n in given:
        for _ in range(n):
            codes.append(code)
            breaker.count(code)
            if breaker.reason:
                assert naive(codes)
                return
        assert not naive(codes)


# --- Pace -------------------------------------------------------------------------------------------------------------


def going(rate=100, *, seconds=3, overrides=None):
    """A bind whose carrier has accepted `rate` parts in each of the last seconds; it is second `seconds` now."""
    pace = Pace(table(overrides or {}))
    for second in range(seconds):
        assert pace.count(OK, rate, now=second + 0.5) == 0.0
    return pace


def test_without_trouble_there_is_no_limit():
    pace = going()
    assert pace.rate(3.0) is None
    assert pace.take(10_000, now=3.0) == 10_000
    assert pace.next_at(3.0) == 3.0


def test_a_throttled_bind_waits_and_then_goes_at_seven_tenths_of_what_it_went():
    pace = going(100)
    assert pace.count(THROTTLED, now=3.0) == 1.0
    assert (pace.take(10, now=3.9), pace.next_at(3.9)) == (0, 4.0)
    assert pace.rate(4.0) == pytest.approx(70.0)


@pytest.mark.parametrize(("level", "waits"), [(0, None), (90, None), (91, 0.0), (99, 0.0), (100, 1.0)])
def test_a_carrier_that_says_it_is_congested_is_sent_less_and_when_it_is_full_nothing_for_a_second(level, waits):
    pace = going(100)
    assert pace.congested(level, now=3.0) == waits
    assert pace.rate(4.0) == (None if waits is None else pytest.approx(70.0))
    assert pace.next_at(3.0) >= 3.0 + (waits or 0.0)


def test_the_wait_doubles_up_to_thirty_seconds_while_it_repeats():
    pace, now, waits = going(), 3.0, []
    for _ in range(8):
        waits.append(pace.count(THROTTLED, now=now))
        now += waits[-1] + 0.1
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


def test_a_bind_that_was_well_for_as_long_as_it_waited_begins_anew():
    pace = going()
    pace.count(THROTTLED, now=3.0)
    assert pace.count(THROTTLED, now=4.5) == 2.0
    assert pace.count(THROTTLED, now=6.5 + 2.5) == 1.0


def test_what_is_answered_while_it_waits_was_sent_before_and_changes_nothing():
    pace = going()
    pace.count(THROTTLED, now=3.0)
    assert pace.count(THROTTLED, 500, now=3.5) == 0.0
    assert pace.resume_at == 4.0
    assert pace.rate(4.0) == pytest.approx(70.0)


def test_each_ten_clean_seconds_give_a_twentieth_back_until_there_is_no_limit():
    pace = going(100)
    pace.count(THROTTLED, now=3.0)
    rates = [pace.rate(4.0 + seconds) for seconds in (0, 9.9, 10, 20, 30, 40, 50)]
    assert rates == pytest.approx([70, 70, 75, 80, 85, 90, 95])
    assert pace.rate(64.0) is None
    assert pace.take(10_000, now=64.0) == 10_000


def test_a_second_cut_is_of_the_rate_that_it_has_by_then():
    pace = going(100)
    pace.count(THROTTLED, now=3.0)
    pace.count(THROTTLED, now=4.0 + 20)
    assert pace.rate(25.0) == pytest.approx(80 * 0.7)
    assert pace.rate(35.0) == pytest.approx(80 * 0.7 + 5)


def test_it_never_stands_still_for_good():
    pace, now = going(10), 3.0
    for _ in range(50):
        pace.count(THROTTLED, now=now)
        now = pace.resume_at
    assert pace.rate(now) == 1.0
    assert pace.take(5, now=now + 1.0) == 1
    assert pace.rate(now + 200) is None


def test_more_than_a_fifth_of_system_errors_makes_the_bind_wait_a_minute():
    pace = going()
    waits = [pace.count(code, n, now=3.0) for code, n in [(SYSTEM, 20), (OK, 79), (SYSTEM, 1)]]
    assert waits == [0.0, 0.0, 60.0]
    assert pace.resume_at == 63.0
    assert pace.rate(63.0) is not None
    spread = going()
    assert not any(spread.count(code, n, now=3.0) for code, n in [(SYSTEM, 2), (OK, 8)] * 50)


def test_after_the_minute_system_errors_are_counted_anew():
    pace = going()
    pace.count(SYSTEM, 21, now=3.0)
    assert pace.count(SYSTEM, 20, now=63.0) == 0.0
    assert pace.count(SYSTEM, 1, now=63.0) == 60.0


def test_a_full_queue_of_three_numbers_in_ten_seconds_is_the_carriers():
    pace = going()
    assert pace.count(FULL, now=3.0, numbers=[1]) == 0.0
    assert pace.count(FULL, now=8.0, numbers=[2]) == 0.0
    assert pace.count(FULL, now=12.9, numbers=[3]) == 1.0


def test_a_full_queue_of_the_same_numbers_or_over_a_longer_time_is_theirs():
    pace = going()
    assert not any(pace.count(FULL, 2, now=3.0 + n, numbers=[1, 2]) for n in range(100))
    slowly = going()
    assert not any(slowly.count(FULL, now=3.0 + 6 * n, numbers=[n]) for n in range(100))


def test_an_override_says_what_slows_a_bind_down_and_for_how_long():
    pace = going(overrides={"1027": {"action": "slow", "delays": [10, 60]}, "0x58": {"action": "fail"}})
    assert pace.count(THROTTLED, now=3.0) == 0.0
    assert pace.count(1027, now=3.0) == 10.0
    assert pace.count(1027, now=13.5) == 60.0


@pytest.mark.parametrize("code", sorted({OK, NUMBER, SENDER, CONFIG, BUG, 0x45, 0xFF, 0x401, -1}))
def test_nothing_else_slows_a_bind_down(code):
    pace = going()
    assert pace.count(code, 10_000, now=3.0) == 0.0
    assert pace.rate(3.0) is None


@given(st.lists(st.tuples(CODES, st.integers(1, 50), st.floats(0, 20)), max_size=40))
def test_the_rate_is_never_above_what_it_was_nor_below_one_a_second(given):
    pace, now = going(100), 3.0
    for code, n, pause in given:
        now += pause
        was = pace.rate(now)
        waits = pace.count(code, n, now=now, numbers=[now])
        rate = pace.rate(pace.resume_at if waits else now)
        assert rate is None or rate >= 1.0
        assert not waits or (rate is not None and (was is None or rate <= was))
        assert 0.0 <= waits <= 60.0


@given(st.lists(st.floats(0.0, 0.7), min_size=1, max_size=200), st.integers(1, 500))
def test_what_may_be_written_keeps_to_the_rate_however_often_it_is_asked_for(pauses, rate):
    pace = going(rate)
    pace.count(THROTTLED, now=3.0)
    allowed = pace.rate(4.0)
    now, written = 4.0, 0
    for pause in pauses:
        now = min(now + pause, 13.9)
        written += pace.take(10**6, now=now)
        assert written <= allowed * (now - 4.0) + max(1.0, allowed * 0.1) + 1e-6


@given(st.integers(1, 500))
def test_asking_again_when_it_says_so_loses_nothing_of_the_rate(rate):
    pace = going(rate)
    pace.count(THROTTLED, now=3.0)
    allowed, now, written = pace.rate(4.0), 3.5, 0
    while (now := pace.next_at(now)) < 13.0:
        taken = pace.take(1, now=now)
        assert taken == 1
        written += taken
    assert written == pytest.approx(allowed * 9.0, abs=2)
