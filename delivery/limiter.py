"""The fleet's rate: a line of slots a channel, kept in Redis (GCRA, after ATM Forum TM 4.0 §4.4.2).

Without Redis each process keeps a line of its own at a share of the rate: slower, never faster.
"""

import asyncio
import logging
from collections.abc import Callable

from django.conf import settings
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from delivery.pacing import LATE, part_interval

logger = logging.getLogger(__name__)

ALONE = 5.0  # seconds without asking Redis, once it did not answer
PATIENCE = 10  # answers in a row that come too late to be used, then it is as good as away

# Takes `cost` microseconds of the line at KEYS[1]; the microseconds to wait for the slot, or -(wait) when the line
# is more than a second ahead and nothing was taken. Redis' own clock decides, so the fleet shares one.
_TAKE = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local free = tonumber(redis.call('GET', KEYS[1]) or '0')
if free < now then free = now end
local wait = free - now
if wait > 1000000 then return -wait end
redis.call('SET', KEYS[1], string.format('%.0f', free + ARGV[1]), 'PX', 60000)
return wait
"""


class Limiter:
    """Slots of one channel. Lives in the links' event loop."""

    def __init__(self, name: str, *, tps: int, report: Callable[[str], None]) -> None:
        self._key = f"rate:{name}"
        self._interval = part_interval(tps)
        self._report = report
        self._redis = Redis.from_url(
            settings.RATE_REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5, retry=Retry(NoBackoff(), 0)
        )
        self._take = self._redis.register_script(_TAKE)
        self._free_at = 0.0
        self._slow = 0  # late answers of Redis in a row
        self._alone_until = 0.0

    async def take(self, parts: int) -> tuple[bool, float]:
        """(granted, loop time): granted, wait for it and send; else come back then."""
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        if asked_at < self._alone_until:
            return True, self._take_share(parts, now=asked_at)
        try:
            wait = int(await self._take(keys=[self._key], args=[int(parts * self._interval * 1_000_000)]))
        except (RedisError, OSError, TimeoutError) as error:
            return True, self._go_alone(parts, now=loop.time(), why=type(error).__name__)
        if loop.time() - asked_at > LATE:  # nobody knows when within that time the slot begins
            self._slow += 1
            if self._slow < PATIENCE:
                return False, loop.time()
            return True, self._go_alone(parts, now=loop.time(), why="every answer was late")
        self._slow = 0
        return (True, asked_at + wait / 1_000_000) if wait >= 0 else (False, asked_at + (-wait - 900_000) / 1_000_000)

    async def close(self) -> None:
        await self._redis.aclose()

    def _go_alone(self, parts: int, *, now: float, why: str) -> float:
        self._report(f"The rate is kept without Redis: {why}.")
        self._alone_until = now + ALONE
        self._slow = 0
        return self._take_share(parts, now=now)

    def _take_share(self, parts: int, *, now: float) -> float:
        slot = max(self._free_at, now)
        self._free_at = slot + parts * self._interval * settings.DISPATCH_FLEET
        return slot
