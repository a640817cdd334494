"""One look at one chunk: claim, intend, send, record, release. Seconds long; the doorbell rings again for the rest.

The order is the whole point: the intent is committed before the first byte, and what was intended but never answered
is in doubt and never sent again (docs/architecture.md, "Dispatch").
"""

import logging
import os
import random
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from django.conf import settings
from django.db import connection
from django.db.utils import InterfaceError, OperationalError

from audit.refusal import Refused
from campaigns import transitions as campaign_transitions
from campaigns.models import Campaign
from campaigns.statuses import Status
from delivery import chunk_files, doubts, due, evidence, incidents, intents, results, texts, transitions
from delivery.batches import Batch
from delivery.intents import OVERDUE_MARGIN, Chosen
from delivery.judging import breaker
from delivery.links import engine
from delivery.models import Chunk
from delivery.pacing import Line, allowed, batch_share, slowest
from delivery.statuses import ChunkStatus, IncidentKind
from recipients.chunks import ChunkDamaged
from smpp import status

logger = logging.getLogger(__name__)

SLICE = 3.0  # seconds of work before a chunk is put down, and up to twice as many: those of a campaign not all at once
TURN = 0.25  # and while a bell of another campaign waits: then each has its turn soon
SEND_WITHIN = 1.5  # seconds from the intent to the last byte; what is unsent then is given back (pause acts within 2 s)
STEP = 0.1  # seconds between two looks at a spread line
RENEW = 15.0

# What changes under a chunk's owner; the cached campaign must stay.
MOVING = ["status", "next", "intended", "unresolved", "retry_at", "plan_from", "plan_until", "plan_first"]

T = TypeVar("T")
Clock = Callable[[], datetime]


@dataclass(slots=True, kw_only=True)
class _Work:
    """What one look needs to know: the claimed chunk, its campaign as approved, its numbers, its text."""

    chunk: Chunk
    campaign: Campaign
    phones: list[int]
    parts: int
    clock: Clock


def worker_name() -> str:
    """Unique to this process: whoever holds a lease can be found."""
    return f"{socket.gethostname()}:{os.getpid()}"


def work_on(chunk_id: int, *, clock: Clock) -> None:
    """Send what this chunk may send within the next seconds. Harmless if rung twice, late, or for nothing."""
    chunk = Chunk.objects.claim(chunk_id, worker_name(), now=clock())
    if chunk is None:
        return
    goes_on = False
    try:
        work = _open(chunk, clock=clock)
        goes_on = work is not None and _work(work)
    finally:
        intents.release(chunk, now=clock())
    if goes_on:  # else the next tick looks again: a carrier that is away must not make the bell ring without a pause
        due.ring_next(chunk.campaign_id, now=clock())


def _open(chunk: Chunk, *, clock: Clock) -> _Work | None:
    """The chunk ready for work; None when it must not be worked on."""
    campaign = Campaign.objects.select_related("sender", "revision", "list", "channel").get(pk=chunk.campaign_id)
    chunk.campaign = campaign
    try:
        phones = chunk_files.phones(chunk).tolist()
        chunk_files.read_ahead(chunk)
    except ChunkDamaged as error:
        _stop(campaign, IncidentKind.CHUNK_DAMAGED, str(error), now=clock())
        return None
    except OSError as error:
        _note(campaign, IncidentKind.STORAGE, str(error), now=clock())
        return None
    parts = texts.parts(campaign)
    doubts.settle(chunk, phones, parts=parts, overdue=_overdue(clock()), now=clock())
    if campaign.status != Status.SENDING:
        return None
    if wrong := transitions.what_differs(campaign):
        _stop(campaign, IncidentKind.SEAL_BROKEN, wrong, now=clock())
        return None
    return _Work(chunk=chunk, campaign=campaign, phones=phones, parts=parts, clock=clock)


def _work(work: _Work) -> bool:
    """True when there may be more to do at once, in this chunk or in another of the campaign."""
    campaign_id, hours = work.campaign.pk, work.campaign.hours
    due.ring_next(campaign_id, now=work.clock())  # our bell is taken: the campaign's next waits among those of others
    until, turn_until = time.monotonic() + SLICE * random.uniform(1, 2), time.monotonic() + TURN
    while not engine.is_stopping and engine.is_bound(work.campaign.channel_id):
        if time.monotonic() >= turn_until:
            if due.others_wait(campaign_id, now=work.clock()):
                return True
            turn_until = time.monotonic() + TURN
        if time.monotonic() >= until:
            if due.ring_next(campaign_id, now=work.clock()):
                return True
            until = time.monotonic() + SLICE  # nobody hears a bell now: whoever is at work goes on
        if not hours.is_open(work.clock()):
            return False
        work.chunk.refresh_from_db(fields=MOVING)
        if work.chunk.status != ChunkStatus.OPEN:
            return True
        if _retry(work):
            continue
        count = _may_send(work)
        if count <= 0:
            wait = _until_due(work)
            if wait is None:
                return True
            if time.monotonic() + wait > until:
                return wait < SLICE  # a line must not wait for the tick with its next recipient due before it
            time.sleep(min(wait, STEP))
        elif not _send_fresh(work, count):
            return False
    return engine.is_bound(work.campaign.channel_id) and not engine.is_stopping


def _send_fresh(work: _Work, count: int) -> bool:
    """Intend, send and record up to `count` recipients; False when the chunk must be left alone now."""
    chunk = work.chunk
    phones = work.phones[chunk.next : chunk.next + count]
    try:
        chosen = intents.intend(chunk, phones, seal=work.campaign.seal, now=work.clock())
    except (OperationalError, InterfaceError) as error:
        # A commit in doubt is not sent: whoever claims the chunk next finds the intent, if it is there, and doubts it.
        logger.warning("dispatch.intent_lost", extra={"chunk": chunk.pk, "error": str(error)})
        connection.close()
        return False
    if chosen is None:
        return False
    batch = _fresh_batch(work, chosen)
    with _handed_over(work, batch):
        if not _persist(work, lambda: results.store(batch, chunk, now=work.clock())):
            _persist(work, lambda: evidence.store_batch(batch, now=work.clock()))
            return False
    _judge_carrier(work, batch)
    return not batch.stopped_because


def _retry(work: _Work) -> bool:
    """Try again what was refused for the moment and is due; True when there was something."""
    chunk, now = work.chunk, work.clock()
    if not chunk.unresolved or chunk.retry_at is None or chunk.retry_at > now:
        return False
    retries = intents.intend_retries(chunk, _batch_size(work), seal=work.campaign.seal, now=now)
    if not retries:
        doubts.settle(chunk, work.phones, parts=work.parts, overdue=_overdue(now), now=now)
        intents.look_again(chunk)
        return False
    batch = _batch(work, [one.recipient for one in retries], [one.phone for one in retries])
    batch.is_retry = True
    with _handed_over(work, batch):
        _persist(work, lambda: evidence.store_batch(batch, now=work.clock()))
    _judge_carrier(work, batch)
    return True


def _fresh_batch(work: _Work, chosen: Chosen) -> Batch:
    recipients = [work.chunk.first + index for index in chosen.indexes]
    phones = [work.phones[index] for index in chosen.indexes]
    if not chosen.suppressed:
        return _batch(work, recipients, phones)
    people = list(zip(recipients, phones, strict=True))
    wanted = [(recipient, phone) for recipient, phone in people if phone not in chosen.suppressed]
    batch = _batch(work, [recipient for recipient, _ in wanted], [phone for _, phone in wanted])
    batch.suppressed = [(recipient, phone) for recipient, phone in people if phone in chosen.suppressed]
    return batch


def _batch(work: _Work, recipients: list[int], phones: list[int]) -> Batch:
    return Batch(
        campaign_id=work.campaign.pk,
        channel_id=work.campaign.channel_id,
        chunk_id=work.chunk.pk,
        day=work.campaign.day,
        recipients=recipients,
        phones=phones,
        destinations=[b"%d" % phone for phone in phones],
        templates=texts.templates(work.campaign, now=work.clock()),
        send_by=engine.now() + _send_within(work),
        intended_at=work.clock(),
        period=work.campaign.resumed_at,
        parts_per_second=work.campaign.parts_per_second or 0,
    )


def _send_within(work: _Work) -> float:
    """Nothing is begun after the hours are over."""
    now = work.clock()
    closing = work.campaign.hours.next_closing(now)
    return SEND_WITHIN if closing is None else min(SEND_WITHIN, (closing - now).total_seconds())


@contextmanager
def _handed_over(work: _Work, batch: Batch) -> Iterator[None]:
    """Hand it to the links and wait; the block records what came of it, and answers that come later wait for that."""
    if batch.recipients:
        engine.send(batch)
    try:
        while batch.recipients:
            try:
                batch.finished.result(timeout=RENEW)
                break
            except TimeoutError:
                _renew(work)
        yield
    finally:
        batch.is_recorded = True


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
        sample = "Answers of the carrier could not be stored at once."
        _note(work.campaign, IncidentKind.DATABASE, sample, now=work.clock(), count=failures)
    return stored


def _batch_size(work: _Work) -> int:
    """At most this thread's share of B, and not more than its rate takes in a moment."""
    share = max(1, settings.DISPATCH_BATCH // settings.DISPATCH_THREADS)
    rate = slowest(work.campaign.channel.tps, work.campaign.parts_per_second)
    return batch_share(rate, parts=work.parts, most=share) if rate else share


def _may_send(work: _Work) -> int:
    left = work.chunk.count - work.chunk.next
    line = _line(work)
    if line is not None:
        left = line.due(work.clock()) - work.chunk.next
    return min(left, _batch_size(work))


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


def _judge_carrier(work: _Work, batch: Batch) -> None:
    """Count refusals that say nothing about the recipient; pause when the links gave the batch back for them."""
    refused = Counter(given[0] for given in batch.answers if given is not None and given[0] > 0 and breaker(given[0]))
    for code, count in refused.items():
        sample = f"{status.name(code)}: {status.text(code)}"
        _note(work.campaign, IncidentKind.REFUSED, sample, now=work.clock(), count=count)
    if batch.stopped_because:
        try:
            campaign_transitions.pause(work.campaign.pk, by=None, reason=batch.stopped_because)
        except Refused:
            logger.info("dispatch.breaker_too_late", extra={"campaign": work.campaign.pk})


def _stop(campaign: Campaign, kind: IncidentKind, reason: str, *, now: datetime) -> None:
    _note(campaign, kind, reason, now=now)
    try:
        transitions.fail(campaign.pk, reason=reason, now=now)
    except Refused:
        logger.info("dispatch.already_stopped", extra={"campaign": campaign.pk})


def _note(campaign: Campaign, kind: IncidentKind, sample: str, *, now: datetime, count: int = 1) -> None:
    incidents.note(kind, at=now, sample=sample, channel_id=campaign.channel_id, campaign_id=campaign.pk, count=count)


def _overdue(now: datetime) -> datetime:
    return now - timedelta(seconds=settings.RESPONSE_TIMEOUT) - OVERDUE_MARGIN
