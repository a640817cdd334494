"""What holds on several hosts, whichever of them is cut off, restarted or without a store."""

import json
import time
import urllib.error
import urllib.request

import psycopg
import pytest
from celery import Celery
from django.db import connection
from kombu import Queue

from accounts.roles import Role
from campaigns.statuses import FINISHED
from config.env import patience
from delivery.models import Chunk, Incident, Intent
from delivery.statuses import IncidentKind
from metrics import queues
from tests import factories
from tests.faults.fleet import rabbitmq
from tests.faults.fleet.fleet import GONE_AFTER, ROLES, STORES, WEB, WORKERS
from tests.faults.machine import (
    CHUNK,
    LEASE,
    LOAD,
    RESPONSE_TIMEOUT,
    RING_AGAIN,
    TICK,
    B,
    W,
    busiest_second,
    load,
    poll,
    quiet,
    resolved,
    silences,
)
from tests.live import Program, fresh, totals_of, wait_for

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

WORKER_A, WORKER_B = WORKERS
TPS = 200
MOST = TPS + W  # in a second as it arrives: what waits for a busy carrier is read at once
AWAY = 40  # seconds that a host is cut off: longer than leases, answers and the patience for a silent one


@pytest.fixture
def carrier(live):
    live.up()
    with live.carrier(window=W, tps=TPS) as carrier:
        yield carrier


def hosts_at_work(campaign, *, since=0):
    """Those that have intended something, in intents newer than this one."""
    intents = Intent.objects.filter(chunk__campaign=campaign, pk__gt=since)
    return {owner.partition(":")[0] for owner in intents.values_list("owner", flat=True).distinct()}


def last_intent(campaign):
    return Intent.objects.filter(chunk__campaign=campaign).latest("pk").pk


def submits_within(carrier, began, ended_at):
    return sum(began <= submit.at <= ended_at for submit in carrier.submits)


@pytest.mark.slow
def test_the_rate_of_a_channel_holds_over_all_hosts(live, workspace, seen, carrier):
    campaign = load(workspace, carrier, 4000)
    assert quiet(campaign).delivered == 4000
    seen.injected = f"nothing; a limit of {TPS} parts a second, and a dispatch process on each of two hosts"
    seen.core(campaign, carrier)
    began, ended_at = carrier.submits[0].at, carrier.submits[-1].at
    most = busiest_second(carrier)
    seen.note = f"{most} in the busiest second, {4000 / (ended_at - began):.0f} a second all along"
    assert hosts_at_work(campaign) == set(WORKERS)
    assert most <= MOST


def test_a_host_that_is_cut_off_is_followed_by_the_other_and_works_on_when_it_is_back(live, workspace, seen, carrier):
    campaign = load(workspace, carrier, 2 * LOAD)
    carrier.wait_for_submits(seen.dice.randint(500, 1500))
    wait_for(lambda: hosts_at_work(campaign) == set(WORKERS))
    with live.cut_off(WORKER_B):
        began = time.time()
        held = live.connections_of(WORKER_B)
        forgotten = poll(lambda: not live.connections_of(WORKER_B), seconds=AWAY)
        # Whatever was on its way is over, and the other host has taken the chunks.
        time.sleep(max(0.0, began + LEASE + RESPONSE_TIMEOUT + TICK - time.time()))
        mark = last_intent(campaign)
        time.sleep(max(0.0, began + AWAY - time.time()))
        assert hosts_at_work(campaign, since=mark) == {WORKER_A}
        ended_at, mark = time.time(), last_intent(campaign)
    back = poll(lambda: WORKER_B in hosts_at_work(campaign, since=mark), seconds=60)
    seen.injected = f"the cable of {WORKER_B} pulled for {AWAY} s, then put back"
    seen.doubts(campaign, most=B + W)
    quiet(campaign)
    resolved(campaign, carrier)
    assert seen.core(campaign, carrier).uncertain <= B + W
    longest, most = silences(carrier, since=began, until=ended_at), busiest_second(carrier)
    seen.note = (
        f"the other went on ({longest:.1f} s without a submit at most, {most} in the busiest second), the database "
        f"ended the {held} sessions of it after {forgotten:.0f} s, and it sent again {back:.0f} s after its return"
    )
    assert live.all_run()
    assert longest <= LEASE + TICK
    assert most <= MOST


def test_what_a_host_has_locked_is_free_again_soon_after_it_was_cut_off(live, workspace, seen, carrier):
    campaign = load(workspace, carrier)
    chunk = wait_for(lambda: Chunk.objects.filter(campaign=campaign, number=19).first())
    options = patience(gone_after=GONE_AFTER, idle_in_transaction=120, given={})
    with live.network.inside(WORKER_B):
        holder = psycopg.connect(live.env["DATABASE_URL"], **options)
    holder.execute("SELECT set_config('message_center.scope', 'all', false)")
    holder.execute("SELECT FROM delivery_chunk WHERE id = %s FOR UPDATE", [chunk.pk])
    with live.cut_off(WORKER_B):
        began = time.monotonic()
        with connection.cursor() as cursor:
            cursor.execute("SELECT FROM delivery_chunk WHERE id = %s FOR UPDATE", [chunk.pk])
        waited = time.monotonic() - began
    holder.close()
    seen.injected = f"{WORKER_B} cut off in a transaction that holds a row"
    seen.note = f"another had the row after {waited:.0f} s; a silent host is gone after {GONE_AFTER} s"
    assert 1 < waited <= 2 * GONE_AFTER
    quiet(campaign)
    resolved(campaign, carrier)
    seen.core(campaign, carrier)


def test_a_rolling_restart_of_all_hosts_under_load_leaves_nobody_in_doubt(live, workspace, seen, carrier):
    campaign = load(workspace, carrier, 2 * LOAD)
    carrier.wait_for_submits(seen.dice.randint(300, 1000))
    began = time.time()
    for host in ROLES:
        live.restart(host)
        seen.doubts(campaign, most=0)
    ended_at = time.time()
    assert fresh(campaign).status not in FINISHED
    assert quiet(campaign).delivered == 2 * LOAD
    assert seen.core(campaign, carrier).uncertain == 0
    longest = silences(carrier, since=began, until=ended_at)
    seen.injected = f"every process of {', '.join(ROLES)} ended and started, a host after the other"
    seen.note = f"{ended_at - began:.0f} s for all, {longest:.1f} s without a submit at most"
    assert longest <= LEASE + TICK
    assert busiest_second(carrier) <= MOST


def test_a_valkey_that_comes_back_empty_changes_time_and_nothing_else(live, workspace, seen, carrier):
    campaign = load(workspace, carrier)
    carrier.wait_for_submits(seen.dice.randint(500, 1500))
    began = time.time()
    with live.without_valkey(emptied=True):
        time.sleep(10)
        away = time.time()
    assert quiet(campaign).delivered == LOAD
    assert seen.core(campaign, carrier).uncertain == 0
    longest, most = silences(carrier, since=began), busiest_second(carrier)
    seen.injected = "Valkey stopped, its files deleted, started 10 s later"
    seen.note = (
        f"{submits_within(carrier, began, away)} submits meanwhile, {longest:.1f} s without one at most, "
        f"{most} in the busiest second"
    )
    assert live.all_run()
    assert longest <= 2 * RING_AGAIN + TICK
    assert most <= MOST


def test_a_restart_of_postgresql_stops_it_and_nobody_is_lost_or_doubled(live, workspace, seen, carrier):
    campaign = load(workspace, carrier)
    carrier.wait_for_submits(seen.dice.randint(500, 1500))
    with live.without_database():
        stopped = time.time()
        time.sleep(10)
        until = time.time()
    count = len(carrier.submits)
    took = poll(lambda: len(carrier.submits) > count, seconds=60)
    meanwhile = submits_within(carrier, stopped, until)
    quiet(campaign)
    resolved(campaign, carrier)
    seen.doubts(campaign, most=len(WORKERS) * (B + W))
    seen.core(campaign, carrier)
    seen.injected = "PostgreSQL restarted, 10 s down"
    seen.note = f"{meanwhile} submits meanwhile, resumed after {took:.1f} s"
    assert live.all_run()
    assert meanwhile <= len(WORKERS) * W
    assert took <= 30


def test_while_the_store_host_is_cut_off_nothing_new_is_sent_and_then_it_goes_on(live, workspace, seen, carrier):
    campaign = load(workspace, carrier)
    carrier.wait_for_submits(seen.dice.randint(500, 1500))
    with live.cut_off(STORES):
        began = time.time()
        time.sleep(AWAY)
        until = time.time()
    count = len(carrier.submits)
    took = poll(lambda: len(carrier.submits) > count, seconds=60)
    quiet(campaign)
    resolved(campaign, carrier)
    seen.doubts(campaign, most=len(WORKERS) * (B + W))
    seen.core(campaign, carrier)
    meanwhile = submits_within(carrier, began, until)
    seen.injected = f"PostgreSQL, Valkey and S3 at once, without a word, for {AWAY} s"
    seen.note = f"{meanwhile} submits meanwhile, resumed after {took:.1f} s"
    assert live.all_run()
    assert meanwhile <= len(WORKERS) * (B + W)


def test_without_the_host_of_the_pages_sending_goes_on(live, workspace, seen, carrier):
    program = Program(live.url, factories.token(workspace, factories.member(workspace, Role.AUTHOR)))
    judge = Program(live.url, factories.token(workspace, factories.member(workspace, Role.MODERATOR)))
    campaign = factories.in_review(
        workspace, list=factories.ready_list(workspace, LOAD, chunk_size=CHUNK), channel=carrier.channel
    )
    path = f"campaigns/{campaign.pk}/"
    judge.post(f"{path}approve/")
    carrier.wait_for_submits(500)
    with live.cut_off(WEB):
        began = time.time()
        assert quiet(campaign).delivered == LOAD
        seen.injected = f"{WEB} cut off from {LOAD - 500:,} recipients before the end on"
        seen.note = f"the campaign ended {time.time() - began:.0f} s later"
    shown = wait_for(lambda: answered(program, path), seconds=60)
    assert shown["totals"]["delivered"] == LOAD
    assert shown["balanced"]
    seen.core(campaign, carrier)


def answered(program, path):
    try:
        return program.get(path)
    except OSError:
        return None


def test_with_rabbitmq_as_the_broker_all_is_sent_and_its_restart_changes_time_and_nothing_else(
    live, workspace, seen, carrier
):
    if missing := rabbitmq.why_not():
        pytest.skip(missing)
    with live.ringing_by_rabbitmq() as server:
        campaign = load(workspace, carrier)
        carrier.wait_for_submits(seen.dice.randint(500, 1500))
        wait_for(lambda: hosts_at_work(campaign) == set(WORKERS))
        assert ready(live) == {"database": "ok", "redis": "ok", "storage": "ok", "broker": "ok", "sending": "ok"}
        with Celery(broker=server.url, set_as_current=False) as app:
            app.conf.task_queues = [Queue("dispatch"), Queue("nobody-declared")]
            assert [one.since for one in queues.waiting(app)] == [None, None]
        began = time.time()
        with live.without_rabbitmq(server):
            time.sleep(10)
            assert ready(live)["broker"] == "unreachable"
        back = time.time()
        assert quiet(campaign).delivered == LOAD
        assert seen.core(campaign, carrier).uncertain == 0
        longest, most = silences(carrier, since=began), busiest_second(carrier)
        assert live.all_run()
    seen.injected = f"every process with BROKER_URL=amqp://…, and RabbitMQ stopped for {back - began:.0f} s"
    seen.note = (
        f"{submits_within(carrier, began, back)} submits meanwhile, {longest:.1f} s without one at most, "
        f"{most} in the busiest second"
    )
    assert most <= MOST


def ready(live):
    """What a host of the pages says of the stores, whether it is ready or not."""
    try:
        answer = urllib.request.urlopen(f"{live.url}/readyz", timeout=15)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return json.load(answer)


def test_without_s3_what_was_read_is_sent_and_the_rest_waits_for_it(live, workspace, seen, carrier):
    campaign = load(workspace, carrier)
    carrier.wait_for_submits(seen.dice.randint(300, 600))
    with live.without_s3():
        began = time.time()
        wait_for(lambda: Incident.objects.filter(campaign=campaign, kind=IncidentKind.STORAGE).exists(), seconds=90)
        time.sleep(5)
        ended_at = time.time()
        assert totals_of(campaign).waiting
    assert quiet(campaign).delivered == LOAD
    assert seen.core(campaign, carrier).uncertain == 0
    seen.injected = f"S3 stopped for {ended_at - began:.0f} s"
    seen.note = f"{submits_within(carrier, began, ended_at)} submits meanwhile, and an incident that says why not more"
    assert live.all_run()
