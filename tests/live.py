"""A whole installation around a story: the processes of the Procfile, on a database, a broker and a folder of its own.

The carriers are simulators, processes too; what their journals say is the truth that a story is held against.
"""

import http.client
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Any, TypeVar
from urllib.parse import urlsplit

import dj_database_url
import psycopg
import pytest
import redis
from celery import Celery
from django.conf import settings
from django.db import connection
from django.test import override_settings

from accounts.models import Workspace
from campaigns.models import Campaign
from campaigns.statuses import FINISHED
from channels import accounts as channel_accounts
from channels.models import Channel
from delivery import counters
from delivery.counters import Totals
from delivery.models import Message
from delivery.statuses import MessageState
from reports import reconciliation
from simulator import journal
from stack import ROOT, children, environment, processes, stores
from stack.environment import Ports
from stack.keyring import Keyring
from stack.valkey import Valkey
from tests import factories, owner
from tests.stores import backend_of

BATCH = 400  # B of these dispatch processes
LEASE = 5  # seconds until the chunks of a dead dispatch process are taken over
RING_AGAIN = 3  # seconds between two looks of the sweeper at a chunk that nobody came for
LIST_LEASE = 10  # seconds until the list of a dead worker is begun again
PATIENCE = 120.0  # seconds until something is so, on a machine that others keep busy
SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "DISPATCH_BATCH": str(BATCH),
    "CHUNK_LEASE_SECONDS": str(LEASE),
    "RING_AGAIN_SECONDS": str(RING_AGAIN),
    "LIST_LEASE_SECONDS": str(LIST_LEASE),
    "CHUNK_SIZE": "1000",
}
READY = dict.fromkeys(("clock", "dispatch", "events", "letters", "webhooks", "worker"), " ready.")
SIGNS_OF_LIFE = READY | {"beat": "beat: Starting..."}
SENDING = ("beat", "clock", "dispatch")
ADDRESS = ("NAME", "USER", "PASSWORD", "HOST", "PORT")  # of a database, in Django's settings

S = MessageState
ACCEPTED = {S.PENDING, S.DELIVERED, S.NO_RECEIPT}
T = TypeVar("T")


def wait_for(
    claim: Callable[[], T], *, seconds: float = PATIENCE, seen: Callable[[], object] = lambda: "nothing more is known"
) -> T:
    """What the claim is worth once it is true; `seen` says what to blame when it does not come true."""
    deadline = time.monotonic() + seconds
    while not (found := claim()):
        assert time.monotonic() < deadline, f"not true within {seconds} s: {seen()}"
        time.sleep(0.05)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """A simulator with its journal, and the channel that leads to it."""

    channel: Channel
    reader: journal.Reader
    process: "Popen[bytes] | None" = None

    @property
    def entries(self) -> list[journal.Entry]:
        return self.reader.entries()

    @property
    def submits(self) -> list[journal.Submit]:
        return [entry for entry in self.entries if isinstance(entry, journal.Submit)]

    @property
    def accepted(self) -> list[journal.Submit]:
        return [submit for submit in self.submits if submit.is_accepted]

    def submits_since(self, at: float) -> int:
        """How many came later than that: what a stop is held to that has to be quick on a slow machine as well."""
        return sum(submit.at > at for submit in self.submits)

    def count(self, kind: type[journal.Entry]) -> int:
        return sum(isinstance(entry, kind) for entry in self.entries)

    def wait_for_submits(self, count: int) -> None:
        wait_for(lambda: len(self.accepted) >= count)


@contextmanager
def installed(folder: Path) -> "Iterator[Installation]":
    """Stores of its own; no process yet. The database is on the server of the other tests."""
    name = f"live_{os.getpid()}"
    valkey = Valkey(folder / "valkey", keyring=Keyring(folder / "keys.json"), log=folder / "valkey.log")
    with psycopg.connect(owner.url_of("postgres"), autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name} TEMPLATE {settings.DATABASES['default']['TEST']['TEMPLATE']}")
        try:
            with Installation(folder, database=_url_of(name), broker=valkey.start()) as found:
                yield found
        finally:
            valkey.stop()
            owner.step_down(server)  # whoever left a connection behind is the processes' role, and ends itself
            ours = "datname = %s AND usename = current_user"  # the vacuum of the server is nobody's to end
            server.execute(f"SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE {ours}", [name])
            server.execute("RESET ROLE")
            server.execute(f"DROP DATABASE {name}")  # waits for who is still going; FORCE may not end them


def _url_of(database: str) -> str:
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{database}").geturl()


def kind_of(name: str) -> str:
    """Which line of the Procfile it is: `beat2` is a second beat, `beat.worker-a` that of a host."""
    return name.partition(".")[0].rstrip("0123456789")


class Installation:
    """`database` is its address for the processes, who own nothing."""

    def __init__(
        self, folder: Path, *, database: str, broker: str, storage: str = "", given: Mapping[str, str] | None = None
    ) -> None:
        """Its objects are in a folder unless another storage is named; `given` is what else its processes find in their
        environment."""
        self.folder, self.database = folder, database
        self.objects = folder / "objects"
        storage = storage or f"file:{self.objects}"
        urls = {"DATABASE_URL": database, "REDIS_URL": broker, "STORAGE_URL": storage}
        ports = environment.pick_ports(Ports(web=0, flower=0, smsc=0))
        self.url = f"http://127.0.0.1:{ports.web}"
        self.env = environment.build(folder, urls=urls, listen=ports) | SETTINGS | (given or {})
        # What the tests' own environment says is not of this installation.
        self.env.pop(stores.OWNER_URL, None)
        self.env["PUBLIC_URL"] = f"http://localhost:{ports.web}"
        self._running: dict[str, Popen[bytes]] = {}
        self._given: dict[str, Mapping[str, str]] = {}  # beside what all have in their environment
        self._simulators: list[Popen[bytes]] = []

    def __enter__(self) -> "Installation":
        return self

    def __exit__(self, *error: object) -> None:
        self.end_all()
        for process in self._simulators:
            children.end(process, first=signal.SIGTERM, patience=5)

    # --- Processes ----------------------------------------------------------------------------------------------------

    def start(self, *names: str, **given: str) -> None:
        """Those processes of the Procfile that do not run; `beat2` is a second beat. Where something is given for their
        environment, those that an earlier story started without it begin anew."""
        for name in names:
            if given and self._given.get(name) != given:
                self.keep_away(name)
            if name not in self._running:
                self._running[name], self._given[name] = self._launch(name, given), given
        for name in names:
            wait_for(lambda name=name: self._is_alive(name))

    def kill(self, name: str) -> None:
        process = self._running.pop(name)
        process.kill()
        process.wait()

    def pid(self, name: str) -> int:
        return self._running[name].pid

    def end(self, name: str, *, patience: float = 75.0) -> int:
        """Ask it to end; its exit status."""
        process = self._running.pop(name)
        children.end(process, first=signal.SIGTERM, patience=patience)
        return process.returncode

    def keep_away(self, *names: str) -> None:
        """Those that an earlier story may have started end."""
        for name in names:
            if name in self._running:
                self.end(name)

    def end_all(self) -> None:
        for process in self._running.values():  # all at once, then wait for each
            process.terminate()
        for name in list(self._running):
            self.end(name, patience=20)

    def _launch(self, name: str, given: Mapping[str, str]) -> "Popen[bytes]":
        return self._run(self._command(name), self._log(name), given)

    def _command(self, name: str) -> list[str]:
        kind = kind_of(name)
        command = processes.of_procfile()[kind].replace("WARNING", "INFO")
        command = command.replace(f"{kind}@", f"{name}@").replace("beat-schedule", f"{name}-schedule")
        return ["/bin/sh", "-c", f"exec {command}"]

    def _run(self, command: list[str], log: Path, env: Mapping[str, str] | None = None) -> "Popen[bytes]":
        with log.open("wb") as file:
            return children.spawn(command, log=file, parting=signal.SIGKILL, env=self.env | (env or {}), cwd=ROOT)

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def _is_alive(self, name: str) -> bool:
        said = self._log(name).read_text()
        assert self._running[name].poll() is None, f"{name} has ended:\n{said}"
        sign = SIGNS_OF_LIFE.get(kind_of(name))
        return sign in said if sign else self._answers()

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.url}/readyz", timeout=5).close()
        except (urllib.error.URLError, OSError):
            return False
        return True

    # --- Around them --------------------------------------------------------------------------------------------------

    def forget_everything_in_redis(self) -> None:
        with redis.Redis.from_url(self.env["REDIS_URL"]) as client:
            client.flushall()

    def ring(self, task: str, *arguments: object, queue: str) -> None:
        with Celery(broker=self.env["REDIS_URL"], set_as_current=False) as app:
            app.send_task(task, args=arguments, queue=queue, ignore_result=True)

    @contextmanager
    def carrier(self, *, window: int = 100, binds: int = 1, tps: int = 0, **knobs: object) -> Iterator[Carrier]:
        """One that answers as the knobs say; its channel is in use as long as the block."""
        number = len(self._simulators)
        path, log = self.folder / f"journal{number}", self._log(f"smsc{number}")
        options = {"port": "0", "journal": str(path), "dlr_delay_ms": "200"} | {k: str(v) for k, v in knobs.items()}
        env = {name.upper(): value for name, value in options.items()}
        process = self._launch_carrier(log, env)
        self._simulators.append(process)
        port = int(wait_for(lambda: log.read_text().endswith("\n") and log.read_text()).rpartition(":")[2])
        host = options.get("host", "127.0.0.1")
        with self.channel(f"carrier-{number}", host=host, port=port, window=window, binds=binds, tps=tps) as channel:
            yield Carrier(channel=channel, reader=journal.Reader(path), process=process)

    def _launch_carrier(self, log: Path, env: Mapping[str, str]) -> "Popen[bytes]":
        return self._run([sys.executable, "-m", "simulator"], log, env)

    @contextmanager
    def channel(self, name: str, **given: Any) -> Iterator[Channel]:
        """In use as long as the block."""
        channel = factories.channel(name, is_default=False, **given)
        try:
            yield channel
        finally:
            channel_accounts.save(name, by=None, is_active=False)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """This process works on the installation's database and objects."""
        storages = {**settings.STORAGES, "default": backend_of(self.env["STORAGE_URL"])}
        with on_database(self.database), override_settings(STORAGES=storages):
            yield


@contextmanager
def on_database(url: str) -> Iterator[None]:
    """This process works on this database."""
    inside = {key: value for key, value in dj_database_url.parse(url).items() if key in ADDRESS}
    outside = {key: connection.settings_dict[key] for key in ADDRESS}
    connection.close()
    connection.settings_dict.update(inside)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(outside)


# --- Fixtures of journeys/ and faults/: their tests see the database of the installation, which keeps everything ------


@pytest.fixture(scope="module")
def live(django_db_setup: None, installation: Installation, django_db_blocker: Any) -> Iterator[Installation]:
    with django_db_blocker.unblock(), installation.entered():
        yield installation


@pytest.fixture(autouse=True)
def objects(live: Installation) -> Path:
    return live.objects


@pytest.fixture
def workspace(live: Installation) -> Workspace:
    return factories.workspace(tokens_may_decide=True)


# --- What a story follows ---------------------------------------------------------------------------------------------


def campaign_of(
    workspace: Workspace, carrier: Carrier, count: int, *, chunk_size: int = 1000, **given: Any
) -> Campaign:
    """Approved, to `count` numbers, over this carrier."""
    listed = factories.ready_list(workspace, count, chunk_size=chunk_size)
    return factories.approved(workspace, list=listed, channel=carrier.channel, **given)


def fresh(campaign: Campaign) -> Campaign:
    return Campaign.objects.select_related("list").get(pk=campaign.pk)


def totals_of(campaign: Campaign) -> Totals:
    return counters.totals(fresh(campaign))


def ended(campaign: Campaign, *, seconds: float = PATIENCE) -> Totals:
    """The totals once its dispatch is over and every receipt that is awaited has come."""

    def found() -> Totals | None:
        if fresh(campaign).status not in FINISHED:
            return None
        totals = totals_of(campaign)
        return None if totals.pending or totals.waiting else totals

    return wait_for(found, seconds=seconds, seen=lambda: (fresh(campaign).status, totals_of(campaign)))


def submits_by_phone(carrier: Carrier) -> Counter[int]:
    return Counter(int(submit.destination) for submit in carrier.accepted)


def phones_in(campaign: Campaign, *states: MessageState) -> set[int]:
    started = fresh(campaign)
    if started.started_at is None:
        return set()
    messages = Message.objects.filter(day=started.day, campaign_id=campaign.pk, state__in=states)
    return set(messages.values_list("phone", flat=True))


def check(campaign: Campaign, carrier: Carrier) -> None:
    """What holds after every story, whatever happened in it. For one campaign of one part on the carrier."""
    assert reconciliation.differences(fresh(campaign)) == []
    taken = submits_by_phone(carrier)
    assert max(taken.values(), default=0) <= 1, "accepted twice"
    assert phones_in(campaign, *ACCEPTED) <= taken.keys(), "called accepted, and the carrier does not know it"
    assert taken.keys() <= phones_in(campaign, *ACCEPTED, S.FAILED, S.UNCERTAIN), "accepted, and called something else"


# --- Over HTTP --------------------------------------------------------------------------------------------------------


class Program:
    """Somebody's program, with their token or the workspace's key."""

    def __init__(self, url: str, secret: str) -> None:
        self._host, self._secret = urlsplit(url).netloc, secret

    def get(self, path: str) -> Any:
        return json.loads(self.download(path))

    def download(self, path: str) -> bytes:
        status, content = self._call("GET", path)
        assert status == 200, content
        return content

    def put(self, path: str, data: bytes) -> Any:
        status, content = self._call("PUT", path, data, "application/octet-stream")
        assert status == 202, content
        return json.loads(content)

    def post(self, path: str, **fields: object) -> Any:
        status, answer = self.ask(path, **fields)
        assert status in (200, 201), answer
        return answer

    def ask(self, path: str, **fields: object) -> tuple[int, Any]:
        """Status and answer of a POST, whatever they are."""
        status, content = self._call("POST", path, json.dumps(fields).encode(), "application/json")
        return status, json.loads(content)

    def _call(self, method: str, path: str, body: bytes | None = None, kind: str = "") -> tuple[int, bytes]:
        server = http.client.HTTPConnection(self._host, timeout=PATIENCE)
        headers = {"Authorization": f"Bearer {self._secret}"} | ({"Content-Type": kind} if kind else {})
        try:
            server.request(method, f"/api/v1/{path}", body, headers)
            response = server.getresponse()
            return response.status, response.read()
        finally:
            server.close()
