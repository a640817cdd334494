"""The simulation is worth what it catches: the protocol is broken in one place, and some history must notice."""

import pytest

from tests.simulation import doubles
from tests.simulation.history import play
from tests.simulation.mutants import MUTANTS, mutated
from tests.simulation.world import Violation

pytestmark = pytest.mark.slow

ENOUGH = 400


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_protocol_that_is_broken_in_one_place_is_noticed(mutant):
    with doubles.installed(), mutated(mutant):
        for seed in range(ENOUGH):
            try:
                play(seed)
            except Violation:
                return
    pytest.fail(f"{ENOUGH} histories did not notice: {mutant.__name__}")
