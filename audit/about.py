"""What the work at hand is about: the ids that each line of the log, each error and each span names, so that no call
has to carry them. Ids only, never a number or a text."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

from celery import current_task

from audit import circumstances

REQUEST_ID = "request_id"  # a header of each task that a request starts

_ids: ContextVar[Mapping[str, int | str]] = ContextVar("ids", default=MappingProxyType({}))

current = _ids.get


@contextmanager
def work(**ids: int | str) -> Iterator[None]:
    """As long as the block."""
    token = _ids.set({**_ids.get(), **ids})
    try:
        yield
    finally:
        _ids.reset(token)


def add(**ids: int | str) -> None:
    """Known only now, and until the block, or the task of an event loop, ends."""
    _ids.set({**_ids.get(), **ids})


def request_id() -> str:
    """Of the request, or of the one that started the task; else the task's own."""
    if of_request := circumstances.current().request_id:
        return of_request
    if not current_task:
        return ""
    return str(getattr(current_task.request, REQUEST_ID, None) or current_task.request.id or "")
