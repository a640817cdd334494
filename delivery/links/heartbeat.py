"""What this process says of its binds every few seconds, for people to read; `channels.links` does."""

import os
import socket
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from channels.links import FORGOTTEN_AFTER
from channels.models import LinkState
from delivery.links.link import Link

SECONDS = 3.0

# One statement for all. What is not among them any more is forgotten, and so is whatever nobody speaks of. Two
# processes that forget the same row do not wait for each other.
_SAY = f"""
WITH said AS (
    SELECT * FROM unnest(%(channels)s::bigint[], %(names)s::text[], %(up)s::boolean[], %(bound)s::timestamptz[],
                         %(windows)s::int[], %(unanswered)s::int[], %(rates)s::float8[], %(answered)s::text[],
                         %(seconds)s::float8[], %(errors)s::text[], %(erred)s::timestamptz[])
    AS one (channel_id, name, is_up, bound_at, win, unanswered, rate, answered, seconds, last_error, last_error_at)
    WHERE channel_id IN (SELECT id FROM channels_channel)
), gone AS (
    DELETE FROM {LinkState._meta.db_table} WHERE id IN (
        SELECT id FROM {LinkState._meta.db_table} AS known
        WHERE seen_at < %(forgotten)s AND process <> %(process)s
           OR process = %(process)s
              AND NOT EXISTS (SELECT FROM said WHERE (said.channel_id, said.name) = (known.channel_id, known.name))
        FOR UPDATE SKIP LOCKED
    )
)
INSERT INTO {LinkState._meta.db_table} (process, channel_id, name, is_up, bound_at, "window", unanswered, rate,
                                        answered, answer_seconds, last_error, last_error_at, seen_at)
SELECT %(process)s, channel_id, name, is_up, bound_at, win, unanswered, rate, answered::bigint[], seconds, last_error,
       last_error_at, %(now)s
FROM said
ON CONFLICT (process, channel_id, name) DO UPDATE
SET is_up = EXCLUDED.is_up, bound_at = EXCLUDED.bound_at, "window" = EXCLUDED."window",
    unanswered = EXCLUDED.unanswered, rate = EXCLUDED.rate, answered = EXCLUDED.answered,
    answer_seconds = EXCLUDED.answer_seconds, last_error = EXCLUDED.last_error,
    last_error_at = EXCLUDED.last_error_at, seen_at = EXCLUDED.seen_at
"""


class Heartbeat:
    """Reads what the links' loop writes without asking it: each figure is one value, and of about now."""

    def __init__(self) -> None:
        self._process = f"{socket.gethostname()}:{os.getpid()}"  # as in the leases of its chunks
        self._parts: dict[Link, int] = {}
        self._said_at = 0.0

    def beat(self, links: Iterable[Link], *, clock: float, now: datetime) -> None:
        """`clock` is the links' own, in which they say since when."""
        links = list(links)
        parts = {link: link.parts for link in links}
        passed = max(clock - self._said_at, 0.001)
        rates = [max(0, parts[link] - self._parts.get(link, parts[link])) / passed for link in links]

        def at(moment: float | None) -> datetime | None:
            return None if moment is None else now - timedelta(seconds=clock - moment)

        values: dict[str, Any] = {
            "process": self._process,
            "now": now,
            "forgotten": now - FORGOTTEN_AFTER,
            "channels": [link.account.channel_id for link in links],
            "names": [f"{link.name} {link.kind.name.lower()}"[:80] for link in links],
            "up": [link.is_bound for link in links],
            "bound": [at(link.bound_since) if link.is_bound else None for link in links],
            "windows": [link.account.window for link in links],
            "unanswered": [max(0, link.window.unanswered) for link in links],
            "rates": rates,
            "answered": [f"{{{','.join(map(str, link.latencies.counts))}}}" for link in links],
            "seconds": [link.latencies.seconds for link in links],
            "errors": [link.last_error[:500] for link in links],
            "erred": [at(link.last_error_since) for link in links],
        }
        with connection.cursor() as cursor:
            cursor.execute(_SAY, values)
        self._parts, self._said_at = parts, clock
