"""What follows a commit: a bell that is rung, a file that goes. What was committed does not fail with it."""

from collections.abc import Callable

from django.db import transaction


def afterwards(call: Callable[..., object], *given: object) -> None:
    """Broker or storage may be away: that is logged, and whoever sweeps makes up for it.

    No `partial`: Django cannot name one that fails, and fails itself.
    """
    transaction.on_commit(lambda: call(*given), robust=True)
