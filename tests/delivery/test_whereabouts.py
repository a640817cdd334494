"""Which ids a process knows, for how long, and what that takes."""

import sys
import threading
import tracemalloc

import numpy as np
import pytest

from delivery.whereabouts import GENERATIONS, Places, _Known

KEPT, BLOCK = 40_000, 400


def id_of(number):
    return f"{number:016X}".encode()


def add(known, first, count, channel=1):
    """Ids of these numbers, each of the recipient of its number."""
    numbers = np.arange(first, first + count)
    nothing = np.zeros(count, np.int64)
    ids = np.array([id_of(number) for number in numbers], "S16")
    known.add(channel, ids, Places(nothing, nothing, numbers, nothing, nothing))


def recipients(known, numbers, channel=1):
    """None of those that are forgotten."""
    found, places = known.find(channel, [id_of(number) for number in numbers])
    whom = places.recipients.tolist()
    return [one if is_known else None for is_known, one in zip(found.tolist(), whom, strict=True)]


@pytest.mark.parametrize("block", [1, 7, 25, 10_000])
def test_the_last_ids_are_known_and_the_oldest_are_forgotten(block):
    size = 100
    known, count = _Known(GENERATIONS * size), 5_113
    for first in range(0, count, block):
        add(known, first, min(block, count - first))
    last = range(count - (GENERATIONS - 1) * (size - size % min(block, size)), count)
    assert recipients(known, last) == list(last)
    assert set(recipients(known, range(count - GENERATIONS * size))) == {None}
    assert recipients(known, [count - 1], channel=2) == [None]


def test_an_id_that_comes_again_is_of_whom_it_came_for_last():
    known = _Known(GENERATIONS * 100)
    add(known, 0, 150)
    known.add(1, np.array([id_of(3)], "S16"), Places(*(np.array([77]) for _ in Places._fields)))
    assert recipients(known, [2, 3]) == [2, 77]
    known.forget()
    assert recipients(known, [2, 3]) == [None, None]


def test_whom_an_id_stands_for_is_never_who_came_in_its_place_meanwhile():
    known, written, wrong = _Known(GENERATIONS * 4), 0, []

    def read():
        while written < 20_000:
            oldest = range(max(0, written - GENERATIONS * 4), written - (GENERATIONS - 4) * 4)
            whom = recipients(known, oldest)
            wrong.extend((number, one) for number, one in zip(oldest, whom, strict=True) if one not in (None, number))

    often = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    reading = threading.Thread(target=read)
    reading.start()
    try:
        for written in range(4, 20_004, 4):
            add(known, written - 4, 4)
    finally:
        sys.setswitchinterval(often)
        reading.join()
    assert wrong == []


def test_however_many_came_what_is_known_takes_the_same_memory():
    def peak_of(count):
        tracemalloc.start()
        known = _Known(KEPT)
        for first in range(0, count, BLOCK):
            add(known, first, BLOCK)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert peak_of(6 * KEPT) < 1.05 * peak_of(2 * KEPT)
