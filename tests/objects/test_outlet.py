"""An object from what is written while it is written: whole, or not at all."""

import pytest
from django.core.files.storage import default_storage

from objects import outlet
from objects.trouble import StorageTrouble
from tests.stores import away, keys, used

pytestmark = pytest.mark.usefixtures("either_store")

MUCH = bytes(range(256)) * 40_000  # ten megabytes: more than a pipe holds, and more than one part


def test_an_object_holds_what_was_written_in_its_order():
    with outlet.writing("exports/a") as file:
        for begin in range(0, len(MUCH), 1 << 20):
            file.write(MUCH[begin : begin + (1 << 20)])
        assert file.tell() == len(MUCH)
    with default_storage.open("exports/a") as found:
        assert found.read() == MUCH


@pytest.mark.parametrize("size", [0, 10, len(MUCH)])
def test_what_fails_while_it_writes_leaves_nothing(size):
    with pytest.raises(ZeroDivisionError), outlet.writing("exports/a") as file:
        file.write(MUCH[:size])
        raise ZeroDivisionError
    assert keys("exports/") == []


@pytest.mark.parametrize("size", [10, len(MUCH)])
def test_a_store_that_is_away_says_so_to_whoever_writes(size):
    with used(away()), pytest.raises(StorageTrouble), outlet.writing("exports/a") as file:
        file.write(MUCH[:size])
