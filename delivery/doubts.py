"""Messages whose answer is lost: entered into the list of doubts, and what a dead process left behind."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection, transaction
from django.db.models import F
from numpy.typing import NDArray

from delivery import tallies
from delivery.models import Chunk
from delivery.statuses import ChunkStatus, MessageState
from delivery.tallies import Standing

_ENTER = """
INSERT INTO delivery_doubt (campaign_id, channel_id, recipient, phone, at)
SELECT %s, %s, recipient, phone, at FROM unnest(%s::int[], %s::bigint[], %s::timestamptz[]) AS e (recipient, phone, at)
ON CONFLICT DO NOTHING
"""


def enter(campaign_id: int, channel_id: int, people: Sequence[tuple[int, int, datetime]]) -> None:
    """`people` are (recipient, phone, when it was intended): no receipt for it is older than that."""
    if people:
        columns = [list(column) for column in zip(*people, strict=True)]
        with connection.cursor() as cursor:
            cursor.execute(_ENTER, [campaign_id, channel_id, *columns])


def leave(campaign_id: int, recipients: Sequence[int]) -> None:
    if recipients:
        with connection.cursor() as cursor:
            cursor.execute(
                "DELETE FROM delivery_doubt WHERE campaign_id = %s AND recipient = ANY(%s)",
                [campaign_id, list(recipients)],
            )


# An intent is written only when nothing intended before it is open: the last one has all of [next, intended).
_INTENDED = "SELECT at, channel_id FROM delivery_intent WHERE chunk_id = %s AND NOT is_retry ORDER BY id DESC LIMIT 1"
_INSERT = """
INSERT INTO delivery_message (day, campaign_id, recipient, phone, state, attempts, parts, submitted_at, channel_id)
SELECT %(day)s, %(campaign)s, recipient, phone, %(uncertain)s, 1, parts, %(at)s, %(channel)s
FROM unnest(%(recipients)s::int[], %(phones)s::bigint[], %(parts)s::smallint[]) AS e (recipient, phone, parts)
"""
_OVERDUE = """
UPDATE delivery_message SET state = %(uncertain)s
WHERE day = %(day)s AND campaign_id = %(campaign)s AND recipient >= %(first)s AND recipient < %(end)s
  AND state = %(intended)s AND submitted_at < %(overdue)s
RETURNING recipient, phone, submitted_at, channel_id
"""


@transaction.atomic
def settle(
    chunk: Chunk,
    phones: NDArray[np.uint64],
    *,
    parts: Callable[[Sequence[int]], Sequence[int]],
    overdue: datetime,
    now: datetime,
) -> int:
    """What an earlier owner intended and nobody answered becomes UNCERTAIN; how many. Never sent again.

    `phones` are the chunk's numbers; `parts` says of how many PDUs the messages to some of its indexes consist. Call as
    the new owner; `overdue` is before when an answer would have come.
    """
    held = Chunk.objects.select_for_update(of=("self",), no_key=True).get(pk=chunk.pk)
    if (held.owner, held.epoch) != (chunk.owner, chunk.epoch):
        return 0
    campaign = chunk.campaign
    key: dict[str, Any] = {"day": chunk.campaign.day, "campaign": chunk.campaign_id}
    with connection.cursor() as cursor:
        cursor.execute(_INTENDED, [held.pk])
        at, channel_id = cursor.fetchone() or (now, None)
        channel_id = channel_id or campaign.channel_id
        indexes = range(held.next, held.intended)
        lost = [(held.first + index, int(phones[index]), at) for index in indexes]
        if lost:
            cursor.execute(
                _INSERT,
                {
                    **key,
                    "uncertain": MessageState.UNCERTAIN,
                    "parts": list(parts(indexes)),
                    "at": at,
                    "channel": channel_id,
                    "recipients": [recipient for recipient, _, _ in lost],
                    "phones": [phone for _, phone, _ in lost],
                },
            )
        late: list[tuple[int, int, datetime, int | None]] = []
        if held.unresolved:
            cursor.execute(
                _OVERDUE,
                {
                    **key,
                    "first": held.first,
                    "end": held.first + held.count,
                    "intended": MessageState.INTENDED,
                    "uncertain": MessageState.UNCERTAIN,
                    "overdue": overdue,
                },
            )
            late = cursor.fetchall()
        moved = {Standing(MessageState.UNCERTAIN): len(lost) + len(late), Standing(MessageState.INTENDED): -len(late)}
        tallies.note(cursor, chunk.campaign_id, moved)
    held.next = held.intended
    held.unresolved -= len(late)
    held.retry_at = None if not held.unresolved else held.retry_at
    held.save(update_fields=["next", "unresolved", "retry_at"])
    # With the last of it in doubt, nobody would ring for it again.
    Chunk.objects.open().filter(pk=held.pk, next=F("count"), unresolved=0).update(status=ChunkStatus.DONE)
    enter(chunk.campaign_id, channel_id, lost)
    for one in {row[3] for row in late}:
        enter(chunk.campaign_id, one or campaign.channel_id, [row[:3] for row in late if row[3] == one])
    return len(lost) + len(late)
