"""How this process agrees with the others of the fleet about its rates: a row each in the database."""

import logging
import time
import uuid

from django.conf import settings
from django.db import connection
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from delivery.limiter import SLOW
from delivery.models import Stance
from delivery.pacing import AHEAD, LATE
from delivery.standing import GONE, Says, standing

logger = logging.getLogger(__name__)

PROBES = 3  # of which one must be answered in time
TABLE = Stance._meta.db_table

# By the clock of the database, which they share.
_SAY = f"""
INSERT INTO {TABLE} (id, says, said_at) VALUES (%s, %s, clock_timestamp())
ON CONFLICT (id) DO UPDATE SET says = EXCLUDED.says, said_at = EXCLUDED.said_at
"""
_LOOK = f"SELECT says FROM {TABLE} WHERE id <> %s AND said_at > clock_timestamp() - make_interval(secs => {GONE})"
_FORGET = f"DELETE FROM {TABLE} WHERE id = %s OR said_at < clock_timestamp() - make_interval(secs => {20 * GONE})"


class Agreement:
    """For a thread of its own."""

    def __init__(self) -> None:
        self._id = uuid.uuid4()
        self._redis = Redis.from_url(
            settings.RATE_REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5, retry=Retry(NoBackoff(), 0)
        )

    def renew(self) -> None:
        """Seconds later, or as soon as Redis is lost, it must be done again."""
        standing.changed.clear()
        standing.changed.wait(standing.agree(self._tell, is_back=self._is_back, leave=_leave))

    def end(self) -> None:
        """Nobody waits for our word any more."""
        with connection.cursor() as cursor:
            cursor.execute(_FORGET, [self._id])

    def close(self) -> None:
        self._redis.close()

    def _tell(self, says: Says) -> list[Says]:
        with connection.cursor() as cursor:
            cursor.execute(_SAY, [self._id, says])
            cursor.execute(_LOOK, [self._id])
            return [Says(one) for (one,) in cursor.fetchall()]

    def _is_back(self) -> bool:
        """A Redis without room takes no tokens either, and one that is late tells little about when slots begin."""
        return any(self._is_answered() for _ in range(PROBES))

    def _is_answered(self) -> bool:
        asked_at = time.monotonic()
        try:
            self._redis.set("rate:probe", 1, px=1000)
        except (RedisError, OSError):
            return False
        return time.monotonic() - asked_at < SLOW


def _leave() -> None:
    """Slots that were given are used or late by then."""
    time.sleep(AHEAD + LATE)
