"""How much the SMSC simulator can take, so that nobody measures it when they mean to measure us."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import cast

import numpy as np

from bench.harness import Meter
from smpp import pdu
from smpp.bulk import digits
from smpp.hot import SubmitTemplate, deliver_sm_resp_run, deliver_sm_resps
from smpp.session import Role, Session

BATCH = 200  # submits a write
FIRST, DIGITS = 491510000000, 12


def run(
    *, messages: int = 1_000_000, window: int = 1000, receipts: bool = False, personal: bool = False
) -> dict[str, object]:
    """One bind, texts of 160 octets, journal on; receipts come after a second and are acknowledged. With `personal`
    each text is another."""
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder, "journal")
        command = [sys.executable, "-m", "simulator", "--port=0", f"--journal={journal}"]
        smsc = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert smsc.stdout is not None
        port = int(smsc.stdout.readline().rpartition(":")[2])
        meter = Meter(roots={"simulator": smsc.pid})
        before = meter.cpu()["simulator"]
        try:
            seconds = asyncio.run(_load(port, messages, window, receipts, personal))
            cpu = meter.cpu()["simulator"] - before
        finally:
            smsc.terminate()
            usage = os.wait4(smsc.pid, 0)[2]
            smsc.stdout.close()
        return {
            "messages": messages,
            "window": window,
            "receipts": receipts,
            "seconds": round(seconds, 3),
            "messages_per_second": round(messages / seconds),
            "messages_per_cpu_second": round(messages / cpu),
            "cpu_s_per_100k": round(cpu * 100_000 / messages, 2),
            "peak_rss_mb": round(usage.ru_maxrss / 1024),
            "journal_lines": journal.read_bytes().count(b"\n"),
        }


async def _load(port: int, messages: int, window: int, receipts: bool, personal: bool) -> float:
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(lambda: _Client(messages, window, receipts, personal), "127.0.0.1", port)
    return await client.seconds


class _Client(asyncio.Protocol):
    def __init__(self, messages: int, window: int, receipts: bool, personal: bool) -> None:
        self.seconds: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._session = Session(Role.ESME, bulk=True)
        submit = pdu.SubmitSm(
            source_addr=b"Shop", source_addr_ton=5, registered_delivery=int(receipts), short_message=b"x" * 160
        )
        self._template = SubmitTemplate(submit)
        self._size = len(pdu.encode(submit)) + DIGITS
        self._personal = personal
        self._batch = min(BATCH, window)
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
        answers, reports = len(received.answers), len(received.deliveries)
        acks = deliver_sm_resps([sequence for sequence, _ in received.deliveries])
        for run in received.runs:
            if run.command == pdu.Command.DELIVER_SM:
                reports += len(run)
                acks += deliver_sm_resp_run(run.sequences)
            else:
                answers += len(run)
        if acks:
            self._transport.write(acks)
        self._unreported -= reports
        self._in_flight -= answers
        self._unanswered -= answers
        while self._unsent and self._in_flight + min(self._batch, self._unsent) <= self._window:
            self._submit(min(self._batch, self._unsent))
        if not self._unanswered and not self._unreported and not self.seconds.done():
            self.seconds.set_result(time.monotonic() - self._start)
            self._transport.close()

    def _submit(self, count: int) -> None:
        numbers = np.arange(FIRST + self._unsent, FIRST + self._unsent + count)
        pdus = self._template.encode_run(self._session.next_sequences(count), digits(numbers, DIGITS))
        if self._personal:
            rows = np.frombuffer(pdus, np.uint8).reshape(count, self._size).copy()
            rows[:, -DIGITS:] = digits(numbers, DIGITS)
            pdus = rows.tobytes()
        self._transport.write(pdus)
        self._unsent -= count
        self._in_flight += count
