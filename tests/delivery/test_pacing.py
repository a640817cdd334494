import itertools
from datetime import UTC, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.hours import Hours
from delivery import pacing
from delivery.pacing import Allowed, Line

BEGIN = datetime(2026, 11, 27, 10, tzinfo=UTC)
lengths = st.integers(1, 10_000_000)
windows = st.timedeltas(timedelta(seconds=10), timedelta(days=3))


def test_half_a_million_over_two_hours_is_69_4_a_second():
    assert pacing.rate(500_000, begin=BEGIN, end=BEGIN + timedelta(hours=2)) == pytest.approx(69.44, abs=0.01)


def straight(begin, length, *, count, first=0):
    return Line(time=Allowed(((begin, begin + length),)), first=first, count=count)


@st.composite
def openings(draw):
    """Hours as people set them, somewhere on earth, and a window of some days, changes of clocks among them."""
    zone = ZoneInfo(draw(st.sampled_from(["UTC", "Europe/Amsterdam", "Asia/Tashkent", "America/New_York"])))
    daily_from, daily_to = draw(st.lists(st.times(), min_size=2, max_size=2, unique=True))
    begin = draw(st.sampled_from([BEGIN, datetime(2026, 3, 27, tzinfo=UTC), datetime(2026, 10, 23, 5, tzinfo=UTC)]))
    end = begin + draw(st.timedeltas(timedelta(hours=25), timedelta(days=5)))
    return Hours(daily_from, daily_to, zone), begin, end


def test_nothing_is_due_before_the_window_and_everything_at_its_end():
    line = straight(BEGIN, timedelta(hours=1), first=5, count=100)
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
    line = straight(BEGIN, window, count=count)
    now = BEGIN + window * part
    exact = count * ((now - BEGIN) / window)
    assert 0 <= line.due(now) - exact <= 1 or line.due(now) == count


@given(count=st.integers(1, 10_000), window=windows, index=st.integers(0, 9_999))
def test_a_recipient_is_due_when_its_instant_has_come(count, window, index):
    line = straight(BEGIN, window, count=count)
    index %= count
    assert line.due(line.due_at(index) + timedelta(microseconds=1)) >= index + 1
    assert line.due(line.due_at(index) - timedelta(microseconds=2)) <= index + 1


@given(counts=st.lists(st.integers(1, 10_000), min_size=1, max_size=50), window=windows)
def test_the_lines_of_the_chunks_are_one_line_together(counts, window):
    lines = pacing.lines([(0, count) for count in counts], Allowed(((BEGIN, BEGIN + window),)))
    assert lines[0].begin == BEGIN
    assert abs(lines[-1].end - (BEGIN + window)) < timedelta(microseconds=2)
    for one, following in itertools.pairwise(lines):
        assert one.end == following.begin
    per_recipient = window / sum(counts)
    for line, count in zip(lines, counts, strict=True):
        assert abs((line.end - line.begin) - per_recipient * count) <= timedelta(microseconds=100 + count)


@given(opening=openings(), counts=st.lists(st.integers(1, 10_000), min_size=1, max_size=20), part=st.floats(0, 1))
def test_with_closed_hours_as_many_are_due_as_of_the_open_ones_is_over(opening, counts, part):
    hours, begin, end = opening
    time = pacing.allowed(hours, begin=begin, end=end)
    lines = pacing.lines([(0, count) for count in counts], time)
    now = begin + (end - begin) * part
    exact = sum(counts) * (hours.open_seconds(begin, now) / hours.open_seconds(begin, end))
    due = sum(line.due(now) for line in lines)
    assert -0.01 <= due - exact <= 2.01  # at a seam two lines have begun
    assert sum(line.due(end) for line in lines) == sum(counts)


@given(opening=openings(), counts=st.lists(st.integers(1, 10_000), min_size=1, max_size=20))
def test_a_chunks_line_is_told_by_its_two_ends(opening, counts):
    hours, begin, end = opening
    for line in pacing.lines([(0, count) for count in counts], pacing.allowed(hours, begin=begin, end=end)):
        assert pacing.allowed(hours, begin=line.begin, end=line.end) == line.time


@given(opening=openings(), count=st.integers(1, 10_000), parts=st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_what_is_due_only_grows_and_nobody_becomes_due_in_a_closed_hour(opening, count, parts):
    hours, begin, end = opening
    line = Line(time=pacing.allowed(hours, begin=begin, end=end), first=0, count=count)
    instants = sorted(begin + (end - begin) * part for part in parts)
    due = [line.due(now) for now in instants]
    assert due == sorted(due)
    for before, after in itertools.pairwise(instants):
        if not hours.open_seconds(before, after):
            assert line.due(before) == line.due(after)
    for index in {0, count // 3, count - 1}:
        assert hours.is_open(line.due_at(index))


@given(opening=openings(), count=st.integers(1, 10_000), part=st.floats(0, 1))
def test_what_is_planned_again_is_all_that_is_left_over_the_open_time_that_is_left(opening, count, part):
    hours, begin, end = opening
    before = Line(time=pacing.allowed(hours, begin=begin, end=end), first=0, count=count)
    now = begin + (end - begin) * part
    sent = before.due(now)
    if sent == count:
        return
    [after] = pacing.lines([(sent, count - sent)], pacing.allowed(hours, begin=now, end=end))
    assert after.begin >= now
    assert after.due(max(end, after.end)) == count
    assert after.time.length == timedelta(0) or after.time.intervals == tuple(hours.intervals(now, end))


def test_when_nothing_is_open_any_more_everything_is_due_at_the_next_opening():
    hours = Hours(time(9), time(18), ZoneInfo("UTC"))
    evening = datetime(2026, 11, 27, 20, tzinfo=UTC)
    [line] = pacing.lines([(3, 7)], pacing.allowed(hours, begin=evening, end=evening + timedelta(hours=1)))
    opening = datetime(2026, 11, 28, 9, tzinfo=UTC)
    assert line.due(opening - timedelta(seconds=1)) == 3
    assert line.due(opening) == 10


@given(tps=st.integers(1, 50_000), fleet=st.integers(1, 8), late=st.floats(0, pacing.LATE_ALONE))
def test_without_redis_the_whole_fleet_keeps_below_the_rate(tps, fleet, late):
    """Of its share, at worst: slots one after another, the first as late as is allowed, the last on time."""
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
