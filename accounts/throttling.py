"""How often the API may be called: by an address, a person, a key and a workspace, each with a rate of its own.

The counts are in Valkey, so they hold for all web processes together. A rate of n in a time lets n calls come at once
and then one each time/n (GCRA, after ATM Forum TM 4.0 §4.4.2). Without Valkey nobody is counted and all are let in: a
throttle keeps programs from harm that they do not mean, and is no lock.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest
from redis import Redis
from redis.exceptions import RedisError
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts.models import ApiKey, User, Workspace
from audit import circumstances

logger = logging.getLogger(__name__)

PREFIX = "throttle"
PATIENCE = 0.2  # seconds; a call never waits longer for the count of calls
ALONE = 5.0  # seconds without asking Valkey, once it did not answer

# KEYS: one line a subject, the instant until which its calls are spoken for, in milliseconds.
# ARGV: n and the milliseconds in which n may come, of each line. Takes one call from every line or from none.
# Answers {milliseconds to wait, number of a line, calls left in it, milliseconds until it is as new}: of the line that
# makes one wait longest, or, when all may, of the one with the fewest calls left.
TAKE = """
local t = redis.call('TIME')
local now = t[1] * 1000 + t[2] / 1000
local due, wait, line = {}, 0, 0
for i, key in ipairs(KEYS) do
    local n, window = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
    due[i] = math.max(now, tonumber(redis.call('GET', key) or now)) + window / n
    if due[i] - window - now > wait then
        wait, line = due[i] - window - now, i
    end
end
if wait > 0 then
    return {math.ceil(wait), line, 0, math.ceil(due[line] - ARGV[2 * line] / ARGV[2 * line - 1] - now)}
end
local left = math.huge
for i, key in ipairs(KEYS) do
    redis.call('SET', key, string.format('%.3f', due[i]), 'PX', math.ceil(due[i] - now))
    local n, window = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
    local calls = math.floor((window - (due[i] - now)) * n / window + 0.001)
    if calls < left then
        left, line = calls, i
    end
end
return {0, line, left, math.ceil(due[line] - now)}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a caller stands after a call, on the line with the fewest calls left."""

    kind: str
    calls: int
    in_ms: int
    left: int
    new_in_ms: int  # until all calls are there again

    @property
    def headers(self) -> dict[str, str]:
        """draft-ietf-httpapi-ratelimit-headers-10, in whole seconds."""
        return {
            "RateLimit-Policy": f'"{self.kind}";q={self.calls};w={-(-self.in_ms // 1000)}',
            "RateLimit": f'"{self.kind}";r={self.left};t={-(-self.new_in_ms // 1000)}',
        }


def count_call(request: HttpRequest, *, key: ApiKey | None, user: User | None, workspace: Workspace) -> None:
    """Of somebody who is known; raises Throttled. `user` is whose token it is: a key of the workspace is nobody's."""
    subjects = {
        "address": _address(),
        "user": user.pk if user else None,
        "key": key.pk if key else None,
        "workspace": workspace.pk,
    }
    _count(request, {kind: who for kind, who in subjects.items() if who is not None})


def count_stranger(request: HttpRequest) -> None:
    """Of whoever came with a key that is none; raises Throttled. It is a count apart: a program that goes on with a
    dead key does not throttle the others behind its address."""
    _count(request, {"stranger": _address()})


def count_nobody(request: HttpRequest) -> None:
    """Of whoever says no key, where one is needed or not; raises Throttled."""
    _count(request, {"address": _address()})


class Anonymous(BaseThrottle):
    """For the views that are open to anybody. The others count before they look who it is."""

    def allow_request(self, request: Request, view: Any) -> bool:
        if request.auth is None:
            count_nobody(request._request)
        return True


def _address() -> str:
    return circumstances.current().address or "none"


def _count(request: HttpRequest, subjects: Mapping[str, object]) -> None:
    """`request.standing` is what the answer's headers say of it; there is none when nobody counts."""
    rates = {kind: rate for kind in subjects if (rate := settings.API_RATES[kind])}
    if not rates:
        return
    lines = [f"{PREFIX}:{kind}:{subjects[kind]}" for kind in rates]
    taken = _counter(settings.RATE_REDIS_URL).take(lines, [rate for kind in rates for rate in rates[kind]])
    if taken is None:
        return
    wait, line, left, new_in_ms = taken
    kind = list(rates)[line - 1]
    calls, in_ms = rates[kind]
    request.standing = Standing(kind=kind, calls=calls, in_ms=in_ms, left=left, new_in_ms=new_in_ms)  # type: ignore[attr-defined]
    if wait:
        logger.info("call.throttled", extra={"kind": kind, "who": subjects[kind]})
        raise Throttled(wait / 1000, detail=f"Too many calls {WORDS[kind]}.")


WORDS = {
    "address": "from your address",
    "user": "in the name of this person",
    "key": "with this key",
    "workspace": "in this workspace",
    "stranger": "with keys that are none, from your address",
}


class _Counter:
    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(url, socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE)
        self._take = self._redis.register_script(TAKE)
        self._away_until = 0.0

    def take(self, lines: list[str], rates: list[int]) -> tuple[int, int, int, int] | None:
        """What TAKE answers; None when nobody counts."""
        if time.monotonic() < self._away_until:
            return None
        try:
            return cast(tuple[int, int, int, int], tuple(self._take(lines, rates)))
        except (OSError, RedisError) as error:
            self._away_until = time.monotonic() + ALONE
            logger.warning("throttle.open", extra={"error": repr(error)})
            return None


@cache
def _counter(url: str) -> _Counter:
    return _Counter(url)
