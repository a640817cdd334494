import pytest

from tests.faults.fleet.fleet import fleet
from tests.faults.fleet.hosts import CannotMakeHosts, check_rights
from tests.faults.matrix.conftest import seen  # noqa: F401
from tests.live import workspace  # noqa: F401


@pytest.fixture(scope="session")
def installation(tmp_path_factory):
    """In the place of the others' one: on hosts of its own."""
    try:
        check_rights()
    except CannotMakeHosts as error:
        pytest.skip(str(error))
    with fleet(tmp_path_factory.mktemp("fleet")) as found:
        yield found


@pytest.fixture(autouse=True)
def objects(live):
    """In the bucket of the store host."""
