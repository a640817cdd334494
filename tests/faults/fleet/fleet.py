"""One release on several hosts: the stores, two for workers, one for the pages, and a carrier beyond them."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.db import connection

from stack import environment
from stack.keyring import Keyring
from stack.postgres import Postgres
from stack.seaweed import Seaweed
from stack.valkey import Valkey
from tests.faults.fleet import hosts
from tests.faults.fleet.hosts import Network
from tests.faults.fleet.rabbitmq import RabbitMQ
from tests.faults.machine import CONDITIONS
from tests.live import Carrier, Installation

STORES, CARRIER, WEB = "stores", "carrier", "web"
WORKERS = ("worker-a", "worker-b")
PORT, VALKEY_PORT = 8000, 6379
DRAIN = 75  # seconds in which a process has ended
GONE_AFTER = 10  # seconds without a word; then a host is gone, for the database and for whoever asks it
OF_WORKERS = ("beat", "clock", "worker", "dispatch")
ROLES = {**dict.fromkeys(WORKERS, OF_WORKERS), WEB: ("web",)}


class Fleet(Installation):
    """Its processes are named for kind and host: `dispatch.worker-a`."""

    def __init__(self, folder: Path, network: Network) -> None:
        self.network = network
        keyring, at = Keyring(folder / "keys.json"), network.addresses
        self.postgres = Postgres(folder / "postgres", keyring=keyring, log=folder / "postgres.log", address=at[STORES])
        self._valkey_home = folder / "valkey"
        self.valkey = Valkey(
            self._valkey_home, keyring=keyring, log=folder / "valkey.log", address=at[STORES], port=VALKEY_PORT
        )
        self.s3 = Seaweed(folder / "seaweed", keyring=keyring, log=folder / "seaweed.log", address=at[STORES])
        with network.inside(STORES):
            self.owner_url = self.postgres.start()
            broker, storage = self.valkey.start(), self.s3.start()
        direct = self.postgres.runtime_url
        parts = urlsplit(direct)
        credentials = parts.netloc.rpartition("@")[0]
        super().__init__(
            folder,
            database=parts._replace(netloc=f"{credentials}@{at[STORES]}:5432").geturl(),
            broker=broker,
            storage=storage,
            given={
                **CONDITIONS,
                "DATABASE_GONE_AFTER": str(GONE_AFTER),
                "DISPATCH_FLEET": str(len(WORKERS)),
                "ALLOWED_HOSTS": at[WEB],
                "PORT": str(PORT),
            },
        )
        self.url = f"http://{at[WEB]}:{PORT}"
        self.database = direct  # of whoever looks: by the socket, which no cut reaches

    def __exit__(self, *error: object) -> None:
        for name in self.network.addresses:
            self.network.join(name)
        super().__exit__(*error)
        connection.close()
        with self.network.inside(STORES):
            self.s3.stop()
            self.valkey.stop()
            self.postgres.stop()

    def _launch(self, name: str, given: Mapping[str, str]) -> "Popen[bytes]":
        host = name.partition(".")[2]
        data = self.folder / host
        (data / "scratch").mkdir(parents=True, exist_ok=True)
        own = {"DATA": str(data), "SCRATCH": str(data / "scratch"), "LISTEN": self.network.addresses[host]}
        with self.network.inside(host):
            return super()._launch(name, {**own, **given})

    def _command(self, name: str) -> list[str]:
        host = name.partition(".")[2]
        shell, option, command = super()._command(name)
        return hosts.named(host, [shell, option, command.replace(f"{name}@%h", f"{name.partition('.')[0]}@%h")])

    def _launch_carrier(self, log: Path, env: Mapping[str, str]) -> "Popen[bytes]":
        with self.network.inside(CARRIER):
            return super()._launch_carrier(log, env)

    def carrier(self, **given: Any) -> AbstractContextManager[Carrier]:
        return super().carrier(host=self.network.addresses[CARRIER], **given)

    # --- Hosts --------------------------------------------------------------------------------------------------------

    def up(self) -> None:
        """Every host with all of its processes."""
        for name in [name for name in self._running if self._running[name].poll() is not None]:
            self._running.pop(name)  # of a story that failed
        self.start(*(f"{kind}.{host}" for host in ROLES for kind in ROLES[host]))

    def restart(self, host: str) -> None:
        """As a release does it: all are asked to end and drain, then the new ones start."""
        names = [f"{kind}.{host}" for kind in ROLES[host]]
        ending = {name: self._running.pop(name) for name in names}
        for process in ending.values():
            process.terminate()
        for name, process in ending.items():
            assert process.wait(timeout=DRAIN) == 0, f"{name} did not end in order"
        self.start(*names)

    @contextmanager
    def cut_off(self, host: str) -> Iterator[None]:
        self.network.cut(host)
        try:
            yield
        finally:
            self.network.join(host)

    def all_run(self) -> bool:
        return all(process.poll() is None for process in self._running.values())

    # --- Stores -------------------------------------------------------------------------------------------------------

    @contextmanager
    def without_valkey(self, *, emptied: bool = False) -> Iterator[None]:
        self.valkey.stop()
        if emptied:
            shutil.rmtree(self._valkey_home)
        try:
            yield
        finally:
            with self.network.inside(STORES):
                self.valkey.start()

    @contextmanager
    def without_database(self) -> Iterator[None]:
        connection.close()
        self.postgres.stop()
        try:
            yield
        finally:
            with self.network.inside(STORES):
                self.postgres.start()
            connection.close()

    @contextmanager
    def without_s3(self) -> Iterator[None]:
        self.s3.stop()
        try:
            yield
        finally:
            with self.network.inside(STORES):
                self.s3.start()

    @contextmanager
    def ringing_by_rabbitmq(self) -> Iterator[RabbitMQ]:
        """Every process is started anew with another broker; Valkey keeps the rates."""
        home, log = self.folder / "rabbitmq", self.folder / "rabbitmq.log"
        keyring = Keyring(self.folder / "keys.json")
        server = RabbitMQ(home, keyring=keyring, log=log, address=self.network.addresses[STORES])
        with self.network.inside(STORES):
            self.env["BROKER_URL"] = server.start()
        try:
            for host in ROLES:
                self.restart(host)
            yield server
        finally:
            del self.env["BROKER_URL"]
            for host in ROLES:
                self.restart(host)
            with self.network.inside(STORES):
                server.stop()

    @contextmanager
    def without_rabbitmq(self, server: RabbitMQ) -> Iterator[None]:
        with self.network.inside(STORES):
            server.stop()
        try:
            yield
        finally:
            with self.network.inside(STORES):
                server.start()

    def connections_of(self, host: str) -> int:
        """Sessions in the database that are still held for the host."""
        with superuser(self) as server:
            asked = server.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE client_addr = %s", [self.network.addresses[host]]
            )
            return int(asked.fetchone()[0])  # type: ignore[index]


@contextmanager
def fleet(folder: Path) -> Iterator[Fleet]:
    with Network([STORES, *WORKERS, WEB, CARRIER]) as network, Fleet(folder, network) as made:
        environment.manage("migrate", "--no-input", env={**made.env, "DATABASE_OWNER_URL": made.owner_url})
        yield made


def superuser(fleet: Fleet) -> "psycopg.Connection[Any]":
    password = Keyring(fleet.folder / "keys.json")["postgres superuser"]
    parts = urlsplit(fleet.database)
    url = f"postgresql://postgres:{password}@{parts.netloc.rpartition('@')[2]}{parts.path}"
    return psycopg.connect(url, autocommit=True)
