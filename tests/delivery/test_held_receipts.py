"""A deliver_sm is answered in time, whatever the database does."""

import queue
import sys
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from django.db import connection, transaction

from delivery import receipts
from delivery.links.engine import Engine
from delivery.models import Receipt
from smpp.session import Received, Role, Session
from tests import factories
from tests.delivery.ground import arrive, receipt
from tests.racing import race

pytestmark = pytest.mark.django_db(transaction=True)

HELD = 0.5


class Link:
    """The end of a link that answers."""

    def __init__(self, channel):
        self.account = SimpleNamespace(channel_id=channel.pk, accepted_is_delivered=False)
        self.session = Session(Role.ESME)
        self.answers = queue.SimpleQueue()

    def acknowledge(self, session, received, status):
        assert session is self.session
        for sequence, _ in received.deliveries:
            self.answers.put((sequence, status))


@contextmanager
def started():
    engine = Engine()
    engine.start()
    try:
        yield engine
    finally:
        engine.stop()


@pytest.fixture
def link(db):
    return Link(factories.channel(is_active=False))


def bring(engine, link, sequence):
    body = receipt(f"A{sequence}", factories.FIRST_NUMBER)
    engine._loop.call_soon_threadsafe(engine._deliver, link, Received(deliveries=[(sequence, body)]))


def test_what_is_stored_is_acknowledged_once(link):
    with started() as engine:
        bring(engine, link, 1)
        assert link.answers.get(timeout=60) == (1, 0)
    assert Receipt.objects.count() == 1
    assert link.answers.empty()


def test_what_the_database_keeps_waiting_is_answered_0x08_in_time(link, monkeypatch):
    monkeypatch.setattr(sys.modules[Engine.__module__], "HELD_AT_MOST", HELD)
    monkeypatch.setattr(receipts, "STORE_WITHIN", 60_000)
    with started() as engine:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN; LOCK TABLE delivery_inbox IN ACCESS EXCLUSIVE MODE")
            for sequence in (1, 2, 3):  # one for each thread, and one that nobody looks at
                bring(engine, link, sequence)
                time.sleep(0.05)
            answers = sorted(link.answers.get(timeout=30) for _ in range(3))  # while the table is locked
            cursor.execute("ROLLBACK")
        assert answers == [(1, 8), (2, 8), (3, 8)]
        bring(engine, link, 4)
        assert link.answers.get(timeout=60) == (4, 0)
    assert link.answers.empty()  # each was answered once


def test_a_row_that_somebody_holds_keeps_no_thread_for_long(link, monkeypatch):
    monkeypatch.setattr(receipts, "STORE_WITHIN", 200)
    held, answered = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE delivery_inbox IN ACCESS EXCLUSIVE MODE")
            held.set()
            return answered.wait(timeout=60)

    def take_in():
        held.wait(timeout=60)
        status = arrive(link.account.channel_id, receipt("A1", factories.FIRST_NUMBER))
        answered.set()
        return status

    assert race(hold, take_in) == [True, 0x08]
