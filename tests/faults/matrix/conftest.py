import random

import pytest

from tests.faults.machine import Seen, machine


@pytest.fixture(scope="session")
def installation(tmp_path_factory):
    """In the place of the others' one: its stores can be stopped."""
    with machine(tmp_path_factory.mktemp("matrix")) as found:
        yield found


@pytest.fixture
def seen(request, record_property):
    """What this story notes for the report."""
    seed = int(request.config.getoption("randomly_seed", 0))
    found = Seen(seed=seed, dice=random.Random(f"{seed}/{request.node.name}"))
    yield found
    for name in ("seed", "injected", "note", "submits", "doubled", "lost", "uncertain"):
        record_property(name, getattr(found, name))
