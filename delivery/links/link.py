"""One bind: the shell that asks the pure session what to do, and owns the socket."""

import asyncio
import logging
import math
import random
import socket
import ssl
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from audit import about
from channels import tls
from channels.answers import Action, BindAction, BindOutcome, bind_answer, bind_delay
from channels.health import Latencies, Pace, runs
from delivery import reasons
from delivery.batches import DOUBT, Batch, Integers
from delivery.links.account import Account
from delivery.statuses import IncidentKind
from smpp import bulk, pdu, status
from smpp.bulk import Run
from smpp.hot import deliver_sm_resp_run, deliver_sm_resps
from smpp.inbound import as_deliver_sm
from smpp.pdu import Command, ProtocolError, RemoteProtocolError, Tlv
from smpp.session import FramingError, Received, Role, Session
from smpp.status import CommandStatus

if TYPE_CHECKING:
    from delivery.links.carrier import Carrier

logger = logging.getLogger(__name__)

# Seconds; the reasons are in docs/architecture.md, "Links".
CONNECT_TIMEOUT = 10.0
BIND_TIMEOUT = 10.0
ENQUIRE_TIMEOUT = 10.0
ENQUIRE_MISSES = 2
PARTIAL_PDU_TIMEOUT = 30.0
UNBIND_TIMEOUT = 5.0
LATE_RESPONSE = 10.0  # of the oldest submit_sm: until it is answered, nothing new goes over this bind
STABLE_AFTER = 60.0  # a bind that lived so long starts its back-off anew
OVERDUE_KEPT = 600.0  # after the response timeout, a response is still known
RECONNECT = BindAction(outcome=BindOutcome.BACKOFF, first=1.0, longest=60.0)


class Kind(Enum):
    TRANSCEIVER = pdu.BindTransceiver
    TRANSMITTER = pdu.BindTransmitter
    RECEIVER = pdu.BindReceiver


@dataclass(slots=True, kw_only=True, eq=False)
class Written:
    """Units of one batch under consecutive sequence numbers, written at one moment."""

    at: float
    first: int
    batch: Batch
    first_unit: int
    is_open: NDArray[np.bool_]  # by unit: written, and not answered
    left: int = field(init=False)  # how many are open

    def __post_init__(self) -> None:
        self.left = len(self.is_open)

    @property
    def end(self) -> int:
        return self.first + len(self.is_open)

    @property
    def open_units(self) -> Integers:
        return self.first_unit + np.flatnonzero(self.is_open)


@dataclass(slots=True, eq=False)
class _Told:
    """What one read said of this bind."""

    answers: list[tuple[int, int]] = field(default_factory=list)  # (code, n): n in a row
    full: set[int] = field(default_factory=set)  # the numbers that a full queue was about

    def count(self, batch: Batch, units: Integers, codes: Integers) -> None:
        if not codes.any():
            self.answers.append((0, len(codes)))
            return
        self.answers += runs(codes)
        full = units[codes == CommandStatus.RMSGQFUL]
        if len(full):
            self.full.update(batch.phones[batch.places(full)[0]].tolist())


class Window:
    """What was written and not answered, in the order of its sequence numbers but for a wrap."""

    def __init__(self) -> None:
        self.unanswered = 0
        self._runs: deque[Written] = deque()

    @property
    def oldest_at(self) -> float:
        """When the oldest unanswered one was written; inf when there is none."""
        return self._runs[0].at if self._runs else math.inf

    def add(self, run: Written) -> None:
        self._runs.append(run)
        self.unanswered += run.left

    def find(self, sequence: int) -> Written | None:
        """A window holds few runs, and answers come nearly in order."""
        return next((run for run in self._runs if run.first <= sequence < run.end and run.left), None)

    def close(self, run: Written, places: Integers) -> Integers:
        """Those of the places within the run that were open until now."""
        mine = places[run.is_open[places]]
        run.is_open[mine] = False
        run.left -= len(mine)
        self.unanswered -= len(mine)
        while self._runs and not self._runs[0].left:
            self._runs.popleft()
        return mine

    def take_older(self, than: float) -> list[Written]:
        taken = []
        # An answered run that stood behind these goes with them: it must not pass for the oldest unanswered one.
        while self._runs and (self._runs[0].at < than or not self._runs[0].left):
            run = self._runs.popleft()
            self.unanswered -= run.left
            if run.left:
                taken.append(run)
        return taken

    def take_all(self) -> list[Written]:
        return self.take_older(float("inf"))


class Link(asyncio.Protocol):
    """One session at a time over one TCP connection at a time; `keep()` renews both until `stop()`."""

    def __init__(self, carrier: "Carrier", account: Account, kind: Kind, number: int) -> None:
        self.carrier, self.account, self.kind = carrier, account, kind
        self.name = f"{account.name}/{number}"
        self.loop = asyncio.get_running_loop()
        self.is_bound = False
        # For whoever looks at it from outside the loop: `heartbeat`.
        self.bound_since: float | None = None
        self.parts = 0  # written since it began
        self.last_error = ""
        self.last_error_since: float | None = None
        self.table = carrier.table
        self.latencies = Latencies()
        self.pace = Pace(self.table)
        self.timeout = min(account.response_timeout_seconds or math.inf, settings.RESPONSE_TIMEOUT)
        self._stopping = asyncio.Event()
        self._is_off = False
        self._woken: asyncio.TimerHandle | None = None
        self._reset()

    def _reset(self) -> None:
        self.session = Session(Role.ESME, bulk=True)
        self.transport: asyncio.Transport | None = None
        self.window = Window()
        self.overdue = Window()
        self._bound: asyncio.Future[Any] = self.loop.create_future()
        self._lost: asyncio.Future[Any] = self.loop.create_future()
        self._heard_at = self._framed_at = self.loop.time()
        self._enquired_at: float | None = None
        self._misses = 0
        self._doubted_at = -math.inf
        self._leaving = False

    # --- What the carrier asks ---------------------------------------------------------------------------------------

    @property
    def may_send(self) -> bool:
        now = self.loop.time()
        return (
            self.is_bound
            and self.kind is not Kind.RECEIVER
            and self.pace.next_at(now) <= now
            and self.window.oldest_at > now - LATE_RESPONSE
            and not self._is_silent
            and self.transport is not None
            and not self.transport.is_closing()  # lost, and the loop has not told us yet
        )

    @property
    def _is_silent(self) -> bool:
        """Nothing was heard since answers failed to come: it may be dead."""
        return self._heard_at < self._doubted_at

    @property
    def free(self) -> int:
        return self.account.window - self.window.unanswered

    def write_units(self, batch: Batch, count: int) -> int:
        """Write the batch's next units as one buffer, at most `count`, and fewer while the carrier wants patience: how
        many. From here on they are handed over."""
        assert self.transport is not None
        now = self.loop.time()
        count = min(count, max(1, self.pace.take(count * batch.wire.cost, now=now) // batch.wire.cost))
        self._wake()
        first_unit, batch.next_unit = batch.next_unit, batch.next_unit + count
        sequence = self.session.next_sequences(count)
        self.transport.write(batch.wire.encode(first_unit, count, sequence))
        self.parts += count * batch.wire.cost
        batch.last_written = now
        batch.open_units += count
        is_open = np.ones(count, bool)
        self.window.add(Written(at=now, first=sequence, batch=batch, first_unit=first_unit, is_open=is_open))
        return count

    def acknowledge(self, session: Session, received: Received, status: int) -> None:
        """Answer the deliver_sm of this session; a receipt's owner calls it after the commit.

        Once the session is over its sequences mean other receipts, and the carrier sends these again.
        """
        if session is self.session and self.transport is not None and not self.transport.is_closing():
            resps = [deliver_sm_resp_run(run.sequences, status) for run in received.runs if run.command == _DELIVER_SM]
            sequences = [sequence for sequence, _ in received.deliveries]
            resps.append(deliver_sm_resps(sequences, status, command=received.resp))
            self.transport.write(b"".join(resps))

    def stop(self) -> None:
        self._stopping.set()

    # --- Its life -----------------------------------------------------------------------------------------------------

    async def keep(self) -> None:
        """Connect, bind, serve, and again: until stopped, or until the carrier says that trying again is useless."""
        about.add(channel=self.account.channel_id)
        failures = 0
        while not self._stopping.is_set():
            began = self.loop.time()
            action = await self._serve_once()
            if self._is_off:
                return await self._give_up()
            failures = 0 if self.loop.time() - began > STABLE_AFTER else failures + 1
            if action is not None and failures == action.page_after:
                logger.critical("link.page", extra={"link": self.name, "refusals": failures})
            delay = bind_delay(action or RECONNECT, max(failures, 1))
            if delay is None:
                return await self._give_up()
            # Who refused a bind said for how long; who was cut must not come back together with all the others.
            await self._pause(delay * random.uniform(1.0 if action else 0.5, 1.5))

    async def _give_up(self) -> None:
        """Until an operator changes the channel: then this link is stopped, and a new one begins."""
        logger.critical("link.given_up", extra={"link": self.name})
        await self._stopping.wait()

    async def _serve_once(self) -> "BindAction | None":
        """One connection, from connect to loss; what the answer to the bind says about trying again, if anything."""
        self._reset()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await self._connect()
        except (OSError, TimeoutError, ValueError) as error:  # a ValueError tells what is wrong with the certificates
            self._report(IncidentKind.CONNECT_FAILED, _in_words(error))
            return None
        try:
            return await self._bind_and_serve()
        except ProtocolError as error:
            self._report(IncidentKind.PROTOCOL, reasons.NOT_SMPP % {"what": error})
            return None
        finally:
            self._close()

    async def _connect(self) -> None:
        account = self.account
        context = tls.context(
            tls=account.tls,
            ca=account.tls_ca,
            client_certificate=account.tls_client_certificate,
            client_key=account.tls_client_key,
        )
        name = (account.tls_server_name or account.host) if context else None
        await self.loop.create_connection(lambda: self, account.host, account.port, ssl=context, server_hostname=name)

    async def _bind_and_serve(self) -> "BindAction | None":
        self._write(
            self.kind.value(
                system_id=self.account.system_id.encode(),
                password=self.account.password.encode(),
                system_type=self.account.system_type.encode(),
                address_range=self.account.addr_range.encode(),
            )
        )
        try:
            async with asyncio.timeout(BIND_TIMEOUT):
                await asyncio.wait({self._bound, self._lost}, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            self._report(IncidentKind.BIND_REFUSED, reasons.BIND_UNANSWERED)
            return None
        if not self._bound.done():
            self._report(IncidentKind.LINK_LOST, reasons.CUT_WHILE_BINDING)
            return None
        code: int = self._bound.result()
        if code != 0:
            why = reasons.BIND_REFUSED % {"name": status.name(code), "text": status.text(code)}
            self._report(IncidentKind.BIND_REFUSED, why)
            return bind_answer(code)
        self.is_bound = True
        self.bound_since = self.loop.time()
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
        self._report(IncidentKind.LINK_LOST, reasons.CUT % {"count": self.window.unanswered})

    async def _unbind(self) -> None:
        """Planned end: nothing new, drain the window, unbind, wait for the answer."""
        self.is_bound = False
        deadline = self.loop.time() + self.timeout
        while self.window.unanswered and not self._lost.done() and self.loop.time() < deadline:
            await asyncio.wait({self._lost}, timeout=0.02)
        if not self._lost.done():
            self._write(pdu.Unbind())
            await asyncio.wait({self._lost}, timeout=UNBIND_TIMEOUT)

    def _check_deadlines(self, now: float) -> None:
        self._expire_answers(now)
        if self.session.partial and now - self._framed_at > PARTIAL_PDU_TIMEOUT:
            raise ProtocolError(reasons.INCOMPLETE)
        if self._enquired_at is not None and now - self._enquired_at > ENQUIRE_TIMEOUT:
            self._enquired_at, self._misses = None, self._misses + 1
            if self._misses >= ENQUIRE_MISSES:
                raise ProtocolError(reasons.ENQUIRY_UNANSWERED)
        patience = 0 if self._misses or self._is_silent else self.account.enquire_link_seconds
        if self._enquired_at is None and now - self._heard_at > patience:
            self._write(pdu.EnquireLink())
            self._enquired_at = now

    def _expire_answers(self, now: float) -> None:
        """Submits without a response in time are in doubt; a later response is still evidence."""
        expired = self.window.take_older(now - self.timeout)
        for run in expired:
            self.overdue.add(run)
            self._doubted_at = now
            self._doubt(run)
        self.overdue.take_older(now - self.timeout - OVERDUE_KEPT)
        if expired:
            count = sum(run.left for run in expired)
            self._report(IncidentKind.RESPONSE_TIMEOUT, reasons.NO_RESPONSE % {"seconds": f"{self.timeout:g}"}, count)
            self.carrier.pump()

    def _doubt(self, run: Written) -> None:
        units = run.open_units
        self.carrier.settle(run.batch, units, np.full(len(units), DOUBT), b"")

    # --- asyncio.Protocol ---------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport  # asyncio sets TCP_NODELAY itself

    def data_received(self, data: bytes) -> None:
        was_silent = self._is_silent
        self._heard_at = self.loop.time()
        self._enquired_at, self._misses = None, 0
        try:
            received, out_of_step = self.session.receive(data), None
        except FramingError as error:
            received, out_of_step = error.received, error
        if not (self.session.partial and received.is_empty):
            self._framed_at = self._heard_at  # what is incomplete now has begun with this read
        if received.parameters:
            self._mind_congestion(received.parameters[-1])
        answered = [run for run in received.runs if run.command == _SUBMIT_SM_RESP]
        if received.answers or answered:
            self._settle(received.answers, answered)
        if received.deliveries or len(received.runs) > len(answered):
            self.carrier.deliver(self, received)
        for one in received.pdus:
            self._handle(one)
        for refused in received.errors:
            self._refuse(refused)
        if was_silent:
            self.carrier.pump()
        if out_of_step is not None:
            self._refuse(out_of_step)
            self._hang_up()

    def connection_lost(self, error: Exception | None) -> None:
        self.is_bound = False
        if not self._lost.done():
            self._lost.set_result(None)

    # --- Inside -------------------------------------------------------------------------------------------------------

    def _settle(self, answers: Sequence[tuple[int, int, bytes]], alike: Sequence[Run] = ()) -> None:
        told = _Told()
        for run in alike:
            ids = bulk.strings(run.bodies)
            if ids is None:  # of refusals, or with optional parameters
                self._mind_congestion(run.bodies[-1].tobytes().partition(b"\0")[2])
                texts = [row.tobytes().partition(b"\0")[0] for row in run.bodies]
                ids = np.array(texts, f"S{max(1, *map(len, texts))}")
            self._settle_run(run.sequences, run.statuses, ids, told)
        for sequence, code, message_id in answers:
            self._settle_run(np.array([sequence]), np.array([code]), np.array([message_id]), told)
        self._mind(told)
        self.carrier.pump()

    def _settle_run(self, sequences: Integers, codes: Integers, ids: NDArray[np.bytes_], told: "_Told") -> None:
        """Tell the batches."""
        while len(sequences):
            first = int(sequences[0])
            window = self.window
            run = window.find(first)
            if run is None:
                window = self.overdue
                run = window.find(first)
            if run is None:
                logger.warning("link.unexpected_response", extra={"link": self.name, "sequence": first})
                sequences, codes, ids = sequences[1:], codes[1:], ids[1:]
                continue
            mine = (sequences >= run.first) & (sequences < run.end)
            if mine.all():
                told.count(run.batch, *self._settle_places(window, run, sequences, codes, ids))
                return
            told.count(run.batch, *self._settle_places(window, run, sequences[mine], codes[mine], ids[mine]))
            sequences, codes, ids = sequences[~mine], codes[~mine], ids[~mine]

    def _settle_places(
        self, window: Window, run: Written, sequences: Integers, codes: Integers, ids: NDArray[np.bytes_]
    ) -> tuple[Integers, Integers]:
        """The units that were open until now, and their codes."""
        places = sequences - run.first
        asked = np.zeros(len(run.is_open), bool)
        asked[places] = True
        if np.count_nonzero(asked) < len(places) or not run.is_open[places].all():
            # Twice, or once more than once: the first one counts.
            _, firsts = np.unique(places, return_index=True)
            fresh = np.sort(firsts[run.is_open[places[firsts]]])
            logger.warning("link.unexpected_response", extra={"link": self.name, "count": len(places) - len(fresh)})
            places, codes, ids = places[fresh], codes[fresh], ids[fresh]
        units = run.first_unit + places
        if len(places):
            window.close(run, places)
            self.latencies.count(self._heard_at - run.at, len(places))
            self.carrier.settle(run.batch, units, codes, ids)
        return units, codes

    def _mind(self, told: "_Told") -> None:
        """What the answers say about this bind."""
        now = self.loop.time()
        waits = 0.0
        for code, count in told.answers:
            what = self.table.answer(code)
            numbers = told.full if code == CommandStatus.RMSGQFUL else ()
            waits = max(waits, self.pace.count(code, count, now=now, numbers=numbers))
            if what.page:
                logger.critical("link.page", extra={"link": self.name, "answer": status.name(code)})
            if what.action is Action.STOP:
                self.carrier.switch_off(code)
            elif what.rebind:
                self._leave(code)
        if full := sum(count for code, count in told.answers if code == CommandStatus.RMSGQFUL):
            self._report(IncidentKind.QUEUE_FULL, reasons.QUEUE_FULL, full)
        if waits:
            self._report(IncidentKind.THROTTLED, reasons.THROTTLED % {"seconds": f"{waits:g}"})
            self._wake()

    def _mind_congestion(self, parameters: bytes) -> None:
        """SMPP 5.0 §4.8.4.18: how full the carrier says it is, beside its answers."""
        level = pdu.read_tlvs(parameters, 0).get(Tlv.CONGESTION_STATE, b"")
        if level and (waits := self.pace.congested(level[0], now=self.loop.time())) is not None:
            said = reasons.CONGESTED % {"percent": level[0], "seconds": f"{waits:g}"}
            self._report(IncidentKind.THROTTLED, said)
            self._wake()

    def _wake(self) -> None:
        """Once the pace allows more, more is written."""
        now = self.loop.time()
        at = self.pace.next_at(now)
        if at > now and self._woken is None:
            self._woken = self.loop.call_at(at, self._on_woken)

    def _on_woken(self) -> None:
        self._woken = None
        self.carrier.pump()
        self._wake()  # a timer may come a little early

    def switch_off(self, code: int) -> None:
        """Nothing more goes over it until an operator changes the channel."""
        self._is_off = True
        self.last_error, self.last_error_since = reasons.SWITCHED_OFF % {"name": status.name(code)}, self.loop.time()
        self._leave(code)

    def _leave(self, code: int) -> None:
        """The bind is broken: nothing new goes over it, and once its window is empty there is a new one."""
        if not self._leaving:
            self._leaving, self.is_bound = True, False
            if not self._is_off:
                self._report(IncidentKind.PROTOCOL, reasons.BINDS_AGAIN % {"name": status.name(code)})

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
                    self.loop.call_later(UNBIND_TIMEOUT if self.window.unanswered else 0, self.transport.close)
            case pdu.UnbindResp():
                self._hang_up()
            case pdu.GenericNack():
                self._handle_nack(one)
            case pdu.DataSm():  # the other way to say what a deliver_sm says
                delivery = (one.sequence, as_deliver_sm(one))
                self.carrier.deliver(self, Received(deliveries=[delivery], resp=Command.DATA_SM_RESP))
            case pdu.EnquireLinkResp():
                pass  # having heard something was all it was for
            case other:
                logger.warning("link.unexpected_pdu", extra={"link": self.name, "pdu": type(other).__name__})

    def _handle_nack(self, nack: pdu.GenericNack) -> None:
        """With our sequence: that submit was refused. Without: the stream is out of step, and nothing is certain."""
        if self.window.find(nack.sequence) or self.overdue.find(nack.sequence):
            self._settle([(nack.sequence, nack.status or 0xFF, b"")])
            return
        self._report(IncidentKind.PROTOCOL, reasons.NACK % {"name": status.name(nack.status)})
        self._hang_up()

    def _refuse(self, error: RemoteProtocolError) -> None:
        self._report(IncidentKind.PROTOCOL, reasons.NOT_SMPP % {"what": error})
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
        unanswered = self.window.take_all()
        self.carrier.let_go(self)
        for run in unanswered:
            self._doubt(run)
        self.carrier.pump()

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    def _report(self, kind: IncidentKind, sample: str, count: int = 1) -> None:
        self.last_error, self.last_error_since = sample, self.loop.time()
        self.carrier.report(kind, reasons.BIND % {"link": self.name, "what": sample}, count)


def _in_words(error: Exception) -> str:
    """Why there was no connection; what nobody knows better is quoted."""
    match error:
        case TimeoutError():
            return reasons.NO_CONNECTION
        case ConnectionRefusedError():
            return reasons.NOBODY_LISTENS
        case socket.gaierror():
            return reasons.NO_SUCH_HOST
        case ssl.SSLError() | ValueError():
            return reasons.NOT_TRUSTED % {"why": error}
    return reasons.NOT_CONNECTED % {"why": error}


# Plain integers compare faster.
_SUBMIT_SM_RESP = int(Command.SUBMIT_SM_RESP)
_DELIVER_SM = int(Command.DELIVER_SM)
