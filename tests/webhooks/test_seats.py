"""Who is slow waits for others that are slow, and nobody else does; and nobody waits to find out what is to be told."""

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from config.celery import app
from stack import processes
from tests import evidence, factories
from tests.live import wait_for
from tests.webhooks.receiver import receiving
from webhooks import deliveries, endpoints, following, seats
from webhooks.models import Delivery, Endpoint
from webhooks.statuses import Event


@pytest.fixture
def holding(settings):
    """A receiver that answers nobody until it is let go."""
    settings.WEBHOOKS_TO_LOOPBACK = True
    let_go = threading.Event()

    def writes(handler):
        let_go.wait(60)
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")

    with receiving() as receiver:
        receiver.writes = writes
        receiver.let_go = let_go
        try:
            yield receiver
        finally:
            let_go.set()


def waiting(url, *, workspace=None, is_slow=False):
    """An endpoint that has something due."""
    made = factories.endpoint(workspace or factories.workspace(), url)
    endpoints.try_out(made.pk, by=made.created_by, now=timezone.now())
    if is_slow:
        Endpoint.objects.filter(pk=made.pk).update(slow_until=timezone.now() + seats.WHILE)
    return made


@contextmanager
def sent(*made):
    """By as many threads."""

    def send(endpoint):
        try:
            deliveries.send(endpoint.pk, now=timezone.now())
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(made)) as pool:
        yield [pool.submit(send, endpoint) for endpoint in made]


@pytest.mark.django_db(transaction=True)
def test_of_a_workspace_two_that_are_slow_are_sent_to_at_once_and_others_have_their_own(holding, receiver):
    workspace, other = factories.workspace(), factories.workspace()
    slow = [waiting(holding.url, workspace=workspace, is_slow=True) for _ in range(4)]
    theirs = waiting(holding.url, workspace=other, is_slow=True)
    with sent(*slow, theirs) as turns:
        wait_for(lambda: len(holding.came) == 3 and sum(turn.done() for turn in turns) == 2)
        prompt = waiting(receiver.url, workspace=workspace)
        deliveries.send(prompt.pk, now=timezone.now())
        assert len(receiver.came) == 1
        holding.let_go.set()
    assert [turn.result() for turn in turns] == [None] * 5
    left = set(Delivery.objects.pending().values_list("endpoint", flat=True))
    assert len(left) == 2 and left <= {endpoint.pk for endpoint in slow}
    for pk in left:
        deliveries.send(pk, now=timezone.now())
    assert not Delivery.objects.pending().exists() and len(holding.came) == 5


@pytest.mark.django_db(transaction=True)
def test_of_all_workspaces_so_many_that_are_slow_are_sent_to_that_half_of_the_threads_stay_free(holding):
    slow = [waiting(holding.url, is_slow=True) for _ in range(seats.SLOW + 2)]
    with sent(*slow) as turns:
        wait_for(lambda: len(holding.came) == seats.SLOW and sum(turn.done() for turn in turns) == 2)
        holding.let_go.set()
    threads = re.search(r"--concurrency (\d+)", processes.of_procfile()["webhooks"])
    assert int(threads[1]) == 2 * seats.SLOW


@pytest.mark.django_db
def test_a_late_answer_ends_the_turn_and_makes_slow_for_a_while(endpoint, receiver, admin, passed, monkeypatch):
    monkeypatch.setattr(deliveries, "LATE", 0.2)
    receiver.writes = lambda handler: (time.sleep(0.2), handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n"))
    for _ in range(2):
        endpoints.try_out(endpoint.pk, by=admin, now=timezone.now())
    at = passed()
    assert len(receiver.came) == 1
    endpoint.refresh_from_db()
    assert endpoint.is_slow(at) and not endpoint.is_slow(at + seats.WHILE + timedelta(seconds=5))
    receiver.writes = None
    passed()
    assert len(receiver.came) == 2


@pytest.mark.django_db
def test_whose_turn_was_longest_ago_is_rung_for_first(receiver, admin, passed):
    first, second, third = (waiting(receiver.url) for _ in range(3))
    for endpoint in (second, first):
        deliveries.send(endpoint.pk, now=timezone.now())
    for endpoint in (first, second):
        endpoints.try_out(endpoint.pk, by=endpoint.created_by, now=timezone.now())
    due = Endpoint.objects.due(timezone.now()).in_turn()
    assert [endpoint.pk for endpoint in due] == [third.pk, second.pk, first.pk]


@pytest.mark.django_db
def test_a_look_that_has_much_to_compare_ends_and_the_next_one_begins_with_anybody(workspace, monkeypatch):
    monkeypatch.setattr(following, "TURN", 0.0)
    hearing = {factories.endpoint(workspace, events=[Event.MESSAGES]).pk for _ in range(2)}
    evidence.dispatched(factories.sending(workspace))
    told = Delivery.objects.values_list("endpoint", flat=True)
    following.look(now=timezone.now())
    assert len(told) == 1
    for _ in range(50):
        following.look(now=timezone.now())
    assert sorted(told.all()) == sorted(hearing)


def test_what_is_to_be_told_is_found_in_a_process_that_sends_nothing():
    queues = {name: re.findall(r"--queues (\S+)", line) for name, line in processes.of_procfile().items()}
    router = app.amqp.router
    found, left = (router.route({}, f"webhooks.tasks.{name}")["queue"].name for name in ("look", "send"))
    assert queues["events"] == [found] and queues["webhooks"] == [left] and found != left
