"""Reports read from a copy of the database that follows it a little behind: `DATABASE_REPLICA_URL` (docs/adr/0092).

What may lag says so: `read` looks on the copy while it is near enough and says as of when that is; otherwise it looks
where everybody writes. How near it is tells a mark that the clock writes each second, and that arrives there like
everything else.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections
from django.db.models import Model

from audit import walls
from campaigns.models import Campaign
from reports.models import ReplicaMark

logger = logging.getLogger(__name__)

ALIAS = "replica"
LOOK_AGAIN = 30.0  # seconds without asking a copy that was away or far behind

T = TypeVar("T")


class _Thread(threading.local):
    is_reading = False


class _Copy:
    """As this process has found it."""

    away_until = 0.0


_thread = _Thread()


class Router:
    """Where a query goes that does not say so itself; what an object was read from plays no part."""

    def db_for_read(self, model: type[Model], **hints: object) -> str:
        return ALIAS if _thread.is_reading else DEFAULT_DB_ALIAS

    def db_for_write(self, model: type[Model], **hints: object) -> str:
        return DEFAULT_DB_ALIAS

    def allow_relation(self, one: Model, other: Model, **hints: object) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return False if db == ALIAS else None


def read(work: Callable[[], T], *, now: datetime) -> tuple[T, datetime | None]:
    """What `work` finds, and as of when; None is now. It only reads, evaluates what it asks for, and may be done twice:
    a copy that fails in the middle, or does not have yet what is looked for, is asked no further."""
    if ALIAS in connections.settings and time.monotonic() >= _Copy.away_until:
        try:
            with _reading():
                as_of = _mark()
                if as_of is not None and now - as_of <= settings.REPLICA_LAG:
                    return work(), as_of
            _leave_it("behind", as_of)
        except ObjectDoesNotExist:
            pass
        except (DatabaseError, InterfaceError) as error:
            connections[ALIAS].close()
            _leave_it("away", error)
    return work(), None


def read_of(campaign: Campaign, work: Callable[[Campaign], T], *, now: datetime) -> tuple[T, datetime | None]:
    """The same about a campaign, which is given as it is where it is read: its status and its rows are of one time."""

    def of_it() -> T:
        if _thread.is_reading:
            related = Campaign.objects.select_related("workspace", "list", "channel", "route")
            return work(related.get(pk=campaign.pk))
        return work(campaign)

    return read(of_it, now=now)


def lag(*, now: datetime) -> timedelta | None:
    """How far the copy is behind; None where there is none. Raises what one raises that is away."""
    if ALIAS not in connections.settings:
        return None
    try:
        with _reading():
            if (marked := _mark()) is None:
                raise DatabaseError(NO_MARK)
            return now - marked
    except (DatabaseError, InterfaceError):
        connections[ALIAS].close()
        raise


NO_MARK = "The copy has no mark of the clock's."


def _mark() -> datetime | None:
    return ReplicaMark.objects.values_list("at", flat=True).first()


def mark(*, now: datetime) -> None:
    """So far has been written."""
    ReplicaMark.objects.update_or_create(pk=1, defaults={"at": now})


def headers(as_of: datetime | None) -> dict[str, str]:
    """Of an answer to a program."""
    return {"X-As-Of": as_of.isoformat()} if as_of else {}


@contextmanager
def _reading() -> Iterator[None]:
    _thread.is_reading = True
    try:
        with walls.also_on(connections[ALIAS]):
            yield
    finally:
        _thread.is_reading = False


def _leave_it(why: str, what: object) -> None:
    _Copy.away_until = time.monotonic() + LOOK_AGAIN
    logger.warning("replica.%s", why, extra={"found": str(what)})
