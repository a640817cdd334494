"""Everything at once, by chance: SOAK_MINUTES of it, of which the seed tells the whole story."""

import os
import signal
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.machine import FLEET, W, load, quiet, resolved
from tests.faults.matrix.test_binds import memory
from tests.live import wait_for

MINUTES = float(os.environ.get("SOAK_MINUTES", "2"))
GROWTH = 100 * 2**20  # bytes that a process may have more at the end than after its first round
KNOBS = {
    "drop_every": [0, 0, 150],
    "drop_after_every": [0, 0, 150],
    "noresp_every": [0, 90],
    "qfull_every": [0, 40],
    "nack_every": [0, 70],
    "throttle_every": [0, 0, 0, 300],
    "syserr_every": [0, 50],
    "unbind_every": [0, 200],
    "length_bomb_after": [0, 0, 250],
    "bad_suffix": ["", "77"],
    "reorder": [0, 7],
    "split_writes": [0, 0, 1],
    "dlr_dup": [1, 2],
    "dlr_intermediate": [0, 1],
    "dlr_before_resp": [0, 1],
    "dlr_other_bind": [0, 1],
    "dlr_fail_every": [0, 9],
    "dlr_style": ["text", "tlv", "both", "variant"],
    "id_resp": ["hex", "dec", "HEX"],
    "id_dlr": ["hex", "dec", "HEX"],
    "mo_on_bind": [0, 1],
    "elink_ms": [0, 500],
}

pytestmark = [pytest.mark.faults, pytest.mark.timeout(MINUTES * 60 + 900)]


def kill(live, dice):
    name = dice.choice(FLEET)
    live.kill(name)
    time.sleep(dice.uniform(0, 3))
    live.start(name)


def stop_and_go_on(live, dice):
    pid = live.pid(dice.choice(FLEET))
    os.kill(pid, signal.SIGSTOP)
    time.sleep(dice.uniform(1, 9))
    os.kill(pid, signal.SIGCONT)


def restart_database(live, dice):
    with live.without_database():
        time.sleep(dice.uniform(0, 5))


def restart_redis(live, dice):
    with live.without_redis():
        time.sleep(dice.uniform(0, 5))


def kill_the_clock(live, dice):
    live.kill("clock")
    live.kill("beat")
    live.start("beat", "clock")


EVENTS = {
    "killed": kill,
    "stopped for a while": stop_and_go_on,
    "PostgreSQL restarted": restart_database,
    "Valkey restarted": restart_redis,
    "Valkey emptied": lambda live, dice: live.forget_everything_in_redis(),
    "every database connection cut": lambda live, dice: live.database_line.cut(),
    "every Redis connection cut": lambda live, dice: live.redis_line.cut(),
    "clock killed": kill_the_clock,
    "asked to end": lambda live, dice: (live.end("dispatch2"), live.start("dispatch2")),
}


def sizes(live):
    """Of the processes that live through the story: own memory, open files."""
    names = [name for name in (*FLEET, "clock", "beat") if live.is_running(name)]
    return {live.pid(name): (memory(live.pid(name)), files(live.pid(name)), name) for name in names}


def files(pid):
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def test_everything_at_once_for_minutes(live, workspace, seen):
    live.fleet()
    until = time.monotonic() + MINUTES * 60
    rounds, events, first = 0, [], {}
    while rounds == 0 or time.monotonic() < until:
        rounds += 1
        with ExitStack() as stack:
            begun = []
            for _ in range(3):
                knobs = {name: seen.dice.choice(values) for name, values in KNOBS.items()}
                carrier = stack.enter_context(live.carrier(window=W, binds=2, **knobs))
                begun.append((carrier, load(workspace, carrier, 500, chunk_size=50)))
            for _ in range(seen.dice.randint(1, 4)):
                time.sleep(seen.dice.uniform(0, 4))
                event = seen.dice.choice(list(EVENTS))
                events.append(event)
                EVENTS[event](live, seen.dice)
            for carrier, campaign in begun:
                quiet(campaign, seconds=600)
                resolved(campaign, carrier)
                seen.core(campaign, carrier)
        seen.injected = f"{rounds} rounds of three mixtures of {len(KNOBS)} knobs; " + ", ".join(
            f"{event} {events.count(event)}×" for event in EVENTS if event in events
        )
        time.sleep(2.5)  # the links of this round are closed
        now = sizes(live)
        first = {**now, **first}
        for pid, (own, opened, name) in now.items():
            assert own - first[pid][0] < GROWTH, f"{name} has grown by {(own - first[pid][0]) / 2**20:.0f} MB"
            assert opened - first[pid][1] < 30, f"{name} has {opened} files open, it had {first[pid][1]}"
    seen.note = f"{MINUTES:g} minutes"
    wait_for(lambda: all(live.is_running(name) for name in FLEET))
