"""The broker as the doorbell, Redis or RabbitMQ: is it fit to be one, and does this process still hear it?"""

import logging
import os
import signal
import threading
import time
from typing import Any

from celery import bootsteps, current_app
from celery.worker import state
from django.conf import settings
from kombu.exceptions import ChannelError, ConnectionError, OperationalError
from redis import Redis
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

TIMEOUT = 2.0  # seconds
FULL = 0.95  # of maxmemory
EVICTS = "Redis may throw doorbells and rate lines away: its maxmemory-policy is {policy}, and must be noeviction."
NO_ROOM = "Redis is full: {used} of {limit} bytes, and new doorbells are refused."

LOOK = 5.0  # seconds between two looks at the queues
DEAF = 40.0  # seconds in which something waits, somebody is free, and nothing is taken
PARTING = 75.0  # seconds for an orderly end, links drained; but a consumer that waits for an answer may never wake


def unfit() -> str:
    """Why it cannot be relied on, in a sentence; empty when it can, or does not say. Raises RedisError."""
    with Redis.from_url(settings.RATE_REDIS_URL, socket_connect_timeout=TIMEOUT, socket_timeout=TIMEOUT) as redis:
        memory: dict[str, Any] = redis.info("memory")
    limit, policy = memory.get("maxmemory") or 0, memory.get("maxmemory_policy") or "noeviction"
    if limit and policy != "noeviction":
        return EVICTS.format(policy=policy)
    if limit and memory["used_memory"] >= FULL * limit:
        return NO_ROOM.format(used=memory["used_memory"], limit=limit)
    return ""


def ask() -> None:
    """Raises what a broker raises that cannot be reached."""
    with current_app.connection_for_write(connect_timeout=TIMEOUT) as connection:
        connection.connect()


def _refuse_to_start() -> None:
    """One that is away for the moment may come back."""
    try:
        trouble = unfit()
    except (OSError, RedisError):
        return
    if trouble:
        logger.critical("doorbell.unfit", extra={"trouble": trouble})
        raise SystemExit(trouble)


class DoorbellStep(bootsteps.StartStopStep):  # type: ignore[misc]
    """No worker starts on a Redis that forgets, and one to which no messages come any more ends, so that whoever
    supervises it starts a new one.

    Its consumer may wait for ever on a connection that died without a word. Another connection sees what waits; if
    somebody here is free and nothing is taken, this process is deaf. What it was sending is drained first.
    """

    def __init__(self, worker: Any, **options: object) -> None:
        _refuse_to_start()
        self._stopped = threading.Event()

    def start(self, worker: Any) -> None:
        threading.Thread(target=self._listen, args=(worker,), name="hearing", daemon=True).start()

    def stop(self, worker: Any) -> None:
        self._stopped.set()

    terminate = stop

    def _listen(self, worker: Any) -> None:
        taken, silent = -1, 0  # looks, not seconds: a process that was stopped has missed nothing
        while not self._stopped.wait(LOOK):
            before, taken = taken, sum(state.total_count.values())
            is_busy = len(state.reserved_requests) >= worker.concurrency
            silent = 0 if taken != before or is_busy or not _waiting(worker.app) else silent + 1
            if silent * LOOK >= DEAF:
                logger.critical("worker.deaf", extra={"worker": worker.hostname, "seconds": round(DEAF)})
                return self._part()

    def _part(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(PARTING)
        os.kill(os.getpid(), signal.SIGKILL)


def _waiting(app: Any) -> int:
    """Messages in this worker's queues; none when the broker cannot be asked."""
    count = 0
    try:
        with app.connection_for_read(transport_options={"socket_timeout": TIMEOUT}) as connection:
            channel = connection.channel()
            for name in app.amqp.queues.consume_from:
                try:
                    count += channel.queue_declare(name, passive=True).message_count
                except ChannelError:  # nothing ever waited there, and AMQP closes the channel in which it was asked for
                    channel = connection.channel()
    except (OSError, ConnectionError, OperationalError, RedisError):
        return 0
    return count
