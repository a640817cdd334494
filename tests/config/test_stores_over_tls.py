"""Where STORES_NEED_TLS, stores are spoken to by TLS over TCP, and only if they prove by a certificate who they are."""

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from urllib.parse import unquote, urlsplit

import pytest

from stack import ROOT
from tests.channels.certificates import Authority

pytestmark = pytest.mark.slow

SSL_REQUEST = bytes.fromhex("0000000804d2162f")  # PostgreSQL asks before it begins, in clear
ASK = "import django; django.setup(); from config import health; print(health.readyz(None).content.decode())"


class Terminator:
    """TLS before a store of the suite, which has none, as stunnel does it."""

    def __init__(self, address, context, store, *, asks=False):
        self._context, self._store, self._asks = context, store, asks
        self.secured = 0
        self._listening = socket.create_server((address, 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _serve(self):
        with suppress(OSError):
            while True:
                threading.Thread(target=self._carry, args=(self._listening.accept()[0],), daemon=True).start()

    def _carry(self, plain):
        with suppress(OSError), plain:  # whoever does not trust us hangs up
            if self._asks:
                assert plain.recv(8) == SSL_REQUEST
                plain.sendall(b"S")
            with self._context.wrap_socket(plain, server_side=True) as secured, self._reached() as store:
                self.secured += 1
                back = threading.Thread(target=self._pump, args=(store, secured), daemon=True)
                back.start()
                self._pump(secured, store)

    def _reached(self):
        if isinstance(self._store, tuple):
            return socket.create_connection(self._store)
        store = socket.socket(socket.AF_UNIX)
        store.connect(self._store)
        return store

    @staticmethod
    def _pump(source, target):
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


def own_address():
    """Not loopback, where nobody asks for TLS. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return probe.getsockname()[0]


@contextmanager
def served(folder, authority, host):
    """PostgreSQL and Valkey of the suite at our own address, with a certificate for the host."""
    certificate, key = authority.certificate(host)
    (folder / "server.pem").write_text(certificate + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    database, broker = urlsplit(os.environ["DATABASE_URL"]), urlsplit(os.environ["REDIS_URL"])
    doors = [
        Terminator(own_address(), context, f"{unquote(database.hostname)}/.s.PGSQL.5432", asks=True),
        Terminator(own_address(), context, (broker.hostname, broker.port)),
    ]
    try:
        yield doors
    finally:
        for door in doors:
            door.close()


def asked(doors, ca):
    """What `/readyz` of a process says that starts with these addresses."""
    database, broker = urlsplit(os.environ["DATABASE_URL"]), urlsplit(os.environ["REDIS_URL"])
    of_database, of_broker = (f"{own_address()}:{door.port}" for door in doors)
    urls = {
        "DATABASE_URL": f"postgres://{database.username}:{database.password}@{of_database}{database.path}"
        f"?sslmode=verify-full&sslrootcert={ca}",
        "REDIS_URL": f"rediss://:{broker.password}@{of_broker}/0?ssl_cert_reqs=required&ssl_ca_certs={ca}",
        "STORES_NEED_TLS": "True",
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    env = {name: value for name, value in os.environ.items() if name != "DATABASE_OWNER_URL"} | urls
    done = subprocess.run(
        [sys.executable, "-c", ASK], cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    return said["database"], said["redis"]


@pytest.fixture
def authority():
    return Authority()


@pytest.fixture
def ca(authority, tmp_path):
    (tmp_path / "ca.pem").write_text(authority.pem)
    return tmp_path / "ca.pem"


def test_stores_with_a_certificate_of_our_authority_are_reached_by_tls(migrated, authority, ca, tmp_path):
    with served(tmp_path, authority, own_address()) as doors:
        assert asked(doors, ca) == ("ok", "ok")
        assert all(door.secured for door in doors)


def test_a_store_with_a_certificate_of_another_host_is_refused(authority, ca, tmp_path):
    with served(tmp_path, authority, "elsewhere.example") as doors:
        assert asked(doors, ca) == ("unreachable", "unreachable")


def test_a_store_that_somebody_else_vouches_for_is_refused(ca, tmp_path):
    with served(tmp_path, Authority("Somebody else"), own_address()) as doors:
        assert asked(doors, ca) == ("unreachable", "unreachable")
