"""What all nouns of the API have in common."""

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from message_center_client.calls import Calls
from message_center_client.errors import NotReady

T = TypeVar("T", bound=Mapping[str, Any])

FIRST_LOOK, LONGEST = 0.2, 5.0  # seconds between two looks


class Noun:
    """An address of the API, and what can be done there."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls


def until(ask: Callable[[], T], is_it: Callable[[T], bool], seconds: float) -> T:
    """Ask, less and less often, until it is so."""
    deadline, pause = time.monotonic() + seconds, FIRST_LOOK
    while not is_it(found := ask()):
        if time.monotonic() + pause > deadline:
            raise NotReady(f"Not so after {seconds:g} s: it is {found['status']}.")
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST)
    return found
