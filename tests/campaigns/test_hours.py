from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from campaigns.hours import Hours

BERLIN, NEW_YORK, TASHKENT = map(ZoneInfo, ["Europe/Berlin", "America/New_York", "Asia/Tashkent"])
# Half an hour of summer time; a day that did not exist; an offset with quarters.
ODD = [ZoneInfo(name) for name in ("Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu")]
SECOND = timedelta(seconds=1)

zones = st.sampled_from([BERLIN, NEW_YORK, TASHKENT, *ODD])
minutes = st.builds(time, st.integers(0, 23), st.integers(0, 59))
# The days on which some of these zones change their clocks come up as often as all others.
changes = st.sampled_from(
    [
        datetime(2026, 3, 29, 1, tzinfo=UTC),
        datetime(2026, 10, 25, 1, tzinfo=UTC),
        datetime(2026, 3, 8, 7, tzinfo=UTC),
        datetime(2026, 11, 1, 6, tzinfo=UTC),
        datetime(2026, 4, 4, 15, tzinfo=UTC),
        datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
        datetime(2011, 12, 30, 10, tzinfo=UTC),
    ]
)
instants = st.datetimes(datetime(2010, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC)) | st.builds(
    lambda change, off: change + off, changes, st.timedeltas(timedelta(hours=-30), timedelta(hours=30))
)


@st.composite
def windows(draw):
    opens, closes = draw(minutes), draw(minutes)
    assume(opens != closes)
    return Hours(opens, closes, draw(zones))


def hours(opens, closes, zone):
    return Hours(time.fromisoformat(opens), time.fromisoformat(closes), zone)


def shown(found, zone):
    return [tuple(f"{at.astimezone(zone):%d %H:%M%z}" for at in interval) for interval in found]


def night(zone, year, month, day):
    """From the noon before to the noon of this day, by the zone's clocks."""
    noon = datetime(year, month, day, 12, tzinfo=zone)
    return noon - timedelta(days=1), noon


# --- Plain days -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, TASHKENT])
def test_a_window_is_open_from_its_first_minute_until_before_its_last(zone):
    daily = hours("09:00", "20:00", zone)
    day = datetime(2026, 7, 1, tzinfo=zone)
    assert not daily.is_open(day.replace(hour=9) - SECOND)
    assert daily.is_open(day.replace(hour=9))
    assert daily.is_open(day.replace(hour=20) - SECOND)
    assert not daily.is_open(day.replace(hour=20))
    assert daily.open_seconds(day, day + timedelta(days=7)) == 7 * 11 * 3600


def test_a_window_over_midnight_belongs_to_two_days():
    daily = hours("20:00", "02:00", BERLIN)
    begin = datetime(2026, 7, 1, tzinfo=BERLIN)
    assert shown(daily.intervals(begin, begin + timedelta(days=2)), BERLIN) == [
        ("01 00:00+0200", "01 02:00+0200"),
        ("01 20:00+0200", "02 02:00+0200"),
        ("02 20:00+0200", "03 00:00+0200"),
    ]
    assert daily.is_open(begin.replace(hour=1))
    assert not daily.is_open(begin.replace(hour=2))


@pytest.mark.parametrize(("opens", "closes", "open_hours"), [("20:00", "00:00", 4), ("00:00", "06:30", 6.5)])
def test_midnight_ends_a_day_or_begins_one(opens, closes, open_hours):
    daily = hours(opens, closes, TASHKENT)
    begin = datetime(2026, 7, 1, 12, tzinfo=TASHKENT)
    assert daily.open_seconds(begin, begin + timedelta(days=1)) == open_hours * 3600


def test_without_a_window_everything_is_open():
    always = Hours(None, None, BERLIN)
    begin = datetime(2026, 3, 28, tzinfo=UTC)
    assert always.is_open(begin)
    assert always.next_opening(begin) == begin
    assert always.next_closing(begin) is None
    assert always.intervals(begin, begin + timedelta(days=3)) == [(begin, begin + timedelta(days=3))]


@pytest.mark.parametrize("times", [(time(9), None), (None, time(9)), (time(9), time(9))])
def test_half_a_window_and_an_empty_one_are_none(times):
    with pytest.raises(ValueError, match="A daily window"):
        Hours(*times, BERLIN)


def test_instants_come_out_in_utc():
    daily = hours("09:00", "20:00", BERLIN)
    at = datetime(2026, 7, 1, 8, tzinfo=NEW_YORK)
    for found in (daily.next_opening(at), daily.next_closing(at), *daily.intervals(at, at + timedelta(days=1))[0]):
        assert found.tzinfo is UTC


# --- Nights in which clocks change ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("opens", "closes", "found"),
    [
        ("01:00", "05:00", [("29 01:00+0100", "29 05:00+0200")]),  # three hours long
        ("02:30", "05:00", [("29 03:00+0200", "29 05:00+0200")]),  # opens with the change
        ("01:00", "02:30", [("29 01:00+0100", "29 03:00+0200")]),  # closes with it
        ("02:10", "02:50", []),  # does not come that day
        ("22:00", "02:30", [("28 22:00+0100", "29 03:00+0200")]),
        ("02:30", "02:10", [("28 12:00+0100", "29 12:00+0200")]),  # the closed minutes do not come
    ],
)
def test_wall_time_that_is_left_out_goes_with_the_change(opens, closes, found):
    assert shown(hours(opens, closes, BERLIN).intervals(*night(BERLIN, 2026, 3, 29)), BERLIN) == found


@pytest.mark.parametrize(
    ("opens", "closes", "found"),
    [
        ("01:00", "05:00", [("25 01:00+0200", "25 05:00+0100")]),  # five hours long
        ("02:30", "05:00", [("25 02:30+0200", "25 02:00+0100"), ("25 02:30+0100", "25 05:00+0100")]),
        ("01:00", "02:30", [("25 01:00+0200", "25 02:30+0200"), ("25 02:00+0100", "25 02:30+0100")]),
        ("02:10", "02:50", [("25 02:10+0200", "25 02:50+0200"), ("25 02:10+0100", "25 02:50+0100")]),
    ],
)
def test_wall_time_that_comes_twice_counts_both_times(opens, closes, found):
    assert shown(hours(opens, closes, BERLIN).intervals(*night(BERLIN, 2026, 10, 25)), BERLIN) == found


def test_the_hours_between_are_those_of_the_clock_on_the_wall():
    daily = hours("00:00", "04:00", NEW_YORK)
    assert daily.open_seconds(*night(NEW_YORK, 2026, 3, 8)) == 3 * 3600
    assert daily.open_seconds(*night(NEW_YORK, 2026, 11, 1)) == 5 * 3600
    assert hours("00:00", "04:00", TASHKENT).open_seconds(*night(TASHKENT, 2026, 3, 29)) == 4 * 3600


def test_a_day_that_a_zone_leaves_out_has_no_window():
    apia = ZoneInfo("Pacific/Apia")  # After 29 December 2011 came the 31st.
    found = hours("09:00", "10:00", apia).intervals(
        datetime(2011, 12, 29, tzinfo=apia), datetime(2012, 1, 1, tzinfo=apia)
    )
    assert shown(found, apia) == [("29 09:00-1000", "29 10:00-1000"), ("31 09:00+1400", "31 10:00+1400")]


# --- Whatever the hours -----------------------------------------------------------------------------------------------


@given(daily=windows(), at=instants, later=st.timedeltas(timedelta(0), timedelta(days=9)), part=st.floats(0, 1))
def test_an_instant_is_open_if_it_is_in_an_interval_and_only_then(daily, at, later, part):
    instant = at + later * part
    assume(instant < at + later)
    is_in_one = any(opens <= instant < closes for opens, closes in daily.intervals(at, at + later))
    assert is_in_one == daily.is_open(instant)


@given(daily=windows(), at=instants, later=st.timedeltas(timedelta(0), timedelta(days=9)))
def test_intervals_stand_in_order_with_closed_time_between(daily, at, later):
    found = daily.intervals(at, at + later)
    assert all(at <= opens < closes <= at + later for opens, closes in found)
    for (_, closes), (opens, _) in pairwise(found):
        assert closes < opens
        assert not daily.is_open(closes)
        assert not daily.is_open(opens - timedelta(microseconds=1))


@given(daily=windows(), at=instants)
@example(daily=hours("02:10", "02:50", BERLIN), at=datetime(2026, 3, 28, 3, tzinfo=UTC))
def test_the_next_opening_is_the_first_open_instant(daily, at):
    opening = daily.next_opening(at)
    assert opening >= at
    assert daily.is_open(opening)
    assert daily.intervals(at, opening) == []


@given(daily=windows(), at=instants)
@example(daily=hours("02:50", "02:10", BERLIN), at=datetime(2026, 3, 28, 3, tzinfo=UTC))
def test_the_next_closing_is_the_first_closed_instant(daily, at):
    closing = daily.next_closing(at)
    assert closing >= at
    assert not daily.is_open(closing)
    assert daily.open_seconds(at, closing) == (closing - at).total_seconds()


@given(daily=windows(), at=instants, later=st.timedeltas(timedelta(0), timedelta(days=9)), part=st.floats(0, 1))
def test_open_time_adds_up(daily, at, later, part):
    between = at + later * part
    both = daily.open_seconds(at, between) + daily.open_seconds(between, at + later)
    assert both == pytest.approx(daily.open_seconds(at, at + later), abs=1e-5)
