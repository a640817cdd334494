"""What the carrier answered to a fresh batch, written down in one transaction: chunk, messages, ids and counters."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from delivery import copying, doubts
from delivery.batches import Batch
from delivery.copying import copied
from delivery.intents import OVERDUE_MARGIN
from delivery.judging import Judgement, judge
from delivery.models import Chunk
from delivery.statuses import ErrorKind, MessageState
from delivery.whereabouts import Whereabouts, normal, whereabouts

S = MessageState
OPEN_STATES = (S.INTENDED, S.RETRY)

_COPY_MESSAGES = (
    "COPY delivery_message (day, campaign_id, recipient, phone, state, attempts, parts, accepted_mask, error_kind,"
    " error_code, submitted_at, done_at, retry_at) FROM STDIN"
)
COPY_IDS = "COPY delivery_carrierid (day, channel_id, message_id, campaign_id, recipient, part, phone) FROM STDIN"
_NULL = "\\N"


@dataclass(slots=True, kw_only=True)
class _Written:
    """What a batch comes to, ready to be stored."""

    rows: list[str]
    ids: list[str]
    known: dict[tuple[int, str], Whereabouts]
    states: Counter[MessageState]
    doubts: list[tuple[int, int]]
    look_at: datetime | None


# `next` moves over what was handed over or is suppressed; what was given back waits again. DONE is decided here, where
# its facts change.
_ADVANCE = """
UPDATE delivery_chunk SET
    next = next + %(moved)s, intended = next + %(moved)s, unresolved = unresolved + %(open)s,
    retry_at = least(retry_at, %(look_at)s),
    status = CASE WHEN next + %(moved)s = count AND unresolved + %(open)s = 0 THEN 'done' ELSE status END
WHERE id = %(chunk)s AND owner = %(owner)s AND epoch = %(epoch)s
"""
TALLY = "INSERT INTO delivery_tally (campaign_id, state, n) VALUES (%s, %s, %s)"


def store(batch: Batch, chunk: Chunk, *, now: datetime) -> bool:
    """The results of a fresh batch, in one transaction: chunk, messages, carrier ids, counters.

    False when the chunk is no longer ours: its new owner has put these messages in doubt, and what we know is
    evidence (`evidence.store_batch`).
    """
    written = _write(batch, now=now)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            _ADVANCE,
            {
                "chunk": chunk.pk,
                "owner": chunk.owner,
                "epoch": chunk.epoch,
                "moved": batch.handed_over + len(batch.passed_over),
                "open": sum(written.states[state] for state in OPEN_STATES),
                "look_at": written.look_at,
            },
        )
        if cursor.rowcount == 0:
            return False
        copying.write(cursor, _COPY_MESSAGES, written.rows)
        if written.ids:
            copying.write(cursor, COPY_IDS, written.ids)
        cursor.executemany(TALLY, [(batch.campaign_id, state, n) for state, n in written.states.items()])
        doubts.enter(batch.campaign_id, batch.channel_id, written.doubts, now=now)
    whereabouts.add(written.known)
    return True


def _write(batch: Batch, *, now: datetime) -> _Written:
    parts, day, campaign, channel = batch.parts, batch.day, batch.campaign_id, batch.channel_id
    written = _Written(rows=[], ids=[], known={}, states=Counter(), doubts=[], look_at=None)
    at = now.isoformat()
    # The usual case, one part accepted, is decided without a call.
    pending = f"\t{S.PENDING:d}\t1\t1\t1\t0\t\\N\t{at}\t\\N\t\\N\n"
    plain = 0
    for index in range(batch.handed_over):
        recipient, phone = batch.recipients[index], batch.phones[index]
        answers = batch.answers[index * parts : (index + 1) * parts]
        for part, given in enumerate(answers):
            if given is not None and given[0] == 0 and given[1]:
                message_id = normal(given[1].decode("latin-1"))
                written.ids.append(
                    f"{day}\t{channel}\t{copied(message_id)}\t{campaign}\t{recipient}\t{part}\t{phone}\n"
                )
                written.known[channel, message_id] = (day, campaign, recipient, part, phone)
        if parts == 1 and answers[0] is not None and answers[0][0] == 0:
            written.rows.append(f"{day}\t{campaign}\t{recipient}\t{phone}{pending}")
            plain += 1
            continue
        judgement = judge(answers, attempts=1)
        retry_at = when_to_look(judgement, now=now)
        written.states[judgement.state] += 1
        if judgement.state is S.UNCERTAIN:
            written.doubts.append((recipient, phone))
        if retry_at is not None:
            written.look_at = min(written.look_at or retry_at, retry_at)
        kind = ErrorKind.NONE if judgement.error_code is None else ErrorKind.ANSWER
        done_at = at if judgement.state is S.FAILED else _NULL
        again = retry_at.isoformat() if judgement.state is S.RETRY and retry_at else _NULL
        code = _NULL if judgement.error_code is None else judgement.error_code
        written.rows.append(
            f"{day}\t{campaign}\t{recipient}\t{phone}\t{judgement.state:d}\t1\t{parts}\t{judgement.accepted_mask}"
            f"\t{kind:d}\t{code}\t{at}\t{done_at}\t{again}\n"
        )
    if plain:
        written.states[S.PENDING] += plain
    if passed_over := batch.passed_over:
        written.states[S.SUPPRESSED] += len(passed_over)
        rest = f"\t{S.SUPPRESSED:d}\t0\t{parts}\t0\t0\t{_NULL}\t{_NULL}\t{at}\t{_NULL}\n"
        written.rows.extend(f"{day}\t{campaign}\t{recipient}\t{phone}{rest}" for recipient, phone in passed_over)
    return written


def carrier_id_row(channel_id: int, message_id: str, place: Whereabouts) -> str:
    """A row of COPY_IDS."""
    day, campaign, recipient, part, phone = place
    return f"{day}\t{channel_id}\t{copied(message_id)}\t{campaign}\t{recipient}\t{part}\t{phone}\n"


def when_to_look(judgement: Judgement, *, now: datetime) -> datetime | None:
    """When somebody must look at the message again: to retry it, or to give its answer up."""
    if judgement.state is S.RETRY:
        return now + timedelta(seconds=judgement.retry_after or 0)
    if judgement.state is S.INTENDED:
        return now + timedelta(seconds=settings.RESPONSE_TIMEOUT) + OVERDUE_MARGIN
    return None
