"""Answers for messages that have their row already: late ones, retries, and what a worker heard that lost its chunk.

Stronger evidence replaces weaker: only a message in INTENDED or UNCERTAIN moves.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from django.db import connection, transaction

from campaigns.statuses import Status
from channels.answers import Table
from delivery import doubts, tallies
from delivery.batches import DOUBT, MISSING, Batch, Integers
from delivery.copying import array
from delivery.judging import Judgement, judge
from delivery.models import Chunk
from delivery.plans import partition
from delivery.results import OPEN_STATES, copy_ids, when_to_look
from delivery.rows import days
from delivery.statuses import ErrorKind, MessageState
from delivery.tallies import Standing, standing
from delivery.whereabouts import Places, normal_forms, whereabouts

S = MessageState
Answer = tuple[int, bytes]  # command_status and message_id
Late = tuple[Batch, Integers, Integers, Any]  # units, their codes, an id for each or one for all
Answers = Mapping[int, Mapping[int, Answer]]  # recipient → part → answer; none for a recipient that was given back


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    ctid: str
    recipient: int
    phone: int
    state: int
    attempts: int
    parts: int
    accepted_mask: int
    submitted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    row: _Row
    judgement: Judgement
    look_at: datetime | None


def store_late(late: Sequence[Late], *, now: datetime) -> None:
    """Answers that came after their batch had gone back to its task."""
    heard: dict[tuple[int, int], _Heard] = {}
    for batch, units, codes, ids in late:
        of_chunk = heard.setdefault((batch.chunk_id, batch.channel_id), _Heard(table=batch.table))
        of_chunk.hear(batch, units, codes, np.broadcast_to(ids, len(units)))
    for chunk_id, channel_id in sorted(heard):
        _store(chunk_id, channel_id, heard[chunk_id, channel_id], now=now)


def store_batch(batch: Batch, *, now: datetime) -> None:
    """A retry, whose messages wait to be tried again if they were given back, or a batch whose chunk has another owner
    by now: that one has put the messages in doubt."""
    heard = _Heard(table=batch.table)
    if batch.is_retry:
        heard.give_back(batch)
    units = np.flatnonzero(batch.codes != MISSING)
    heard.hear(batch, units, batch.codes[units], batch.ids[units])
    if heard.answers:
        _store(batch.chunk_id, batch.channel_id, heard, now=now)


@dataclass(slots=True, kw_only=True)
class _Heard:
    """What one channel said of a chunk's messages."""

    table: Table
    answers: dict[int, dict[int, Answer]] = field(default_factory=dict)
    attempts: dict[int, int] = field(default_factory=dict)  # by recipient: what it is about

    def hear(self, batch: Batch, units: Integers, codes: Integers, ids: Any) -> None:
        indexes, parts = batch.places(units)
        for index, part, code, raw in zip(indexes.tolist(), parts.tolist(), codes.tolist(), ids.tolist(), strict=True):
            known = self._of(batch, index)
            if code != DOUBT or part not in known:  # what was heard is never unheard
                known[part] = (code, raw)

    def give_back(self, batch: Batch) -> None:
        for index in range(batch.handed_over, len(batch.recipients)):
            self._of(batch, index)

    def _of(self, batch: Batch, index: int) -> dict[int, Answer]:
        recipient, attempt = int(batch.recipients[index]), batch.attempt_of(index)
        if self.attempts.get(recipient, attempt) < attempt:
            del self.answers[recipient]
        self.attempts[recipient] = max(attempt, self.attempts.get(recipient, attempt))
        return self.answers.setdefault(recipient, {}) if self.attempts[recipient] == attempt else {}


@transaction.atomic
def _store(chunk_id: int, channel_id: int, heard: _Heard, *, now: datetime) -> None:
    chunk = Chunk.objects.select_for_update(of=("self",), no_key=True).select_related("campaign").get(pk=chunk_id)
    campaign = chunk.campaign
    # A commit in doubt may be repeated after the next try was intended: its refusal says nothing about that one.
    rows = [row for row in _read(chunk, sorted(heard.answers)) if row.attempts <= heard.attempts[row.recipient]]
    is_alive = campaign.status in (Status.SENDING, Status.PAUSED)
    changes = [
        change
        for row in rows
        if (change := _change(row, heard.answers[row.recipient], is_alive=is_alive, table=heard.table, now=now))
    ]
    _write(chunk, channel_id, changes, now=now)
    _count(chunk, changes)
    left = [change.row.recipient for change in changes if change.judgement.state is not S.UNCERTAIN]
    doubtful = [change.row for change in changes if change.judgement.state is S.UNCERTAIN]
    entered = [(row.recipient, row.phone, row.submitted_at) for row in doubtful]
    doubts.enter(campaign.pk, channel_id, entered)
    doubts.leave(campaign.pk, left)
    _note_ids(chunk, channel_id, rows, heard.answers)


_READ = """
SELECT m.ctid::text, m.recipient, m.phone, m.state, m.attempts, m.parts, m.accepted_mask,
       m.submitted_at
FROM unnest(%(recipients)s::int[]) AS e (recipient) CROSS JOIN LATERAL (
    SELECT ctid, * FROM delivery_message
    WHERE day = %(day)s AND campaign_id = %(campaign)s AND recipient = e.recipient
    FOR UPDATE
) m
"""


def _read(chunk: Chunk, recipients: Sequence[int]) -> list[_Row]:
    key: dict[str, Any] = {
        "day": chunk.campaign.day,
        "campaign": chunk.campaign_id,
        "recipients": array(recipients),
    }
    with connection.cursor() as cursor:
        cursor.execute(_READ, key)
        return [
            _Row(
                ctid=ctid,
                recipient=r,
                phone=phone,
                state=state,
                attempts=n,
                parts=parts,
                accepted_mask=mask,
                submitted_at=at,
            )
            for ctid, r, phone, state, n, parts, mask, at in cursor.fetchall()
        ]


def _change(row: _Row, answers: Mapping[int, Answer], *, is_alive: bool, table: Table, now: datetime) -> _Change | None:
    if row.state not in (S.INTENDED, S.UNCERTAIN):
        return None
    if not answers and row.state == S.INTENDED:  # given back: nothing was written of it
        judgement = Judgement(state=S.RETRY, retry_after=0.0)
    else:
        judgement = _judge_again(row, answers, is_alive=is_alive, table=table)
    if judgement.state == row.state and judgement.accepted_mask == row.accepted_mask:
        return None
    return _Change(row=row, judgement=judgement, look_at=when_to_look(judgement, now=now))


def _judge_again(row: _Row, answers: Mapping[int, Answer], *, is_alive: bool, table: Table) -> Judgement:
    """With what was known before: parts accepted earlier stay accepted, a missing answer stays missing."""
    before = MISSING if row.state == S.INTENDED else DOUBT
    known = [
        answers[part][0] if part in answers else 0 if row.accepted_mask >> part & 1 else before
        for part in range(row.parts)
    ]
    judgement = judge(known, attempts=row.attempts, table=table)
    if judgement.state is S.RETRY and (not is_alive or row.state == S.UNCERTAIN):
        # Its campaign is over, or its chunk may be: an explicit refusal ends it.
        return Judgement(state=S.FAILED, error_code=judgement.error_code)
    return judgement


_WRITE = """
UPDATE {partition} m SET
    state = e.state, accepted_mask = m.accepted_mask | e.mask, error_kind = e.kind, error_code = e.code,
    done_at = CASE WHEN e.state = %(failed)s THEN %(now)s ELSE m.done_at END, retry_at = e.retry_at,
    channel_id = %(channel)s
FROM unnest(%(ctids)s::tid[], %(states)s::smallint[], %(masks)s::int[], %(kinds)s::smallint[], %(codes)s::int[],
            %(retries)s::timestamptz[]) AS e (ctid, state, mask, kind, code, retry_at)
WHERE m.ctid = e.ctid
"""


def _write(chunk: Chunk, channel_id: int, changes: Sequence[_Change], *, now: datetime) -> None:
    if not changes:
        return
    judgements = [change.judgement for change in changes]
    kinds = [ErrorKind.NONE if one.error_code is None else ErrorKind.ANSWER for one in judgements]
    values: dict[str, Any] = {
        "failed": S.FAILED,
        "now": now,
        "channel": channel_id,
        "ctids": [change.row.ctid for change in changes],
        "states": array(one.state for one in judgements),
        "masks": array(one.accepted_mask for one in judgements),
        "kinds": array(kinds),
        "codes": [one.error_code for one in judgements],
        "retries": [change.look_at if change.judgement.state is S.RETRY else None for change in changes],
    }
    with connection.cursor() as cursor:
        cursor.execute(_WRITE.format(partition=partition(chunk.campaign.day)), values)


_RESOLVE = """
UPDATE delivery_chunk SET
    unresolved = unresolved + %(open)s, retry_at = least(retry_at, %(look_at)s),
    status = CASE WHEN next = count AND unresolved + %(open)s = 0 AND status = 'open' THEN 'done' ELSE status END
WHERE id = %(chunk)s
"""


def _count(chunk: Chunk, changes: Sequence[_Change]) -> None:
    tally = Counter(
        standing(change.judgement.state, ErrorKind.ANSWER, change.judgement.error_code) for change in changes
    )
    tally.subtract(Standing(S(change.row.state)) for change in changes)
    looks = [change.look_at for change in changes if change.look_at is not None]
    still_open = sum(tally[Standing(state)] for state in OPEN_STATES)
    with connection.cursor() as cursor:
        tallies.note(cursor, chunk.campaign_id, tally)
        cursor.execute(_RESOLVE, {"chunk": chunk.pk, "open": still_open, "look_at": min(looks, default=None)})


def _note_ids(chunk: Chunk, channel_id: int, rows: Sequence[_Row], answers: Answers) -> None:
    named = [
        (raw, row.recipient, part, row.phone)
        for row in rows
        for part, (code, raw) in answers[row.recipient].items()
        if code == 0 and raw
    ]
    if not named:
        return
    ids, recipients, parts, phones = (np.array(column) for column in zip(*named, strict=True))
    day, campaign = np.full(len(ids), days(chunk.campaign.day)), np.full(len(ids), chunk.campaign_id)
    places, forms = Places(day, campaign, recipients, parts, phones), normal_forms(ids)
    with connection.cursor() as cursor:
        copy_ids(cursor, channel_id, forms, places)
    whereabouts.add(channel_id, forms, places)
