"""The counters in Redis that all processes share; without Redis they pass over it, and are not held up."""

import logging
import time
from functools import cache
from typing import Any

from django.conf import settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

logger = logging.getLogger(__name__)

TIMEOUT = 0.5  # seconds
ALONE = 5.0  # seconds without a try after one that failed
TROUBLE = (RedisError, OSError)


class _Patience:
    until = 0.0


def client() -> "Redis":
    return _client(settings.RATE_REDIS_URL)


def read(name: str) -> dict[str, str]:
    """A hash; raises one of TROUBLE."""
    found: dict[Any, Any] = client().hgetall(name)
    return {key.decode(): value.decode() for key, value in found.items()}


@cache
def _client(url: str) -> "Redis":
    return Redis.from_url(url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT, retry=Retry(NoBackoff(), 0))


def is_away() -> bool:
    return time.monotonic() < _Patience.until


def note_away(error: Exception) -> None:
    logger.warning("metrics.redis", extra={"error": type(error).__name__})
    _Patience.until = time.monotonic() + ALONE
