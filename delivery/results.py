"""What the carrier answered to a fresh batch, written down in one transaction: chunk, messages, ids and counters."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from numpy.typing import NDArray

from delivery import copying, doubts, rows
from delivery.batches import Batch, Ids, Integers
from delivery.intents import OVERDUE_MARGIN
from delivery.judging import Judgement, judge
from delivery.models import Chunk
from delivery.rows import days, microseconds
from delivery.statuses import ErrorKind, MessageState
from delivery.tallies import Standing, standing
from delivery.whereabouts import Places, normal_forms, whereabouts

S = MessageState
OPEN_STATES = (S.INTENDED, S.RETRY)

_COPY_MESSAGES = (
    "COPY delivery_message (day, campaign_id, recipient, phone, state, attempts, parts, accepted_mask, error_kind,"
    " error_code, submitted_at, done_at, retry_at, channel_id) FROM STDIN"
)
_NULL = "\\N"


@dataclass(slots=True, kw_only=True)
class _Others:
    """Messages that are not simply accepted."""

    rows: list[str]
    moved: Counter[Standing]
    doubts: list[tuple[int, int]]
    look_at: datetime | None


# What changes under a chunk's owner.
MOVING = ("status", "next", "intended", "unresolved", "retry_at", "plan_from", "plan_until", "plan_first")

# `next` moves over what was handed over or must not be; what was given back waits again. DONE is decided here, where
# its facts change.
_ADVANCE = """
WITH advanced AS (
    UPDATE delivery_chunk SET
        next = next + %(moved)s, intended = next + %(moved)s, unresolved = unresolved + %(open)s,
        retry_at = least(retry_at, %(look_at)s),
        status = CASE WHEN next + %(moved)s = count AND unresolved + %(open)s = 0 THEN 'done' ELSE status END
    WHERE id = %(chunk)s AND owner = %(owner)s AND epoch = %(epoch)s AND next = %(next)s
    RETURNING campaign_id, {moving}
), noted AS (
    INSERT INTO delivery_tally (campaign_id, state, error_kind, error_code, n)
    SELECT campaign_id, state, kind, code, n
    FROM advanced, unnest(%(states)s::smallint[], %(kinds)s::smallint[], %(codes)s::int[], %(counts)s::int[])
        AS t (state, kind, code, n)
)
SELECT {moving} FROM advanced
""".format(moving=", ".join(MOVING))


def store(batch: Batch, chunk: Chunk, *, now: datetime) -> bool:
    """The results of a fresh batch, in one transaction: chunk, messages, carrier ids, counters. Then `chunk` is as it
    is on record.

    False when the chunk is no longer ours: its new owner has put these messages in doubt, and what we know is
    evidence (`evidence.store_batch`). The same when they are on record already, by a commit that nobody heard of.
    """
    handed_over = batch.handed_over
    accepted = _accepted(batch, handed_over)
    others = _others(batch, np.flatnonzero(~accepted), now=now)
    ids, places = _named(batch)
    moved = others.moved + Counter({Standing(S.PENDING): int(np.count_nonzero(accepted))})
    states, kinds, codes = zip(*moved, strict=True) if moved else ((), (), ())
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            _ADVANCE,
            {
                "chunk": chunk.pk,
                "owner": chunk.owner,
                "epoch": chunk.epoch,
                "next": chunk.next,
                "moved": handed_over + len(batch.passed_over) + len(batch.outdated) + len(batch.misfits),
                "open": sum(moved[Standing(state)] for state in OPEN_STATES),
                "look_at": others.look_at,
                "states": copying.array(states),
                "kinds": copying.array(kinds),
                "codes": list(codes),
                "counts": copying.array(moved.values()),
            },
        )
        advanced = cursor.fetchone()
        if advanced is None:
            return False
        if accepted.any():
            _copy_pending(cursor, batch, np.flatnonzero(accepted), now=now)
        if others.rows:
            copying.write(cursor, _COPY_MESSAGES, others.rows)
        copy_ids(cursor, batch.channel_id, ids, places)
        doubtful = [(recipient, phone, batch.intended_at) for recipient, phone in others.doubts]
        doubts.enter(batch.campaign_id, batch.channel_id, doubtful)
    whereabouts.add(batch.channel_id, ids, places)
    for field, value in zip(MOVING, advanced, strict=True):
        setattr(chunk, field, value)
    return True


def _accepted(batch: Batch, handed_over: int) -> NDArray[np.bool_]:
    """Of those who were handed over: whether every part was accepted."""
    if not handed_over:
        return np.zeros(0, bool)
    taken: NDArray[np.bool_] = batch.codes == 0
    if not batch.is_long:
        return taken[:handed_over]
    whole: NDArray[np.bool_] = np.logical_and.reduceat(taken, batch.starts[:handed_over])
    return whole


def _copy_pending(cursor: object, batch: Batch, indexes: Integers, *, now: datetime) -> None:
    parts = np.diff(batch.starts)[indexes]
    pending = rows.packed(
        len(indexes),
        [
            ("i4", days(batch.day)),
            ("i8", batch.campaign_id),
            ("i4", batch.recipients[indexes]),
            ("i8", batch.phones[indexes]),
            ("i2", int(S.PENDING)),
            ("i2", parts),
            ("i4", (1 << parts) - 1),
            ("i8", microseconds(now)),
            ("i8", batch.channel_id),
        ],
    )
    columns = "day, campaign_id, recipient, phone, state, parts, accepted_mask, submitted_at, channel_id"
    rows.write(cursor, "delivery_message", columns, [pending])


def _named(batch: Batch) -> tuple[Ids, Places]:
    """The ids that the carrier gave, in normal form, and what each stands for."""
    units = np.flatnonzero((batch.codes == 0) & (batch.ids != b""))
    indexes, parts = batch.places(units)
    count = len(units)
    places = Places(
        np.full(count, days(batch.day)),
        np.full(count, batch.campaign_id),
        batch.recipients[indexes],
        parts,
        batch.phones[indexes].astype(np.int64),
    )
    return normal_forms(batch.ids[units]), places


def copy_ids(cursor: object, channel_id: int, ids: Ids, places: Places) -> None:
    """Into the log of carrier ids."""
    written = [
        rows.packed(
            len(where),
            [
                ("i4", places.days[where]),
                ("i8", channel_id),
                ("text", texts),
                ("i8", places.campaigns[where]),
                ("i4", places.recipients[where]),
                ("i2", places.parts[where]),
                ("i8", places.phones[where]),
            ],
        )
        for where, texts in rows.by_length(ids)
    ]
    if written:
        columns = "day, channel_id, message_id, campaign_id, recipient, part, phone"
        rows.write(cursor, "delivery_carrierid", columns, written)


def _others(batch: Batch, indexes: Integers, *, now: datetime) -> _Others:
    found = _Others(rows=[], moved=Counter(), doubts=[], look_at=None)
    at, start, end = now.isoformat(), f"{batch.day}\t{batch.campaign_id}", f"{batch.channel_id}\n"
    for index in indexes.tolist():
        recipient, phone = int(batch.recipients[index]), int(batch.phones[index])
        answers = batch.answers_of(index)
        judgement = judge(answers, attempts=1, table=batch.table)
        retry_at = when_to_look(judgement, now=now)
        if judgement.state is S.UNCERTAIN:
            found.doubts.append((recipient, phone))
        if retry_at is not None:
            found.look_at = min(found.look_at or retry_at, retry_at)
        kind = ErrorKind.NONE if judgement.error_code is None else ErrorKind.ANSWER
        found.moved[standing(judgement.state, kind, judgement.error_code)] += 1
        done_at = at if judgement.state is S.FAILED else _NULL
        again = retry_at.isoformat() if judgement.state is S.RETRY and retry_at else _NULL
        code = _NULL if judgement.error_code is None else judgement.error_code
        found.rows.append(
            f"{start}\t{recipient}\t{phone}\t{judgement.state:d}\t1\t{len(answers)}\t{judgement.accepted_mask}"
            f"\t{kind:d}\t{code}\t{at}\t{done_at}\t{again}\t{end}"
        )
    for recipient, phone in batch.passed_over:
        found.moved[Standing(S.SUPPRESSED)] += 1
        rest = f"{S.SUPPRESSED:d}\t0\t1\t0\t0\t{_NULL}\t{_NULL}\t{at}\t{_NULL}\t{end}"
        found.rows.append(f"{start}\t{recipient}\t{phone}\t{rest}")
    for recipient, phone in batch.outdated:
        found.moved[Standing(S.EXPIRED)] += 1
        rest = f"{S.EXPIRED:d}\t0\t1\t0\t0\t{_NULL}\t{_NULL}\t{at}\t{_NULL}\t{end}"
        found.rows.append(f"{start}\t{recipient}\t{phone}\t{rest}")
    for recipient, phone, why in batch.misfits:
        found.moved[Standing(S.FAILED, ErrorKind.TEXT, why)] += 1
        rest = f"{S.FAILED:d}\t0\t1\t0\t{ErrorKind.TEXT:d}\t{why}\t{_NULL}\t{at}\t{_NULL}\t{end}"
        found.rows.append(f"{start}\t{recipient}\t{phone}\t{rest}")
    return found


def when_to_look(judgement: Judgement, *, now: datetime) -> datetime | None:
    """When somebody must look at the message again: to retry it, or to give its answer up."""
    if judgement.state is S.RETRY:
        return now + timedelta(seconds=judgement.retry_after or 0)
    if judgement.state is S.INTENDED:
        return now + timedelta(seconds=settings.RESPONSE_TIMEOUT) + OVERDUE_MARGIN
    return None
