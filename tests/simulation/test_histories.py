"""Whatever goes wrong, in whatever order: thousands of seeded histories of the dispatcher, each checked at its end.

One of them again: `python -m pytest tests/simulation -k one --seed N` (or SEED=N). Many: `python -m tests.simulation`.
"""

import os

import pytest

from tests.simulation import doubles
from tests.simulation.history import play

HISTORIES, FIRST, TOGETHER = 2000, 800, 100


@pytest.mark.parametrize(
    "first",
    [*range(0, FIRST, TOGETHER), *(pytest.param(n, marks=pytest.mark.slow) for n in range(FIRST, HISTORIES, TOGETHER))],
)
def test_every_promise_holds_in_histories_from(first):
    with doubles.installed():
        for seed in range(first, first + TOGETHER):
            play(seed)


def test_the_same_seed_is_the_same_history():
    def told(seed):
        with doubles.installed():
            return play(seed).world.told()

    for seed in (0, 1, 2, 9, 10, 16, 18, 31, 137):
        assert told(seed) == told(seed)


def test_one_history(request):
    seed = request.config.getoption("--seed", default=None)
    with doubles.installed():
        history = play(int(os.environ.get("SEED", "9")) if seed is None else seed)
    print(history.world.told())
