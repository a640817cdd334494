"""Threads of a dispatch process that hand over what is pushed: they look for it themselves, and for nothing else.

So a pushed message waits for no bell behind others, and for no thread that is busy with a list (docs/adr/0088). Which
process has a chunk is decided by its claim, as ever.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import close_old_connections, connection, connections
from django.utils import timezone

from delivery import dispatching
from delivery.links import engine
from delivery.models import Chunk
from delivery.statuses import ChunkStatus

logger = logging.getLogger(__name__)

LOOK_EVERY = 0.1  # seconds, while there is nothing
FEW = 20  # looked at together; those in their closed hours are left alone next time
LEFT_ALONE = timedelta(seconds=1)  # a chunk that could not be sent: its carrier is away, or its hours are closed
DRAIN = 75.0

# Asked ten times a second by each thread, mostly in vain: without the ORM it takes a tenth of the interpreter's time.
_ANYTHING = """
SELECT EXISTS (
    SELECT FROM delivery_chunk
    WHERE key = '' AND status = %s AND (next < count OR unresolved > 0 OR intended > next)
)
"""


class Attendants:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: set[int] = set()
        self._left_alone: dict[int, datetime] = {}  # until when
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        names = [f"attendant-{number}" for number in range(settings.DISPATCH_PUSH_THREADS)]
        self._threads = [threading.Thread(target=self._attend, name=name, daemon=True) for name in names]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Returns when they have recorded what they handed over; the engine must say that it is stopping."""
        for thread in self._threads:
            thread.join(timeout=DRAIN)

    def _attend(self) -> None:
        idle = threading.Event()
        while not engine.is_stopping:
            if not self.look(clock=timezone.now):
                idle.wait(LOOK_EVERY)
        connections.close_all()

    def look(self, *, clock: Callable[[], datetime]) -> bool:
        """Whether there was anything to look at."""
        chunk_id = None
        try:
            chunk_id = self._take(now=clock()) if _is_anything_pushed() else None
            goes_on = chunk_id is not None and dispatching.work_on(chunk_id, clock=clock)
        except Exception:  # without this thread nothing that is pushed is sent; the next look is a moment away
            logger.exception("attending.failed", extra={"chunk": chunk_id})
            close_old_connections()
            goes_on = False
        if chunk_id is not None:
            self._put_down(chunk_id, goes_on=goes_on, now=clock())
        return chunk_id is not None

    def _take(self, *, now: datetime) -> int | None:
        """The chunk that waits longest and that no other thread of this process has."""
        with self._lock:
            self._left_alone = {chunk_id: until for chunk_id, until in self._left_alone.items() if until > now}
            found = Chunk.objects.to_attend(now).exclude(pk__in=self._taken | self._left_alone.keys())
            for chunk in found.select_related("campaign")[:FEW]:
                if chunk.campaign.hours.is_open(now):
                    self._taken.add(chunk.pk)
                    return chunk.pk
                self._left_alone[chunk.pk] = now + LEFT_ALONE
        return None

    def _put_down(self, chunk_id: int, *, goes_on: bool, now: datetime) -> None:
        with self._lock:
            self._taken.discard(chunk_id)
            if not goes_on:
                self._left_alone[chunk_id] = now + LEFT_ALONE


def _is_anything_pushed() -> bool:
    """Whether any chunk of pushed messages has something left, be it of a campaign that may not send now."""
    with connection.cursor() as cursor:
        cursor.execute(_ANYTHING, [ChunkStatus.OPEN])
        return bool(cursor.fetchone()[0])


attendants = Attendants()
