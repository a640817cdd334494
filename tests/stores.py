"""The stores that a test runs on: a folder, a part of the session's embedded S3, and some that fail."""

import socket
import threading
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from django.test import override_settings

from config.env import storage
from objects.store import store

PREFIXES = ("uploads/", "lists/", "exports/", "health/")


def backend_of(url: str, **options: Any) -> dict[str, Any]:
    """Settings of a default storage."""
    backend = storage(url)
    return {**backend, "OPTIONS": {**backend["OPTIONS"], **options}}


def in_bucket(url: str) -> dict[str, Any]:
    return backend_of(url, location=f"tests/{uuid.uuid4().hex}")


def through(url: str, port: int) -> str:
    """The same bucket, by another port of this machine."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}").geturl()


@contextmanager
def used(backend: dict[str, Any]) -> Iterator[None]:
    from django.conf import settings

    with override_settings(STORAGES={**settings.STORAGES, "default": backend}):
        yield


def keys(*prefixes: str) -> list[str]:
    """Every object of the store."""
    return sorted(found.key for prefix in prefixes or PREFIXES for page in store.pages(prefix) for found in page)


def status_of(url: str) -> int:
    """What is answered to somebody without a key."""
    try:
        with urllib.request.urlopen(url) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@cache
def unused_port() -> int:
    """Bound and never listened at: as long as the tests run, nobody else gets it."""
    kept = socket.socket()
    kept.bind(("127.0.0.1", 0))
    port = int(kept.getsockname()[1])
    kept.detach()
    return port


def away() -> dict[str, Any]:
    """A store where nobody listens."""
    return backend_of(f"s3://key:secret@127.0.0.1:{unused_port()}/bucket?tls=0")


@contextmanager
def answering(status: int, body: bytes = b"") -> Iterator[dict[str, Any]]:
    """A store that says the same to everything."""

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = answer

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield backend_of(f"s3://key:secret@127.0.0.1:{server.server_port}/bucket?tls=0")
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def silent() -> Iterator[dict[str, Any]]:
    """A store that takes every connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        yield backend_of(f"s3://key:secret@127.0.0.1:{door.getsockname()[1]}/bucket?tls=0")


class Line:
    """A line to the store that breaks: of its first connections each ends after so many bytes of answer."""

    def __init__(self, port: int, *, cuts: int, after: int) -> None:
        self._store, self._cuts, self._after = port, cuts, after
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = self._door.getsockname()[1]
        self.broken = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._door.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._door.accept()
                server = socket.create_connection(("127.0.0.1", self._store))
                threading.Thread(target=self._pass, args=(client, server, None), daemon=True).start()
                threading.Thread(target=self._pass, args=(server, client, self._after), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, most: int | None) -> None:
        passed = 0
        with suppress(OSError):
            while data := source.recv(65536):
                passed += len(data)
                if most is not None and passed > most and self.broken < self._cuts:
                    self.broken += 1
                    break
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
