import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recipients import dedup, marks
from recipients.dedup import Fate, FirstWins

NUMBERS = st.integers(0, marks.FIRST - 1) | st.integers(31600000000, 31600000020)


def judged(first_wins, suppressed=None):
    """[(number, fate)] of everything."""
    *_, decided = first_wins.judge(None if suppressed is None else np.array(sorted(suppressed), dtype=np.uint64))
    found = [(int(n), Fate(f)) for numbers, fates in first_wins.numbers() for n, f in zip(numbers, fates, strict=True)]
    assert decided == len(found)
    return found


def add(first_wins, numbers):
    first_wins.add(first_wins.sort(np.array(numbers, dtype=np.uint64)))


@given(st.lists(st.lists(NUMBERS)))
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_first_of_equal_numbers_stays_in_its_place(tmp_path, blocks):
    with FirstWins(tmp_path) as first_wins:
        for block in blocks:
            add(first_wins, block)
        found = judged(first_wins)
    everything = [number for block in blocks for number in block]
    assert [number for number, _ in found] == everything
    assert [number for number, fate in found if fate == Fate.KEPT] == list(dict.fromkeys(everything))
    assert first_wins.counts[Fate.REPEATED] == len(everything) - len(set(everything))


@given(st.lists(NUMBERS), st.sets(NUMBERS))
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_of_a_suppressed_number_the_first_is_suppressed_and_the_others_are_repeated(tmp_path, numbers, suppressed):
    suppressed |= set(numbers[::3])
    with FirstWins(tmp_path) as first_wins:
        add(first_wins, numbers)
        found = judged(first_wins, suppressed)
    seen = set()
    for number, fate in found:
        expected = Fate.REPEATED if number in seen else Fate.SUPPRESSED if number in suppressed else Fate.KEPT
        assert fate == expected
        seen.add(number)


@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_a_partition_larger_than_memory_is_read_in_pieces(tmp_path, monkeypatch, piece):
    monkeypatch.setattr(dedup, "READ_AT_ONCE", piece)
    monkeypatch.setattr(dedup, "DECIDE_AT_ONCE", piece)
    with FirstWins(tmp_path) as first_wins:
        add(first_wins, [*range(500), *[7] * 500, *range(600)])
        found = judged(first_wins)
    assert [number for number, fate in found if fate == Fate.KEPT] == list(range(600))


def test_the_numbers_of_a_file_spread_over_all_partitions(tmp_path):
    with FirstWins(tmp_path) as first_wins:
        add(first_wins, np.arange(31600000000, 31600100000))
        judged(first_wins)
        sizes = [path.stat().st_size for path in tmp_path.glob("partition-*")]
    assert max(sizes) < 4 * sum(sizes) / len(sizes)


def test_nothing_stays_in_the_spill_folder_even_after_an_error(tmp_path):
    with pytest.raises(InterruptedError), FirstWins(tmp_path) as first_wins:
        add(first_wins, np.arange(10))
        raise InterruptedError
    assert list(tmp_path.iterdir()) == []
