"""The thread that owns every socket of this process, and the threads that write down what the sockets say."""

import asyncio
import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import close_old_connections, connection
from django.db.utils import DatabaseError
from django.utils import timezone

from delivery import evidence, incidents, receipts
from delivery.batches import Answer, Batch
from delivery.links import account as accounts
from delivery.links.account import Account
from delivery.links.carrier import Carrier
from delivery.links.link import Link
from delivery.statuses import IncidentKind
from smpp.status import CommandStatus

logger = logging.getLogger(__name__)

LOOK_AGAIN = 2.0  # seconds between looks at the channels' rows
DRAIN = 75.0
RECEIPT_THREADS = 2  # one parses while the other waits for its commit
HELD_AT_MOST = (
    5.0  # seconds until a deliver_sm that is not stored is answered 0x08: carriers give a bind up from 10 s on
)


@dataclass(slots=True, kw_only=True)
class _Arrived:
    """What one read of a socket brought, until it is answered. Only the loop answers."""

    link: Link
    at: datetime
    pdus: list[tuple[int, bytes]]
    is_answered: bool = False
    too_late: asyncio.TimerHandle | None = None


class Engine:
    """Opens the links of every active channel when it starts and keeps them for its life.

    Tasks call `is_bound` and `send` from their threads; the rest is for the bootstep.
    """

    def __init__(self) -> None:
        self.is_stopping = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._carriers: dict[int, Carrier] = {}
        self._deliveries: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._notes: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    # --- For tasks ----------------------------------------------------------------------------------------------------

    def now(self) -> float:
        """The links' clock, for `Batch.send_by`."""
        assert self._loop is not None
        return self._loop.time()

    def is_bound(self, channel_id: int) -> bool:
        carrier = self._carriers.get(channel_id)
        return carrier is not None and carrier.is_bound

    def send(self, batch: Batch) -> None:
        """Hand a batch over; wait for `batch.finished`."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._add, batch)

    # --- For the bootstep ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        self.is_stopping = False
        self._loop = asyncio.new_event_loop()
        self._threads = [
            threading.Thread(target=self._loop.run_forever, name="links", daemon=True),
            *(
                threading.Thread(target=_then_close, args=[self._keep_receipts], name=f"receipts-{n}", daemon=True)
                for n in range(RECEIPT_THREADS)
            ),
            threading.Thread(target=_then_close, args=[self._keep_notes], name="links-notes", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Drain and unbind; returns when the sockets are closed and everything heard is written down."""
        assert self._loop is not None
        self.is_stopping = True
        asyncio.run_coroutine_threadsafe(self._stop_carriers(), self._loop).result(timeout=DRAIN)
        for _ in range(RECEIPT_THREADS):
            self._deliveries.put(None)
        self._notes.put(None)
        for thread in self._threads[1:]:
            thread.join(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._threads[0].join(timeout=5)
        if not self._threads[0].is_alive():
            self._loop.close()

    # --- In the loop --------------------------------------------------------------------------------------------------

    def _add(self, batch: Batch) -> None:
        carrier = self._carriers.get(batch.channel_id)
        if carrier is None:
            batch.given_back = True
            batch.finished.set_result(None)
            return
        carrier.add(batch)

    async def _fit(self, wanted: list[Account]) -> None:
        """Open what is new, close what is gone; a changed channel is both."""
        if self.is_stopping:
            return
        keep = {account.channel_id: account for account in wanted}
        for channel_id, carrier in list(self._carriers.items()):
            if keep.get(channel_id) != carrier.account:
                del self._carriers[channel_id]
                await carrier.stop()
        for channel_id, account in keep.items():
            if channel_id not in self._carriers:
                self._carriers[channel_id] = Carrier(
                    account, deliver=self._deliver, late=self._note_late, report=self._report
                )

    async def _stop_carriers(self) -> None:
        await asyncio.gather(*(carrier.stop() for carrier in self._carriers.values()))

    def _deliver(self, link: Link, deliveries: list[tuple[int, bytes]]) -> None:
        assert self._loop is not None
        arrived = _Arrived(link=link, at=timezone.now(), pdus=deliveries)
        arrived.too_late = self._loop.call_later(HELD_AT_MOST, self._answer, arrived, int(CommandStatus.RSYSERR))
        self._deliveries.put(arrived)

    def _answer(self, arrived: _Arrived, status: int) -> None:
        if not arrived.is_answered:
            arrived.is_answered = True
            assert arrived.too_late is not None
            arrived.too_late.cancel()
            arrived.link.acknowledge([sequence for sequence, _ in arrived.pdus], status)

    def _note_late(self, batch: Batch, unit: int, given: Answer) -> None:
        self._notes.put((batch, unit, given))

    def _report(self, kind: IncidentKind, channel_id: int, sample: str, count: int) -> None:
        self._notes.put((kind, channel_id, sample, count))

    # --- In threads of their own: what blocks on the database ---------------------------------------------------------

    def _keep_receipts(self) -> None:
        """Inbox first, then deliver_sm_resp; everything that has come meanwhile goes in one commit.

        What is stored after its answer 0x08 comes again, and a receipt that comes twice changes nothing.
        """
        assert self._loop is not None
        while (first := self._deliveries.get()) is not None:
            drained, last = _drain(first, self._deliveries, limit=receipts.BATCH)
            taken = [one for one in drained if not one.is_answered]  # the others come again
            status = _take_in([(one.link.account.channel_id, body, one.at) for one in taken for _, body in one.pdus])
            for one in taken:
                self._loop.call_soon_threadsafe(self._answer, one, status)
            if last:
                return

    def _keep_notes(self) -> None:
        """Late answers, incidents, and a look at the channels every LOOK_AGAIN seconds."""
        looked_at = 0.0
        while True:
            if self.now() - looked_at > LOOK_AGAIN:
                self._look_at_channels()
                looked_at = self.now()
            try:
                first = self._notes.get(timeout=0.25)
            except queue.Empty:
                continue
            if first is None:
                return
            taken, last = _drain(first, self._notes, limit=5000)
            self._write_notes(taken, now=timezone.now())
            if last:
                return

    def _look_at_channels(self) -> None:
        assert self._loop is not None
        try:
            close_old_connections()
            wanted = accounts.active()
        except DatabaseError as error:
            logger.warning("links.database", extra={"error": str(error)})
            return
        asyncio.run_coroutine_threadsafe(self._fit(wanted), self._loop)

    def _write_notes(self, notes: list[Any], *, now: datetime) -> None:
        late = [note for note in notes if isinstance(note[0], Batch)]
        counts: Counter[tuple[IncidentKind, int]] = Counter()
        samples: dict[tuple[IncidentKind, int], str] = {}
        for kind, channel_id, sample, count in (note for note in notes if not isinstance(note[0], Batch)):
            counts[kind, channel_id] += count
            samples[kind, channel_id] = sample
        try:
            close_old_connections()
            if late:
                evidence.store_late(late, now=now)
            for (kind, channel_id), count in counts.items():
                incidents.note(kind, at=now, sample=samples[kind, channel_id], channel_id=channel_id, count=count)
        except DatabaseError as error:
            logger.warning("links.database", extra={"error": str(error), "kept": len(notes)})
            for note in notes:  # Counting an incident twice is harmless, so is storing an answer twice.
                self._notes.put(note)
            time.sleep(1.0)


def _then_close(work: Callable[[], None]) -> None:
    """A thread's connection to the database ends with it."""
    try:
        work()
    finally:
        connection.close()


def _drain(first: Any, source: "queue.SimpleQueue[Any]", *, limit: int) -> tuple[list[Any], bool]:
    """The first item and what else is there by now; True when the end mark was among it."""
    taken = [first]
    while len(taken) < limit:
        try:
            item = source.get_nowait()
        except queue.Empty:
            break
        if item is None:
            return taken, True
        taken.append(item)
    return taken, False


def _take_in(arrivals: list[receipts.Arrival]) -> int:
    """The answer for the carrier; a connection that has died in the meantime is worth a second try."""
    if not arrivals:
        return 0
    status = 0
    for _ in range(2):
        close_old_connections()
        status = receipts.take_in(arrivals)
        if status == 0:
            break
    return status
