"""The fleet's rates: a channel's, a campaign's, that of everything together, kept in Redis.

A rate of n message parts a second is n tokens that come back a second after their use (docs/adr/0036). A line says in
addition when the next part is due, so that they are spread over the second (GCRA, after ATM Forum TM 4.0 §4.4.2). One
script takes the same slot from every line that a message is on, or from none.

Without Redis each process keeps lines of its own at a share of the rates: slower, never faster. All do, or none
(`delivery.standing`).
"""

import asyncio
import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from delivery import reasons
from delivery.pacing import (
    AGAIN,
    AHEAD,
    CATCH_UP,
    LATE,
    LATE_ALONE,
    TURN,
    grant_slices,
    interval_alone,
    share,
    slice_parts,
)
from delivery.standing import Mode, standing

logger = logging.getLogger(__name__)

WAIT = 0.1  # seconds, while the processes do not agree
TIMEOUT = 0.5  # seconds, then Redis is away
SLOW = 0.03  # seconds; an answer that takes longer tells little about when its slots begin
PATIENCE = 10  # such answers in a row, then Redis is as good as away
SECOND = 1_000_000  # in the lines' unit, microseconds

# KEYS: two a line, its state {due, held} and its log, a sorted set "id/slice:parts" by the instant from which these
# tokens may be used again. A log has at most n tokens: what is missing was not used lately.
# ARGV: now ('' is Redis' own clock, which the fleet shares), id, slices, parts of a slice, then n of each line.
# Answers the microseconds to wait for each slice that was taken; or -(wait) when the first is too far ahead.
#
# A slice is logged as if it were used at the last moment, LATE after its slot. SPENT says it better, if it comes.
TAKE = f"""
local now = tonumber(ARGV[1])
if not now then
    local t = redis.call('TIME')
    now = t[1] * {SECOND} + t[2]
end
local id, slices, parts = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local lines = {{}}
for i = 1, #KEYS, 2 do
    local rate = tonumber(ARGV[4 + (i + 1) / 2])
    local state = redis.call('HMGET', KEYS[i], 'due', 'held')
    local due, held = tonumber(state[1] or now), tonumber(state[2] or 0)
    if now - due > {int(CATCH_UP * SECOND)} then due = now end
    if due - now > {5 * SECOND} then
        -- The clock went back. Whoever wrote by the old one is done a second from now.
        redis.call('DEL', KEYS[i + 1])
        due, held = now + {int((AHEAD + LATE + AGAIN) * SECOND)}, 0
        redis.call('HSET', KEYS[i], 'due', string.format('%.0f', due), 'held', 0)
    end
    lines[#lines + 1] = {{state = KEYS[i], log = KEYS[i + 1], rate = rate, due = due, held = held}}
end
local waits = {{}}
for slice = 1, slices do
    local at, freed = now, {{}}
    for l, line in ipairs(lines) do
        if line.due > at then at = line.due end
        local lacking, first, used, n, rest = line.held + parts - line.rate, 0, {{}}, 0, nil
        while lacking > 0 do
            local found = redis.call('ZRANGE', line.log, first, first, 'WITHSCORES')
            if #found == 0 then line.held = line.held - lacking break end  -- the log was lost, not the state
            local name, count = string.match(found[1], '^(.*):(%d+)$')
            local taken = math.min(tonumber(count), lacking)
            if tonumber(found[2]) > at then at = tonumber(found[2]) end
            if count - taken > 0 then rest = {{found[2], name .. ':' .. string.format('%d', count - taken)}} end
            used[#used + 1] = found[1]
            n, lacking, first = n + taken, lacking - taken, first + 1
        end
        freed[l] = {{used = used, n = n, rest = rest}}
    end
    if at - now > {int(AHEAD * SECOND)} then
        if slice == 1 then return {{-math.ceil(at - now)}} end
        break
    end
    for l, line in ipairs(lines) do
        if #freed[l].used > 0 then redis.call('ZREM', line.log, unpack(freed[l].used)) end
        if freed[l].rest then redis.call('ZADD', line.log, freed[l].rest[1], freed[l].rest[2]) end
        local back = string.format('%.0f', at + {int((LATE + AGAIN) * SECOND)})
        redis.call('ZADD', line.log, back, id .. '/' .. slice .. ':' .. parts)
        line.held = line.held - freed[l].n + parts
        line.due = line.due + parts * {TURN * SECOND} / line.rate
    end
    waits[slice] = math.ceil(at - now)
end
for l, line in ipairs(lines) do
    redis.call('HSET', line.state, 'due', string.format('%.3f', line.due), 'held', string.format('%d', line.held))
    redis.call('PEXPIRE', line.state, 60000)
    redis.call('PEXPIRE', line.log, 60000)
end
return waits
"""

# KEYS: as above. ARGV: a slice, its parts, how many of them were used, and how much sooner than was logged.
SPENT = """
local slice, parts, used, sooner = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
for i = 1, #KEYS, 2 do
    local member = slice .. ':' .. string.format('%d', parts)
    local logged = redis.call('ZSCORE', KEYS[i + 1], member)
    if logged then
        redis.call('ZREM', KEYS[i + 1], member)
        if used > 0 then
            local back = string.format('%.0f', logged - sooner)
            redis.call('ZADD', KEYS[i + 1], back, slice .. ':' .. string.format('%d', used))
        end
        redis.call('HINCRBY', KEYS[i], 'held', string.format('%d', used - parts))
    end
end
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A line of the fleet: at most so many message parts in any second, over all processes."""

    name: str
    tps: int

    @property
    def keys(self) -> tuple[str, str]:
        return f"rate:{self.name}", f"rate:{self.name}:log"


def of_channel(name: str, tps: int) -> list[Rate]:
    """The lines that every message of the channel is on; none when nothing limits it."""
    found = [Rate(name=f"channel:{name}", tps=tps)] if tps else []
    return [*found, Rate(name="fleet", tps=settings.FLEET_TPS)] if settings.FLEET_TPS else found


def of_campaign(campaign_id: int, parts_per_second: int) -> list[Rate]:
    return [Rate(name=f"campaign:{campaign_id}", tps=parts_per_second)] if parts_per_second else []


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """Leave to write `parts` from loop time `at` until `until`, and not later."""

    parts: int
    at: float
    until: float
    earliest: float  # loop time before which its slot by Redis' clock cannot have been
    name: str
    lines: tuple[Rate, ...]


class Limiter:
    """Slots on the lines of a channel. Lives in the links' event loop."""

    def __init__(self, lines: Sequence[Rate], *, report: Callable[[str], None]) -> None:
        self.lines = tuple(lines)
        self._report = report
        self._redis = Redis.from_url(
            settings.RATE_REDIS_URL,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            retry=Retry(NoBackoff(), 0),
        )
        self._take, self._spent = self._redis.register_script(TAKE), self._redis.register_script(SPENT)
        self._untold: list[tuple[Slot, int, float]] = []  # parts that were written, and when
        self._free_at: dict[str, float] = {}  # by line, while alone
        self._slow = 0  # late answers of Redis in a row

    async def take(self, *, also: Sequence[Rate] = ()) -> list[Slot]:
        """The next slots on the channel's lines and on those that are `also` kept, in order. None when the next one is
        too far ahead: after the wait that makes sense then."""
        lines = (*self.lines, *also)
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        match standing.mode():
            case Mode.WAIT:
                await asyncio.sleep(WAIT)
                return []
            case Mode.SHARE:
                return await self._take_share(lines)
        slowest = min(line.tps for line in lines)
        slices, parts, name = grant_slices(slowest), slice_parts(slowest), uuid.uuid4().hex
        try:
            waits = await self._ask(lines, ["", name, slices, parts, *(line.tps for line in lines)])
        except (RedisError, OSError, TimeoutError) as error:
            self._lose(type(error).__name__)
            return []
        answered_at = loop.time()
        if answered_at - asked_at > SLOW:
            self._slow += 1
            if self._slow >= PATIENCE:
                self._lose(reasons.LATE_REDIS)
                return []
        else:
            self._slow = 0
        if waits[0] < 0:
            await asyncio.sleep(-waits[0] / SECOND - AHEAD)
            return []
        return [
            # Redis' clock is read between question and answer: a slot is not used before the one, nor held for later
            # than the other.
            Slot(
                parts=parts,
                at=answered_at + wait / SECOND,
                until=asked_at + wait / SECOND + LATE,
                earliest=asked_at + wait / SECOND,
                name=f"{name}/{number}",
                lines=lines,
            )
            for number, wait in enumerate(waits, start=1)
        ]

    def spend(self, slot: Slot, parts: int) -> None:
        """So many of its parts were written just now: the others, and those that were not late, come back sooner."""
        if slot.name:
            self._untold.append((slot, parts, asyncio.get_running_loop().time()))

    async def tell(self) -> None:
        """Let the fleet know what became of the slots, when no other is taken."""
        if self._untold and standing.mode() is Mode.TOGETHER:
            try:
                await self._ask((), [])
            except (RedisError, OSError, TimeoutError) as error:
                logger.info("limiter.not_told", extra={"error": type(error).__name__})

    async def close(self) -> None:
        await self._redis.aclose()

    async def _ask(self, lines: Sequence[Rate], arguments: list[Any]) -> list[int]:
        """One round trip: what became of the last slots, then the question for new ones."""
        untold, self._untold = self._untold, []
        async with self._redis.pipeline(transaction=False) as pipeline:
            for slot, parts, at in untold:
                sooner = max(0, int((slot.earliest + LATE - at) * SECOND))
                await self._spent(keys=_keys(slot.lines), args=[slot.name, slot.parts, parts, sooner], client=pipeline)
            if lines:
                await self._take(keys=_keys(lines), args=arguments, client=pipeline)
            answers = await pipeline.execute()
        return [int(wait) for wait in answers[-1]] if lines else []

    def _lose(self, why: str) -> None:
        self._report(reasons.WITHOUT_REDIS % {"why": why})
        standing.lose()
        self._slow = 0

    async def _take_share(self, lines: tuple[Rate, ...]) -> list[Slot]:
        now = asyncio.get_running_loop().time()
        at = max(now, *(self._free_at.get(line.name, 0.0) for line in lines))
        if at - now > AHEAD:
            await asyncio.sleep(at - now - AHEAD)
            return []
        fleet = standing.fleet()
        parts = slice_parts(int(share(min(line.tps for line in lines), fleet=fleet)))
        for line in lines:
            self._free_at[line.name] = at + parts * interval_alone(line.tps, fleet=fleet)
        return [Slot(parts=parts, at=at, until=at + LATE_ALONE, earliest=at, name="", lines=lines)]


def _keys(lines: Sequence[Rate]) -> list[str]:
    return [key for line in lines for key in line.keys]
