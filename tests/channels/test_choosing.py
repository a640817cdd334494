from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.choosing import Turns

WEIGHTS = st.dictionaries(st.integers(1, 50), st.integers(1, 100), min_size=1, max_size=8)
SMALL = st.dictionaries(st.integers(1, 50), st.integers(1, 12), min_size=1, max_size=6)


def picks(turns, usable, count):
    return [turns.next(usable) for _ in range(count)]


def test_the_heavy_one_is_spread_over_the_turns_of_the_light_ones():
    a, b, c = 1, 2, 3
    assert picks(Turns({a: 5, b: 1, c: 1}), {a, b, c}, 7) == [a, a, b, a, c, a, a]


@given(SMALL, st.integers(0, 60))
def test_any_run_of_as_many_picks_as_the_weights_sum_up_to_has_each_as_often_as_it_weighs(weights, begin):
    turns = Turns(weights)
    picks(turns, weights, begin)
    assert Counter(picks(turns, weights, sum(weights.values()))) == weights


@given(WEIGHTS)
def test_nobody_is_ever_a_whole_pick_ahead_of_its_share(weights):
    turns, total, had = Turns(weights), sum(weights.values()), Counter()
    for turn in range(1, total + 1):
        had[turns.next(weights)] += 1
        assert all(had[one] * total < turn * weight + total for one, weight in weights.items())


@given(st.integers(1, 100), st.integers(1, 100))
def test_of_two_nobody_is_a_whole_pick_behind_either(one, other):
    turns, total, had = Turns({1: one, 2: other}), one + other, Counter()
    for turn in range(1, total + 1):
        had[turns.next((1, 2))] += 1
        assert had[1] * total > turn * one - total


@given(WEIGHTS, WEIGHTS, st.lists(st.sets(st.integers(1, 50)), max_size=100))
def test_only_usable_ones_are_picked_and_a_backup_only_when_no_other_is(primaries, backups, times):
    backups = {one: weight for one, weight in backups.items() if one not in primaries}
    turns = Turns(primaries, backups=backups)
    for usable in times:
        picked = turns.next(usable)
        assert picked in (usable & primaries.keys() or usable & backups.keys() or {None})


@given(WEIGHTS, WEIGHTS, st.lists(st.sets(st.integers(1, 50)), max_size=60))
def test_the_same_weights_and_the_same_trouble_give_the_same_turns(primaries, backups, times):
    first = Turns(primaries, backups=backups)
    second = Turns(dict(reversed(primaries.items())), backups=dict(reversed(backups.items())))
    assert [first.next(usable) for usable in times] == [second.next(usable) for usable in times]


@given(SMALL.filter(lambda weights: len(weights) > 1), st.integers(0, 60), st.data())
def test_while_one_is_away_the_others_keep_their_shares(weights, begin, data):
    away = data.draw(st.sampled_from(sorted(weights)))
    turns = Turns(weights)
    here = {one: weight for one, weight in weights.items() if one != away}
    total = sum(here.values())
    had = Counter(picks(turns, here, 3 * total))
    assert had == {one: 3 * weight for one, weight in here.items()}


def test_who_comes_back_is_not_owed_what_it_missed():
    turns = Turns({1: 1, 2: 1})
    assert picks(turns, {1}, 100) == [1] * 100
    assert Counter(picks(turns, {1, 2}, 10)) == {1: 5, 2: 5}


def test_backups_have_shares_of_their_own():
    turns = Turns({1: 7}, backups={2: 3, 3: 1})
    assert Counter(picks(turns, {2, 3}, 8)) == {2: 6, 3: 2}
    assert picks(turns, {1, 2, 3}, 5) == [1] * 5


def test_when_nothing_is_usable_it_is_nobodys_turn():
    assert Turns({1: 1}, backups={2: 1}).next(()) is None
    assert Turns({}).next({1}) is None


def test_a_weight_of_nothing_is_no_weight():
    with pytest.raises(ValueError, match="1 or more"):
        Turns({1: 0})
