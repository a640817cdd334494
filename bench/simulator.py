"""How much the SMSC simulator can take, so that nobody measures it when they mean to measure us."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import cast

from smpp import pdu
from smpp.hot import SubmitTemplate, deliver_sm_resps
from smpp.session import Role, Session

BATCH = 200  # submits a write


def run(*, messages: int = 200_000, window: int = 1000, receipts: bool = False) -> dict[str, object]:
    """One bind, texts of 160 octets, journal on; receipts come at once and are acknowledged."""
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder, "journal")
        command = [sys.executable, "-m", "simulator", "--port=0", "--dlr-delay-ms=0", f"--journal={journal}"]
        smsc = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert smsc.stdout is not None
        port = int(smsc.stdout.readline().rpartition(":")[2])
        try:
            seconds = asyncio.run(_load(port, messages, window, receipts))
        finally:
            smsc.terminate()
            usage = os.wait4(smsc.pid, 0)[2]
            smsc.stdout.close()
        cpu = usage.ru_utime + usage.ru_stime
        return {
            "messages": messages,
            "receipts": receipts,
            "seconds": round(seconds, 3),
            "messages_per_second": round(messages / seconds),
            "messages_per_cpu_second": round(messages / cpu),
            "cpu_s_per_100k": round(cpu * 100_000 / messages, 2),
            "peak_rss_mb": round(usage.ru_maxrss / 1024),
            "journal_lines": journal.read_bytes().count(b"\n"),
        }


async def _load(port: int, messages: int, window: int, receipts: bool) -> float:
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(lambda: _Client(messages, window, receipts), "127.0.0.1", port)
    return await client.seconds


class _Client(asyncio.Protocol):
    def __init__(self, messages: int, window: int, receipts: bool) -> None:
        self.seconds: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._session = Session(Role.ESME)
        self._template = SubmitTemplate(
            pdu.SubmitSm(
                source_addr=b"Shop", source_addr_ton=5, registered_delivery=int(receipts), short_message=b"x" * 160
            )
        )
        self._window = window
        self._unsent = self._unanswered = messages
        self._unreported = messages if receipts else 0
        self._in_flight = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._session.send(pdu.BindTransceiver(system_id=b"bench")))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.seconds.done():
            self.seconds.set_exception(exc or ConnectionError("the simulator closed the connection"))

    def data_received(self, data: bytes) -> None:
        received = self._session.receive(data)
        if received.pdus:
            self._start = time.monotonic()
        if received.deliveries:
            self._unreported -= len(received.deliveries)
            self._transport.write(deliver_sm_resps([sequence for sequence, _ in received.deliveries]))
        self._in_flight -= len(received.answers)
        self._unanswered -= len(received.answers)
        while self._unsent and self._in_flight + BATCH <= self._window:
            self._submit(min(BATCH, self._unsent))
        if not self._unanswered and not self._unreported and not self.seconds.done():
            self.seconds.set_result(time.monotonic() - self._start)
            self._transport.close()

    def _submit(self, count: int) -> None:
        destinations = [
            b"%d" % number for number in range(491510000000 + self._unsent, 491510000000 + self._unsent + count)
        ]
        self._transport.write(self._template.encode(self._session.next_sequences(count), destinations))
        self._unsent -= count
        self._in_flight += count
