"""A host whose clock is wrong is found, and nobody is accused by an answer that was slow."""

import socket
import threading

import pytest

from delivery import clocks
from delivery.models import HostClock


@pytest.mark.django_db
def test_an_answer_that_took_too_long_tells_nothing(monkeypatch):
    monkeypatch.setattr(clocks, "VAGUE", 0.0)
    assert clocks.compare("any") is None
    assert not HostClock.objects.exists()


@pytest.mark.django_db
def test_a_host_of_which_nothing_was_heard_lately_is_not_spoken_of():
    clocks.compare("gone")
    HostClock.objects.update(ahead=60.0, seen_at="2026-01-01T00:00Z")
    assert clocks.heard_of() == clocks.wrong() == []


@pytest.mark.django_db(transaction=True)
def test_a_worker_looks_by_itself_until_it_is_stopped(monkeypatch):
    monkeypatch.setattr(clocks._Process, "looked_at", -clocks.LOOK_EVERY)
    monkeypatch.setattr(clocks, "VAGUE", 60.0)  # whatever else the machine has to do meanwhile
    stopped, looked = threading.Event(), threading.Event()
    look = clocks.look
    monkeypatch.setattr(clocks, "look", lambda: (look(), looked.set()))
    thread = threading.Thread(target=clocks.keep_looking, args=(stopped,))
    thread.start()
    assert looked.wait(60)
    stopped.set()
    thread.join(60)
    assert not thread.is_alive()
    (row,) = HostClock.objects.all()
    assert row.host == socket.gethostname() and row.seconds < 60
