"""Threads that hand over what is pushed, whatever the others have to do."""

import threading
import time
from datetime import time as daytime
from datetime import timedelta

import pytest
from django.utils import timezone

from delivery import attending, dispatching, pushing
from delivery.attending import Attendants
from delivery.models import Chunk
from tests import factories
from tests.live import wait_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def looked_at(monkeypatch):
    """The chunks in the order in which they were worked on."""
    chunks = []

    def work_on(chunk_id, *, clock):
        chunks.append(chunk_id)
        Chunk.objects.filter(pk=chunk_id).update(released_at=clock())
        return True

    monkeypatch.setattr(dispatching, "work_on", work_on)
    return chunks


def pushed_into(workspace, n=1, **given):
    """A campaign with a message that waits, and its chunk."""
    campaign = factories.trigger(workspace, text="Your code is {code}.", **given)
    asks = [pushing.Ask(to=f"+3160000{number:04}", params={"code": "1"}) for number in range(n)]
    pushing.push(campaign, asks, by=None, now=timezone.now())
    return campaign, Chunk.objects.get(campaign=campaign).pk


def at(now):
    return lambda: now


def test_whoever_waits_longest_is_first_and_each_has_its_turn(workspace, looked_at):
    chunks = [pushed_into(workspace)[1] for _ in range(3)]
    attendants, now = Attendants(), timezone.now()
    for second in range(6):
        assert attendants.look(clock=at(now + timedelta(seconds=second)))
    assert looked_at == chunks * 2


def test_lists_are_not_its_business_and_without_work_there_is_none(workspace, looked_at):
    factories.sending(workspace)
    assert not Attendants().look(clock=timezone.now)
    assert looked_at == []


def test_what_could_not_be_sent_is_left_alone_for_a_second_and_the_others_go_on(workspace, monkeypatch):
    (_, away), (_, other) = pushed_into(workspace), pushed_into(workspace)
    seen = []
    monkeypatch.setattr(dispatching, "work_on", lambda chunk_id, *, clock: seen.append(chunk_id) or chunk_id != away)
    attendants, now = Attendants(), timezone.now()
    for _ in range(3):
        attendants.look(clock=at(now))
    assert seen == [away, other, other]
    attendants.look(clock=at(now + attending.LEFT_ALONE))
    assert seen[-1] == away


def test_an_exception_ends_no_thread_and_is_no_reason_to_look_without_a_pause(workspace, monkeypatch):
    pushed_into(workspace)
    monkeypatch.setattr(dispatching, "work_on", lambda chunk_id, *, clock: 1 // 0)
    attendants, now = Attendants(), timezone.now()
    assert attendants.look(clock=at(now))
    assert not attendants.look(clock=at(now))


def test_in_its_closed_hours_nobody_looks_at_it(workspace, looked_at):
    now = timezone.now().replace(hour=12, minute=0)
    hours = {"daily_from": daytime(9), "daily_to": daytime(10)}
    workspace.time_zone = "UTC"
    workspace.save()
    pushed_into(workspace, **hours)
    _, open_one = pushed_into(workspace)
    attendants = Attendants()
    assert attendants.look(clock=at(now))
    assert looked_at == [open_one]


@pytest.mark.django_db(transaction=True)
def test_two_threads_never_look_at_the_same_chunk(workspace, monkeypatch, settings):
    settings.DISPATCH_PUSH_THREADS = 2
    chunks = {pushed_into(workspace)[1] for _ in range(2)}
    at_work, together, both = set(), [], threading.Barrier(2, timeout=60)

    def work_on(chunk_id, *, clock):
        assert chunk_id not in at_work
        at_work.add(chunk_id)
        both.wait()
        together.append(set(at_work))
        both.wait()
        Chunk.objects.filter(pk=chunk_id).update(owner="somebody", lease_until=clock() + timedelta(minutes=1))
        at_work.discard(chunk_id)
        return True

    monkeypatch.setattr(dispatching, "work_on", work_on)
    engine = type("Stopping", (), {"is_stopping": False})()
    monkeypatch.setattr(attending, "engine", engine)
    attendants = Attendants()
    attendants.start()
    wait_for(lambda: len(together) == 2)
    time.sleep(0.3)
    engine.is_stopping = True
    attendants.stop()
    assert together == [chunks, chunks]
