"""Whose rows this thread may see: the second wall, held by policies in the database (`audit.policies`).

The first is `.of(workspace)` in every query. A row of a workspace that is not in scope is not there, whatever a query
forgets; without a scope nothing is. An edge sets the scope once, with the request; what works across workspaces says
so: a worker's process and a command (`be_the_system`), or a block (`everything`).
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from psycopg.pq import TransactionStatus

SETTING = "message_center.scope"
EVERYTHING = "all"
NOTHING = ""


class _Scope(threading.local):
    """Of a thread, as its connection is; `None` is what its process begins with."""

    value: str | None = None
    also: BaseDatabaseWrapper | None = None  # a second connection that must see no more than the first


class _Process:
    scope = NOTHING


_scope, _process = _Scope(), _Process()


def current() -> str:
    return _process.scope if _scope.value is None else _scope.value


def chosen() -> list[int] | None:
    """The workspaces in scope; None for all of them."""
    scope = current()
    return None if scope == EVERYTHING else [int(pk) for pk in scope.split(",") if pk]


def be_the_system() -> None:
    """From here on this process works for all workspaces, wherever it does not say for which: a Celery worker, whose
    dispatcher serves them all, or a command of an operator. Never a process that answers strangers. Said before the
    first connection."""
    _process.scope = EVERYTHING


@contextmanager
def nothing() -> Iterator[None]:
    """Nobody has said yet for whom; the block may go on to say it with `enter`."""
    with _scoped(NOTHING):
        yield


@contextmanager
def within(*workspaces: int) -> Iterator[None]:
    with _scoped(_of(workspaces)):
        yield


@contextmanager
def everything() -> Iterator[None]:
    """The door: for what is of no one workspace."""
    with _scoped(EVERYTHING):
        yield


def enter(workspaces: Iterable[int] | None) -> None:
    """Until the end of the block around: these workspaces, or all of them."""
    _set(EVERYTHING if workspaces is None else _of(workspaces))


def entered(workspaces: Iterable[int]) -> None:
    """The same, where the statement that found out which these are has said it to the connection already."""
    _scope.value = _of(workspaces)
    if _scope.also is not None:
        _say_to(_scope.also)


@contextmanager
def also_on(another: BaseDatabaseWrapper) -> Iterator[None]:
    """Within the block this connection, too, sees what is in scope, and nothing else."""
    before, _scope.also = _scope.also, another
    try:
        _say_to(another)
        yield
    finally:
        _scope.also = before


def kept(content: Iterable[bytes]) -> Iterator[bytes]:
    """What is streamed after the block has ended, in the scope of the block."""
    scope = current()

    def flow() -> Iterator[bytes]:
        with _scoped(scope):
            yield from content

    return flow()


def _of(workspaces: Iterable[int]) -> str:
    return ",".join(str(int(pk)) for pk in sorted(workspaces))


@contextmanager
def _scoped(scope: str) -> Iterator[None]:
    before = _scope.value
    _set(scope)
    try:
        yield
    finally:
        _set(before)


def _set(scope: str | None) -> None:
    before, _scope.value = current(), scope
    if current() != before:
        _say()


def _say() -> None:
    _say_to(connection)
    if _scope.also is not None:
        _say_to(_scope.also)


def _say_to(connection: BaseDatabaseWrapper) -> None:
    """If it is open; a new one is told when it is made. What it is told within a transaction is forgotten with the
    transaction, and so is every block that was entered in it."""
    if connection.connection is None or connection.connection.closed:
        return
    if connection.connection.info.transaction_status == TransactionStatus.INERROR:
        return  # the rollback that must follow brings back what was said before
    try:
        _tell(connection.connection)
    except psycopg.Error:
        connection.close()  # the next one is told when it is made


def _tell(raw: "psycopg.Connection[Any]") -> None:
    raw.execute("SELECT set_config(%s, %s, false)", [SETTING, current()])


def _on_connection(connection: BaseDatabaseWrapper, **given: object) -> None:
    if connection.vendor == "postgresql":
        _tell(connection.connection)


connection_created.connect(_on_connection, dispatch_uid="walls")
