"""A channel's binds in this process, and the batches that wait for room in their windows."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any

from channels import answers
from channels.health import Breaker, runs
from delivery import reasons
from delivery.batches import DOUBT, Batch, Integers
from delivery.limiter import of_channel
from delivery.links.account import Account
from delivery.links.granting import NO_LIMIT, Granting, Pace, pace_of
from delivery.links.link import Kind, Link
from delivery.statuses import IncidentKind
from smpp import status
from smpp.session import Received

logger = logging.getLogger(__name__)

SWEEP = 0.05  # seconds between looks at batches that ran out of time
FINISH = 5.0  # seconds that a recipient of whom some parts are written has for the rest when the channel closes
STRAGGLE = 2.0  # seconds after its last byte, a batch goes back to its task without the answers still missing

Deliver = Callable[[Link, Received], None]
Late = Callable[[Batch, Integers, Integers, Any], None]
Report = Callable[[IncidentKind, int, str, int], None]


class Carrier:
    """Lives in the links' event loop; every method is called there."""

    def __init__(self, account: Account, *, deliver: Deliver, late: Late, report: Report) -> None:
        self.account = account
        self.table = answers.table(account.answer_overrides)
        self.deliver = deliver
        self._late, self._report = late, report
        self._queue: deque[Batch] = deque()
        self._ahead = 0  # parts that pushed messages had before others that wait
        self._waiting: set[Batch] = set()  # written or given back, some answers still missing
        self._is_closing = False
        # Of campaigns of which something was refused, since they were resumed last.
        self._breakers: dict[int, tuple[datetime | None, Breaker]] = {}
        kinds = [Kind.TRANSMITTER, Kind.RECEIVER] if account.pair else [Kind.TRANSCEIVER]
        self.links = [Link(self, account, kind, n) for n in range(account.binds) for kind in kinds]
        self._keepers = [asyncio.ensure_future(link.keep()) for link in self.links]
        self._helpers = [asyncio.ensure_future(self._sweep())]
        self._granting = Granting(
            of_channel(account.name, account.tps),
            fill=self._fill,
            is_wanted=lambda pace: any(pace_of(batch) == pace for batch in self._queue),
            may_send=lambda: any(link.may_send and link.free for link in self.links),
            report=self._report_redis,
        )

    @property
    def is_bound(self) -> bool:
        return any(link.is_bound and link.kind is not Kind.RECEIVER for link in self.links)

    def add(self, batch: Batch) -> None:
        self._queue.append(batch)
        if self._is_closing or self._why_stopped(batch):
            self._give_back(batch)
            return
        self._granting.want(batch)
        self.pump()

    def pump(self) -> None:
        """Fill every window with what has no rate; the rest is written slot by slot."""
        if not self._granting.limits(NO_LIMIT):
            self._fill(None, NO_LIMIT)

    def settle(self, batch: Batch, units: Integers, codes: Integers, ids: Any) -> None:
        """The answers to these units, with an id for each or one for all; DOUBT when there will be none."""
        if batch.campaign_id in self._breakers or codes.any():
            self._count_refusals(batch, codes)
        if batch.finished.done():
            self._late(batch, units, codes, ids)
            return
        batch.take(units, codes, ids)
        if batch.open_units == 0 and (batch.is_written or batch.given_back):
            self._finish(batch)

    def let_go(self, link: Link) -> None:
        """The bind is gone: a recipient of whom some parts went over it gets no more of them."""
        for batch in list(self._queue):
            if batch.link is link:
                self._leave_half(batch)
                self._retire_if_written(batch)

    def switch_off(self, code: int) -> None:
        """The account is refused: every bind is given up until an operator changes the channel."""
        self.report(IncidentKind.BIND_REFUSED, reasons.SWITCHED_OFF % {"name": status.name(code)})
        for link in self.links:
            link.switch_off(code)

    def report(self, kind: IncidentKind, sample: str, count: int = 1) -> None:
        self._report(kind, self.account.channel_id, sample, count)

    def _report_redis(self, sample: str) -> None:
        self.report(IncidentKind.REDIS, sample)

    async def stop(self) -> None:
        """Give back what was not begun, drain the windows, unbind."""
        self._is_closing = True
        loop = asyncio.get_running_loop()
        until = loop.time() + FINISH
        for batch in self._queue:
            batch.send_by = loop.time()
        self._give_back_late(loop.time())
        while self._queue and loop.time() < until:
            await asyncio.sleep(SWEEP)
        for batch in list(self._queue):
            self._leave_half(batch)
            self._give_back(batch)
        for link in self.links:
            link.stop()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        for helper in self._helpers:
            helper.cancel()
        await asyncio.gather(*self._helpers, return_exceptions=True)
        await self._granting.stop()
        for batch in list(self._waiting):
            self._finish(batch)

    # --- Inside -------------------------------------------------------------------------------------------------------

    def _fill(self, credit: int | None, pace: Pace) -> int:
        """Write what fits into the windows of the batches at this pace, at most `credit` parts; batches take turns. How
        many parts went out."""
        written = 0
        now = asyncio.get_running_loop().time()
        while (credit is None or written < credit) and (found := self._next(pace)) is not None:
            batch, link = found
            count = min(link.free, batch.units - batch.next_unit)
            if batch.send_by <= now:
                count = min(count, batch.begun)
                if count == 0:
                    self._give_back(batch)
                    continue
            if credit is not None:
                # A message in one PDU may cost more parts than what is left: it goes, and the next ones wait.
                count = min(count, max(1, (credit - written) // batch.wire.cost))
            if batch.is_long:
                batch.link = link
            parts = link.write_units(batch, count) * batch.wire.cost
            written += parts
            self._count_turn(batch, parts)
            self._retire_if_written(batch)
        return written

    def _next(self, pace: Pace) -> tuple[Batch, Link] | None:
        """The batch at this pace whose turn it is, and where it may be written; its next turn is after the others'."""
        pushed_first = self._ahead <= 0
        for is_pushed in (pushed_first, not pushed_first):
            for _ in range(len(self._queue)):
                batch = self._queue[0]
                self._queue.rotate(-1)
                if batch.is_pushed != is_pushed or pace_of(batch) != pace:
                    continue
                if (link := self._link_for(batch)) is not None:
                    return batch, link
        return None

    def _count_turn(self, batch: Batch, parts: int) -> None:
        """Pushed messages go first, for every second part while others wait: neither starves the other."""
        if not batch.is_pushed:
            self._ahead = max(0, self._ahead - parts)
        elif not all(one.is_pushed for one in self._queue):
            self._ahead += parts

    def _link_for(self, batch: Batch) -> Link | None:
        if isinstance(batch.link, Link):
            return batch.link if batch.link.may_send and batch.link.free > 0 else None
        link = max((link for link in self.links if link.may_send), key=lambda link: link.free, default=None)
        return link if link is not None and link.free > 0 else None

    def _retire_if_written(self, batch: Batch) -> bool:
        if not batch.is_written:
            return False
        self._queue.remove(batch)
        self._await_answers(batch)
        return True

    def _count_refusals(self, batch: Batch, codes: Integers) -> None:
        """Refusals that say nothing about the recipient would spend the whole list: stop before they do."""
        period, breaker = self._breakers.get(batch.campaign_id, (None, None))
        if breaker is None or period != batch.period:
            if breaker is not None and period is not None and (batch.period is None or batch.period < period):
                return  # of before the resume
            breaker = Breaker(self.table)
            self._breakers[batch.campaign_id] = (batch.period, breaker)
        if breaker.reason:
            return
        for code, n in runs(codes):
            breaker.count(code, n)
        if breaker.reason:
            for one in self._queue:
                if self._why_stopped(one):
                    one.send_by = 0.0
            self._give_back_late(0.0)

    def _why_stopped(self, batch: Batch) -> str:
        period, breaker = self._breakers.get(batch.campaign_id, (None, None))
        return breaker.reason if breaker is not None and period == batch.period else ""

    def _leave_half(self, batch: Batch) -> None:
        """A recipient of whom some parts are written gets no more of them."""
        batch.link = None
        begun = batch.begun
        batch.codes[batch.next_unit : batch.next_unit + begun] = DOUBT
        batch.next_unit += begun

    def _give_back_late(self, now: float) -> None:
        for batch in [one for one in self._queue if one.send_by <= now and not one.begun]:
            self._give_back(batch)

    def _give_back(self, batch: Batch) -> None:
        batch.given_back = True
        self._queue.remove(batch)
        self._await_answers(batch)

    def _await_answers(self, batch: Batch) -> None:
        if batch.open_units == 0:
            self._finish(batch)
        else:
            self._waiting.add(batch)

    def _finish(self, batch: Batch) -> None:
        self._waiting.discard(batch)
        if not batch.finished.done():
            batch.stopped_because = self._why_stopped(batch)
            batch.finished.set_result(None)

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SWEEP)
            now = loop.time()
            self._give_back_late(now)
            for batch in [one for one in self._waiting if now - one.last_written > STRAGGLE]:
                self._finish(batch)
