"""The scripts in a real Valkey, on a virtual clock: whatever the writers do, no sliding second holds too much."""

import asyncio
import heapq
import itertools
import random
import uuid
from bisect import bisect_left

import pytest
import redis
from django.conf import settings
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from delivery import limiter
from delivery.limiter import SECOND, Limiter, Rate
from delivery.pacing import LATE, grant_slices, slice_parts

START = 1_764_000_000.0  # of the virtual clock
quick = hypothesis_settings(max_examples=8, deadline=None)


class Fleet:
    """Processes that ask, wait and write on a virtual clock; `seed` decides how late each of them is, and when."""

    def __init__(self, seed, *, lag, hiccup, dies=0.0):
        self.random = random.Random(seed)
        self.lag, self.hiccup, self.dies = lag, hiccup, dies
        self.client = redis.Redis.from_url(settings.RATE_REDIS_URL)
        self.take = self.client.register_script(limiter.TAKE)
        self.spent = self.client.register_script(limiter.SPENT)
        self.writes = []  # (instant, parts, names of its lines)

    def run(self, *groups, seconds, wants=lambda at: True):
        """Each group is the lines of one process, all of them for `seconds`."""
        turns = [(START + number / 1000, number, lines) for number, lines in enumerate(groups)]
        untold = {number: [] for number in range(len(groups))}
        while turns:
            at, number, lines = heapq.heappop(turns)
            if at - START < seconds:
                heapq.heappush(turns, (self._turn(at, lines, untold[number], wants), number, lines))
        for line in {line for lines in groups for line in lines}:
            self.client.delete(*line.keys)
        self.client.close()

    def _turn(self, asked_at, lines, untold, wants):
        """One question and what is written for it; when the next is asked."""
        read_at = asked_at + self._delay()
        answered_at = read_at + self._delay()
        keys = [key for line in lines for key in line.keys]
        pipeline = self.client.pipeline(transaction=False)
        for slot in untold:
            self.spent(keys=keys, args=slot, client=pipeline)
        untold.clear()
        slowest = min(line.tps for line in lines)
        parts, name = slice_parts(slowest), uuid.uuid4().hex
        rates = [line.tps for line in lines]
        arguments = [int(read_at * SECOND), name, grant_slices(slowest), parts, *rates]
        self.take(keys=keys, args=arguments, client=pipeline)
        waits = pipeline.execute()[-1]
        if waits[0] < 0:
            return answered_at - waits[0] / SECOND - limiter.AHEAD + self._delay()
        now = answered_at
        for number, wait in enumerate(waits, start=1):
            earliest = asked_at + wait / SECOND
            now = max(now, answered_at + wait / SECOND + self._delay())
            if self.random.random() < self.dies:
                continue  # written or not, nobody says so
            used = parts if now <= earliest + LATE and wants(now) else 0
            if used:
                self.writes.append((now, used, {line.name for line in lines}))
            untold.append([f"{name}/{number}", parts, used, max(0, int((earliest + LATE - now) * SECOND))])
        return now + self._delay()

    def _delay(self):
        return self.random.random() * self.lag + (self.hiccup if self.random.random() < 0.002 else 0.0)

    def most_in_a_second(self, line):
        written = sorted((at, parts) for at, parts, names in self.writes if line.name in names)
        times = [at for at, _ in written]
        sums = [0, *itertools.accumulate(parts for _, parts in written)]
        return max(sums[bisect_left(times, at + 1)] - sums[index] for index, at in enumerate(times))

    def in_full_seconds(self, line, seconds):
        counts = [0] * (seconds + 2)
        for at, parts, names in self.writes:
            if line.name in names:
                counts[int(at - START)] += parts
        return counts[1:seconds]


def line(tps):
    return Rate(name=f"test-{uuid.uuid4().hex}", tps=tps)


@quick
@given(
    seed=st.integers(0, 2**32),
    tps=st.integers(1, 3000),
    processes=st.integers(1, 5),
    lag=st.floats(0, 0.03),
    hiccup=st.floats(0, 0.3),
    dies=st.sampled_from([0.0, 0.05]),
)
def test_no_sliding_second_holds_more_than_the_rate_however_late_its_writers_are(tps, processes, **lateness):
    rate = line(tps)
    fleet = Fleet(**lateness)
    fleet.run(*[[rate]] * processes, seconds=3, wants=lambda at: int(at * 3) % 4)
    assert fleet.most_in_a_second(rate) <= tps


@quick
@given(seed=st.integers(0, 2**32), processes=st.integers(1, 5))
def test_of_a_thousand_a_second_995_are_used_in_every_second(seed, processes):
    """With the lateness of timers and of a Valkey that is near. A slice of two may lie on either side of the second."""
    rate = line(1000)
    fleet = Fleet(seed, lag=0.0008, hiccup=0.0)
    fleet.run(*[[rate]] * processes, seconds=4.5)
    counts = fleet.in_full_seconds(rate, 4)
    assert min(counts) >= 995 - 2
    assert sum(counts) >= 995 * len(counts)
    assert fleet.most_in_a_second(rate) <= 1000


def test_what_a_stop_of_a_process_leaves_is_made_up_for():
    rate = line(1000)
    fleet = Fleet(1, lag=0.0008, hiccup=0.03)
    fleet.run([rate], [rate], seconds=6.5)
    assert sum(fleet.in_full_seconds(rate, 6)) >= 5 * 990


@quick
@given(seed=st.integers(0, 2**32), rates=st.tuples(st.integers(20, 400), st.integers(20, 400), st.integers(20, 400)))
def test_a_message_is_within_the_rate_of_each_line_it_is_on(seed, rates):
    channel, campaign, everything = (line(tps) for tps in rates)
    fleet = Fleet(seed, lag=0.005, hiccup=0.05)
    fleet.run([channel, everything], [channel, campaign, everything], [everything], seconds=3)
    for one in (channel, campaign, everything):
        assert fleet.most_in_a_second(one) <= one.tps


def test_a_slow_campaign_keeps_nobody_else_from_the_channels_rate():
    channel, slow = line(500), line(20)
    fleet = Fleet(1, lag=0.0008, hiccup=0.0)
    fleet.run([channel, slow], [channel], seconds=5)
    assert min(fleet.in_full_seconds(channel, 5)) >= 490
    assert 18 <= min(fleet.in_full_seconds(slow, 5)) <= 20


def test_a_clock_that_goes_back_does_not_stop_the_line_for_longer_than_a_moment():
    rate, client = line(100), redis.Redis.from_url(settings.RATE_REDIS_URL)
    take = client.register_script(limiter.TAKE)

    def ask(at):
        return take(keys=list(rate.keys), args=[int(at * SECOND), uuid.uuid4().hex, 1, 1, 100])

    assert ask(START)[0] >= 0
    assert -2 * SECOND < ask(START - 3600)[0] < -SECOND
    assert ask(START - 3598)[0] >= 0
    client.delete(*rate.keys)
    client.close()


def test_what_was_not_written_is_given_back_to_the_others(near_redis):
    async def story():
        rate = line(40)
        lazy, eager = (Limiter([rate], report=print) for _ in range(2))
        loop = asyncio.get_running_loop()
        taken = 0
        while taken < 40:
            for slot in await lazy.take():
                await asyncio.sleep(max(0.0, slot.at - loop.time()))
                lazy.spend(slot, 0)
                taken += slot.parts
        await lazy.tell()
        slots = await eager.take()
        told = loop.time()
        await lazy.close()
        await eager.close()
        return slots[0].at - told

    assert asyncio.run(story()) < 0.5


@pytest.mark.parametrize("tps", [1, 7, 100, 50_000])
def test_a_grant_is_a_few_buffers_of_a_few_parts(tps):
    assert 1 <= slice_parts(tps) <= max(1, tps / 400)
    assert 1 <= grant_slices(tps) <= 10
