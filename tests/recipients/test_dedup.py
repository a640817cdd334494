import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recipients import dedup
from recipients.dedup import FirstWins

NUMBERS = st.integers(0, 2**64 - 1) | st.integers(31600000000, 31600000020)


@given(st.lists(st.lists(NUMBERS)))
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_first_of_equal_numbers_stays_in_its_place(tmp_path, blocks):
    with FirstWins(tmp_path) as first_wins:
        for block in blocks:
            first_wins.add(np.array(block, dtype=np.uint64))
        kept = [int(number) for numbers in first_wins.kept() for number in numbers]
    everything = [number for block in blocks for number in block]
    assert kept == list(dict.fromkeys(everything))
    assert first_wins.repetitions == len(everything) - len(kept)


@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_a_partition_larger_than_memory_is_read_in_pieces(tmp_path, monkeypatch, piece):
    monkeypatch.setattr(dedup, "READ_AT_ONCE", piece)
    numbers = np.concatenate((np.arange(500), np.full(500, 7), np.arange(600))).astype(np.uint64)
    with FirstWins(tmp_path) as first_wins:
        first_wins.add(numbers)
        kept = np.concatenate(list(first_wins.kept()))
    assert kept.tolist() == list(range(600))


def test_the_numbers_of_a_file_spread_over_all_partitions(tmp_path):
    with FirstWins(tmp_path) as first_wins:
        first_wins.add(np.arange(31600000000, 31600100000, dtype=np.uint64))
        list(first_wins.kept())
        sizes = [path.stat().st_size for path in tmp_path.glob("partition-*")]
    assert max(sizes) < 4 * sum(sizes) / len(sizes)


def test_nothing_stays_in_the_spill_folder_even_after_an_error(tmp_path):
    with pytest.raises(InterruptedError), FirstWins(tmp_path) as first_wins:
        first_wins.add(np.arange(10, dtype=np.uint64))
        raise InterruptedError
    assert list(tmp_path.iterdir()) == []
