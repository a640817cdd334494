"""PostgreSQL, Valkey and the object storage stop, forget, get slow or full, or lie."""

import os
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis

from campaigns.statuses import FINISHED
from delivery.models import Chunk, Incident, Intent
from delivery.plans import partition
from delivery.statuses import IncidentKind, MessageState
from recipients.listing import listing_of
from tests import factories
from tests.faults.machine import (
    CHUNK,
    FLEET,
    LOAD,
    RING_AGAIN,
    TICK,
    B,
    W,
    load,
    poll,
    quiet,
    resolved,
    silences,
    superuser,
)
from tests.faults.proxy import Rule
from tests.live import fresh, phones_in, submits_by_phone, totals_of, wait_for

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

S = MessageState


@contextmanager
def rules(live, *given):
    live.database_line.rules = list(given)
    try:
        yield given
    finally:
        live.database_line.rules = []


# --- Valkey -----------------------------------------------------------------------------------------------------------


def test_everything_in_valkey_deleted_changes_time_and_nothing_else(live, workspace, seen):
    live.fleet()
    with live.carrier(window=W) as carrier:
        campaign = load(workspace, carrier)
        for part in (1, 2, 3):
            carrier.wait_for_submits(part * LOAD // 5 + seen.dice.randint(0, 500))
            live.forget_everything_in_redis()
        seen.injected = "FLUSHALL three times"
        assert quiet(campaign).delivered == LOAD
        seen.core(campaign, carrier)
        longest = silences(carrier)
        seen.note = f"{longest:.1f} s without a submit at most, rung again after {RING_AGAIN} s"
        assert longest <= RING_AGAIN + TICK


def test_with_valkey_down_for_twenty_seconds_running_chunks_go_on(live, workspace, seen):
    live.fleet()
    with live.carrier(window=W, resp_delay_ms=200) as carrier:
        campaign = load(workspace, carrier)
        carrier.wait_for_submits(500)
        began = time.time()
        with live.without_redis():
            time.sleep(20)
        ended_at = time.time()
        seen.injected = "Valkey down for 20 s"
        assert all(live.is_running(name) for name in FLEET)
        totals = quiet(campaign)
        seen.core(campaign, carrier)
        assert totals.uncertain == 0
        longest = silences(carrier, since=began, until=ended_at)
        submits = sum(began <= submit.at <= ended_at for submit in carrier.submits)
        seen.note = f"{submits} submits meanwhile, {longest:.1f} s without one at most"
        assert submits
        assert longest <= 5


@contextmanager
def configured(live, **options):
    with Redis.from_url(live.env["REDIS_URL"]) as redis:
        was = {name: redis.config_get(name)[name] for name in options}
        for name, value in options.items():
            redis.config_set(name, value)
        try:
            yield
        finally:
            for name, value in was.items():
                redis.config_set(name, value)


def test_no_worker_starts_on_a_valkey_that_evicts_and_a_full_one_stops_nothing_that_runs(live, workspace, seen):
    live.fleet()
    with configured(live, **{"maxmemory": "100mb", "maxmemory-policy": "allkeys-lru"}):
        with pytest.raises(AssertionError, match="maxmemory-policy is allkeys-lru, and must be noeviction"):
            live.start("dispatch4")
        live.bury("dispatch4")
    with live.carrier(window=W, resp_delay_ms=200) as carrier:
        campaign = load(workspace, carrier)
        carrier.wait_for_submits(500)
        began = time.time()
        with configured(live, maxmemory="1"):
            time.sleep(20)
        ended_at = time.time()
        seen.injected = "a policy that evicts at the start of a process; no room at all for 20 s"
        assert all(live.is_running(name) for name in FLEET)
        assert quiet(campaign).uncertain == 0
        seen.core(campaign, carrier)
        submits = sum(began <= submit.at <= ended_at for submit in carrier.submits)
        seen.note = f"the process did not start, and said why; {submits} submits without room"
        assert submits


def test_a_worker_that_hears_nothing_any_more_heals_or_says_so_within_a_minute_and_ends(live, workspace, seen):
    live.fleet(count=1)
    live.redis_line.rules = [deaf := Rule(on=rb"BRPOP\r\n\$8\r\ndispatch", action="delay", seconds=600, times=1)]
    try:
        with live.carrier(window=W) as carrier:
            wait_for(lambda: deaf.used, seconds=30)
            seen.injected = "the broker's answer to one process' BRPOP never comes"
            campaign = load(workspace, carrier, 1000)
            took = poll(lambda: "worker.deaf" in live.log_of("dispatch") or totals_of(campaign).delivered, seconds=75)
            seen.note = f"it heard again after {took:.0f} s"
            if "worker.deaf" in live.log_of("dispatch"):
                seen.note = f"alarm after {took:.0f} s"
                wait_for(lambda: not live.is_running("dispatch"), seconds=100)
                live.bury("dispatch")
                live.start("dispatch")
            assert quiet(campaign).delivered == 1000
            seen.core(campaign, carrier)
            assert took <= 60
    finally:
        live.redis_line.rules = []


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


def test_with_postgresql_down_for_thirty_seconds_nothing_is_sent_and_answers_are_kept(live, workspace, seen):
    live.fleet()
    with live.carrier(window=W) as carrier:
        campaign = load(workspace, carrier)
        carrier.wait_for_submits(seen.dice.randint(1000, 3000))
        with live.without_database():
            stopped = time.time()
            time.sleep(30)
            until = time.time()
        meanwhile = sum(stopped < submit.at < until for submit in carrier.submits)
        count = len(carrier.submits)
        took = poll(lambda: len(carrier.submits) > count, seconds=60)
        seen.injected = "PostgreSQL stopped (fast), 30 s down"
        seen.note = f"{meanwhile} submits meanwhile, resumed after {took:.1f} s"
        quiet(campaign)
        resolved(campaign, carrier)
        seen.doubts(campaign, most=len(FLEET) * (B + W))
        seen.core(campaign, carrier)
        assert meanwhile <= len(FLEET) * W
        assert took <= 30


@pytest.mark.parametrize("action", ["cut", "lose"])
def test_an_intent_whose_commit_is_in_doubt_is_not_sent(live, workspace, seen, action):
    live.fleet()
    with live.carrier(window=W) as carrier:
        campaign = load(workspace, carrier, 3000)
        carrier.wait_for_submits(300)
        rule = Rule(on=rb"INSERT INTO delivery_intent", action=action, times=6)
        with rules(live, rule):
            wait_for(lambda: rule.used == 6, seconds=60)
        seen.injected = {
            "cut": "connection cut before the server has the intent, 6×",
            "lose": "connection cut after the server has committed the intent, 6×",
        }[action]
        quiet(campaign)
        seen.core(campaign, carrier)
        if action == "cut":
            assert seen.doubts(campaign) == 0
        else:
            assert 1 <= seen.doubts(campaign) <= 6 * B
            assert not phones_in(campaign, S.UNCERTAIN) & submits_by_phone(carrier).keys()


@pytest.mark.parametrize("action", ["cut", "lose"])
def test_results_whose_commit_is_in_doubt_are_stored_once(live, workspace, seen, action):
    live.fleet()
    with live.carrier(window=W) as carrier:
        campaign = load(workspace, carrier, 3000)
        carrier.wait_for_submits(300)
        rule = Rule(after=rb"COPY delivery_message", on=rb"COMMIT", action=action, times=6)
        with rules(live, rule):
            wait_for(lambda: rule.used == 6, seconds=60)
        seen.injected = {
            "cut": "connection cut before the server has the COMMIT of results, 6×",
            "lose": "connection cut after the server has committed results, 6×",
        }[action]
        quiet(campaign)
        resolved(campaign, carrier)
        seen.core(campaign, carrier)
        assert totals_of(campaign).delivered == 3000


def test_transactions_that_fail_by_deadlock_skip_nobody(live, workspace, seen):
    live.fleet(DEADLOCKS="0.05", SEED=str(seen.seed))
    with live.carrier(window=W) as carrier:
        seen.injected = "5 % of intents and of results fail with a deadlock"
        campaign = load(workspace, carrier, 5000)
        totals = quiet(campaign)
        resolved(campaign, carrier)
        seen.core(campaign, carrier)
        assert totals.delivered == 5000


def test_commits_of_two_seconds_slow_it_down_and_nobody_takes_a_chunk_over(live, workspace, seen):
    live.fleet(CHUNK_LEASE_SECONDS="20")
    with live.carrier(window=W) as carrier:
        campaign = load(workspace, carrier, 3000)
        carrier.wait_for_submits(300)
        slow = Rule(on=rb"COMMIT|INSERT INTO delivery_intent", action="delay", seconds=2.0)
        with rules(live, slow):
            began, before = time.time(), len(carrier.submits)
            time.sleep(25)
            rate = (len(carrier.submits) - before) / (time.time() - began)
            seen.doubts(campaign, most=0)
        seen.injected = "every commit and intent 2 s late, for 25 s, lease 20 s"
        totals = quiet(campaign)
        seen.core(campaign, carrier)
        assert totals.uncertain == 0 == seen.uncertain
        seen.note = f"{rate:.0f} a second meanwhile"
        assert rate > 0


def is_silent(carrier, seconds):
    return not any(submit.at > time.time() - seconds for submit in carrier.submits)


@contextmanager
def full_disk(live, table):
    """The table is on a disk of its own, which has no room left inside the block."""
    uid = os.stat(f"/proc/{live.postgres.pid}").st_uid
    place = Path(tempfile.mkdtemp(prefix="faults-disk-"))
    place.chmod(0o755)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size=256m,mode=700,uid={uid}", "none", str(place)],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        place.rmdir()
        pytest.skip("a small disk needs the right to mount one")
    try:
        with superuser(live) as server:
            server.execute(f"CREATE TABLESPACE small LOCATION '{place}'")
            server.execute(f"ALTER TABLE {table} SET TABLESPACE small")
            ballast = place / "ballast"
            with ballast.open("wb") as file:
                try:
                    while True:
                        file.write(b"\0" * 2**20)
                except OSError:
                    pass
            try:
                yield
            finally:
                ballast.unlink()
    finally:
        with superuser(live) as server:
            server.execute(f"ALTER TABLE {table} SET TABLESPACE pg_default")
            server.execute("DROP TABLESPACE small")
        subprocess.run(["umount", str(place)], check=True)
        place.rmdir()


def test_a_full_disk_stops_it_with_an_incident_and_room_lets_it_go_on(live, workspace, seen):
    live.fleet()
    with live.carrier(window=W) as carrier:
        campaign = load(workspace, carrier, 5000)
        carrier.wait_for_submits(300)
        with full_disk(live, partition(fresh(campaign).day)):
            full_at = time.time()
            wait_for(lambda: is_silent(carrier, 5), seconds=60)  # what room was left in its pages is used up
            time.sleep(5)
            assert is_silent(carrier, 10)
            meanwhile = sum(submit.at > full_at for submit in carrier.submits)
            stored = totals_of(campaign)
        seen.injected = "no room on the disk of delivery_message, for ten silent seconds"
        assert stored.waiting
        quiet(campaign)
        resolved(campaign, carrier)
        seen.doubts(campaign, most=len(FLEET) * (B + W))
        seen.core(campaign, carrier)
        noted = Incident.objects.filter(campaign=campaign, kind=IncidentKind.DATABASE).exists()
        assert noted
        seen.note = f"{meanwhile} submits until nothing could be stored, then none"


# --- Objects ----------------------------------------------------------------------------------------------------------


def damaged(kind, data):
    middle = len(data) // 2
    return {
        "truncated": data[:middle],
        "altered": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
        "empty": b"",
    }[kind]


@pytest.mark.parametrize("kind", ["altered", "truncated", "empty"])
def test_nothing_of_a_damaged_chunk_is_ever_sent(live, workspace, seen, kind):
    live.fleet()
    with live.carrier(window=W) as carrier:
        listed = factories.ready_list(workspace, 4000, chunk_size=CHUNK)
        piece = listing_of(listed).pieces[3]
        path = live.objects / piece.entry.key
        path.write_bytes(damaged(kind, path.read_bytes()))
        seen.injected = f"one chunk of eight is {kind}"
        campaign = factories.approved(workspace, list=listed, channel=carrier.channel)
        wait_for(
            lambda: Incident.objects.filter(campaign=campaign, kind=IncidentKind.CHUNK_DAMAGED).exists(), seconds=60
        )

        def nothing_moves():
            before = len(carrier.submits)
            time.sleep(2 * RING_AGAIN)
            return len(carrier.submits) == before and not totals_of(campaign).pending

        wait_for(nothing_moves, seconds=120)
        mine = {int(phone) for phone in range(factories.FIRST_NUMBER + piece.first, factories.FIRST_NUMBER + piece.end)}
        assert not submits_by_phone(carrier).keys() & mine
        assert not Intent.objects.filter(chunk__campaign=campaign, chunk__number=3).exists()
        seen.core(campaign, carrier)
        seen.note = f"campaign {fresh(campaign).status}, chunk {Chunk.objects.get(campaign=campaign, number=3).status}"
        if fresh(campaign).status not in FINISHED:
            from campaigns import transitions

            transitions.cancel(campaign.pk, by=campaign.created_by, now=fresh(campaign).started_at, reason="Over.")


def test_a_chunk_that_is_missing_is_an_incident_and_is_sent_once_it_is_back(live, workspace, seen):
    live.fleet()
    with live.carrier(window=W) as carrier:
        listed = factories.ready_list(workspace, 4000, chunk_size=CHUNK)
        path = live.objects / listing_of(listed).pieces[5].entry.key
        away = path.with_suffix(".away")
        path.rename(away)
        seen.injected = "one chunk of eight is missing, and comes back"
        campaign = factories.approved(workspace, list=listed, channel=carrier.channel)
        wait_for(lambda: Incident.objects.filter(campaign=campaign, kind=IncidentKind.STORAGE).exists(), seconds=60)
        wait_for(lambda: totals_of(campaign).delivered == 4000 - CHUNK, seconds=60)
        away.rename(path)
        assert quiet(campaign).delivered == 4000
        seen.core(campaign, carrier)
