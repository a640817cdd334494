import itertools
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery import pacing
from delivery.pacing import Line

BEGIN = datetime(2026, 11, 27, 10, tzinfo=UTC)
lengths = st.integers(1, 10_000_000)
windows = st.timedeltas(timedelta(seconds=10), timedelta(days=3))


def test_half_a_million_over_two_hours_is_69_4_a_second():
    assert pacing.rate(500_000, begin=BEGIN, end=BEGIN + timedelta(hours=2)) == pytest.approx(69.44, abs=0.01)


def test_nothing_is_due_before_the_window_and_everything_at_its_end():
    line = Line(begin=BEGIN, end=BEGIN + timedelta(hours=1), first=5, count=100)
    assert line.due(BEGIN - timedelta(seconds=1)) == 5
    assert line.due(BEGIN) == 6
    assert line.due(BEGIN + timedelta(hours=1)) == 105


@given(window=windows, later=st.timedeltas(timedelta(0), timedelta(days=3)))
def test_who_is_due_last_has_a_moment_before_the_deadline(window, later):
    end = BEGIN + window
    last = pacing.line_end(BEGIN, end, not_after=end + later)
    assert end - window * 0.0101 <= last <= end
    assert end + later - last >= min(window * 0.0099, timedelta(seconds=5))


def test_without_a_deadline_a_line_ends_with_its_window():
    end = BEGIN + timedelta(hours=1)
    assert pacing.line_end(BEGIN, end, not_after=None) == end


@given(count=lengths, window=windows, part=st.floats(0, 1))
def test_a_line_is_never_more_than_one_message_off(count, window, part):
    line = Line(begin=BEGIN, end=BEGIN + window, first=0, count=count)
    now = BEGIN + window * part
    exact = count * ((now - BEGIN) / window)
    assert 0 <= line.due(now) - exact <= 1 or line.due(now) == count


@given(count=st.integers(1, 10_000), window=windows, index=st.integers(0, 9_999))
def test_a_recipient_is_due_when_its_instant_has_come(count, window, index):
    line = Line(begin=BEGIN, end=BEGIN + window, first=0, count=count)
    index %= count
    assert line.due(line.due_at(index) + timedelta(microseconds=1)) >= index + 1
    assert line.due(line.due_at(index) - timedelta(microseconds=2)) <= index + 1


@given(counts=st.lists(st.integers(1, 10_000), min_size=1, max_size=50), window=windows)
def test_the_lines_of_the_chunks_are_one_line_together(counts, window):
    lines = pacing.lines([(0, count) for count in counts], begin=BEGIN, end=BEGIN + window)
    assert lines[0].begin == BEGIN
    assert abs(lines[-1].end - (BEGIN + window)) < timedelta(microseconds=2)
    for one, following in itertools.pairwise(lines):
        assert one.end == following.begin
    per_recipient = window / sum(counts)
    for line, count in zip(lines, counts, strict=True):
        assert abs((line.end - line.begin) - per_recipient * count) <= timedelta(microseconds=100 + count)


@given(tps=st.integers(1, 50_000), fleet=st.integers(1, 8), late=st.floats(0, pacing.LATE_ALONE))
def test_without_redis_the_whole_fleet_keeps_below_the_rate(tps, fleet, late):
    """Each process has its share. The worst case: slots one after another, the first written as late as is allowed, the last on time."""
    share = pacing.share(tps, fleet=fleet)
    size = pacing.slice_parts(int(share))
    step = size * pacing.interval_alone(tps, fleet=fleet)
    slots_in_a_second = int((1 + late) / step) + 1
    assert slots_in_a_second * size <= max(share, 1)


def test_a_validity_period_ends_at_the_deadline():
    deadline = BEGIN + timedelta(hours=2)
    assert pacing.validity(BEGIN, usual=timedelta(days=3), not_after=deadline) == deadline
    assert pacing.validity(BEGIN, usual=timedelta(hours=1), not_after=deadline) == BEGIN + timedelta(hours=1)
    assert pacing.validity(BEGIN, usual=timedelta(hours=1), not_after=None) == BEGIN + timedelta(hours=1)


def test_an_absolute_smpp_time_is_in_utc():
    at = datetime(2026, 11, 27, 13, 5, 9, tzinfo=timezone(timedelta(hours=3)))
    assert pacing.smpp_time(at) == "261127100509000+"
