import asyncio
import sys
import threading
from contextlib import contextmanager

import pytest

from delivery import limiter
from delivery.links import carrier as carrier_module
from delivery.links import engine
from delivery.links import link as link_module
from delivery.standing import standing
from tests.delivery import wire


@pytest.fixture
def brisk(monkeypatch):
    """Timers of a carrier in a hurry."""
    monkeypatch.setattr(
        link_module,
        "RECONNECT",
        link_module.BindAction(outcome=link_module.BindOutcome.BACKOFF, first=0.05, longest=0.1),
    )
    monkeypatch.setattr(wire, "IDLE", 0.3)
    monkeypatch.setattr(link_module, "ENQUIRE_TIMEOUT", 0.3)
    monkeypatch.setattr(link_module, "UNBIND_TIMEOUT", 0.2)


@pytest.fixture
def unhurried(monkeypatch):
    """A batch waits for its answers, and a channel that closes for the rest of it, however busy the machine is."""
    monkeypatch.setattr(carrier_module, "STRAGGLE", 60.0)
    monkeypatch.setattr(carrier_module, "FINISH", 60.0)


@pytest.fixture
def impatient(settings):
    """Whoever is not answered at once is in doubt."""
    settings.RESPONSE_TIMEOUT = 0.5


@pytest.fixture
def near_redis(monkeypatch):
    """Near enough, however late a busy machine makes its answers."""
    monkeypatch.setattr(limiter, "TIMEOUT", 60.0)
    monkeypatch.setattr(limiter, "SLOW", 60.0)


@pytest.fixture
def loop():
    """Where the carriers of these tests live: another machine, as far as we know."""
    made = asyncio.new_event_loop()
    thread = threading.Thread(target=made.run_forever)
    thread.start()
    yield made
    made.call_soon_threadsafe(made.stop)
    thread.join()
    made.close()


@pytest.fixture
def listening(loop):
    @contextmanager
    def listen(peer):
        asyncio.run_coroutine_threadsafe(peer.start(), loop).result()
        try:
            yield peer
        finally:
            asyncio.run_coroutine_threadsafe(peer.stop(), loop).result()

    return listen


@pytest.fixture
def links(monkeypatch):
    monkeypatch.setattr(sys.modules[engine.__module__], "LOOK_AGAIN", 0.2)

    @contextmanager
    def run():
        engine.start()
        try:
            yield engine
        finally:
            engine.stop()

    return run


@pytest.fixture(autouse=True)
def reaches_redis(monkeypatch):
    """What one test has lost is not lost for the next."""
    monkeypatch.setattr(standing, "_alone_until", 0.0)
