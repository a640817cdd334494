"""A carrier's links over real TCP: to the simulator, or to a peer that says what the simulator never would."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path

import numpy as np
from django.utils import timezone

from delivery.batches import DOUBT, MISSING, Batch
from delivery.links.account import Account
from delivery.links.carrier import Carrier
from delivery.texts import Same
from simulator import journal
from simulator.knobs import Knobs
from simulator.smsc import Smsc
from smpp import pdu
from smpp.hot import SubmitTemplate, submit_sm_resps
from smpp.pdu import SubmitSm
from smpp.session import Role, Session

FIRST = 31_600_000_001
IDLE = 20.0  # seconds until a link asks whether its peer is there
DOUBTED = (DOUBT, b"")


class Ground:
    """A simulator, a carrier bound to it, and everything the carrier said."""

    def __init__(self, smsc: "Smsc | Peer", path: Path) -> None:
        self.smsc, self.path = smsc, path
        self.late, self.incidents, self.deliveries = [], Counter(), []
        self.next = FIRST

    def open(self, **given) -> Carrier:
        wanted = {
            "channel_id": 1,
            "name": "main",
            "host": "127.0.0.1",
            "port": self.smsc.port,
            "system_id": "demo",
            "password": "demo",
            "system_type": "",
            "pair": False,
            "tls": False,
            "binds": 1,
            "window": 10,
            "tps": 0,
            "enquire_link_seconds": IDLE,
            **given,
        }
        return Carrier(
            Account(**wanted),
            deliver=self._deliver,
            late=self._late,
            report=lambda kind, channel, sample, count: self.incidents.update({kind: count}),
        )

    def _late(self, batch, units, codes, ids):
        ids = np.broadcast_to(ids, len(units)).tolist()
        self.late += [(batch, *one) for one in zip(units.tolist(), zip(codes.tolist(), ids, strict=True), strict=True)]

    def _deliver(self, link, received):
        self.deliveries += received.deliveries
        for run in received.runs:
            self.deliveries += [(int(row[15]), row[16:].tobytes()) for row in run.rows]
        link.acknowledge(link.session, received, 0)

    def batch(self, count: int, *, parts: int = 1, within: float = 60.0, **given) -> Batch:
        phones = np.arange(self.next, self.next + count, dtype=np.uint64)
        self.next += count
        templates = tuple(
            SubmitTemplate(SubmitSm(source_addr=b"Acme", registered_delivery=1, short_message=b"part %d" % n))
            for n in range(parts)
        )
        return Batch(
            campaign_id=1,
            channel_id=1,
            chunk_id=1,
            day=date(2026, 11, 27),
            recipients=np.arange(count),
            phones=phones,
            wire=Same(templates, phones, cost=1, plus=False),
            send_by=asyncio.get_running_loop().time() + within,
            intended_at=timezone.now(),
            **given,
        )

    def lines(self, kind):
        return [line for line in journal.read(self.path) if isinstance(line, kind)]

    @property
    def submits(self) -> list[journal.Submit]:
        return self.lines(journal.Submit)


@asynccontextmanager
async def ground(tmp_path, **knobs):
    path = tmp_path / "journal"
    smsc = Smsc(Knobs(**{"port": 0, "journal": str(path), "dlr_delay_ms": 60_000, **knobs}))
    await smsc.start()
    try:
        yield Ground(smsc, path)
    finally:
        await smsc.stop()


def answers_of(batch: Batch) -> list[tuple[int, bytes] | None]:
    """The answer to each unit; None where there is none."""
    told = zip(batch.codes.tolist(), batch.ids.tolist(), strict=True)
    return [None if code == MISSING else (code, message_id) for code, message_id in told]


async def finished(batch: Batch, within: float = 60.0) -> None:
    async with asyncio.timeout(within):
        await asyncio.wrap_future(batch.finished)


class Peer:
    """An SMSC that answers the n-th submit, from 1, with the status that `judge` says; None: not at all."""

    def __init__(self, judge: Callable[[int], int | None] = lambda n: 0, *, bind_status: int = 0) -> None:
        self.judge, self.bind_status = judge, bind_status
        self.binds, self.submits, self.acks = [], [], []  # times; (connection, body); (connection, sequence, status)
        self.links: list[tuple[Session, asyncio.StreamWriter]] = []

    async def start(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()
        for number in range(len(self.links)):
            self.cut(number)
        await asyncio.sleep(0)

    def send(self, number: int, one: pdu.Pdu) -> None:
        session, writer = self.links[number]
        writer.write(session.send(one))

    def cut(self, number: int) -> None:
        self.links[number][1].transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session, number = Session(Role.SMSC), len(self.links)
        self.links.append((session, writer))
        try:
            while data := await reader.read(65536):
                received = session.receive(data)
                for one in received.pdus:
                    self._handle(number, one)
                for sequence, body in received.submits:
                    self.submits.append((number, body))
                    status = self.judge(len(self.submits))
                    if status is not None:
                        writer.write(submit_sm_resps([(sequence, status, b"%X" % len(self.submits))]))
                self.acks += [(number, sequence, status) for sequence, status in received.acks]
        except ConnectionError:
            pass

    def _handle(self, number: int, one: pdu.Pdu) -> None:
        match one:
            case pdu.Bind():
                self.binds.append(asyncio.get_running_loop().time())
                self.send(number, pdu.response(one, self.bind_status))
            case pdu.Unbind():
                self.send(number, pdu.response(one))
                self.links[number][1].close()
            case pdu.EnquireLink():
                self.send(number, pdu.response(one))
            case pdu.DataSmResp():
                self.acks.append((number, one.sequence, one.status))


@asynccontextmanager
async def facing(peer: Peer):
    await peer.start()
    try:
        yield Ground(peer, Path())
    finally:
        await peer.stop()


async def until(claim: Callable[[], object], within: float = 60.0) -> None:
    async with asyncio.timeout(within):
        while not claim():
            await asyncio.sleep(0.01)
