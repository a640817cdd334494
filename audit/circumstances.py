"""Where an action comes from: kept beside the call, so that no verb has to carry it."""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    role: str = ""
    address: str | None = None
    request_id: str = ""
    via: str = ""
    written: list[str] | None = None  # in a request: the actions of the entries that came of it


_current: ContextVar[Circumstances] = ContextVar("circumstances", default=Circumstances())

current = _current.get
set_current = _current.set
reset = _current.reset
