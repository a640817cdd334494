"""The thread that owns every socket of this process, and the threads that write down what the sockets say."""

import asyncio
import logging
import queue
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db import close_old_connections, connections
from django.utils import timezone

from channels.models import Channel, IdBase
from delivery import evidence, incidents, reasons, receipts
from delivery.batches import Batch, Integers
from delivery.id_bases import bases
from delivery.inbox import Arrival
from delivery.links import account as accounts
from delivery.links import heartbeat
from delivery.links.account import Account
from delivery.links.agreement import Agreement
from delivery.links.carrier import Carrier
from delivery.links.heartbeat import Heartbeat
from delivery.links.link import Link
from delivery.standing import SETTLED, standing
from delivery.statuses import IncidentKind
from smpp.pdu import Command
from smpp.session import Received, Session
from smpp.status import CommandStatus

logger = logging.getLogger(__name__)

LOOK_AGAIN = 2.0  # seconds between looks at the channels' rows
DRAIN = 75.0
RECEIPT_THREADS = 2  # one parses while the other waits for its commit
# Seconds until a deliver_sm that is not stored is answered 0x08: carriers give a bind up from 10 s on.
HELD_AT_MOST = 5.0
# When receipts come by the hundred, each commit waits a moment for more of them: it costs the same for a thousand.
MANY, GATHER = 200, 0.05  # receipts in the commit before, seconds


@dataclass(slots=True, kw_only=True)
class _Arrived:
    """What one read of a socket brought, until it is answered. Only the loop answers."""

    link: Link
    session: Session
    at: datetime
    received: Received
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
        self._closing: dict[int, asyncio.Future[None]] = {}
        self._deliveries: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._notes: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._is_over = threading.Event()
        self._locked: set[int] = set()  # channels whose password does not decrypt

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
        self._is_over.clear()
        self._loop = asyncio.new_event_loop()
        self._threads = [
            threading.Thread(target=self._loop.run_forever, name="links", daemon=True),
            *(
                threading.Thread(target=self._keep_receipts, name=f"receipts-{n}", daemon=True)
                for n in range(RECEIPT_THREADS)
            ),
            threading.Thread(target=self._keep_notes, name="links-notes", daemon=True),
            threading.Thread(target=self._keep_saying, name="links-heartbeat", daemon=True),
            threading.Thread(target=self._keep_agreeing, name="links-agreement", daemon=True),
        ]
        standing.join()
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
        self._is_over.set()
        standing.changed.set()
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

    def _fit(self, wanted: list[Account]) -> None:
        """Open what is new, close what is gone; a changed channel is both, and opens at a look after it has closed."""
        if self.is_stopping:
            return
        keep = {account.channel_id: account for account in wanted}
        for channel_id, carrier in list(self._carriers.items()):
            if keep.get(channel_id) != carrier.account:
                del self._carriers[channel_id]
                closing = self._closing[channel_id] = asyncio.ensure_future(carrier.stop())
                closing.add_done_callback(partial(self._note_closed, channel_id))
        for channel_id, account in keep.items():
            if channel_id not in self._carriers and channel_id not in self._closing:
                self._carriers[channel_id] = Carrier(
                    account, deliver=self._deliver, late=self._note_late, report=self._report
                )

    def _note_closed(self, channel_id: int, closing: "asyncio.Future[None]") -> None:
        del self._closing[channel_id]

    async def _stop_carriers(self) -> None:
        await asyncio.gather(*(carrier.stop() for carrier in self._carriers.values()), *self._closing.values())
        self._carriers.clear()

    def _deliver(self, link: Link, received: Received) -> None:
        assert self._loop is not None
        arrived = _Arrived(link=link, session=link.session, at=timezone.now(), received=received)
        arrived.too_late = self._loop.call_later(HELD_AT_MOST, self._answer, arrived, int(CommandStatus.RSYSERR))
        self._deliveries.put(arrived)

    def _answer(self, arrived: _Arrived, status: int) -> None:
        if not arrived.is_answered:
            arrived.is_answered = True
            assert arrived.too_late is not None
            arrived.too_late.cancel()
            arrived.link.acknowledge(arrived.session, arrived.received, status)

    def _note_late(self, batch: Batch, units: Integers, codes: Integers, ids: Any) -> None:
        self._notes.put((batch, units, codes, ids))

    def _report(self, kind: IncidentKind, channel_id: int, sample: str, count: int) -> None:
        self._notes.put((kind, channel_id, sample, count))

    # --- In threads of their own: what blocks on the database. Edges: they outlive whatever goes wrong ----------------

    def _keep_receipts(self) -> None:
        """Inbox first, then deliver_sm_resp; everything that has come meanwhile goes in one commit.

        What is stored after its answer 0x08 comes again, and a receipt that comes twice changes nothing.
        """
        assert self._loop is not None
        last, count = False, 0
        while not last and (first := self._deliveries.get()) is not None:
            if count >= MANY:
                time.sleep(GATHER)
            drained, last = _drain(first, self._deliveries, enough=receipts.BATCH, size=_receipts_in)
            taken = [one for one in drained if not one.is_answered]  # the others come again
            count = sum(map(_receipts_in, taken))
            status = self._take_in([_arrival(one) for one in taken])
            for one in taken:
                self._loop.call_soon_threadsafe(self._answer, one, status)
        connections.close_all()

    def _take_in(self, arrivals: list[Arrival]) -> int:
        """The answer for the carrier; a connection that has died in the meantime is worth a second try."""
        status = 0
        for _ in range(2 if arrivals else 0):
            try:
                close_old_connections()
                status = receipts.take_in(arrivals)
            except Exception:  # without this thread nobody answers the carrier; refused, it sends them again
                logger.exception("links.receipts", extra={"reads": len(arrivals)})
                status = int(CommandStatus.RSYSERR)
            if status == 0:
                return status
        for channel_id, count in Counter(arrival.channel_id for arrival in arrivals).items():
            self._report(IncidentKind.DATABASE, channel_id, reasons.RECEIPTS_NOT_STORED, count)
        return status

    def _keep_notes(self) -> None:
        """Late answers, incidents, and a look at the channels every LOOK_AGAIN seconds."""
        looked_at, last = 0.0, False
        kept: list[Any] = []
        while not last:
            if self.now() - looked_at > LOOK_AGAIN:
                self._look_at_channels()
                looked_at = self.now()
            taken: list[Any] = []
            try:
                first = self._notes.get(timeout=0.25)
                taken, last = _drain(first, self._notes, enough=5000) if first is not None else ([], True)
            except queue.Empty:
                pass
            kept = self._write_notes(kept + taken, now=timezone.now())
            self._keep_bases()
        if kept:
            logger.error("links.notes_lost", extra={"notes": len(kept)})
        connections.close_all()

    def _keep_saying(self) -> None:
        """How the binds are, in a thread of its own: what is slow with notes must not make binds look gone. The last
        word is that there are none."""
        saying, is_over = Heartbeat(), False
        while not is_over:
            is_over = self._is_over.wait(heartbeat.SECONDS)
            links = [] if is_over else [link for one in list(self._carriers.values()) for link in one.links]
            try:
                close_old_connections()
                saying.beat(links, clock=self.now(), now=timezone.now())
            except Exception:  # people see it as gone until the next one is said
                logger.warning("links.heartbeat", exc_info=True)
        connections.close_all()

    def _keep_agreeing(self) -> None:
        """With the other processes, about how the rates are kept. The last word is that we have no say any more."""
        agreement = Agreement()
        while not self._is_over.is_set():
            try:
                close_old_connections()
                agreement.renew()
            except (
                Exception
            ) as error:  # without an agreement nothing is sent at a rate, and without a database nothing at all
                logger.warning("links.agreement", extra={"error": str(error)})
                self._is_over.wait(SETTLED)
        try:
            close_old_connections()
            agreement.end()
        except Exception:  # the others wait a moment for somebody who is gone
            logger.warning("links.agreement_not_ended", exc_info=True)
        agreement.close()
        standing.leave()
        connections.close_all()

    def _keep_bases(self) -> None:
        """How a carrier writes its ids, once it is learnt."""
        for channel_id, base, deviates in bases.news():
            try:
                Channel.objects.filter(pk=channel_id).update(receipt_id_base=base)
            except Exception:  # it is learnt again by the next process
                logger.warning("links.base_not_kept", exc_info=True)
            if deviates:
                sample = reasons.OTHER_IDS % {"how": IdBase(base).label}
                self._report(IncidentKind.PROTOCOL, channel_id, sample, 1)

    def _look_at_channels(self) -> None:
        assert self._loop is not None
        try:
            close_old_connections()
            wanted, locked = accounts.active()
        except Exception:  # without this thread late answers are lost; the next look is two seconds away
            logger.warning("links.channels", exc_info=True)
            return
        for channel_id in locked - self._locked:
            self._report(IncidentKind.BIND_REFUSED, channel_id, reasons.PASSWORD_LOCKED, 1)
        self._locked = locked
        for account in wanted:
            bases.start_with(account.channel_id, account.receipt_id_base)
        self._loop.call_soon_threadsafe(self._fit, wanted)

    def _write_notes(self, notes: list[Any], *, now: datetime) -> list[Any]:
        """Those that must be written later: their messages are not on record yet, or the database is away."""
        early, late, reports = [], defaultdict(list), defaultdict(list)
        for note in notes:
            if not isinstance(note[0], Batch):
                reports[note[0], note[1]].append(note)
            elif note[0].is_recorded:
                late[note[0].chunk_id].append(note)
            else:
                early.append(note)
        failed: list[Any] = []
        for these in [*late.values(), *reports.values()]:
            try:
                close_old_connections()
                if isinstance(these[0][0], Batch):
                    evidence.store_late(these, now=now)
                else:
                    kind, channel_id, sample, _ = these[-1]
                    count = sum(count for *_, count in these)
                    incidents.note(kind, at=now, sample=sample, channel_id=channel_id, count=count)
            except Exception:  # counting an incident twice is harmless, so is storing an answer twice
                logger.warning("links.notes_kept", extra={"kept": len(these)}, exc_info=True)
                failed += these
        if failed:
            time.sleep(1.0)
        return failed + early


def _arrival(one: _Arrived) -> Arrival:
    return Arrival(
        channel_id=one.link.account.channel_id,
        at=one.at,
        pdus=one.received.deliveries,
        runs=[run.rows for run in one.received.runs if run.command == Command.DELIVER_SM],
        accepted_is_delivered=one.link.account.accepted_is_delivered,
    )


def _receipts_in(one: _Arrived) -> int:
    return len(one.received.deliveries) + sum(map(len, one.received.runs))


def _drain(
    first: Any, source: "queue.SimpleQueue[Any]", *, enough: int, size: Callable[[Any], int] = lambda _: 1
) -> tuple[list[Any], bool]:
    """The first item and what else is there by now, until it is enough; True when the end mark was among it."""
    taken, left = [first], enough - size(first)
    while left > 0:
        try:
            item = source.get_nowait()
        except queue.Empty:
            break
        if item is None:
            return taken, True
        taken.append(item)
        left -= size(item)
    return taken, False
