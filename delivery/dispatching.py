"""One look at one chunk: claim, intend, send, record, release. Seconds long; the doorbell rings again for the rest.

The order is the whole point: the intent is committed before the first byte, and what was intended but never answered
is in doubt and never sent again (docs/architecture.md, "Dispatch").
"""

import logging
import os
import random
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import numpy as np
from django.conf import settings
from django.db import connection
from django.db.utils import InterfaceError, OperationalError
from numpy.typing import NDArray
from opentelemetry import trace

from audit import about
from audit.refusal import Refused
from campaigns import transitions as campaign_transitions
from campaigns.models import Campaign
from campaigns.placeholders import Template
from campaigns.statuses import Status
from channels.reasons import ONE_ANSWER
from delivery import (
    chunk_files,
    doubts,
    due,
    evidence,
    incidents,
    intents,
    pushes,
    quarantine,
    reasons,
    results,
    spending,
    texts,
    transitions,
)
from delivery.batches import Batch, Integers, Wire, most_in_batch
from delivery.intents import OVERDUE_MARGIN, Chosen
from delivery.links import engine
from delivery.models import Chunk
from delivery.pacing import Line, allowed, batch_share, slowest
from delivery.pushes import Pushed
from delivery.statuses import ChunkStatus, IncidentKind, TextError
from delivery.ways import Way, Ways
from recipients.chunks import ChunkDamaged
from smpp import status

logger = logging.getLogger(__name__)
_tracer = trace.get_tracer("delivery")

SLICE = 3.0  # seconds of work before a chunk is put down, and up to twice as many: those of a campaign not all at once
TURN = 0.25  # and while a bell of another campaign waits: then each has its turn soon
SEND_WITHIN = 1.5  # seconds from the intent to the last byte; what is unsent then is given back (pause acts within 2 s)
SEND_PUSHED_WITHIN = 0.5  # of pushed messages: those of other campaigns wait for the thread
STEP = 0.1  # seconds between two looks at a spread line
RENEW = 15.0

T = TypeVar("T")
Clock = Callable[[], datetime]


@dataclass(slots=True, kw_only=True)
class _Work:
    """What one look needs to know: the claimed chunk, its campaign as approved, its numbers, its text."""

    chunk: Chunk
    campaign: Campaign
    template: Template
    phones: NDArray[np.uint64]
    cells: list[tuple[str, ...]]  # of a text with placeholders: what is known of each
    pushed: Pushed | None  # of a trigger
    ways: Ways
    clock: Clock

    def filled(self, indexes: Sequence[int]) -> list[str | None]:
        """The texts of these recipients of the chunk; None where a value is missing."""
        return self.template.fill([self.cells[index] for index in indexes], self.campaign.columns)

    def pdus(self, indexes: Sequence[int]) -> list[int]:
        """Of how many PDUs their messages consist on the campaign's own channel."""
        own = self.ways.own
        if self.template.is_plain:
            return [texts.pdus(self.template.plain, own.style)] * len(indexes)
        return [1 if text is None else texts.pdus(text, own.style) for text in self.filled(indexes)]

    def costs(self, way: Way, first: int, count: int) -> list[int]:
        """The parts of the messages to these recipients of the chunk; 0 of those whose text does not come about."""
        if self.template.is_plain:
            return [way.parts] * count
        written = self.filled(range(first, first + count))
        return [0 if text is None or _unfit(text, way) else texts.parts(text, way.style) for text in written]


def worker_name() -> str:
    """Unique to this process: whoever holds a lease can be found."""
    return f"{socket.gethostname()}:{os.getpid()}"


def work_on(chunk_id: int, *, clock: Clock) -> bool:
    """Send what this chunk may send within the next seconds. Harmless if rung twice, late, or for nothing. False when
    the chunk must be left alone now: its carrier is away, or its campaign may not send."""
    with about.work(chunk=chunk_id):
        return _work_on(chunk_id, clock=clock)


def _work_on(chunk_id: int, *, clock: Clock) -> bool:
    chunk = Chunk.objects.claim(chunk_id, worker_name(), now=clock())
    if chunk is None:
        return True  # others have it
    goes_on = False
    try:
        work = _open(chunk, clock=clock)
        goes_on = work is not None and _work(work)
        quarantine.forgive(chunk)
    except (OperationalError, InterfaceError):
        raise  # the database is away, and the chunk has done nothing
    except Exception as error:  # one bad chunk must not take its campaign along
        quarantine.note_failure(chunk, error, now=clock())
        raise
    finally:
        intents.release(chunk, now=clock())
    # Else the next tick looks again: a carrier that is away must not make the bell ring without a pause.
    if goes_on and not chunk.is_pushed:
        due.ring_next(chunk.campaign_id, now=clock())
    return goes_on


def _open(chunk: Chunk, *, clock: Clock) -> _Work | None:
    """The chunk ready for work; None when it must not be worked on."""
    related = Campaign.objects.select_related("workspace", "sender", "revision", "list", "channel", "route")
    campaign = chunk.campaign = related.get(pk=chunk.campaign_id)
    about.add(campaign=campaign.pk, channel=campaign.channel_id)
    template = campaign.template
    try:
        pushed = pushes.of_chunk(chunk) if chunk.is_pushed else None
        phones, cells = (pushed.phones, pushed.cells) if pushed else _read(chunk, template)
    except ChunkDamaged as error:
        quarantine.put_aside(chunk.pk, IncidentKind.CHUNK_DAMAGED, str(error), now=clock())
        return None
    except OSError as error:
        _note(campaign, IncidentKind.STORAGE, str(error), now=clock())
        intents.put_off(chunk, until=clock() + settings.RING_AGAIN)
        return None
    ways = Ways(campaign, now=clock())
    work = _Work(
        chunk=chunk,
        campaign=campaign,
        template=template,
        phones=phones,
        cells=cells,
        pushed=pushed,
        ways=ways,
        clock=clock,
    )
    doubts.settle(chunk, phones, parts=work.pdus, overdue=_overdue(clock()), now=clock())
    if campaign.status != Status.SENDING:
        return None
    if wrong := transitions.what_differs(campaign) or ways.misfit:
        _stop(campaign, IncidentKind.SEAL_BROKEN, wrong, now=clock())
        return None
    return work


def _read(chunk: Chunk, template: Template) -> tuple[NDArray[np.uint64], list[tuple[str, ...]]]:
    phones = chunk_files.phones(chunk)
    cells = [] if template.is_plain else chunk_files.others(chunk, len(chunk.campaign.columns))
    chunk_files.read_ahead(chunk)
    return phones, cells


class _Turn:
    """How long a look may go on."""

    def __init__(self, work: _Work) -> None:
        # Looks that began together end one after another.
        self.until = time.monotonic() + (TURN if work.pushed else SLICE * random.uniform(1, 2))
        self._asks_at = time.monotonic() + TURN

    def is_over(self, work: _Work) -> bool:
        if work.pushed:  # who attends to it looks who has waited longest
            return time.monotonic() >= self.until
        campaign_id = work.campaign.pk
        if time.monotonic() >= self._asks_at:
            if due.others_wait(campaign_id, now=work.clock()):
                return True
            self._asks_at = time.monotonic() + TURN
        if time.monotonic() >= self.until:
            if due.ring_next(campaign_id, now=work.clock()):
                return True
            self.until = time.monotonic() + SLICE  # nobody hears a bell now: whoever is at work goes on
        return False


def _work(work: _Work) -> bool:
    """True when there may be more to do at once, in this chunk or in another of the campaign."""
    if not work.pushed:  # our bell is taken: the campaign's next waits among those of others
        due.ring_next(work.campaign.pk, now=work.clock())
    turn, is_known = _Turn(work), False
    while not engine.is_stopping and work.ways.is_open(engine.is_bound):
        if turn.is_over(work):
            return True
        if not work.campaign.hours.is_open(work.clock()):
            return False
        if not is_known:
            work.chunk.refresh_from_db(fields=results.MOVING)  # the cached campaign must stay
        is_known = False
        if work.chunk.status != ChunkStatus.OPEN:
            return True
        if _retry(work):
            continue
        count = _may_send(work)
        if count <= 0:
            wait = _until_due(work)
            if wait is None:
                return True
            if time.monotonic() + wait > turn.until:
                return wait < SLICE  # a line must not wait for the tick with its next recipient due before it
            time.sleep(min(wait, STEP))
        elif not _send_fresh(work, count):
            return False
        else:
            is_known = True  # what was stored says how the chunk stands
    return work.ways.is_open(engine.is_bound) and not engine.is_stopping


def _send_fresh(work: _Work, count: int) -> bool:
    """Intend, send and record up to `count` recipients; False when the chunk must be left alone now."""
    chunk, way = work.chunk, work.ways.next(engine.is_bound)
    if way is None:
        return False
    phones = work.phones[chunk.next : chunk.next + min(count, _batch_size(work, way))]
    is_counted = work.campaign.workspace.is_limited
    costs = work.costs(way, chunk.next, len(phones)) if is_counted else None
    now = work.clock()
    try:
        chosen = intents.intend(chunk, phones, seal=work.campaign.seal, channel_id=way.id, now=now, costs=costs)
    except spending.LimitReached as limit:
        _pause(work.campaign, IncidentKind.LIMIT_REACHED, str(limit), now=now)
        return False
    except (OperationalError, InterfaceError) as error:
        # A commit in doubt is not sent: whoever claims the chunk next finds the intent, if it is there, and doubts it.
        logger.warning("dispatch.intent_lost", extra={"chunk": chunk.pk, "error": str(error)})
        connection.close()
        return False
    if chosen is None:
        return False
    batch = _fresh_batch(work, way, chosen)
    if chosen.barred:
        _note(work.campaign, IncidentKind.DESTINATION_BARRED, reasons.BARRED, now=now, count=chosen.barred)
    with _handed_over(work, batch):
        if chosen.spent:
            _settle_up(work, way, batch, chosen, now=now)
        if not _persist(work, lambda: results.store(batch, chunk, now=work.clock())):
            _persist(work, lambda: evidence.store_batch(batch, now=work.clock()))
            return False
    _judge_carrier(work, way, batch)
    return not batch.stopped_because


def _retry(work: _Work) -> bool:
    """Try again what was refused for the moment and is due; True when there was something."""
    chunk, now = work.chunk, work.clock()
    if not chunk.unresolved or chunk.retry_at is None or chunk.retry_at > now:
        return False
    way = work.ways.next(engine.is_bound)
    if way is None:
        return False
    count = _batch_size(work, way)
    retries = intents.intend_retries(chunk, count, seal=work.campaign.seal, channel_id=way.id, now=now)
    if not retries:
        doubts.settle(chunk, work.phones, parts=work.pdus, overdue=_overdue(now), now=now)
        intents.look_again(chunk)
        return False
    batch = _batch(work, way, np.array([one.recipient - chunk.first for one in retries]))
    attempts = {one.recipient: one.attempts for one in retries}
    batch.is_retry, batch.attempts = True, np.array([attempts[recipient] for recipient in batch.recipients.tolist()])
    with _handed_over(work, batch):
        _persist(work, lambda: evidence.store_batch(batch, now=work.clock()))
    _judge_carrier(work, way, batch)
    return True


def _fresh_batch(work: _Work, way: Way, chosen: Chosen) -> Batch:
    indexes = np.arange(chosen.indexes.start, chosen.indexes.stop)
    phones = work.phones[indexes]
    unwanted = np.isin(phones, np.array(list(chosen.suppressed), np.uint64))
    if work.pushed:
        unwanted |= work.pushed.is_suppressed[indexes]
    if not unwanted.any():
        return _batch(work, way, indexes)
    batch = _batch(work, way, indexes[~unwanted])
    recipients = work.chunk.first + indexes[unwanted]
    batch.suppressed = list(zip(recipients.tolist(), phones[unwanted].tolist(), strict=True))
    return batch


def _batch(work: _Work, way: Way, indexes: Integers) -> Batch:
    """Of these recipients of the chunk, but for those whose time has passed, and whose text does not come about."""
    in_time = indexes
    if work.pushed:
        now, pushed = work.clock(), work.pushed
        in_time = indexes[np.array([pushed.is_in_time(index, now) for index in indexes.tolist()], bool)]
    expired = np.setdiff1d(indexes, in_time)
    indexes, wire, unfit = _wire(work, way, in_time)
    return Batch(
        campaign_id=work.campaign.pk,
        channel_id=way.id,
        chunk_id=work.chunk.pk,
        day=work.campaign.day,
        recipients=work.chunk.first + indexes,
        phones=work.phones[indexes],
        wire=wire,
        table=way.table,
        send_by=engine.now() + _send_within(work),
        intended_at=work.clock(),
        period=work.campaign.resumed_at,
        parts_per_second=work.campaign.parts_per_second or 0,
        is_pushed=work.pushed is not None,
        expired=list(zip((work.chunk.first + expired).tolist(), work.phones[expired].tolist(), strict=True)),
        unfit=[(work.chunk.first + index, int(work.phones[index]), why) for index, why in unfit],
    )


def _wire(work: _Work, way: Way, indexes: Integers) -> tuple[Integers, Wire, list[tuple[int, TextError]]]:
    """What goes to whom, and who gets nothing and why."""
    ends = [work.pushed.ends[index] for index in indexes.tolist()] if work.pushed else []
    if work.template.is_plain and not any(ends):
        cost = way.parts if len(way.templates) == 1 else 1
        phones = work.phones[indexes]
        return indexes, texts.Same(way.templates, phones, cost=cost, plus=way.style.plus_sign), []
    fit: list[int] = []
    written: list[str] = []
    unfit: list[tuple[int, TextError]] = []
    for index, text in zip(indexes.tolist(), work.filled(indexes.tolist()), strict=True):
        if text is None:
            unfit.append((index, TextError.VALUE_MISSING))
        elif why := _unfit(text, way):
            unfit.append((index, why))
        else:
            fit.append(index)
            written.append(text)
    chosen = np.array(fit, np.int64)
    until = [work.pushed.ends[index] for index in fit] if work.pushed else None
    # A number may get several messages of a trigger, whose parts must not be put together.
    references = (work.campaign.pk + work.chunk.first + chosen).tolist() if work.pushed else None
    wire = texts.filled(
        work.campaign, way.style, work.phones[chosen], written, now=work.clock(), ends=until, references=references
    )
    return chosen, wire, unfit


def _unfit(text: str, way: Way) -> TextError | None:
    if texts.parts(text, way.style) > settings.MAX_PARTS:
        return TextError.TOO_LONG
    return None if texts.foreign(text, way.style) is None else TextError.FOREIGN


def _send_within(work: _Work) -> float:
    """Nothing is begun after the hours are over."""
    now = work.clock()
    usual = SEND_PUSHED_WITHIN if work.pushed else SEND_WITHIN
    closing = work.campaign.hours.next_closing(now)
    return usual if closing is None else min(usual, (closing - now).total_seconds())


@contextmanager
def _handed_over(work: _Work, batch: Batch) -> Iterator[None]:
    """Hand it to the links and wait; the block records what came of it, and answers that come later wait for that."""
    with _tracer.start_as_current_span("batch", attributes=_ids(batch), record_exception=False) as span:
        if batch.units:
            engine.send(batch)
        try:
            while batch.units:
                try:
                    batch.finished.result(timeout=RENEW)
                    break
                except TimeoutError:
                    _renew(work)
            span.set_attribute("messagecenter.handed_over", batch.handed_over)
            yield
        finally:
            batch.is_recorded = True


def _ids(batch: Batch) -> dict[str, int]:
    """Of its span. Nothing of its recipients but how many they are."""
    return {
        "messagecenter.campaign": batch.campaign_id,
        "messagecenter.channel": batch.channel_id,
        "messagecenter.chunk": batch.chunk_id,
        "messagecenter.recipients": len(batch.recipients),
    }


def _renew(work: _Work) -> None:
    try:
        intents.renew(work.chunk, now=work.clock())
    except (OperationalError, InterfaceError) as error:
        # At worst somebody else takes the chunk over, and what we hear becomes evidence.
        logger.warning("dispatch.lease_not_renewed", extra={"chunk": work.chunk.pk, "error": str(error)})
        connection.close()


def _persist(work: _Work, store: Callable[[], T]) -> T:
    """What the carrier answered is written down, however long the database is away."""
    delay, failures = 0.1, 0
    while True:
        try:
            stored = store()
            break
        except (OperationalError, InterfaceError) as error:
            failures += 1
            logger.warning("dispatch.results_wait", extra={"chunk": work.chunk.pk, "error": str(error)})
            connection.close()
            if engine.is_stopping and delay > 5:
                raise
            time.sleep(delay)
            delay = min(delay * 2, 10.0)
    if failures:
        _note(work.campaign, IncidentKind.DATABASE, reasons.ANSWERS_NOT_STORED, now=work.clock(), count=failures)
    return stored


def _batch_size(work: _Work, way: Way) -> int:
    """At most this thread's share of B, and not more than its rate takes in a moment."""
    share = most_in_batch(is_pushed=work.pushed is not None)
    rate = slowest(way.channel.tps, work.campaign.parts_per_second)
    return batch_share(rate, parts=way.parts, most=share) if rate else share


def _may_send(work: _Work) -> int:
    """How many of the chunk are due and wait."""
    left = work.chunk.count - work.chunk.next
    line = _line(work)
    if line is not None:
        left = line.due(work.clock()) - work.chunk.next
    return left


def _until_due(work: _Work) -> float | None:
    """Seconds until the spread line has the next recipient; None when nothing is left to hand over."""
    line = _line(work)
    if line is None or work.chunk.next >= work.chunk.count:
        return None
    return max(0.0, (line.due_at(work.chunk.next) - work.clock()).total_seconds())


def _line(work: _Work) -> Line | None:
    chunk = work.chunk
    if chunk.plan_from is None or chunk.plan_until is None:
        return None
    open_time = allowed(work.campaign.hours, begin=chunk.plan_from, end=chunk.plan_until)
    return Line(time=open_time, first=chunk.plan_first, count=chunk.count - chunk.plan_first)


def _judge_carrier(work: _Work, way: Way, batch: Batch) -> None:
    """Count refusals that say nothing about the recipient; pause when the links gave the batch back for them."""
    codes, counts = np.unique(batch.codes[batch.codes > 0], return_counts=True)
    for code, count in zip(codes.tolist(), counts.tolist(), strict=True):
        if not way.table.answer(code).breaker:
            continue
        sample = ONE_ANSWER % {"name": status.name(code), "text": status.text(code)}
        _note(work.campaign, IncidentKind.REFUSED, sample, now=work.clock(), count=count, channel_id=way.id)
    if batch.stopped_because:
        _pause(work.campaign, IncidentKind.REFUSED, batch.stopped_because, now=work.clock(), channel_id=way.id)


def _settle_up(work: _Work, way: Way, batch: Batch, chosen: Chosen, *, now: datetime) -> None:
    """What was counted for this batch is what is handed over of it. A process that dies before has spent it all."""
    begin = chosen.indexes.start
    costs = work.costs(way, begin, len(chosen.indexes))
    handed_over = batch.recipients[: batch.handed_over] - work.chunk.first - begin
    over = chosen.spent - sum(costs[index] for index in handed_over.tolist())
    if not over:
        return
    try:
        spending.give_back(work.campaign.workspace, over, at=now)
    except (OperationalError, InterfaceError) as error:  # not tried again: given back twice, it would be spent twice
        logger.warning("dispatch.not_given_back", extra={"chunk": work.chunk.pk, "error": str(error)})
        connection.close()


def _pause(
    campaign: Campaign, kind: IncidentKind, reason: str, *, now: datetime, channel_id: int | None = None
) -> None:
    """Until a person lets it go on: once the carrier is well, tomorrow, or when an admin has raised the limit."""
    try:
        campaign_transitions.pause(campaign.pk, by=None, reason=reason)
    except Refused:
        logger.info("dispatch.pause_too_late", extra={"campaign": campaign.pk})
    else:
        _note(campaign, kind, reason, now=now, channel_id=channel_id)


def _stop(campaign: Campaign, kind: IncidentKind, reason: str, *, now: datetime) -> None:
    _note(campaign, kind, reason, now=now)
    try:
        transitions.fail(campaign.pk, reason=reason, now=now)
    except Refused:
        logger.info("dispatch.already_stopped", extra={"campaign": campaign.pk})


def _note(
    campaign: Campaign,
    kind: IncidentKind,
    sample: str,
    *,
    now: datetime,
    count: int = 1,
    channel_id: int | None = None,
) -> None:
    channel_id = channel_id or campaign.channel_id
    incidents.note(kind, at=now, sample=sample, channel_id=channel_id, campaign_id=campaign.pk, count=count)


def _overdue(now: datetime) -> datetime:
    return now - timedelta(seconds=settings.RESPONSE_TIMEOUT) - OVERDUE_MARGIN
