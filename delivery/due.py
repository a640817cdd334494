"""What the clock finds: campaigns to start, to end, chunks to ring for. Any number of clocks may look at once."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import TruncDate

from audit.refusal import Refused
from campaigns.models import Campaign
from campaigns.statuses import Mode, Status
from delivery import chunk_files, halting, incidents, quarantine, tasks, transitions
from delivery.intents import OVERDUE_MARGIN
from delivery.models import Chunk, Message
from delivery.statuses import ChunkStatus, IncidentKind, MessageState
from recipients.chunks import ChunkDamaged

logger = logging.getLogger(__name__)

AT_ONCE = 6  # chunks of one campaign on the bell at a time: no campaign fills the queue


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
        yield
    except Refused as refusal:  # another clock was first, or somebody cancelled it a moment ago
        logger.info("tick.refused", extra={**where, "code": refusal.code})
        if refusal.code == transitions.NOT_BALANCED and now is not None:
            incidents.note_once(IncidentKind.UNBALANCED, at=now, sample=refusal.message, campaign_id=campaign_id)
    except Exception:  # the tick is an edge: one campaign's trouble must not keep the others from their minute
        logger.exception("tick.failed", extra=where)


def start_due(*, now: datetime) -> None:
    if halting.in_force():
        return
    for campaign in Campaign.objects.due(now).select_related("list", "channel").order_by("pk"):
        with _alone("start", campaign.pk):
            _start(campaign, now=now)


def _start(campaign: Campaign, *, now: datetime) -> None:
    try:
        if transitions.is_too_late(campaign, now):
            transitions.miss(campaign.pk, now=now)
            return
        assert campaign.list is not None  # campaign_beyond_draft_has_a_list
        transitions.start(campaign.pk, chunk_files.manifest(campaign.list), now=now)
    except ChunkDamaged as error:
        _note(campaign, IncidentKind.CHUNK_DAMAGED, str(error), now=now)
        transitions.fail(campaign.pk, reason=str(error), now=now)
    except OSError as error:  # storage: the next tick tries again, within the grace
        _note(campaign, IncidentKind.STORAGE, str(error), now=now)


def finish_done(*, now: datetime) -> None:
    unfinished = Chunk.objects.filter(campaign=OuterRef("pk")).exclude(status=ChunkStatus.DONE)
    for campaign_id in Campaign.objects.sending().exclude(Exists(unfinished)).values_list("pk", flat=True):
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
    """The sweeper: chunks with something to do and nobody at it, a few of each campaign."""
    for campaign_id in Campaign.objects.sending().values_list("pk", flat=True):
        with _alone("ring", campaign_id):
            ring_next(campaign_id, now=now)
    overdue = Message.objects.filter(
        day=OuterRef("day"),
        campaign=OuterRef("campaign"),
        recipient__gte=OuterRef("first"),
        recipient__lt=OuterRef("first") + OuterRef("count"),
        state=MessageState.INTENDED,
        submitted_at__lt=now - timedelta(seconds=settings.RESPONSE_TIMEOUT) - OVERDUE_MARGIN,
    )
    # A retry that is due waits for the resume: to look at its chunk would change nothing.
    paused = Chunk.objects.to_settle(now).annotate(day=TruncDate("campaign__started_at", tzinfo=UTC))
    lost = paused.filter(Q(intended__gt=F("next")) | Exists(overdue))
    for chunk_id in lost.values_list("pk", flat=True)[:AT_ONCE]:
        ring(chunk_id, now=now)


def ring_next(campaign_id: int, *, now: datetime) -> None:
    """Whoever puts a chunk down rings for the next, so that work goes on between two ticks."""
    of_campaign = Chunk.objects.filter(campaign_id=campaign_id)
    room = AT_ONCE - of_campaign.at_work(now).count()
    if room > 0:
        for chunk_id in of_campaign.to_ring(now).order_by("number").values_list("pk", flat=True)[:room]:
            ring(chunk_id, now=now)


def ring(chunk_id: int, *, now: datetime) -> None:
    Chunk.objects.filter(pk=chunk_id).update(rung_at=now)
    tasks.dispatch.delay(chunk_id)


def _note(campaign: Campaign, kind: IncidentKind, sample: str, *, now: datetime) -> None:
    incidents.note(kind, at=now, sample=sample, channel_id=campaign.channel_id, campaign_id=campaign.pk)
