from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campaigns.forecast import Load, forecast, route_rate, shares
from campaigns.hours import Hours

NOW = datetime(2030, 5, 6, 10, tzinfo=UTC)
ALWAYS = Hours(None, None, UTC)
DAY = Hours(time(9), time(20), UTC)
HOUR = timedelta(hours=1)


def load(parts, **given):
    return Load(parts=float(parts), **{"begins": NOW, "hours": ALWAYS, **given})


def about(at):
    return pytest.approx(at.timestamp(), abs=2)


@pytest.mark.parametrize(
    ("own", "others", "rate", "done"),
    [
        (load(360_000), [], 100, NOW + HOUR),
        (load(360_000, limit=50), [], 100, NOW + 2 * HOUR),
        (load(360_000, limit=50), [], None, NOW + 2 * HOUR),
        (load(360_000), [load(360_000)], 100, NOW + 2 * HOUR),
        (load(180_000), [load(900_000)], 100, NOW + HOUR),
        (load(360_000), [load(10**9, limit=20)], 100, NOW + 1.25 * HOUR),
        (load(360_000), [load(180_000, begins=NOW + HOUR / 2)], 100, NOW + 1.5 * HOUR),
        (load(360_000), [load(10**9, begins=NOW + HOUR)], 100, NOW + HOUR),
        (load(3_960_000, hours=DAY), [], 100, NOW + 24 * HOUR),
        (load(360_000, even_until=NOW + 4 * HOUR), [], 100, NOW + 4 * HOUR),
        (load(360_000, even_until=NOW + HOUR / 2, ends=NOW + 4 * HOUR), [], 100, NOW + HOUR),
        (load(3_600_000), [load(7_200, even_until=NOW + 2 * HOUR)], 1000, NOW + 1.001 * HOUR),
    ],
)
def test_it_is_through_when_arithmetic_says(own, others, rate, done):
    assert forecast(own, others, rate=rate, now=NOW).done_at.timestamp() == about(done)


def test_what_does_not_fit_before_the_deadline_is_counted():
    found = forecast(load(480_000, ends=NOW + HOUR), rate=100, now=NOW)
    assert found.done_at is None and found.unsent == pytest.approx(120_000, abs=1)


def test_nobody_knows_how_fast_a_channel_without_a_limit_is():
    found = forecast(load(1000), rate=None, now=NOW)
    assert not found.is_known and found.done_at is None


def test_the_curve_rests_while_it_is_closed():
    found = forecast(load(3_960_000, hours=DAY), rate=100, now=NOW)
    closing, opening = NOW.replace(hour=20), NOW.replace(hour=9) + timedelta(days=1)
    assert found.sent_by(closing) == found.sent_by(opening) == pytest.approx(3_600_000, abs=1)


@pytest.mark.parametrize(
    ("members", "rate"),
    [
        ([(1, 100)], 100),
        ([(1, 100), (1, 100)], 200),
        ([(3, 300), (1, 100)], 400),
        ([(1, 300), (1, 100)], 200),
        ([(1, 0)], None),
    ],
)
def test_a_route_is_as_fast_as_the_slowest_of_its_shares_lets_it(members, rate):
    assert route_rate(members) == rate


LOADS = st.builds(
    load,
    st.integers(1, 10**7),
    begins=st.integers(0, 48).map(lambda n: NOW + n * HOUR / 2),
    hours=st.sampled_from([ALWAYS, DAY, Hours(time(20), time(2), UTC)]),
    limit=st.none() | st.integers(1, 2000),
)


@given(st.lists(st.floats(0, 1000) | st.just(float("inf")), min_size=1, max_size=8), st.floats(0.1, 1000))
def test_shares_never_exceed_the_rate_nor_a_wish_and_waste_nothing(wishes, rate):
    got = shares(wishes, rate)
    assert sum(got) <= rate * (1 + 1e-9)
    assert all(0 <= one <= wish for one, wish in zip(got, wishes, strict=True))
    assert sum(got) == pytest.approx(min(rate, sum(wishes)))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(LOADS, st.lists(LOADS, max_size=3), st.integers(50, 2000))
def test_the_curve_only_rises_and_never_faster_than_the_channel(own, others, rate):
    found = forecast(own, others, rate=rate, now=NOW)
    for before, after in zip(found.curve, found.curve[1:], strict=False):
        seconds = (after.at - before.at).total_seconds()
        assert -1e-6 <= after.sent - before.sent <= min(rate, own.limit or rate) * seconds + 1e-3
    if found.done_at:
        assert found.curve[-1].sent == pytest.approx(own.parts)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(LOADS, st.lists(LOADS, max_size=3), st.integers(50, 2000), LOADS)
def test_company_never_makes_it_faster(own, others, rate, one_more):
    alone = forecast(own, others, rate=rate, now=NOW).done_at
    together = forecast(own, [*others, one_more], rate=rate, now=NOW).done_at
    assert together is None or (alone is not None and together >= alone - timedelta(seconds=2))
