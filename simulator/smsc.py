"""The SMSC itself: listens, knows who is bound, and sends each receipt when it is due."""

import asyncio
import itertools
import math
import signal
import ssl
import sys
import time
from collections import deque

from simulator import ids
from simulator.faults import Faults
from simulator.journal import Journal
from simulator.knobs import Knobs
from simulator.link import Link
from simulator.reports import Accepted, AcceptedRun, Reporter, Reports, message_from_a_phone
from smpp import pdu
from smpp.pdu import Tlv
from smpp.status import CommandStatus

TICK = 0.005  # seconds: receipts that fall due within it leave together


class Smsc:
    def __init__(self, knobs: Knobs) -> None:
        self.knobs = knobs
        self.journal = Journal(knobs.journal)
        self.faults = Faults(knobs)
        self.number = knobs.id_start or time.time_ns() // 1000
        """The number of the message accepted last."""
        self.reporter = Reporter(knobs, first=self.number)
        self.takes_runs = self.number < ids.LARGEST and not (
            self.faults.are_wanted
            or knobs.resp_delay_ms
            or knobs.reorder > 1
            or knobs.dlr_before_resp
            or knobs.dlr_only_last_part
        )
        """Submits that are alike are looked at together; what these knobs ask for is decided for each."""
        congestion: dict[int, bytes] = {Tlv.CONGESTION_STATE: bytes((knobs.congestion,))} if knobs.congestion else {}
        self.parameters = pdu.encode_tlvs(congestion)
        """Of each answer that has an id."""
        self.port = knobs.port
        self._numbers = itertools.count(1)
        self._binds_seen = 0
        self._bound: list[Link] = []
        self._connected: set[Link] = set()
        self._due: deque[tuple[float, Link, list[Accepted] | AcceptedRun]] = deque()
        self._alarm: asyncio.TimerHandle | None = None
        self._phone: asyncio.TimerHandle | None = None
        self._parked: dict[bytes, list[Reports]] = {}
        self._turn = itertools.count()

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._server = await self._loop.create_server(
            self._connect, self.knobs.host, self.knobs.port, backlog=512, ssl=self._tls()
        )
        self.port = self._server.sockets[0].getsockname()[1]
        if self.knobs.mo_every_ms:
            self._hear_a_phone()

    def _tls(self) -> ssl.SSLContext | None:
        if not self.knobs.tls_cert:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.knobs.tls_cert, self.knobs.tls_key or None)
        return context

    async def stop(self) -> None:
        self._server.close()
        for timer in (self._alarm, self._phone):
            if timer:
                timer.cancel()
        for link in list(self._connected):
            link.abort()
        await asyncio.sleep(0)
        self.journal.close()

    @staticmethod
    def wall() -> float:
        return time.time()

    def _connect(self) -> Link:
        link = Link(self, next(self._numbers))
        self._connected.add(link)
        return link

    def forget(self, link: Link) -> None:
        self._connected.discard(link)
        if link in self._bound:
            self._bound.remove(link)

    def judge_bind(self, request: pdu.Bind) -> int:
        self._binds_seen += 1
        if self._binds_seen <= self.knobs.bind_fail_first:
            return self.knobs.bind_code or CommandStatus.RBINDFAIL
        if self.knobs.bind_code and not self.knobs.bind_fail_first:
            return self.knobs.bind_code
        if self.knobs.system_id and request.system_id != self.knobs.system_id.encode():
            return CommandStatus.RINVSYSID
        if self.knobs.password and request.password != self.knobs.password.encode():
            return CommandStatus.RINVPASWD
        return CommandStatus.ROK

    def welcome(self, link: Link) -> None:
        """A bind was accepted: receipts that had nowhere to go go there."""
        self._bound.append(link)
        if link.receives and (parked := self._parked.pop(link.system_id, None)):
            link.deliver(parked)

    def report_later(self, link: Link, accepted: list[Accepted] | AcceptedRun) -> None:
        """The delay is the same for all, so what is due first stands first."""
        self._due.append((self._loop.time() + self.knobs.dlr_delay_ms / 1000, link, accepted))
        self._wait()

    def report_now(self) -> None:
        """All that waits for its time, or for this."""
        self._report(until=math.inf)

    def _wait(self) -> None:
        if self._alarm is None and self._due and not self.knobs.hold_dlr:
            self._alarm = self._loop.call_at(self._due[0][0], self._report_due)

    def _report_due(self) -> None:
        self._alarm = None
        self._report(until=self._loop.time() + TICK)
        self._wait()

    def _report(self, *, until: float) -> None:
        due: dict[Link, list[list[Accepted] | AcceptedRun]] = {}
        while self._due and self._due[0][0] <= until:
            _, link, accepted = self._due.popleft()
            due.setdefault(link, []).append(accepted)
        wall = self.wall()
        for link, found in due.items():
            self.deliver(link, self.reporter.due(found, now=wall))

    def deliver(self, origin: Link, reports: list[Reports]) -> None:
        """By the bind the messages came from, another of the same system_id, or whichever binds next."""
        if not reports:
            return
        target = self._target(origin)
        if target is None:
            self._parked.setdefault(origin.system_id, []).extend(reports)
        else:
            target.deliver(reports)

    def _hear_a_phone(self) -> None:
        receivers = [link for link in self._bound if link.receives]
        if receivers:
            receivers[next(self._turn) % len(receivers)].deliver([message_from_a_phone(self.knobs)])
        self._phone = self._loop.call_later(self.knobs.mo_every_ms / 1000, self._hear_a_phone)

    def _target(self, origin: Link) -> Link | None:
        mates = [link for link in self._bound if link.system_id == origin.system_id and link.receives]
        others = [link for link in mates if link is not origin]
        if origin in mates and not (self.knobs.dlr_other_bind and others):
            return origin
        return others[next(self._turn) % len(others)] if others else None


def serve(knobs: Knobs) -> None:
    """Until SIGTERM or SIGINT."""
    asyncio.run(_serve(knobs))


async def _serve(knobs: Knobs) -> None:
    smsc = Smsc(knobs)
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, smsc.report_now)
    try:
        await smsc.start()
    except OSError as error:
        sys.exit(f"cannot listen: {error}")
    sys.stdout.write(f"listening on {knobs.host}:{smsc.port}\n")
    sys.stdout.flush()
    await over.wait()
    await smsc.stop()
