"""One bind: the shell that asks the pure session what to do, and owns the socket."""

import asyncio
import logging
import random
import ssl
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from django.conf import settings

from channels.answers import Action, BindAction, BindOutcome, answer, bind_answer, bind_delay
from delivery.batches import DOUBT, Batch
from delivery.links.account import Account
from delivery.statuses import IncidentKind
from smpp import pdu, status
from smpp.hot import deliver_sm_resps
from smpp.pdu import ProtocolError, RemoteProtocolError
from smpp.session import FramingError, Role, Session
from smpp.status import CommandStatus

if TYPE_CHECKING:
    from delivery.links.carrier import Carrier

logger = logging.getLogger(__name__)

# Seconds; the reasons are in docs/architecture.md, "Links".
CONNECT_TIMEOUT = 10.0
BIND_TIMEOUT = 10.0
IDLE = 20.0  # then enquire_link
ENQUIRE_TIMEOUT = 10.0
ENQUIRE_MISSES = 2
PARTIAL_PDU_TIMEOUT = 30.0
UNBIND_TIMEOUT = 5.0
STABLE_AFTER = 60.0  # a bind that lived so long starts its back-off anew
OVERDUE_KEPT = 100_000
RECONNECT = BindAction(outcome=BindOutcome.BACKOFF, first=1.0, longest=60.0)


class Kind(Enum):
    TRANSCEIVER = pdu.BindTransceiver
    TRANSMITTER = pdu.BindTransmitter
    RECEIVER = pdu.BindReceiver


@dataclass(slots=True, eq=False)
class Written:
    """A run of consecutive sequence numbers, written at one moment."""

    at: float
    first: int
    count: int


class Link(asyncio.Protocol):
    """One session at a time over one TCP connection at a time; `keep()` renews both until `stop()`."""

    def __init__(self, carrier: "Carrier", account: Account, kind: Kind, number: int) -> None:
        self.carrier, self.account, self.kind = carrier, account, kind
        self.name = f"{account.name}/{number}"
        self.loop = asyncio.get_running_loop()
        self.is_bound = False
        self.resume_at = 0.0  # the carrier asked this bind to be slower until then
        self._stopping = asyncio.Event()
        self._slow_for = 0.0
        self._reset()

    def _reset(self) -> None:
        self.session = Session(Role.ESME)
        self.transport: asyncio.Transport | None = None
        self.window: dict[int, tuple[Batch, int]] = {}
        self.overdue: dict[int, tuple[Batch, int]] = {}
        self._written: deque[Written] = deque()
        self._bound: asyncio.Future[Any] = self.loop.create_future()
        self._lost: asyncio.Future[Any] = self.loop.create_future()
        self._heard_at = self._framed_at = self.loop.time()
        self._enquired_at: float | None = None
        self._misses = 0
        self._leaving = False

    # --- What the carrier asks ---------------------------------------------------------------------------------------

    @property
    def may_send(self) -> bool:
        return (
            self.is_bound
            and self.kind is not Kind.RECEIVER
            and self.loop.time() >= self.resume_at
            and self.transport is not None
            and not self.transport.is_closing()  # lost, and the loop has not told us yet
        )

    @property
    def free(self) -> int:
        return self.account.window - len(self.window)

    def write_units(self, batch: Batch, count: int) -> None:
        """Write the batch's next `count` units as one buffer; from here on they are handed over."""
        assert self.transport is not None
        first_unit, batch.next_unit = batch.next_unit, batch.next_unit + count
        sequence = self.session.next_sequences(count)
        self.transport.write(_encode(batch, first_unit, count, sequence))
        now = self.loop.time()
        batch.last_written = now
        batch.open_units += count
        self._written.append(Written(now, sequence, count))
        window = self.window
        for offset in range(count):
            window[sequence + offset] = (batch, first_unit + offset)

    def acknowledge(self, session: Session, sequences: Sequence[int], status: int) -> None:
        """Answer the deliver_sm of this session; a receipt's owner calls it after the commit.

        Once the session is over its sequences mean other receipts, and the carrier sends these again.
        """
        if session is self.session and self.transport is not None and not self.transport.is_closing():
            self.transport.write(deliver_sm_resps(list(sequences), status))

    def stop(self) -> None:
        self._stopping.set()

    # --- Its life -----------------------------------------------------------------------------------------------------

    async def keep(self) -> None:
        """Connect, bind, serve, and again: until stopped, or until the carrier says that trying again is useless."""
        failures = 0
        while not self._stopping.is_set():
            began = self.loop.time()
            action = await self._serve_once()
            failures = 0 if self.loop.time() - began > STABLE_AFTER else failures + 1
            delay = bind_delay(action or RECONNECT, max(failures, 1))
            if delay is None:
                return await self._give_up()
            # Who refused a bind said for how long; who was cut must not come back together with all the others.
            await self._pause(delay * random.uniform(1.0 if action else 0.5, 1.5))

    async def _give_up(self) -> None:
        """Until an operator changes the channel: then this link is stopped, and a new one begins."""
        logger.error("link.given_up", extra={"link": self.name})
        await self._stopping.wait()

    async def _serve_once(self) -> "BindAction | None":
        """One connection, from connect to loss; what the answer to the bind says about trying again, if anything."""
        self._reset()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                context = ssl.create_default_context() if self.account.tls else None
                await self.loop.create_connection(lambda: self, self.account.host, self.account.port, ssl=context)
        except (OSError, TimeoutError) as error:
            self._report(IncidentKind.CONNECT_FAILED, str(error) or "no connection in time")
            return None
        try:
            return await self._bind_and_serve()
        except ProtocolError as error:
            self._report(IncidentKind.PROTOCOL, str(error))
            return None
        finally:
            self._close()

    async def _bind_and_serve(self) -> "BindAction | None":
        self._write(
            self.kind.value(
                system_id=self.account.system_id.encode(),
                password=self.account.password.encode(),
                system_type=self.account.system_type.encode(),
            )
        )
        try:
            async with asyncio.timeout(BIND_TIMEOUT):
                await asyncio.wait({self._bound, self._lost}, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            self._report(IncidentKind.BIND_REFUSED, "no answer to the bind")
            return None
        if not self._bound.done():
            self._report(IncidentKind.LINK_LOST, "cut while binding")
            return None
        code: int = self._bound.result()
        if code != 0:
            self._report(IncidentKind.BIND_REFUSED, f"{status.name(code)}: {status.text(code)}")
            return bind_answer(code)
        self.is_bound = True
        logger.info("link.bound", extra={"link": self.name})
        self.carrier.pump()
        await self._serve()
        return None

    async def _serve(self) -> None:
        stopping: asyncio.Future[Any] = asyncio.ensure_future(self._stopping.wait())
        try:
            while not self._lost.done():
                await asyncio.wait({self._lost, stopping}, timeout=0.25, return_when=asyncio.FIRST_COMPLETED)
                if stopping.done() or self._leaving:
                    await self._unbind()
                    return
                self._check_deadlines(self.loop.time())
        finally:
            stopping.cancel()
        self._report(IncidentKind.LINK_LOST, f"the connection was cut with {len(self.window)} unanswered")

    async def _unbind(self) -> None:
        """Planned end: nothing new, drain the window, unbind, wait for the answer."""
        self.is_bound = False
        deadline = self.loop.time() + settings.RESPONSE_TIMEOUT
        while self.window and not self._lost.done() and self.loop.time() < deadline:
            await asyncio.wait({self._lost}, timeout=0.02)
        if not self._lost.done():
            self._write(pdu.Unbind())
            await asyncio.wait({self._lost}, timeout=UNBIND_TIMEOUT)

    def _check_deadlines(self, now: float) -> None:
        self._expire_answers(now)
        if self.session.partial and now - self._framed_at > PARTIAL_PDU_TIMEOUT:
            raise ProtocolError("a PDU stayed incomplete")
        if self._enquired_at is not None and now - self._enquired_at > ENQUIRE_TIMEOUT:
            self._enquired_at, self._misses = None, self._misses + 1
            if self._misses >= ENQUIRE_MISSES:
                raise ProtocolError("enquire_link stayed unanswered")
        if self._enquired_at is None and now - self._heard_at > (IDLE if self._misses == 0 else 0):
            self._write(pdu.EnquireLink())
            self._enquired_at = now

    def _expire_answers(self, now: float) -> None:
        """Submits without a response in time are in doubt; a later response is still evidence."""
        expired = 0
        while self._written and now - self._written[0].at > settings.RESPONSE_TIMEOUT:
            run = self._written.popleft()
            for sequence in range(run.first, run.first + run.count):
                if (unit := self.window.pop(sequence, None)) is not None:
                    self.overdue[sequence] = unit
                    self.carrier.settle(*unit, DOUBT)
                    expired += 1
        while len(self.overdue) > OVERDUE_KEPT:
            del self.overdue[next(iter(self.overdue))]
        if expired:
            self._report(IncidentKind.RESPONSE_TIMEOUT, f"no response within {settings.RESPONSE_TIMEOUT:g} s", expired)
            self.carrier.pump()

    # --- asyncio.Protocol ---------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport  # asyncio sets TCP_NODELAY itself

    def data_received(self, data: bytes) -> None:
        self._heard_at = self.loop.time()
        self._enquired_at, self._misses = None, 0
        try:
            received, out_of_step = self.session.receive(data), None
        except FramingError as error:
            received, out_of_step = error.received, error
        if not self.session.partial:
            self._framed_at = self._heard_at
        if received.answers:
            self._settle(received.answers)
        if received.deliveries:
            self.carrier.deliver(self, received.deliveries)
        for one in received.pdus:
            self._handle(one)
        for refused in received.errors:
            self._refuse(refused)
        if out_of_step is not None:
            self._refuse(out_of_step)
            self._hang_up()

    def connection_lost(self, error: Exception | None) -> None:
        self.is_bound = False
        if not self._lost.done():
            self._lost.set_result(None)

    # --- Inside -------------------------------------------------------------------------------------------------------

    def _settle(self, answers: list[tuple[int, int, bytes]]) -> None:
        window, settle = self.window, self.carrier.settle
        slow, full, rebind = False, 0, 0
        for sequence, code, message_id in answers:
            unit = window.pop(sequence, None) or self.overdue.pop(sequence, None)
            if unit is None:
                logger.warning("link.unexpected_response", extra={"link": self.name, "sequence": sequence})
                continue
            if code != 0:
                what = answer(code)
                slow = slow or what.action is Action.SLOW
                full += code == CommandStatus.RMSGQFUL
                rebind = code if what.rebind else rebind
            settle(*unit, (code, message_id))
        self._forget_answered()
        if full:
            self._report(IncidentKind.QUEUE_FULL, "refused for the moment", full)
        if rebind:
            self._leave(rebind)
        if slow:
            self._slow_down()
        elif self._slow_for and self.loop.time() > self.resume_at + self._slow_for:
            self._slow_for = 0.0
        self.carrier.pump()

    def _forget_answered(self) -> None:
        while self._written and not self.window:
            self._written.popleft()
        while self._written and self._written[0].first not in self.window and self._is_answered(self._written[0]):
            self._written.popleft()

    def _is_answered(self, run: Written) -> bool:
        return not any(sequence in self.window for sequence in range(run.first, run.first + run.count))

    def _leave(self, code: int) -> None:
        """The bind is broken: nothing new goes over it, and once its window is empty there is a new one."""
        if not self._leaving:
            self._leaving, self.is_bound = True, False
            self._report(IncidentKind.PROTOCOL, f"{status.name(code)}: binding again")

    def _slow_down(self) -> None:
        """0x58 and its like: the whole bind waits, twice as long while it repeats."""
        now = self.loop.time()
        if now < self.resume_at:
            return
        self._slow_for = min(self._slow_for * 2 or 1.0, 30.0)
        self.resume_at = now + self._slow_for
        self._report(IncidentKind.THROTTLED, f"waiting {self._slow_for:g} s")
        self.loop.call_later(self._slow_for, self.carrier.pump)

    def _handle(self, one: pdu.Pdu) -> None:
        match one:
            case pdu.BindResp():
                if not self._bound.done():
                    self._bound.set_result(one.status)
            case pdu.EnquireLink():
                self._write(pdu.EnquireLinkResp(sequence=one.sequence))
            case pdu.Unbind():
                self.is_bound = False
                self._write(pdu.UnbindResp(sequence=one.sequence))
                if self.transport is not None:  # this one, not the next
                    self.loop.call_later(UNBIND_TIMEOUT if self.window else 0, self.transport.close)
            case pdu.UnbindResp():
                self._hang_up()
            case pdu.GenericNack():
                self._handle_nack(one)
            case pdu.EnquireLinkResp():
                pass  # having heard something was all it was for
            case other:
                logger.warning("link.unexpected_pdu", extra={"link": self.name, "pdu": type(other).__name__})

    def _handle_nack(self, nack: pdu.GenericNack) -> None:
        """With our sequence: that submit was refused. Without: the stream is out of step, and nothing is certain."""
        if nack.sequence in self.window:
            self._settle([(nack.sequence, nack.status or 0xFF, b"")])
            return
        self._report(IncidentKind.PROTOCOL, f"generic_nack {status.name(nack.status)} for an unknown sequence")
        self._hang_up()

    def _refuse(self, error: RemoteProtocolError) -> None:
        self._report(IncidentKind.PROTOCOL, str(error))
        if self.transport is not None and error.reply:
            self.transport.write(error.reply)

    def _write(self, one: pdu.Pdu) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(self.session.send(one))

    def _hang_up(self) -> None:
        self.is_bound = False
        if self.transport is not None:
            self.transport.close()

    def _close(self) -> None:
        """The connection is over: what was not answered is in doubt."""
        self.is_bound = False
        if self.transport is not None:
            self.transport.abort()
        unanswered, self.window = self.window, {}
        self.carrier.let_go(self)
        for unit in unanswered.values():
            self.carrier.settle(*unit, DOUBT)
        self.carrier.pump()

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    def _report(self, kind: IncidentKind, sample: str, count: int = 1) -> None:
        self.carrier.report(kind, f"{self.name}: {sample}", count)


def _encode(batch: Batch, first_unit: int, count: int, sequence: int) -> bytes:
    if batch.parts == 1:
        return batch.templates[0].encode(sequence, batch.destinations[first_unit : first_unit + count])
    return b"".join(
        batch.templates[unit % batch.parts].encode(sequence + offset, [batch.destinations[unit // batch.parts]])
        for offset, unit in enumerate(range(first_unit, first_unit + count))
    )
