"""Chunks that cannot be worked on are put aside, so that one of them stops nobody else; a person lets them go on."""

from datetime import datetime, timedelta

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from accounts.models import User
from audit.ledger import record
from audit.refusal import Refused
from delivery import chunk_files, doubts, incidents, reasons, texts
from delivery.intents import OVERDUE_MARGIN
from delivery.models import Chunk
from delivery.statuses import ChunkStatus, IncidentKind
from delivery.ways import style_of
from recipients.chunks import ChunkDamaged

MOST_FAILURES = 5  # looks in a row


def note_failure(chunk: Chunk, error: Exception, *, now: datetime) -> None:
    """A look ended in an exception that nobody expected: counted, and after some of them the chunk is put aside."""
    Chunk.objects.filter(pk=chunk.pk).update(failures=F("failures") + 1)
    chunk.refresh_from_db(fields=["failures"])
    trouble = type(error).__name__  # what the exception says may hold a number or a text
    if chunk.failures < MOST_FAILURES:
        sample = reasons.LOOK_FAILED % {"number": chunk.number, "trouble": trouble}
        incidents.note(IncidentKind.CHUNK_FAILED, at=now, sample=sample, campaign_id=chunk.campaign_id)
    else:
        why = reasons.CHUNK_FAILED % {"number": chunk.number, "trouble": trouble, "times": chunk.failures}
        put_aside(chunk.pk, IncidentKind.CHUNK_FAILED, why, now=now)


def forgive(chunk: Chunk) -> None:
    """A look went well: what failed before it does not count any more."""
    if chunk.failures:
        Chunk.objects.filter(pk=chunk.pk).update(failures=0)


@transaction.atomic
def put_aside(chunk_id: int, kind: IncidentKind, why: str, *, now: datetime) -> None:
    """Nobody works on it any more. The campaign's other chunks go on; it is not done before this one is."""
    chunk = Chunk.objects.lock(chunk_id)
    if chunk.status != ChunkStatus.OPEN:
        return
    Chunk.objects.filter(pk=chunk_id).update(status=ChunkStatus.QUARANTINED, trouble=why)
    incidents.note(kind, at=now, sample=reasons.QUARANTINED % {"why": why}, campaign_id=chunk.campaign_id)
    record("campaign.chunk_quarantined", chunk.campaign, by=None, note=why, after={"chunk": chunk.number})


def settle(chunk_id: int, *, now: datetime) -> None:
    """Of a campaign that is over: what was intended and nobody answered is in doubt, as with any other chunk. Where the
    numbers cannot be read any more, 0 stands for them."""
    chunk = Chunk.objects.select_related("campaign__channel").get(pk=chunk_id)
    if chunk.intended == chunk.next and not chunk.unresolved:
        return
    try:
        phones = chunk_files.phones(chunk)
    except (ChunkDamaged, OSError):
        phones = np.zeros(chunk.count, np.uint64)
    overdue = now - timedelta(seconds=settings.RESPONSE_TIMEOUT) - OVERDUE_MARGIN
    pdus = texts.pdus(chunk.campaign.template.least, style_of(chunk.campaign.channel))
    doubts.settle(chunk, phones, parts=lambda some: [pdus] * len(some), overdue=overdue, now=now)


@transaction.atomic
def release(chunk_id: int, *, by: User | None) -> Chunk:
    """Whatever was wrong with it is mended: the next look begins where the last one ended."""
    chunk = Chunk.objects.lock(chunk_id)
    if chunk.status != ChunkStatus.QUARANTINED:
        told = {"chunk": chunk, "status": chunk.get_status_display().lower()}
        raise Refused(_("Chunk %(chunk)s is %(status)s, not quarantined.") % told, code="wrong_status")
    Chunk.objects.filter(pk=chunk_id).update(status=ChunkStatus.OPEN, failures=0, trouble="", rung_at=None)
    record("campaign.chunk_released", chunk.campaign, by=by, after={"chunk": chunk.number})
    return chunk
