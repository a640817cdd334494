"""Health checks for whoever runs this: is the process up, and does it reach its three stores?"""

import logging
from collections.abc import Callable

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from config import doorbell
from delivery import halting
from objects.store import store

logger = logging.getLogger(__name__)


def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> JsonResponse:
    """503 naming the stores that cannot be reached or relied on; why is in the log."""
    stores = {name: _state(name, check) for name, check in CHECKS.items()}
    is_ready = all(state == "ok" for state in stores.values())
    return JsonResponse({**stores, "sending": _sending()}, status=200 if is_ready else 503)


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


def _storage() -> None:
    store.probe()


# None, or in a sentence why a store that answers cannot be relied on.
CHECKS: dict[str, Callable[[], str | None]] = {"database": _database, "redis": doorbell.unfit, "storage": _storage}
