"""Is the clock of this host right? Campaigns start, windows open and rates are kept by it; the database's is the one
that all hosts share, so each says by how much it differs from that."""

import logging
import socket
import threading
import time
from datetime import timedelta

from django.db import DatabaseError, InterfaceError, close_old_connections, connection, connections
from django.db.models.functions import Now

from delivery.models import HostClock

logger = logging.getLogger(__name__)

LOOK_EVERY = 30.0  # seconds
WRONG = 1.0  # seconds: a campaign starts within a second of its minute
VAGUE = 0.5  # seconds that the question may take: half of it is how wrong the answer may be
HEARD = timedelta(minutes=5)  # of whom nothing was heard for longer, nothing is said

_SAY = f"""
INSERT INTO {HostClock._meta.db_table} (host, ahead, seen_at) VALUES (%s, %s, clock_timestamp())
ON CONFLICT (host) DO UPDATE SET ahead = EXCLUDED.ahead, seen_at = EXCLUDED.seen_at
"""


class _Process:
    looked_at = -LOOK_EVERY


def look() -> None:
    """Compare, unless this process did so a moment ago."""
    if time.monotonic() - _Process.looked_at >= LOOK_EVERY:
        _Process.looked_at = time.monotonic()
        compare(socket.gethostname())


def compare(host: str) -> float | None:
    """By how many seconds the clock here is ahead, and say so; None when the database took too long to tell."""
    with connection.cursor() as cursor:
        began, asked_at = time.monotonic(), time.time()
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
        took = time.monotonic() - began
        (theirs,) = cursor.fetchone()
        if took > VAGUE:
            return None
        ahead: float = asked_at + took / 2 - theirs
        cursor.execute(_SAY, [host, ahead])
    if abs(ahead) > WRONG:
        logger.error("clock.wrong", extra={"host": host, "ahead": round(ahead, 3)})
    return ahead


def heard_of() -> list[HostClock]:
    """Of each host of which something was heard lately."""
    return list(HostClock.objects.filter(seen_at__gt=Now() - HEARD).order_by("host"))


def wrong() -> list[HostClock]:
    return [one for one in heard_of() if abs(one.ahead) > WRONG]


def keep_looking(until: threading.Event) -> None:
    """In a thread of its own."""
    while not until.is_set():
        try:
            close_old_connections()
            look()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("clock.not_compared", extra={"error": str(error)})
        connections.close_all()
        until.wait(LOOK_EVERY)
