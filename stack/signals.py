"""^C, a polite kill and a closed terminal mean the same: unwind, and stop everything on the way out."""

import signal
from types import FrameType
from typing import NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Raised where the signal met us; `with` and `finally` do the rest."""

    def __init__(self, number: int) -> None:
        self.status = 128 + number


def stop_on_signals() -> None:
    for number in SIGNALS:
        signal.signal(number, _stop)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    for other in SIGNALS:
        signal.signal(other, signal.SIG_IGN)  # the way out is not interrupted by a second ^C
    raise Stopped(number)
