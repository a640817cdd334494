"""An installation whose every part can be broken: stores of its own behind proxies, dispatch processes that obey orders
to die, and what a row of the matrix notes of what it saw."""

import itertools
import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import psycopg
from django.db import connection

from accounts.models import Workspace
from campaigns.models import Campaign
from campaigns.statuses import FINISHED
from delivery.counters import Totals
from delivery.models import Chunk, Intent
from delivery.statuses import ChunkStatus, MessageState
from stack import environment
from stack.keyring import Keyring
from stack.postgres import Postgres
from stack.valkey import Valkey
from tests import factories
from tests.faults import checker
from tests.faults.checker import Findings
from tests.faults.proxy import Proxy
from tests.live import Carrier, Installation, ended, fresh, phones_in, submits_by_phone, totals_of, wait_for

B, W = 20, 10  # recipients of an intent's batch, and the window of a bind
FLEET = ("dispatch", "dispatch2", "dispatch3")
LEASE, RING_AGAIN, TICK = 5, 3, 5  # seconds
RESPONSE_TIMEOUT = 8
OVERDUE = RESPONSE_TIMEOUT + 5  # then nobody waits for an answer any more
LOAD, CHUNK = 10_000, 500
CONDITIONS = {
    "DISPATCH_BATCH": str(B),
    "CHUNK_SIZE": str(CHUNK),
    "CHUNK_LEASE_SECONDS": str(LEASE),
    "RING_AGAIN_SECONDS": str(RING_AGAIN),
    "RESPONSE_TIMEOUT": str(RESPONSE_TIMEOUT),
    "DATABASE_CONNECT_TIMEOUT": "2",
}
ONE_THREAD = {
    "DISPATCH_THREADS": "1",
    "DISPATCH_PUSH_THREADS": "0",
}  # then a batch is B, and what a process has in doubt is exactly known


class Machine(Installation):
    def __init__(self, folder: Path) -> None:
        keyring = Keyring(folder / "keys.json")
        self.crashes = folder / "crashes"
        self.crashes.mkdir()
        self._servers = (
            Postgres(folder / "postgres", keyring=keyring, log=folder / "postgres.log"),
            Valkey(folder / "valkey", keyring=keyring, log=folder / "valkey.log"),
        )
        self.postgres, self.valkey = self._servers
        self.owner_url = self.postgres.start()
        direct = self.postgres.runtime_url
        parts = urlsplit(direct)
        self.database_line = Proxy(unix=f"{unquote(parts.hostname or '')}/.s.PGSQL.5432")
        broker = urlsplit(self.valkey.start())
        self.redis_line = Proxy(port=broker.port or 0)
        self._given: dict[str, str] = {}
        credentials = parts.netloc.rpartition("@")[0]
        super().__init__(
            folder,
            database=f"postgresql://{credentials}@127.0.0.1:{self.database_line.port}{parts.path}",
            broker=broker._replace(netloc=f":{broker.password}@127.0.0.1:{self.redis_line.port}").geturl(),
            given={**CONDITIONS, "CRASH_FOLDER": str(self.crashes)},
        )
        self.database = direct  # of whoever looks: what the others suffer is not for us

    def __exit__(self, *error: object) -> None:
        self.database_line.refuse(False)
        self.database_line.let_go()
        self.redis_line.let_go()
        for name in self._running:
            with suppress(ProcessLookupError):
                os.kill(self.pid(name), signal.SIGCONT)
        super().__exit__(*error)
        connection.close()
        self.database_line.close()
        self.redis_line.close()
        self.valkey.stop()
        self.postgres.stop()

    def _command(self, name: str) -> list[str]:
        shell, option, command = super()._command(name)
        if name.startswith("dispatch"):
            command = command.replace("-A config", "-A tests.faults.crashing")
            if self._given.get("DISPATCH_THREADS") == "1":
                command = command.replace("--concurrency 4", "--concurrency 1")
        return [shell, option, command]

    def fleet(self, count: int = 3, **given: str) -> None:
        """So many dispatch processes under these conditions, beat and clock; what runs under others ends first."""
        for name in [name for name in self._running if not self.is_running(name)]:
            self.bury(name)  # of a story that failed
        if given != self._given:
            for name in [name for name in self._running if name.startswith("dispatch")]:
                self.end(name)
            self._given = given
        self.start("beat", "clock", *FLEET[:count], **given)
        for name in [name for name in self._running if name.startswith("dispatch") and name not in FLEET[:count]]:
            self.end(name)

    def name_of(self, pid: int) -> str:
        return next(name for name, process in self._running.items() if process.pid == pid)

    def is_running(self, name: str) -> bool:
        return name in self._running and self._running[name].poll() is None

    def log_of(self, name: str) -> str:
        return self._log(name).read_text(errors="replace")

    # --- Orders to die ------------------------------------------------------------------------------------------------

    def order(self, point: str, number: signal.Signals, **more: object) -> None:
        """Whichever dispatch process comes to this point first, kills or stops itself there."""
        for left in self.crashes.iterdir():
            left.unlink()
        draft = self.crashes / ".draft"
        draft.write_text(json.dumps({"signal": number.name, **more}))
        draft.rename(self.crashes / point)

    def obeyed(self, *, seconds: float = 60.0) -> dict[str, Any]:
        """Who it was, and where it stood."""
        path = self.crashes / "taken"
        wait_for(path.exists, seconds=seconds)
        note: dict[str, Any] = json.loads(path.read_text())
        return note

    def went_on(self) -> bool:
        """What a process that came back was told: may it?"""
        path = self.crashes / "went_on"
        wait_for(path.exists, seconds=30)
        return bool(json.loads(path.read_text())["was_let"])

    def bury(self, name: str) -> None:
        """It has killed itself."""
        self._running.pop(name).wait(timeout=20)

    # --- Stores -------------------------------------------------------------------------------------------------------

    @contextmanager
    def without_database(self) -> Iterator[None]:
        connection.close()
        self.postgres.stop()
        try:
            yield
        finally:
            self.postgres.start()
            connection.close()

    @contextmanager
    def without_redis(self) -> Iterator[None]:
        self.valkey.stop()
        self.redis_line.cut()
        try:
            yield
        finally:
            self.redis_line.lead_to(urlsplit(self.valkey.start()).port or 0)


@contextmanager
def machine(folder: Path) -> Iterator[Machine]:
    with Machine(folder) as made:
        environment.manage("migrate", "--no-input", env={**made.env, "DATABASE_OWNER_URL": made.owner_url})
        yield made


# --- What a row does and notes ----------------------------------------------------------------------------------------


@dataclass(slots=True)
class Seen:
    """What a story saw, for the report; the rest of it is whether it passed."""

    seed: int
    dice: random.Random
    injected: str = ""
    note: str = ""
    submits: int = 0
    doubled: int = 0
    lost: int = 0
    uncertain: int = 0  # the most at any moment that was looked at

    def core(self, campaign: Campaign, carrier: Carrier, *, clocks_agree: bool = True) -> Findings:
        """Every invariant that can be looked at from outside, after quiet."""
        found = checker.check(campaign, carrier, clocks_agree=clocks_agree)
        self.submits += found.submits
        self.doubled += found.doubled
        self.lost += found.lost
        self.uncertain = max(self.uncertain, found.uncertain)
        assert found.problems == []
        return found

    def doubts(self, campaign: Campaign, *, most: int | None = None) -> int:
        """How many are in doubt now."""
        count = totals_of(campaign).uncertain
        self.uncertain = max(self.uncertain, count)
        assert most is None or count <= most, f"{count} in doubt, {most} is the most that it may be"
        return count


def load(workspace: Workspace, carrier: Carrier, count: int = LOAD, **given: Any) -> Campaign:
    """The standard one unless a row needs less: chunks of 500, one part, receipts on."""
    listed = factories.ready_list(workspace, count, chunk_size=given.pop("chunk_size", CHUNK))
    return factories.approved(workspace, list=listed, channel=carrier.channel, **given)


def quiet(campaign: Campaign, *, seconds: float = 300.0) -> Totals:
    """The totals once it is over. Patient: the machine may be busy with other things."""
    totals = ended(campaign, seconds=seconds)
    # Whatever a chunk of a campaign that is over has still to settle.
    wait_for(lambda: not Chunk.objects.filter(campaign=campaign, status=ChunkStatus.OPEN).exists(), seconds=seconds)
    return totals


def resolved(campaign: Campaign, carrier: Carrier, *, seconds: float = 120.0) -> None:
    """Whoever is in doubt and was accepted is no longer in doubt: a receipt has said so."""
    wait_for(
        lambda: not phones_in(campaign, MessageState.UNCERTAIN) & submits_by_phone(carrier).keys(),
        seconds=seconds,
        seen=lambda: len(phones_in(campaign, MessageState.UNCERTAIN) & submits_by_phone(carrier).keys()),
    )


def is_over(campaign: Campaign) -> bool:
    return fresh(campaign).status in FINISHED


def silences(carrier: Carrier, *, since: float = 0.0, until: float = float("inf")) -> float:
    """The longest time between two submits."""
    times = sorted(submit.at for submit in carrier.submits if since <= submit.at <= until)
    times = [*([since] if since else []), *times, *([until] if until < float("inf") else [])]
    return max((after - before for before, after in itertools.pairwise(times)), default=0.0)


def busiest_second(carrier: Carrier) -> int:
    times = sorted(submit.at for submit in carrier.submits)
    most, first = 0, 0
    for last, at in enumerate(times):
        while times[first] <= at - 1:
            first += 1
        most = max(most, last - first + 1)
    return most


def intent_phones(chunk_id: int, owner: str) -> set[int]:
    """The numbers that the last intent of this owner for the chunk covers."""
    chunk = Chunk.objects.get(pk=chunk_id)
    last = Intent.objects.filter(chunk_id=chunk_id, owner=owner, is_retry=False).order_by("-id").first()
    assert last is not None
    first = factories.FIRST_NUMBER + chunk.first + last.first
    return set(range(first, first + last.count))


def owned_by(pid: int) -> list[int]:
    return list(Chunk.objects.filter(owner__endswith=f":{pid}").values_list("pk", flat=True))


def poll(look: Callable[[], bool], *, seconds: float) -> float:
    """Seconds until it is true."""
    began = time.monotonic()
    wait_for(look, seconds=seconds)
    return time.monotonic() - began


def server_url(machine: Machine) -> str:
    """Of the database, for the superuser."""
    password = Keyring(machine.folder / "keys.json")["postgres superuser"]
    parts = urlsplit(machine.database)
    return f"postgresql://postgres:{password}@{parts.netloc.rpartition('@')[2]}{parts.path}"


def superuser(machine: Machine) -> "psycopg.Connection[Any]":
    return psycopg.connect(server_url(machine), autocommit=True)
