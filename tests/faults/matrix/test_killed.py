"""A dispatch process is killed or stopped at a point of its work, on the standard load."""

import os
import signal
import time
from contextlib import contextmanager

import pytest
from django.utils import timezone

from delivery import due
from delivery.models import Chunk, Intent
from delivery.statuses import MessageState
from simulator import journal
from tests.faults.machine import (
    FLEET,
    LEASE,
    LOAD,
    ONE_THREAD,
    TICK,
    B,
    W,
    busiest_second,
    intent_phones,
    load,
    owned_by,
    poll,
    quiet,
    resolved,
)
from tests.live import phones_in, submits_by_phone, wait_for

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

S = MessageState
TPS = 500


@contextmanager
def killed_at(live, workspace, seen, point, **more):
    """The campaign under way, its carrier, and the note of whoever was killed at this point."""
    live.fleet(**ONE_THREAD)
    with live.carrier(window=W) as carrier:
        campaign = load(workspace, carrier)
        carrier.wait_for_submits(seen.dice.randint(500, 3000))
        live.order(point, signal.SIGKILL, **more)
        note = live.obeyed()
        name = live.name_of(note["pid"])
        live.bury(name)
        seen.injected = f"kill -9 of {name} at {point}, {len(carrier.submits)} submits in"
        live.start(name, **ONE_THREAD)
        yield campaign, carrier, note


def owner(note):
    return Intent.objects.filter(owner__endswith=f":{note['pid']}").values_list("owner", flat=True)[0]


def test_killed_before_its_intent_a_process_leaves_nobody_in_doubt(live, workspace, seen):
    with killed_at(live, workspace, seen, "before_intent") as (campaign, carrier, _):
        totals = quiet(campaign)
        seen.core(campaign, carrier)
        assert seen.doubts(campaign) == 0
        assert totals.delivered == LOAD


def test_killed_after_its_intent_and_before_the_first_byte_it_leaves_the_whole_batch_in_doubt(live, workspace, seen):
    with killed_at(live, workspace, seen, "after_intent") as (campaign, carrier, note):
        intended = intent_phones(note["chunk"], owner(note))
        quiet(campaign)
        seen.core(campaign, carrier)
        assert 1 <= seen.doubts(campaign) <= B
        assert phones_in(campaign, S.UNCERTAIN) == intended
        assert not submits_by_phone(carrier).keys() & intended


@pytest.mark.parametrize("units", [1, B // 2, B])
def test_killed_while_it_writes_it_leaves_a_batch_in_doubt_and_receipts_resolve_what_was_taken(
    live, workspace, seen, units
):
    with killed_at(live, workspace, seen, "in_write", units=units) as (campaign, carrier, note):
        intended = intent_phones(note["chunk"], owner(note))
        quiet(campaign)
        assert seen.doubts(campaign) <= B
        resolved(campaign, carrier)
        seen.core(campaign, carrier)
        taken = submits_by_phone(carrier).keys()
        assert phones_in(campaign, S.UNCERTAIN) == intended - taken
        assert len(intended & taken) <= note["units"]  # written by then
        seen.note = f"{len(intended & taken)} of {len(intended)} were taken, each delivered in the end"


def test_killed_after_the_answers_and_before_they_are_stored_receipts_tell_what_was_taken(live, workspace, seen):
    with killed_at(live, workspace, seen, "before_results") as (campaign, carrier, note):
        intended = intent_phones(note["chunk"], owner(note))
        wait_for(lambda: phones_in(campaign, S.UNCERTAIN) or phones_in(campaign, S.DELIVERED) >= intended)
        seen.doubts(campaign, most=B)
        totals = quiet(campaign)
        resolved(campaign, carrier)
        seen.core(campaign, carrier)
        assert totals.delivered + seen.doubts(campaign) == LOAD
        assert intended <= phones_in(campaign, S.DELIVERED)


def test_killed_outright_a_process_is_followed_by_another_within_lease_and_tick(live, workspace, seen):
    live.fleet()
    with live.carrier(window=W) as carrier:
        campaign = load(workspace, carrier)
        carrier.wait_for_submits(seen.dice.randint(1500, 4000))
        name = seen.dice.choice(FLEET)
        pid = live.pid(name)
        wait_for(lambda: owned_by(pid))
        live.kill(name)
        orphans = owned_by(pid)
        before = Intent.objects.order_by("-id").values_list("id", flat=True)[0]

        def taken_over():
            later = Intent.objects.filter(id__gt=before, chunk__in=orphans).values("chunk_id").distinct().count()
            return later == len(orphans)

        took = poll(taken_over, seconds=LEASE + TICK + 20)
        seen.injected = f"kill -9 of {name}, which had {len(orphans)} chunks"
        seen.note = f"taken over after {took:.1f} s, lease {LEASE} s"
        live.start(name)
        assert orphans
        assert took <= LEASE + TICK
        quiet(campaign)
        seen.doubts(campaign, most=B + W)
        resolved(campaign, carrier)
        seen.core(campaign, carrier)


@pytest.mark.parametrize("point", ["before_intent", "after_intent", "in_write", "before_results"])
def test_a_zombie_sends_at_most_what_it_had_intended_and_is_then_refused(live, workspace, seen, point):
    live.fleet(**ONE_THREAD)
    with live.carrier(window=W, tps=TPS) as carrier:
        campaign = load(workspace, carrier, 6000)
        carrier.wait_for_submits(seen.dice.randint(500, 1500))
        live.order(point, signal.SIGSTOP, units=W // 2)
        note = live.obeyed()
        zombie, mine = note["pid"], {"chunk_id": note["chunk"], "owner__endswith": f":{note['pid']}"}
        intents = Intent.objects.filter(**mine).count()
        epoch = Chunk.objects.get(pk=note["chunk"]).epoch
        try:
            wait_for(lambda: Chunk.objects.get(pk=note["chunk"]).epoch > epoch, seconds=LEASE + TICK + 20)
            time.sleep(max(0.0, 15 - (time.time() - note["at"])))
        finally:
            os.kill(zombie, signal.SIGCONT)
        seen.injected = f"SIGSTOP for {time.time() - note['at']:.0f} s at {point}, then SIGCONT"
        if point.startswith("before_"):
            assert live.went_on() is False
        quiet(campaign)
        resolved(campaign, carrier)
        found = seen.core(campaign, carrier)
        assert found.uncertain <= B
        assert Intent.objects.filter(**mine, epoch=epoch).count() == intents
        assert busiest_second(carrier) <= TPS + W
        seen.note = f"its next word was refused; {busiest_second(carrier)} in the busiest second of {TPS}"


def test_the_same_doorbell_five_times_at_once_has_one_owner_in_one_epoch(live, workspace, seen):
    live.fleet()
    os.kill(live.pid("beat"), signal.SIGSTOP)  # nobody else rings
    try:
        with live.carrier(window=W, resp_delay_ms=50) as carrier:
            campaign = load(workspace, carrier, 100)
            time.sleep(1.0)  # a tick that was under way is over
            due.start_due(now=timezone.now())
            [chunk] = Chunk.objects.filter(campaign=campaign)
            wait_for(lambda: carrier.count(journal.Bind) >= len(FLEET))
            for _ in range(5):
                live.ring("delivery.tasks.dispatch", chunk.pk, queue="dispatch")
            seen.injected = "delivery.tasks.dispatch 5× for one chunk, no beat"
            wait_for(lambda: Chunk.objects.get(pk=chunk.pk).status == "done", seconds=30)
            time.sleep(1.0)
            assert Chunk.objects.get(pk=chunk.pk).epoch == 1
            assert Intent.objects.filter(chunk=chunk).values("owner").distinct().count() == 1
            os.kill(live.pid("beat"), signal.SIGCONT)
            assert quiet(campaign).delivered == 100
            seen.core(campaign, carrier)
    finally:
        os.kill(live.pid("beat"), signal.SIGCONT)


def test_asked_to_end_under_load_a_process_drains_its_window_and_leaves_nobody_in_doubt(live, workspace, seen):
    live.fleet()
    with live.carrier(window=W, resp_delay_ms=100) as carrier:
        campaign = load(workspace, carrier, 5000)
        carrier.wait_for_submits(seen.dice.randint(300, 1000))
        name = seen.dice.choice(FLEET)
        began = time.monotonic()
        assert live.end(name) == 0
        took = time.monotonic() - began
        seen.injected = f"SIGTERM to {name}"
        seen.note = f"ended after {took:.1f} s, with an unbind"
        assert carrier.count(journal.Unbind) == 1
        assert seen.doubts(campaign) == 0
        live.start(name)
        assert quiet(campaign).delivered == 5000
        seen.core(campaign, carrier)
        assert seen.doubts(campaign) == 0
        assert took <= 75
