"""`celery -A tests.faults.crashing`: the dispatch process as it is, that dies or stops where a story says.

An order is a file in CRASH_FOLDER, named for a point; whoever gets there first takes it, notes where it was, and kills
or stops itself. CLOCK_OFFSET and DEADLOCKS are seconds that its clock is ahead and the share of failing transactions.
"""

import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db.utils import OperationalError  # noqa: E402
from django.utils import timezone  # noqa: E402

from config.celery import app  # noqa: E402
from delivery import intents, results  # noqa: E402
from delivery.links.link import Link  # noqa: E402

__all__ = ["app"]

FOLDER = Path(os.environ["CRASH_FOLDER"])
DEADLOCKS = float(os.environ.get("DEADLOCKS", "0"))
CLOCK_OFFSET = timedelta(seconds=float(os.environ.get("CLOCK_OFFSET", "0")))
_dice = random.Random(os.environ.get("SEED", "0") + str(os.getpid()))


def _take(point: str) -> dict[str, Any] | None:
    """The order for this point, if there is one and nobody took it before."""
    path, mine = FOLDER / point, FOLDER / f"{point}.{os.getpid()}.{threading.get_ident()}"
    if not path.exists():
        return None
    try:
        path.rename(mine)
    except FileNotFoundError:
        return None
    order: dict[str, Any] = json.loads(mine.read_text())
    mine.unlink()
    return order


def _obey(point: str, order: dict[str, Any], **place: Any) -> None:
    """Note it and end here. After a SIGSTOP it returns when somebody says SIGCONT."""
    note = {"point": point, "pid": os.getpid(), "at": time.time(), **place}
    draft = FOLDER / f"note.{os.getpid()}"
    draft.write_text(json.dumps(note))
    draft.rename(FOLDER / "taken")
    # To this thread: one that is sent to the process may reach another, and this one goes on for a moment.
    signal.pthread_kill(threading.get_ident(), getattr(signal, order["signal"]))


def _tell(result: bool) -> None:
    """What a process that came back from SIGSTOP was told when it went on."""
    (FOLDER / "went_on").write_text(json.dumps({"pid": os.getpid(), "was_let": result}))


def _around(point: str, verb: Callable[..., Any], chunk_of: Callable[..., int]) -> Callable[..., Any]:
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        place = {"chunk": chunk_of(*args)}
        if order := _take(f"before_{point}"):
            _obey(f"before_{point}", order, **place)
            result = verb(*args, **kwargs)
            _tell(bool(result))
            return result
        if DEADLOCKS and _dice.random() < DEADLOCKS:
            raise OperationalError("deadlock detected")
        result = verb(*args, **kwargs)
        if result and (order := _take(f"after_{point}")):
            _obey(f"after_{point}", order, **place)
        return result

    return wrapped


def _write_units(self: Link, batch: Any, count: int) -> int:
    done, written = batch.next_unit, 0
    path = FOLDER / "in_write"
    if path.exists() and done + count >= json.loads(path.read_text())["units"] and (order := _take("in_write")):
        part = max(1, order["units"] - done)
        written = _original_write(self, batch, part)
        _obey("in_write", order, chunk=batch.chunk_id, units=done + part)
        count -= part
    return written + (_original_write(self, batch, count) if count else 0)


_original_write = Link.write_units
_now = timezone.now

# One table: what is wrapped, and which of its arguments is the chunk.
intents.intend = _around("intent", intents.intend, lambda chunk, *_: chunk.pk)
results.store = _around("results", results.store, lambda _, chunk, *__: chunk.pk)
Link.write_units = _write_units  # type: ignore[method-assign]
if CLOCK_OFFSET:
    timezone.now = lambda: _now() + CLOCK_OFFSET
