"""Health checks for whoever runs this: is the process up, does it reach its stores, and is work done?"""

import logging
from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from audit import checks, walls
from config import doorbell
from delivery import clocks, halting
from metrics import done, figures, queues
from objects.store import store

logger = logging.getLogger(__name__)

TICK = "delivery.tasks.tick"
TICK_WITHIN = 15.0  # seconds
START_WITHIN = 60.0
QUEUE_WITHIN = 120.0


def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> JsonResponse:
    """503 naming the stores that cannot be reached or relied on; why is in the log."""
    stores = {name: _state(name, check) for name, check in CHECKS.items()}
    is_ready = all(state == "ok" for state in stores.values())
    return JsonResponse({**stores, "sending": _sending()}, status=200 if is_ready else 503)


def workz(request: HttpRequest) -> JsonResponse:
    """503 naming the work that is not done, by whatever process: for whoever is called then. No reason to take this
    process out of service: a balancer asks `readyz`."""
    now = timezone.now()
    with walls.everything():
        work = {name: _standing(name, check, now) for name, check in WORK.items()}
    return JsonResponse(work, status=200 if all(state == "ok" for state in work.values()) else 503)


def _standing(name: str, check: Callable[[datetime], bool], now: datetime) -> str:
    try:
        return "ok" if check(now) else "late"
    except Exception:  # each store fails in its own ways
        logger.warning("health.unknown", extra={"work": name}, exc_info=True)
        return "unknown"


def _ticks(now: datetime) -> bool:
    return now.timestamp() - done.last().get(TICK, 0.0) < TICK_WITHIN


def _starts(now: datetime) -> bool:
    """As far as it may: nothing starts while everything is stopped."""
    return figures.overdue(now) < START_WITHIN or bool(halting.in_force())


def _is_heard(now: datetime) -> bool:
    """Some dispatch process speaks of its binds, whether the carriers let them in or not."""
    channels = figures.channels()
    return not channels or any(not bind.is_gone for bind in figures.binds(channels, now=now))


def _queues(now: datetime) -> bool:
    """Somebody hears each of them: one that is there and does nothing lets them grow old."""
    return all(one.since is None or now.timestamp() - one.since < QUEUE_WITHIN for one in queues.waiting())


def _sending() -> str:
    """Whether somebody has stopped everything: no reason to take no requests, and worth an alarm."""
    try:
        return "halted" if halting.in_force() else "ok"
    except DatabaseError:
        return "unknown"


def _state(name: str, check: Callable[[], str | None]) -> str:
    try:
        trouble = check()
    except Exception:  # each store fails in its own ways
        logger.warning("health.unreachable", extra={"store": name}, exc_info=True)
        return "unreachable"
    if trouble:
        logger.warning("health.unfit", extra={"store": name, "trouble": trouble})
    return "unfit" if trouble else "ok"


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    clocks.look()


def _storage() -> str | None:
    store.probe()
    return checks.unfit()


# None, or in a sentence why a store that answers cannot be relied on.
CHECKS: dict[str, Callable[[], str | None]] = {"database": _database, "redis": doorbell.unfit, "storage": _storage}
if settings.BROKER_URL != settings.REDIS_URL:
    CHECKS["broker"] = doorbell.ask
WORK: dict[str, Callable[[datetime], bool]] = {
    "tick": _ticks,
    "starts": _starts,
    "dispatch": _is_heard,
    "queues": _queues,
}
