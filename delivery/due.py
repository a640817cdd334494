"""What the clock finds: campaigns to start, to end, chunks to ring for. Any number of clocks may look at once."""

import itertools
import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import TruncDate
from kombu.exceptions import OperationalError as BrokerError

from audit import about
from audit.refusal import Refused
from campaigns.models import Campaign
from campaigns.statuses import Mode, Status
from delivery import chunk_files, halting, incidents, pacing, quarantine, tasks, transitions
from delivery.batches import most_in_batch
from delivery.intents import OVERDUE_MARGIN
from delivery.models import Chunk, Message
from delivery.statuses import ChunkStatus, IncidentKind, MessageState
from recipients.chunks import ChunkDamaged, Manifest

logger = logging.getLogger(__name__)

TOGETHER = 25  # campaigns that start in one transaction
TO_SETTLE = 6  # chunks rung for in a tick only to say what is in doubt
AHEAD = timedelta(seconds=1.5)  # campaigns that start within this time are made ready for their instant

Clock = Callable[[], datetime]


def tick(*, now: datetime) -> None:
    """Everything that is due by now, each in its own short transaction and with its own luck."""
    # Whatever has been sent in full is done, also when its deadline passed in the same second.
    for step in (start_due, finish_done, expire_late, plan_resumed, settle_ended, ring_open):
        with _alone(step.__name__):
            step(now=now)


@contextmanager
def _alone(step: str, campaign_id: int | None = None, *, now: datetime | None = None) -> Iterator[None]:
    """The trouble of one campaign, or of one step, must not keep the others from their minute: it is logged here."""
    where = {"step": step, "campaign": campaign_id}
    try:
        with about.work(**{"campaign": campaign_id} if campaign_id else {}):
            yield
    except Refused as refusal:  # another clock was first, or somebody cancelled it a moment ago
        logger.info("tick.refused", extra={**where, "code": refusal.code})
        if refusal.code == transitions.NOT_BALANCED and now is not None:
            incidents.note_once(IncidentKind.UNBALANCED, at=now, sample=refusal.message, campaign_id=campaign_id)
    except Exception:  # the tick is an edge: one campaign's trouble must not keep the others from their minute
        logger.exception("tick.failed", extra=where)


def start_due(*, now: datetime) -> None:
    _start_all(Campaign.objects.due(now).select_related("list", "channel").order_by("workspace", "pk"), now=now)


def start_on_time(*, clock: Clock) -> None:
    """Each campaign that is due in a moment, on its instant: what its start needs is read before.

    The tick finds whatever was not found here.
    """
    coming = list(Campaign.objects.due(clock() + AHEAD).select_related("list", "channel").order_by("workspace", "pk"))
    chunk_files.read_manifests([campaign.list for campaign in coming if campaign.list])
    instants = {campaign.due_at for campaign in coming if campaign.due_at}
    for at in sorted(instants):
        time.sleep(max(0.0, (at - clock()).total_seconds()))
        _start_all([campaign for campaign in coming if campaign.due_at == at], now=max(at, clock()))


def _start_all(campaigns: Iterable[Campaign], *, now: datetime) -> None:
    """Some at a time, of one workspace: a hundred that are due on one second must not wait for each other."""
    if halting.in_force():
        return
    for _, of_workspace in itertools.groupby(campaigns, key=lambda one: one.workspace_id):
        together = list(of_workspace)
        for first in range(0, len(together), TOGETHER):
            _start_together(together[first : first + TOGETHER], now=now)


def _start_together(campaigns: Sequence[Campaign], *, now: datetime) -> None:
    try:
        manifests = {campaign.pk: _manifest_of(campaign) for campaign in campaigns}
        started, left = transitions.start_together(manifests, now=now)
    except Exception as error:  # whatever is wrong with one of them: each has its own try
        logger.info("start.one_by_one", extra={"error": repr(error)})
        started, left = [], list(campaigns)
    for campaign in left:
        with _alone("start", campaign.pk):
            _start(campaign, now=now)
    with _alone("ring"):
        ring_started([campaign for campaign in started if campaign.hours.is_open(now)], now=now)


def _start(campaign: Campaign, *, now: datetime) -> None:
    try:
        if transitions.is_too_late(campaign, now):
            transitions.miss(campaign.pk, now=now)
            return
        transitions.start(campaign.pk, _manifest_of(campaign), now=now)
        ring_next(campaign.pk, now=now)
    except ChunkDamaged as error:
        _note(campaign, IncidentKind.CHUNK_DAMAGED, str(error), now=now)
        transitions.fail(campaign.pk, reason=str(error), now=now)
    except OSError as error:  # storage: the next tick tries again, within the grace
        _note(campaign, IncidentKind.STORAGE, str(error), now=now)


def _manifest_of(campaign: Campaign) -> Manifest | None:
    return chunk_files.manifest(campaign.list) if campaign.list else None  # a trigger


def finish_done(*, now: datetime) -> None:
    unfinished = Chunk.objects.filter(campaign=OuterRef("pk")).exclude(status=ChunkStatus.DONE)
    sent = Campaign.objects.sending().exclude(mode=Mode.TRIGGER).exclude(Exists(unfinished))
    for campaign_id in sent.values_list("pk", flat=True):
        with _alone("finish", campaign_id, now=now):
            transitions.finish(campaign_id, now=now)


def expire_late(*, now: datetime) -> None:
    for campaign_id in Campaign.objects.past_deadline(now).values_list("pk", flat=True):
        with _alone("expire", campaign_id, now=now):
            transitions.expire(campaign_id, now=now)


def plan_resumed(*, now: datetime) -> None:
    """Spread campaigns that were paused: their old line has a gap in it."""
    stale = Chunk.objects.open().filter(
        campaign=OuterRef("pk"), intended__lt=F("count"), plan_from__lt=OuterRef("resumed_at")
    )
    resumed = Campaign.objects.sending().filter(Exists(stale), mode=Mode.SPREAD, resumed_at__isnull=False)
    for campaign_id in resumed.values_list("pk", flat=True):
        with _alone("plan", campaign_id):
            transitions.plan_again(campaign_id, now=now)


_SETTLE_RETRIES = """
WITH settled AS (
    UPDATE delivery_message SET state = %(state)s, done_at = %(now)s, retry_at = NULL
    WHERE day = %(day)s AND campaign_id = %(campaign)s AND recipient >= %(first)s AND recipient < %(end)s
      AND state = %(retry)s
    RETURNING 1
), n AS (SELECT count(*)::int AS n FROM settled), noted AS (
    INSERT INTO delivery_tally (campaign_id, state, n)
    SELECT %(campaign)s, s, CASE s WHEN %(retry)s THEN -n ELSE n END
    FROM n, unnest(ARRAY[%(retry)s, %(state)s]::smallint[]) AS s WHERE n > 0
)
UPDATE delivery_chunk SET unresolved = unresolved - n FROM n WHERE id = %(chunk)s
"""


def settle_ended(*, now: datetime) -> None:
    """Campaigns that ended before their chunks did: what waited for another try will not get one."""
    left_behind = Chunk.objects.left_behind(now).values_list("pk", "campaign_id", "status")
    for chunk_id, campaign_id, status in list(left_behind[:1000]):
        with _alone("settle", campaign_id):
            if status == ChunkStatus.QUARANTINED:  # nobody will claim it
                quarantine.settle(chunk_id, now=now)
            _settle(chunk_id, now=now)


def _settle(chunk_id: int, *, now: datetime) -> None:
    with transaction.atomic():
        chunk = (
            Chunk.objects.select_for_update(of=("self",), no_key=True, skip_locked=True)
            .select_related("campaign")
            .filter(pk=chunk_id)
            .first()
        )
        if chunk is None:
            return
        if chunk.campaign.started_at is not None and chunk.unresolved:
            _settle_retries(chunk, now=now)
        chunk.refresh_from_db()
        if chunk.intended == chunk.next and not chunk.unresolved:
            chunk.status = ChunkStatus.DONE if chunk.next == chunk.count else ChunkStatus.CLOSED
            chunk.save(update_fields=["status"])
    if chunk.status == ChunkStatus.OPEN and not Chunk.objects.at_work(now).filter(pk=chunk.pk).exists():
        ring(chunk.pk, now=now)  # whoever claims it says what is in doubt


def _settle_retries(chunk: Chunk, *, now: datetime) -> None:
    expired = chunk.campaign.status == Status.EXPIRED
    with connection.cursor() as cursor:
        cursor.execute(
            _SETTLE_RETRIES,
            {
                "state": MessageState.EXPIRED if expired else MessageState.CANCELLED,
                "retry": MessageState.RETRY,
                "day": chunk.campaign.day,
                "campaign": chunk.campaign_id,
                "first": chunk.first,
                "end": chunk.first + chunk.count,
                "chunk": chunk.pk,
                "now": now,
            },
        )


def ring_open(*, now: datetime) -> None:
    """The sweeper: campaigns with something to do that nobody rang for. Those in their closed hours wait; nobody rings
    for what is pushed (`attending`)."""
    closed = set()
    for campaign in Campaign.objects.sending().order_by("-started_at", "-pk"):  # the latest has waited for no turn yet
        with _alone("ring", campaign.pk):
            if not campaign.hours.is_open(now):
                closed.add(campaign.pk)
            if campaign.mode != Mode.TRIGGER:
                ring_next(campaign.pk, now=now)
    overdue = Message.objects.filter(
        day=OuterRef("day"),
        campaign=OuterRef("campaign"),
        recipient__gte=OuterRef("first"),
        recipient__lt=OuterRef("first") + OuterRef("count"),
        state=MessageState.INTENDED,
        submitted_at__lt=now - timedelta(seconds=settings.RESPONSE_TIMEOUT) - OVERDUE_MARGIN,
    )
    # A retry that is due waits until it goes on: to look at its chunk would change nothing.
    paused = Chunk.objects.to_settle(now, closed=closed).annotate(day=TruncDate("campaign__started_at", tzinfo=UTC))
    lost = paused.filter(Q(intended__gt=F("next")) | Exists(overdue))
    for chunk_id in lost.values_list("pk", flat=True)[:TO_SETTLE]:
        ring(chunk_id, now=now)


def ring_next(campaign_id: int, *, now: datetime) -> bool:
    """Ring for the campaign's next chunk, in its hours, unless one of its bells waits. False when nobody would hear it.

    Whoever takes a bell rings the next one. So every campaign has one bell in the queue, whatever its size, and they
    have their turns in order; a campaign that is alone has every thread soon.
    """
    of_campaign = Chunk.objects.filter(campaign_id=campaign_id)
    if of_campaign.waiting(now).exists():
        return True
    campaign = Campaign.objects.select_related("channel").get(pk=campaign_id)
    if not campaign.hours.is_open(now) or of_campaign.owned(now).count() >= _looks_at_once(campaign):
        return True
    chunk_id = of_campaign.to_ring(now).order_by("number").values_list("pk", flat=True).first()
    return chunk_id is None or ring(chunk_id, now=now)


def ring_started(campaigns: Sequence[Campaign], *, now: datetime) -> None:
    """The first bell of each."""
    first = Chunk.objects.to_ring(now).filter(campaign__in=campaigns, number=0)
    for chunk_id in first.values_list("pk", flat=True):
        ring(chunk_id, now=now)


def others_wait(campaign_id: int, *, now: datetime) -> bool:
    """Whether a bell of another campaign waits for a thread."""
    return Chunk.objects.waiting(now).exclude(campaign_id=campaign_id).exists()


def ring(chunk_id: int, *, now: datetime) -> bool:
    """False when the broker is away: then the chunk does not count as rung for."""
    Chunk.objects.filter(pk=chunk_id).update(rung_at=now)
    try:
        tasks.dispatch.delay(chunk_id)
    except BrokerError as error:
        logger.warning("ring.unheard", extra={"chunk": chunk_id, "error": str(error)})
        Chunk.objects.filter(pk=chunk_id, rung_at=now).update(rung_at=None)
        return False
    return True


def _looks_at_once(campaign: Campaign) -> float:
    """Without a rate, as many as there are threads; else more would only wait, each with a thread of its own."""
    rate = pacing.slowest(campaign.channel.tps, campaign.parts_per_second)
    most = most_in_batch(is_pushed=False)
    return pacing.looks_at_once(rate, batch=pacing.batch_share(rate, parts=1, most=most)) if rate else math.inf


def _note(campaign: Campaign, kind: IncidentKind, sample: str, *, now: datetime) -> None:
    incidents.note(kind, at=now, sample=sample, channel_id=campaign.channel_id, campaign_id=campaign.pk)
