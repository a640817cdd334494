"""Simulators in a thread of their own, on real TCP."""

import asyncio
import threading
from pathlib import Path

import pytest

from simulator import journal
from simulator.knobs import Knobs
from simulator.smsc import Smsc
from tests.simulator.client import Esme


class Running:
    """A simulator, its port, its journal and the clients that were made for it."""

    def __init__(self, knobs: Knobs) -> None:
        self.knobs = knobs
        self.port = 0
        self.loop = asyncio.new_event_loop()
        self._clients: list[Esme] = []
        self._listens = threading.Event()
        self._thread = threading.Thread(target=lambda: self.loop.run_until_complete(self._run()))
        self._thread.start()
        assert self._listens.wait(60)

    async def _run(self) -> None:
        smsc = Smsc(self.knobs)
        self._over = asyncio.Event()
        await smsc.start()
        self.port = smsc.port
        self._listens.set()
        await self._over.wait()
        await smsc.stop()

    def client(self, **options) -> Esme:
        self._clients.append(Esme(self.port, **options))
        return self._clients[-1]

    def bound(self, *bind, **options) -> Esme:
        client = self.client(**options)
        assert client.bind(*bind) == 0
        return client

    def entries(self, kind: type[journal.Entry] = journal.Submit) -> list:
        return [entry for entry in journal.read(Path(self.knobs.journal)) if isinstance(entry, kind)]

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self._over.set)
        self._thread.join()
        self.loop.close()
        for client in self._clients:
            client.socket.close()


@pytest.fixture
def simulate(tmp_path):
    running: list[Running] = []

    def start(**knobs) -> Running:
        defaults = {"port": 0, "journal": str(tmp_path / "journal"), "dlr_delay_ms": 0}
        running.append(Running(Knobs(**defaults | knobs)))
        return running[-1]

    yield start
    for one in running:
        one.stop()
