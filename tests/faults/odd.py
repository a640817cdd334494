"""A carrier in this process that says what the simulator never would, byte by byte, and keeps the same journal."""

import asyncio
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO, Any

from simulator import journal
from smpp import pdu
from smpp.pdu import HEADER, DeliverSm, Pdu
from tests.faults.machine import Machine
from tests.live import Carrier

Says = Callable[["Odd", int, str, int], int | None]
"""Carrier, number of the submit from 1, destination, how often it was submitted: the status; None is no answer."""
_NUMBERS = itertools.count(1)
AGAIN = 10.0  # seconds until a receipt that was not taken is sent again
WORDS = {2: b"DELIVRD", 5: b"UNDELIV", 8: b"REJECTD"}


@dataclass(slots=True)
class Odd:
    says: Says = lambda odd, n, destination, times: 0
    bind_status: int = 0
    sends_receipts: bool = True
    journal: IO[str] | None = None
    binds: list[float] = field(default_factory=list)
    acks: list[tuple[int, int, str]] = field(default_factory=list)  # sequence, status, message id as reported
    nacks: int = 0
    unbind_answers: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    port: int = 0
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    sent: dict[int, str] = field(default_factory=dict)  # receipts by sequence
    ids: dict[str, str] = field(default_factory=dict)  # the message id of each number that was accepted
    raw: bytearray = field(default_factory=bytearray)  # the first bytes that came
    _times: dict[str, int] = field(default_factory=dict)
    _count: int = 0
    _sequence: int = 1_000
    _server: Any = None
    _thread: Any = None

    # --- For stories --------------------------------------------------------------------------------------------------

    def write(self, data: bytes, *, to: int | None = None) -> None:
        """To every connection that is open, or to one of them."""
        self.loop.call_soon_threadsafe(self._write, data, to)

    def cut(self) -> None:
        self.loop.call_soon_threadsafe(lambda: [writer.transport.abort() for writer in self.writers])

    def report(self, message_id: str, phone: str, *, state: int = 2, to: int | None = None) -> int:
        """A receipt; the sequence that it has."""
        text = b"id:%b sub:001 dlvrd:001 submit date:2611271000 done date:2611271001 stat:%b err:000 text:id:999 stat:X"
        body = text % (message_id.encode(), WORDS[state])
        return self.deliver(DeliverSm(source_addr=phone.encode(), esm_class=4, short_message=body), message_id, to=to)

    def deliver(self, one: DeliverSm, message_id: str = "", *, to: int | None = None) -> int:
        self._sequence += 1
        sequence = self._sequence
        self.sent[sequence] = message_id
        data = bytearray(pdu.encode(one))
        data[12:16] = sequence.to_bytes(4, "big")
        self.loop.call_soon_threadsafe(self._send, sequence, bytes(data), to)
        return sequence

    @property
    def open(self) -> int:
        return sum(not writer.is_closing() for writer in self.writers)

    # --- In the loop --------------------------------------------------------------------------------------------------

    def _send(self, sequence: int, receipt: bytes, to: int | None) -> None:
        """Again and again until it is taken, as carriers do: the line may be dead, and nobody knows."""
        if (sequence, 0) not in ((acknowledged, status) for acknowledged, status, _ in self.acks):
            self._write(receipt, to)
            self.loop.call_later(AGAIN, self._send, sequence, receipt, to)

    def _write(self, data: bytes, to: int | None) -> None:
        targets = reversed(self.writers) if to is None else [self.writers[to]]
        for writer in targets:
            if not writer.is_closing():
                writer.write(data)
                if to is None:
                    return  # one of them is enough

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()
        for writer in self.writers:
            writer.transport.abort()
        await asyncio.sleep(0.05)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        number = len(self.writers)
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readexactly(HEADER.size)
                self.raw += head if len(self.raw) < 10_000 else b""
                rest = await reader.readexactly(int.from_bytes(head[:4], "big") - HEADER.size)
                self._hear(pdu.decode(head + rest), writer, number)
        writer.close()

    def _hear(self, one: Pdu, writer: asyncio.StreamWriter, number: int) -> None:
        match one:
            case pdu.Bind():
                self.binds.append(time.time())
                self._keep("bind", number, "transceiver", one.system_id.decode(), self.bind_status)
                writer.write(pdu.encode(pdu.response(one, self.bind_status)))
            case pdu.SubmitSm():
                self._submit(one, writer, number)
            case pdu.DeliverSmResp():
                self.acks.append((one.sequence, one.status, self.sent.get(one.sequence, "")))
                self._keep("ack", number, self.sent.get(one.sequence, ""), one.status)
            case pdu.EnquireLink():
                writer.write(pdu.encode(pdu.response(one)))
            case pdu.Unbind():
                writer.write(pdu.encode(pdu.response(one)))
                writer.close()
            case pdu.UnbindResp():
                self.unbind_answers += 1
            case pdu.GenericNack():
                self.nacks += 1

    def _submit(self, one: pdu.SubmitSm, writer: asyncio.StreamWriter, number: int) -> None:
        self._count += 1
        phone = one.destination_addr.decode()
        times = self._times[phone] = self._times.get(phone, 0) + 1
        status = self.says(self, self._count, phone, times)
        message_id = f"{self._count:X}" if not status else ""
        wanted = (one.registered_delivery, one.validity_period.decode(), one.service_type.decode())
        said = (one.sequence, one.source_addr.decode(), phone, one.data_coding, one.esm_class)
        self._keep("submit", number, *said, journal.content(one.short_message), message_id, status or 0, *wanted)
        if message_id:
            self.ids[phone] = message_id
        if status is None or writer.is_closing():
            return
        answer = pdu.SubmitSmResp(sequence=one.sequence, status=status, message_id=message_id.encode())
        writer.write(pdu.encode(answer))
        if message_id and self.sends_receipts:
            self.loop.call_later(0.2, lambda: self.report(message_id, phone))

    def _keep(self, event: str, number: int, *fields: object) -> None:
        """A line as those of simulator.journal."""
        assert self.journal is not None
        self.journal.write("\t".join([f"{time.time():.6f}", event, *map(str, (number, *fields))]) + "\n")


@contextmanager
def odd_carrier(
    machine: Machine, odd: Odd, *, through: Callable[[int], int] | None = None, **given: Any
) -> Iterator[Carrier]:
    """It listens, and its channel is in use, as long as the block; `through` is somebody between the two."""
    name = f"odd-{next(_NUMBERS)}"  # not the id of an object: another story gets it again
    path = machine.folder / name
    odd.journal = path.open("w", buffering=1)
    odd._thread = threading.Thread(target=odd.loop.run_forever, name="odd", daemon=True)
    odd._thread.start()
    asyncio.run_coroutine_threadsafe(odd.start(), odd.loop).result(timeout=10)
    port = through(odd.port) if through else odd.port
    try:
        with machine.channel(name, port=port, **{"window": 10, **given}) as channel:
            yield Carrier(channel=channel, reader=journal.Reader(path))
    finally:
        asyncio.run_coroutine_threadsafe(odd.stop(), odd.loop).result(timeout=10)
        odd.loop.call_soon_threadsafe(odd.loop.stop)
        odd._thread.join()
        odd.loop.close()
        odd.journal.close()
