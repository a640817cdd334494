"""What all nouns of the API have in common."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from message_center_client.calls import Calls
from message_center_client.errors import NotReady

T = TypeVar("T", bound=Mapping[str, Any])

FIRST_LOOK, LONGEST = 0.2, 5.0  # seconds between two looks


class Noun:
    """An address of the API, and what can be done there."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls


class Kept(Noun, Generic[T]):
    """Things that have an address each, and a tag: whoever gives it back as `if_match` changes what they have read, or
    nothing (Changed)."""

    _kind: type[T]
    _path: str

    def get(self, pk: int) -> T:
        return self._calls.get(self._kind, self._at(pk))

    def read(self, pk: int) -> tuple[T, str]:
        """It, and its tag for `if_match`."""
        return self._calls.read(self._kind, self._at(pk))

    def _at(self, pk: int) -> str:
        return f"{self._path}{pk}/"


def until(ask: Callable[[], T], is_it: Callable[[T], bool], seconds: float) -> T:
    """Ask, less and less often, until it is so."""
    deadline, pause = time.monotonic() + seconds, FIRST_LOOK
    while not is_it(found := ask()):
        if time.monotonic() + pause > deadline:
            raise NotReady(f"Not so after {seconds:g} s: it is {found['status']}.")
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST)
    return found
