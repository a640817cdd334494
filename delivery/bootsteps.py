"""The dispatch worker's links: opened before its first task, closed after its last."""

import gc
import logging
import sys
import threading
import time
from typing import Any

from celery import bootsteps
from celery.worker import state
from django.db import DatabaseError, connection, connections
from django.utils import timezone

from delivery import clocks, restoring
from delivery.attending import attendants
from delivery.links import engine

logger = logging.getLogger(__name__)

QUEUE = "dispatch"
ASK_AGAIN = 2.0  # seconds
# Seconds that a thread may keep the others from running: a window waits for the links' loop, and the loop for its turn.
SWITCH = 0.0001


class LinksStep(bootsteps.StartStopStep):  # type: ignore[misc]
    """Only in a worker that consumes the dispatch queue. First to start and last to stop: running tasks keep their
    sockets until they are done."""

    def include_if(self, worker: Any) -> bool:
        return QUEUE in worker.app.amqp.queues.consume_from

    def include(self, worker: Any) -> None:
        if self.include_if(worker):
            self.obj = self
            worker.steps.insert(0, self)

    def start(self, worker: Any) -> None:
        # What was imported stays: the collector need not look at it again with each thousand messages.
        gc.collect()
        gc.freeze()
        sys.setswitchinterval(SWITCH)
        engine.start()
        _compare()
        attendants.start()

    def close(self, worker: Any) -> None:
        engine.is_stopping = True  # running tasks and attendants finish their batch and go

    def stop(self, worker: Any) -> None:
        attendants.stop()
        engine.stop()

    terminate = stop


class ClockStep(bootsteps.StartStopStep):  # type: ignore[misc]
    """In every worker: the host's clock is looked at from time to time."""

    def __init__(self, worker: Any, **options: object) -> None:
        self._stopped = threading.Event()

    def start(self, worker: Any) -> None:
        threading.Thread(target=clocks.keep_looking, args=(self._stopped,), name="host-clock", daemon=True).start()

    def stop(self, worker: Any) -> None:
        self._stopped.set()

    terminate = stop


def _compare() -> None:
    """No task is taken before the database is known to be the one that was sent from, or is frozen."""
    while True:
        state.maybe_shutdown()
        try:
            restoring.check(now=timezone.now())
            break
        except (OSError, DatabaseError) as error:
            logger.warning("dispatch.database_not_compared", extra={"error": str(error)})
            connection.close()
            time.sleep(ASK_AGAIN)
    connections.close_all()
