"""After a restore: what the database says of open chunks may be long untrue, so nothing is sent from them.

Frozen first, at once and for everything; thawed by a person, chunk by chunk: whoever has no result may have got the
message since, is UNCERTAIN, and never gets it again by a machine.
"""

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.db.models import F
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from accounts.models import User
from audit.ledger import record
from audit.refusal import Refused
from campaigns import transitions as campaign_transitions
from campaigns.models import Campaign
from campaigns.statuses import Status
from delivery import chunk_files, doubts, halting, incidents, reasons, tallies, texts, transitions, witness
from delivery.models import Chunk, Halt, Intent
from delivery.plans import partition
from delivery.statuses import ChunkStatus, HaltKind, IncidentKind, MessageState
from delivery.tallies import Standing
from delivery.ways import style_of
from recipients.chunks import ChunkDamaged

logger = logging.getLogger(__name__)

FREEZING = (19779, 3)  # the advisory lock of whoever freezes


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """How many of each; `failed` are campaigns that had not started at the restore point and may have since."""

    chunks: int
    paused: int
    failed: int

    @property
    def is_anything(self) -> bool:
        return bool(self.chunks or self.paused or self.failed)

    def told(self, why: str) -> str:
        """In a row, for whoever reads it."""
        return reasons.FROZEN % {"chunks": self.chunks, "paused": self.paused, "failed": self.failed, "why": why}

    def __str__(self) -> str:
        return f"{self.chunks} chunks are frozen, {self.paused} campaigns paused, {self.failed} failed."


@dataclass(frozen=True, slots=True, kw_only=True)
class Thawed:
    """`uncertain` are recipients; `left` are the chunks that stay frozen, as their numbers cannot be read."""

    chunks: int
    uncertain: int
    left: list[str]


def check(*, now: datetime) -> bool:
    """Compare the database with what was seen last, and keep what is seen now; False when it is an earlier one: then it
    is frozen, and what was seen stays until `thaw`.

    Raises StorageTrouble when the object storage does not answer: then nothing is known.
    """
    seen, wrong = _compared()
    if wrong:  # asked once more: somebody may have released it a moment ago
        seen, wrong = _compared()
    if not wrong:
        witness.keep(seen)
        return True
    frozen = freeze(reason=wrong, now=now)
    if frozen.is_anything:
        incidents.note(IncidentKind.RESTORED, at=now, sample=frozen.told(wrong))
    return False


def _compared() -> tuple[witness.Sight, str]:
    before = witness.kept()  # first: what it says was seen before the look below
    seen = witness.look()
    wrongs = [] if _is_new() else [witness.what_is_wrong(one, seen) for one in before]
    return seen, max(wrongs, default="")


def _is_new() -> bool:
    """Nothing has ever been sent from this database, and nothing is about to."""
    return not (
        Intent.objects.exists() or Chunk.objects.exists() or Campaign.objects.filter(status=Status.APPROVED).exists()
    )


@transaction.atomic
def freeze(*, reason: str, now: datetime, by: User | None = None) -> Frozen:
    """Nothing is sent until `thaw`. Harmless when said again, or by several processes at once, as all of them do when
    they start after a restore: what has been opened meanwhile is frozen too."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", FREEZING)
    if not Halt.objects.in_force().filter(kind=HaltKind.RESTORE).exists():
        halting.stop(HaltKind.RESTORE, reason=reason, by=by, now=now)
    failed = paused = 0
    for campaign_id in Campaign.objects.due(now).order_by("workspace", "pk").values_list("pk", flat=True):
        transitions.fail(campaign_id, reason=reasons.RESTORED_FAILED, now=now)
        failed += 1
    for campaign_id in Campaign.objects.sending().order_by("workspace", "pk").values_list("pk", flat=True):
        campaign_transitions.pause(campaign_id, by=None, reason=reasons.RESTORED_PAUSED)
        paused += 1
    # A new epoch: what a worker still hears about is evidence for later, and nothing else.
    chunks = (
        Chunk.objects.in_doubt_after_restore()
        .exclude(status=ChunkStatus.FROZEN)
        .update(status=ChunkStatus.FROZEN, owner="", epoch=F("epoch") + 1)
    )
    return Frozen(chunks=chunks, paused=paused, failed=failed)


def thaw(*, untouched: Collection[int] = (), by: User | None = None, now: datetime) -> Thawed:
    """Everybody without a result is in doubt, and the halt is over. The campaigns `untouched` are vouched for: nothing
    of them was sent since the restore point, and their chunks are open again.

    What cannot be read stays frozen; call again once it can.
    """
    halts = Halt.objects.filter(kind=HaltKind.RESTORE).order_by("-at")
    since = halts.values_list("at", flat=True).first()
    if since is None:
        raise Refused(_("Nothing is frozen."), code="not_halted")
    chunks = uncertain = 0
    left: list[str] = []
    for chunk in Chunk.objects.frozen().select_related("campaign__list").order_by("campaign", "number"):
        try:
            if chunk.campaign_id in untouched:
                _reopen(chunk.pk, by=by)
            else:
                uncertain += _doubt(chunk.pk, chunk_files.phones(chunk), since=since, by=by)
        except (ChunkDamaged, OSError) as error:
            logger.warning("chunk.not_thawed", extra={"chunk": chunk.pk, "error": str(error)})
            left.append(str(chunk))
        else:
            chunks += 1
    witness.keep(witness.look())  # from here on, this is how far it is
    if Halt.objects.in_force().filter(kind=HaltKind.RESTORE).exists():
        reason = reasons.THAWED % {"chunks": chunks, "uncertain": uncertain}
        halting.release(HaltKind.RESTORE, reason=reason, by=by, now=now)
    return Thawed(chunks=chunks, uncertain=uncertain, left=left)


@transaction.atomic
def _reopen(chunk_id: int, *, by: User | None) -> None:
    chunk = Chunk.objects.lock(chunk_id)
    if chunk.status == ChunkStatus.FROZEN:
        Chunk.objects.filter(pk=chunk_id).update(status=ChunkStatus.OPEN, rung_at=None)
        record("campaign.chunk_vouched_for", chunk.campaign, by=by, after={"chunk": chunk.number})


# No intent is known of them: attempts 0.
_NEVER_HEARD_OF = """
INSERT INTO delivery_message (day, campaign_id, recipient, phone, state, attempts, parts, submitted_at)
SELECT %(day)s, %(campaign)s, recipient, phone, %(uncertain)s, 0, %(parts)s, %(since)s
FROM unnest(%(recipients)s::int[], %(phones)s::bigint[]) AS e (recipient, phone)
"""
_UNRESOLVED = """
WITH held AS (
    SELECT ctid, state FROM delivery_message
    WHERE day = %(day)s AND campaign_id = %(campaign)s AND recipient >= %(first)s AND recipient < %(end)s
      AND state IN (%(intended)s, %(retry)s)
    ORDER BY recipient FOR UPDATE
)
UPDATE {partition} m SET state = %(uncertain)s, retry_at = NULL FROM held
WHERE m.ctid = held.ctid
RETURNING m.recipient, m.phone, held.state
"""


@transaction.atomic
def _doubt(chunk_id: int, phones: NDArray[np.uint64], *, since: datetime, by: User | None) -> int:
    """Everybody of the chunk who has no result becomes UNCERTAIN; how many."""
    chunk = Chunk.objects.lock(chunk_id)
    if chunk.status != ChunkStatus.FROZEN:
        return 0
    campaign = chunk.campaign
    assert campaign.started_at is not None  # it has a chunk
    unheard = range(chunk.next, chunk.count)
    values: dict[str, Any] = {
        "day": campaign.day,
        "campaign": campaign.pk,
        "first": chunk.first,
        "end": chunk.first + chunk.count,
        "parts": texts.pdus(campaign.template.least, style_of(campaign.channel)),
        "since": since,
        "uncertain": MessageState.UNCERTAIN,
        "intended": MessageState.INTENDED,
        "retry": MessageState.RETRY,
        "recipients": [chunk.first + index for index in unheard],
        "phones": phones[chunk.next :].tolist(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_UNRESOLVED.format(partition=partition(campaign.day)), values)
        unresolved: list[tuple[int, int, int]] = cursor.fetchall()
        cursor.execute(_NEVER_HEARD_OF, values)
        moved = {Standing(MessageState.UNCERTAIN): len(unheard) + len(unresolved)}
        for state in (MessageState.INTENDED, MessageState.RETRY):
            moved[Standing(state)] = -sum(was == state for _, _, was in unresolved)
        tallies.note(cursor, campaign.pk, moved)
    people = [(recipient, phone) for recipient, phone, _ in unresolved]
    people += zip(values["recipients"], values["phones"], strict=True)
    # No receipt for them is older than the campaign.
    doubts.enter(campaign.pk, campaign.channel_id, [(*person, campaign.started_at) for person in people])
    Chunk.objects.filter(pk=chunk_id).update(
        status=ChunkStatus.DONE, next=F("count"), intended=F("count"), unresolved=0, retry_at=None
    )
    record("campaign.chunk_in_doubt", campaign, by=by, after={"chunk": chunk.number, "uncertain": len(people)})
    return len(people)
