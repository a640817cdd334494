"""What stands in the place of PostgreSQL, Celery's bell, threads and clocks: names patched where the product uses them.

Each call of the store is a point where anything may happen, before it and after it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
from django.db import DatabaseError
from django.test import override_settings

from campaigns.statuses import Status
from delivery import dispatching, evidence, intents, matching, receipts, results
from delivery.batches import Batch
from delivery.links import account as accounts
from delivery.links import carrier, link
from delivery.links.account import Account
from delivery.links.engine import Engine
from delivery.statuses import IncidentKind
from smpp.status import CommandStatus
from tests.simulation import store as stores
from tests.simulation.world import Queue, Waited, this_thread

engine = import_module("delivery.links.engine")  # its package has the one of this process under that name

# A tenth of the real seconds, or so: what is polled is polled less often, and every relation between them stays.
SETTINGS = {
    "RESPONSE_TIMEOUT": 4.0,
    "CHUNK_LEASE": timedelta(seconds=4),
    "RING_AGAIN": timedelta(seconds=1.5),
    "DISPATCH_BATCH": 4,
    "DISPATCH_THREADS": 1,
    "DISPATCH_PUSH_THREADS": 0,
}
TIMES: list[tuple[Any, str, Any]] = [
    *((module, "OVERDUE_MARGIN", timedelta(seconds=1)) for module in (intents, results, matching, dispatching)),
    (matching, "DOUBT_AFTER", timedelta(seconds=0.5)),
    (dispatching, "SLICE", 1.0),
    (dispatching, "TURN", 0.1),
    (dispatching, "SEND_WITHIN", 0.4),
    (dispatching, "SEND_PUSHED_WITHIN", 0.2),
    (dispatching, "RENEW", 1.0),
    (carrier, "SWEEP", 0.25),
    (carrier, "STRAGGLE", 0.5),
    (carrier, "FINISH", 0.5),
    (engine, "LOOK_AGAIN", 1.0),
    (engine, "HELD_AT_MOST", 1.0),
    (link, "CONNECT_TIMEOUT", 1.0),
    (link, "BIND_TIMEOUT", 1.0),
    (link, "LATE_RESPONSE", 1.0),
    (link, "ENQUIRE_TIMEOUT", 1.0),
    (link, "PARTIAL_PDU_TIMEOUT", 2.0),
    (link, "UNBIND_TIMEOUT", 0.5),
    (link, "STABLE_AFTER", 6.0),
    (link, "RECONNECT", link.BindAction(outcome=link.BindOutcome.BACKOFF, first=0.2, longest=1.0)),
]

running: Any = None  # the history whose turn it is


class Held(stores.Chunk):
    """A chunk as its owner holds it."""

    __slots__ = ()

    def refresh_from_db(self, *, fields: list[str]) -> None:
        running.ask("refresh", lambda store: store.read(self, fields))


def _claim(pk: int, worker: str, *, now: Any) -> Held | None:
    chunk = running.ask("claim", lambda store: store.claim(pk, worker, now=now))
    if chunk is not None:
        chunk.__class__ = Held
    return chunk


class _Campaigns:
    def select_related(self, *names: str) -> "_Campaigns":
        return self

    def get(self, *, pk: int) -> stores.Campaign:
        return running.ask("campaign", lambda store: store.campaign(pk))


def _hash(batch: Batch) -> int:
    """Sets of batches are gone through in an order that the seed decides, and not the addresses in memory."""
    return int(batch.intended_at.timestamp() * 1_000_000) * 1000 + batch.chunk_id


class _Bases:
    """Nothing is learnt: the store tries every way to read an id."""

    def news(self) -> list[Any]:
        return []

    def start_with(self, channel_id: int, base: str) -> None:
        pass


def _phones(chunk: stores.Chunk) -> Any:
    running.storage()
    return running.phones(chunk)


def _pushed(chunk: stores.Chunk) -> Any:
    return running.ask("pushed", lambda store: store.pushed(chunk))


def _pause(pk: int, *, by: Any, reason: str) -> None:
    running.ask("pause", lambda store: store.change_status(pk, Status.PAUSED, reason=reason))


def _fail(pk: int, *, reason: str, now: Any) -> None:
    running.ask("fail", lambda store: store.change_status(pk, Status.FAILED, reason=reason))


def _note(kind: IncidentKind, *, at: Any, sample: str, channel_id: Any = None, campaign_id: Any = None, count: int = 1):
    running.ask("incident", lambda store: store.note(kind, campaign_id=campaign_id, count=count))


def _hear(*told: Any, **given: Any) -> None:
    known = running.world.process.known
    running.ask("evidence", lambda store: store.hear(*told, **given, known=known))


def _take_in(arrivals: Any) -> int:
    known = running.world.process.known
    try:
        running.ask("receipts", lambda store: store.take_in(arrivals, known=known))
    except DatabaseError:
        return int(CommandStatus.RSYSERR)
    return int(CommandStatus.ROK)


def _store(batch: Any, chunk: Any, *, now: Any) -> bool:
    known = running.world.process.known
    return running.ask("results", lambda store: store.record(batch, chunk, now=now, known=known))


def _asking(name: str, method: str) -> Any:
    def ask(*args: Any, **given: Any) -> Any:
        return running.ask(name, lambda store: getattr(store, method)(*args, **given))

    return staticmethod(ask)


class _Intents:
    intend = _asking("intend", "intend")
    intend_retries = _asking("intend_retries", "intend_retries")
    release = _asking("release", "release")
    renew = _asking("renew", "renew")
    look_again = _asking("look_again", "look_again")

    def put_off(self, chunk: Held, *, until: datetime) -> None:
        """The store's chunks have their turn whether their object is there or not."""


class _Engine:
    """The engine of whichever process is running."""

    def __getattr__(self, name: str) -> Any:
        return getattr(running.world.process.engine, name)


class _Time:
    def monotonic(self) -> float:
        return running.world.now

    def sleep(self, seconds: float) -> None:
        this_thread().pause(seconds)


class _Chance:
    def uniform(self, low: float, high: float) -> float:
        return running.world.rng.uniform(low, high)


class DoubleEngine(Engine):
    """The engine itself; only its threads are the world's, and so are its queues."""

    def __init__(self, process: Any) -> None:
        super().__init__()
        self._loop = process.loop
        self._deliveries, self._notes = Queue(), Queue()

    def start(self) -> None:
        raise NotImplementedError

    def send(self, batch: Any) -> None:
        running.world.say(f"hands over {batch.campaign_id}/{batch.recipients.tolist()} retry={batch.is_retry}")
        batch.finished = Waited()
        super().send(batch)


def account(**given: Any) -> Account:
    return Account(
        **{
            "channel_id": 1,
            "name": "main",
            "host": "carrier",
            "port": 2775,
            "system_id": "demo",
            "password": "demo",
            "system_type": "",
            "pair": False,
            "tls": False,
            "binds": 1,
            "window": 4,
            "tps": 0,
            "enquire_link_seconds": 2,
            **given,
        }
    )


def _now() -> Any:
    return running.world.clock()


def _accounts() -> Any:
    running.ask("channels", lambda store: None)
    return running.accounts, set()


PATCHES: list[tuple[Any, str, Any]] = [
    (dispatching, "Chunk", SimpleNamespace(objects=SimpleNamespace(claim=_claim))),
    (dispatching, "Campaign", SimpleNamespace(objects=_Campaigns())),
    (dispatching, "campaign_transitions", SimpleNamespace(pause=_pause)),
    (dispatching, "pushes", SimpleNamespace(of_chunk=_pushed)),
    (dispatching, "chunk_files", SimpleNamespace(phones=_phones, read_ahead=lambda chunk: None)),
    (dispatching, "doubts", SimpleNamespace(settle=_asking("settle", "settle").__func__)),
    (
        dispatching,
        "due",
        SimpleNamespace(
            ring_next=_asking("ring", "ring_next").__func__, others_wait=_asking("others", "others_wait").__func__
        ),
    ),
    (
        dispatching,
        "quarantine",
        SimpleNamespace(forgive=lambda chunk: None, note_failure=lambda chunk, error, *, now: None),
    ),
    (dispatching, "incidents", SimpleNamespace(note=_note)),
    (dispatching, "intents", _Intents()),
    (dispatching, "results", SimpleNamespace(store=_store, MOVING=results.MOVING)),
    (
        dispatching,
        "transitions",
        SimpleNamespace(
            what_differs=lambda campaign: "Its content differs." if campaign.is_altered else "", fail=_fail
        ),
    ),
    (dispatching, "engine", _Engine()),
    (dispatching, "time", _Time()),
    (dispatching, "connection", SimpleNamespace(close=lambda: None)),
    (dispatching, "worker_name", lambda: running.world.process.name),
    (evidence, "_store", _hear),
    (engine, "receipts", SimpleNamespace(take_in=_take_in, BATCH=receipts.BATCH)),
    (engine, "incidents", SimpleNamespace(note=_note)),
    (engine, "accounts", SimpleNamespace(active=_accounts)),
    (engine, "bases", _Bases()),
    (engine, "timezone", SimpleNamespace(now=_now)),
    (engine, "time", _Time()),
    (engine, "close_old_connections", lambda: None),
    (engine, "connections", SimpleNamespace(close_all=lambda: None)),
    (Batch, "__hash__", _hash),
    (link, "random", _Chance()),
    (dispatching, "random", _Chance()),
]


@contextmanager
def installed() -> Iterator[None]:
    """The doubles in their places."""
    patches = [patch.object(module, name, value) for module, name, value in [*PATCHES, *TIMES]]
    for one in patches:
        one.start()
    try:
        with override_settings(**SETTINGS):
            yield
    finally:
        for one in reversed(patches):
            one.stop()


__all__ = ["Account", "DoubleEngine", "accounts", "installed", "np"]
