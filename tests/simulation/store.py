"""PostgreSQL, as the dispatcher sees it: what `delivery` says in SQL, said in memory.

Every method is one transaction: all of it happens, or nothing. `test_conformance` holds each of them against the SQL.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
from django.conf import settings
from django.db import IntegrityError

from audit.refusal import Refused
from campaigns.hours import Hours
from campaigns.placeholders import Template, literally
from campaigns.statuses import FINISHED, MOVES, Status
from delivery import due, evidence, intents, judging, matching, pacing, receipts, results, verdicts
from delivery.batches import Batch
from delivery.errors import STATE_STEP
from delivery.intents import Chosen, Retry
from delivery.pushes import Pushed
from delivery.statuses import TERM_OF, ChunkStatus, ErrorKind, IncidentKind, Term
from delivery.statuses import MessageState as S
from delivery.whereabouts import normal
from smpp.receipts import MessageState as CarrierState
from smpp.receipts import candidates

OPEN = (S.INTENDED, S.RETRY)
ALWAYS = Hours(None, None, UTC)
AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)  # when a receipt that waits is first looked at
REST = {Status.CANCELLED: Term.CANCELLED, Status.FAILED: Term.CANCELLED, Status.EXPIRED: Term.EXPIRED}


@dataclass(slots=True, kw_only=True)
class Channel:
    pk: int = 1
    tps: int = 0
    default_coding: str = "gsm"
    gsm_data_coding: int = 0
    ucs2_data_coding: int = 8
    long_messages: str = "udh8"
    dest_ton: int = 1
    dest_npi: int = 1
    plus_sign: bool = False
    service_type: str = ""
    default_validity_seconds: int | None = None
    answer_overrides: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Revision:
    saddr: str
    ton: int = 5
    npi: int = 0


@dataclass(slots=True, kw_only=True)
class Workspace:
    is_limited: bool = False


@dataclass(slots=True, kw_only=True)
class Campaign:
    pk: int
    channel_id: int
    text: str
    seal: str
    started_at: datetime
    revision: Revision
    channel: Channel = field(default_factory=Channel)
    status: Status = Status.SENDING
    not_after: datetime | None = None
    date_to: datetime | None = None  # of a spread one
    resumed_at: datetime | None = None
    stopped_because: str = ""
    is_altered: bool = False
    workspace_id: int = 1
    workspace: Workspace = field(default_factory=Workspace)
    route: None = None
    parts_per_second: None = None
    hours: Hours = ALWAYS
    is_trigger: bool = False
    columns: tuple[str, ...] = ()

    @property
    def template(self) -> Template:
        return _literally(self.text)

    @property
    def day(self) -> date:
        return self.started_at.date()


@dataclass(slots=True, kw_only=True)
class Chunk:
    pk: int
    campaign_id: int
    number: int
    first: int
    count: int
    is_pushed: bool = False
    status: ChunkStatus = ChunkStatus.OPEN
    owner: str = ""
    epoch: int = 0
    lease_until: datetime | None = None
    rung_at: datetime | None = None
    released_at: datetime | None = None
    next: int = 0
    intended: int = 0
    unresolved: int = 0
    retry_at: datetime | None = None
    plan_from: datetime | None = None
    plan_until: datetime | None = None
    plan_first: int = 0
    failures: int = 0
    campaign: Any = None  # of a copy: as it was read with it


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    recipient: int
    phone: int
    key: str | None
    expires_at: datetime | None
    at: datetime


@dataclass(slots=True, kw_only=True)
class Message:
    recipient: int
    phone: int
    state: S
    parts: int
    attempts: int = 1
    accepted_mask: int = 0
    delivered_mask: int = 0
    failed_mask: int = 0
    error_kind: ErrorKind = ErrorKind.NONE
    error_code: int | None = None
    submitted_at: datetime | None = None
    done_at: datetime | None = None
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    chunk: int
    epoch: int
    owner: str
    recipients: tuple[int, ...]  # numbers within the list
    is_retry: bool
    at: datetime
    newest_epoch: int  # of the chunk when this was committed


@dataclass(slots=True, kw_only=True)
class Receipt:
    """A receipt whose message was not known when it came."""

    pk: int
    channel_id: int
    received_at: datetime
    message_id: str
    phone: int | None
    state: int
    error_code: int
    next_try_at: datetime
    applied_at: datetime | None = None
    place: tuple[int, int, int] | None = None  # campaign, recipient, part


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    campaign: int
    recipient: int
    was: S | None
    becomes: S


class Store:
    def __init__(self) -> None:
        self.campaigns: dict[int, Campaign] = {}
        self.chunks: dict[int, Chunk] = {}
        self.messages: dict[int, dict[int, Message]] = {}  # campaign, recipient
        self.doubts: dict[tuple[int, int], tuple[int, int, datetime]] = {}  # channel, phone, at
        self.ids: dict[tuple[int, str], list[tuple[int, int, int, int]]] = {}  # campaign, recipient, part, phone
        self.tallies: Counter[tuple[int, S]] = Counter()
        self.intents: list[Intent] = []
        self.inbox: list[tuple[int, datetime, bytes]] = []
        self.receipts: list[Receipt] = []
        self.incidents: Counter[tuple[IncidentKind, int | None]] = Counter()
        self.moves: list[Move] = []
        self.pushes: dict[int, list[Push]] = {}  # by trigger, in order
        self.suppressed: set[int] = set()
        self.bell: list[int] = []

    def lay_out(self, campaign: Campaign, counts: list[int], *, spread_until: datetime | None = None) -> None:
        self.campaigns[campaign.pk] = campaign
        self.messages[campaign.pk] = {}
        first, made = 0, []
        for number, count in enumerate(counts):
            chunk = Chunk(pk=len(self.chunks) + 1, campaign_id=campaign.pk, number=number, first=first, count=count)
            self.chunks[chunk.pk] = chunk
            made.append(chunk)
            first += count
        if spread_until is not None:
            campaign.date_to = spread_until
            time = pacing.allowed(campaign.hours, begin=campaign.started_at, end=spread_until)
            pieces = pacing.lines([(0, count) for count in counts], time)
            for chunk, line in zip(made, pieces, strict=True):
                chunk.plan_from, chunk.plan_until = line.begin, line.end

    def of_campaign(self, campaign_id: int) -> list[Chunk]:
        return [chunk for chunk in self.chunks.values() if chunk.campaign_id == campaign_id]

    def intended_before(self, campaign_id: int, recipient: int, commits: int) -> int:
        """How many of the first `commits` intents cover the recipient."""
        return sum(
            recipient in intent.recipients and self.chunks[intent.chunk].campaign_id == campaign_id
            for intent in self.intents[:commits]
        )

    # --- Pushed messages (delivery.pushing, delivery.pushes, delivery.attending) --------------------------------------

    def push(
        self, campaign_id: int, phone: int, *, key: str | None, expires_at: datetime | None, size: int, now: datetime
    ) -> int | None:
        """The number of the message within the campaign; None when it takes none."""
        campaign = self.campaigns[campaign_id]
        if campaign.status not in (Status.SENDING, Status.PAUSED) or (campaign.not_after and campaign.not_after <= now):
            return None
        row = self._growing(campaign_id, size)
        used = self._used(campaign_id, now=now)
        if key is not None and key in used:
            return used[key]
        one = Push(recipient=row.first + row.count, phone=phone, key=key, expires_at=expires_at, at=now)
        self.pushes[campaign_id].append(one)
        row.count += 1
        row.status = ChunkStatus.OPEN
        return one.recipient

    def _used(self, campaign_id: int, *, now: datetime) -> dict[str, int]:
        return {one.key: one.recipient for one in self.pushes[campaign_id] if one.key is not None}

    def _growing(self, campaign_id: int, size: int) -> Chunk:
        rows = self.of_campaign(campaign_id)
        if rows and rows[-1].count < size and rows[-1].status in (ChunkStatus.OPEN, ChunkStatus.DONE):
            return rows[-1]
        first = rows[-1].first + rows[-1].count if rows else 0
        made = Chunk(
            pk=len(self.chunks) + 1,
            campaign_id=campaign_id,
            number=len(rows),
            first=first,
            count=0,
            is_pushed=True,
            status=ChunkStatus.DONE,
        )
        self.chunks[made.pk] = made
        return made

    def pushed(self, chunk: Chunk) -> Pushed:
        found = self.pushes[chunk.campaign_id][chunk.first : chunk.first + chunk.count]
        return Pushed(
            phones=np.array([one.phone for one in found], np.uint64),
            cells=[()] * len(found),
            ends=[one.expires_at for one in found],
            is_suppressed=np.zeros(len(found), bool),
        )

    def to_attend(self, *, now: datetime) -> list[int]:
        rows = [row for row in self.chunks.values() if row.is_pushed and self._has_work(row, now)]
        rows.sort(key=lambda row: (row.released_at is not None, row.released_at, row.pk))
        return [row.pk for row in rows]

    # --- Claim and intent (delivery.querysets, delivery.intents) ------------------------------------------------------

    def claim(self, pk: int, worker: str, *, now: datetime) -> Chunk | None:
        row = self.chunks[pk]
        if row.status != ChunkStatus.OPEN or not _is_unowned(row, now):
            return None
        row.owner, row.epoch, row.lease_until = worker, row.epoch + 1, now + settings.CHUNK_LEASE
        return replace(row, campaign=replace(self.campaigns[row.campaign_id]))

    def read(self, chunk: Chunk, fields: list[str]) -> None:
        for name in fields:
            setattr(chunk, name, getattr(self.chunks[chunk.pk], name))

    def campaign(self, pk: int) -> Campaign:
        return replace(self.campaigns[pk])

    def _is_mine(self, chunk: Chunk) -> bool:
        row = self.chunks[chunk.pk]
        return row.owner == chunk.owner and row.epoch == chunk.epoch

    def _may_send(self, chunk: Chunk, seal: str, now: datetime) -> bool:
        campaign = self.campaigns[chunk.campaign_id]
        return (
            self._is_mine(chunk)
            and self.chunks[chunk.pk].status == ChunkStatus.OPEN
            and campaign.status == Status.SENDING
            and campaign.seal == seal
            and (campaign.not_after is None or campaign.not_after > now)
        )

    def intend(
        self, chunk: Chunk, phones: Any, *, seal: str, channel_id: int, now: datetime, costs: None = None
    ) -> Chosen | None:
        """Without a limit of the workspace: nothing is counted (`tests/delivery/test_spending.py`)."""
        row, campaign = self.chunks[chunk.pk], self.campaigns[chunk.campaign_id]
        if not self._may_send(chunk, seal, now) or row.next != chunk.next or row.intended != row.next:
            return None
        if row.plan_from and campaign.resumed_at and row.plan_from < campaign.resumed_at:
            return None
        return self._commit_intent(chunk, phones, now=now)

    def _commit_intent(self, chunk: Chunk, phones: Any, *, now: datetime) -> Chosen:
        row = self.chunks[chunk.pk]
        row.intended = min(row.count, row.next + len(phones))
        row.lease_until = now + settings.CHUNK_LEASE
        covered = range(row.next, row.intended)
        self._note_intent(chunk, [row.first + index for index in covered], is_retry=False, now=now)
        return Chosen(indexes=covered, suppressed=frozenset(phones.tolist()) & self.suppressed)

    def _note_intent(self, chunk: Chunk, recipients: list[int], *, is_retry: bool, now: datetime) -> None:
        self.intents.append(
            Intent(
                chunk=chunk.pk,
                epoch=chunk.epoch,
                owner=chunk.owner,
                recipients=tuple(recipients),
                is_retry=is_retry,
                at=now,
                newest_epoch=self.chunks[chunk.pk].epoch,
            )
        )

    def intend_retries(self, chunk: Chunk, count: int, *, seal: str, channel_id: int, now: datetime) -> list[Retry]:
        if not self._may_send(chunk, seal, now):
            return []
        row = self.chunks[chunk.pk]
        ready = [one for one in self._messages_of(row) if one.state is S.RETRY and one.retry_at <= now][:count]
        retries = []
        for message in ready:
            message.retry_at = None
            over = self._is_over(row, message, now=now)
            if over is not None:
                message.done_at = now
                self._move(row.campaign_id, message, over)
                row.unresolved -= 1
            else:
                message.attempts, message.submitted_at = message.attempts + 1, now
                self._move(row.campaign_id, message, S.INTENDED)
                retries.append(Retry(recipient=message.recipient, phone=message.phone, attempts=message.attempts))
        if retries:
            self._note_intent(chunk, [one.recipient for one in retries], is_retry=True, now=now)
        return retries

    def _is_over(self, row: Chunk, message: Message, *, now: datetime) -> S | None:
        if message.phone in self.suppressed:
            return S.SUPPRESSED
        end = self.pushes[row.campaign_id][message.recipient].expires_at if row.is_pushed else None
        return S.EXPIRED if end is not None and end <= now else None

    def release(self, chunk: Chunk, *, now: datetime) -> None:
        if self._is_mine(chunk):
            row = self.chunks[chunk.pk]
            row.owner, row.released_at = "", now

    def renew(self, chunk: Chunk, *, now: datetime) -> None:
        if self._is_mine(chunk):
            self.chunks[chunk.pk].lease_until = now + settings.CHUNK_LEASE

    def look_again(self, chunk: Chunk) -> None:
        row = self.chunks[chunk.pk]
        overdue = timedelta(seconds=settings.RESPONSE_TIMEOUT) + intents.OVERDUE_MARGIN
        looks = [
            one.retry_at if one.state is S.RETRY else one.submitted_at + overdue
            for one in self._messages_of(row)
            if one.state in OPEN
        ]
        row.retry_at = min((at for at in looks if at is not None), default=None)
        self._end_if_done(row)

    # --- Doubts (delivery.doubts) -------------------------------------------------------------------------------------

    def settle(self, chunk: Chunk, phones: Any, *, parts: Any, overdue: datetime, now: datetime) -> int:
        if not self._is_mine(chunk):
            return 0
        row = self.chunks[chunk.pk]
        at = next((one.at for one in reversed(self.intents) if one.chunk == row.pk and not one.is_retry), now)
        indexes = range(row.next, row.intended)
        lost = [
            Message(
                recipient=row.first + index,
                phone=int(phones[index]),
                state=S.UNCERTAIN,
                parts=of_parts,
                submitted_at=at,
            )
            for index, of_parts in zip(indexes, parts(indexes), strict=True)
        ]
        self._insert(row.campaign_id, lost)
        late = []
        if row.unresolved:
            late = [one for one in self._messages_of(row) if one.state is S.INTENDED and one.submitted_at < overdue]
            for message in late:
                self._move(row.campaign_id, message, S.UNCERTAIN)
        row.next = row.intended
        row.unresolved -= len(late)
        row.retry_at = row.retry_at if row.unresolved else None
        self._end_if_done(row)
        for message in [*lost, *late]:
            self._enter(row.campaign_id, message.recipient, message.phone, message.submitted_at)
        return len(lost) + len(late)

    def _enter(self, campaign_id: int, recipient: int, phone: int, at: datetime) -> None:
        channel_id = self.campaigns[campaign_id].channel_id
        self.doubts.setdefault((campaign_id, recipient), (channel_id, phone, at))

    # --- Results (delivery.results) -----------------------------------------------------------------------------------

    def record(self, batch: Batch, chunk: Chunk, *, now: datetime, known: dict[Any, Any]) -> bool:
        row = self.chunks[chunk.pk]
        if not self._is_mine(chunk) or row.next != chunk.next:
            return False
        made: list[Message] = []
        looks: list[datetime] = []
        for index in range(batch.handed_over):
            answers = batch.answers_of(index)
            found = judging.judge(answers, attempts=1, table=batch.table)
            look_at = results.when_to_look(found, now=now)
            looks += [look_at] if look_at else []
            made.append(
                Message(
                    recipient=int(batch.recipients[index]),
                    phone=int(batch.phones[index]),
                    state=found.state,
                    parts=len(answers),
                    accepted_mask=found.accepted_mask,
                    error_kind=ErrorKind.NONE if found.error_code is None else ErrorKind.ANSWER,
                    error_code=found.error_code,
                    submitted_at=now,
                    done_at=now if found.state is S.FAILED else None,
                    retry_at=look_at if found.state is S.RETRY else None,
                )
            )
        made += [
            Message(recipient=recipient, phone=phone, state=S.SUPPRESSED, attempts=0, parts=1, done_at=now)
            for recipient, phone in batch.passed_over
        ]
        made += [
            Message(recipient=recipient, phone=phone, state=S.EXPIRED, attempts=0, parts=1, done_at=now)
            for recipient, phone in batch.outdated
        ]
        still_open = sum(one.state in OPEN for one in made)
        if row.next + len(made) > row.count:
            raise IntegrityError("chunk_in_order")
        self._insert(row.campaign_id, made)
        row.next = row.intended = row.next + len(made)
        row.unresolved += still_open
        row.retry_at = min([*([row.retry_at] if row.retry_at else []), *looks], default=None)
        self._end_if_done(row)
        for one in made:
            if one.state is S.UNCERTAIN:
                self._enter(row.campaign_id, one.recipient, one.phone, batch.intended_at)
        units = np.flatnonzero((batch.codes == 0) & (batch.ids != b""))
        indexes, parts = batch.places(units)
        for unit, index, part in zip(units.tolist(), indexes.tolist(), parts.tolist(), strict=True):
            place = (row.campaign_id, int(batch.recipients[index]), part, int(batch.phones[index]))
            self._note_id(batch.channel_id, batch.ids[unit], place, known)
        self.read(chunk, list(results.MOVING))
        return True

    def _note_id(self, channel_id: int, raw: bytes, place: tuple[int, int, int, int], known: dict[Any, Any]) -> None:
        key = (channel_id, normal(bytes(raw).decode("latin-1")))
        self.ids.setdefault(key, []).append(place)
        known[key] = place

    # --- Evidence (delivery.evidence; `heard` as its store_late and store_batch gather it) ----------------------------

    def hear(self, chunk_id: int, channel_id: int, heard: Any, *, now: datetime, known: dict[Any, Any]) -> None:
        row = self.chunks[chunk_id]
        campaign = self.campaigns[row.campaign_id]
        rows = [
            message
            for recipient in sorted(heard.answers)
            if (message := self.messages[campaign.pk].get(recipient)) is not None
            and message.attempts <= heard.attempts[recipient]
        ]
        changes = [change for message in rows if (change := self._change(message, heard, campaign, now=now))]
        for change in changes:
            self._apply(row, self.messages[campaign.pk][change.row.recipient], change, now=now)
        for message in rows:
            for part, (code, raw) in heard.answers[message.recipient].items():
                if code == 0 and raw:
                    place = (campaign.pk, message.recipient, part, message.phone)
                    self._note_id(campaign.channel_id, raw, place, known)

    def _change(self, message: Message, heard: Any, campaign: Campaign, *, now: datetime) -> Any:
        is_alive = campaign.status in (Status.SENDING, Status.PAUSED)
        answers = heard.answers[message.recipient]
        return evidence._change(_row(message), answers, is_alive=is_alive, table=heard.table, now=now)

    def _apply(self, chunk: Chunk, message: Message, change: Any, *, now: datetime) -> None:
        found = change.judgement
        was_open = message.state in OPEN
        message.accepted_mask |= found.accepted_mask
        message.error_kind = ErrorKind.NONE if found.error_code is None else ErrorKind.ANSWER
        message.error_code = found.error_code
        message.done_at = now if found.state is S.FAILED else message.done_at
        message.retry_at = change.look_at if found.state is S.RETRY else None
        self._move(chunk.campaign_id, message, found.state)
        self._resolve(chunk, (found.state in OPEN) - was_open, change.look_at)
        key = (chunk.campaign_id, message.recipient)
        if found.state is S.UNCERTAIN:
            self._enter(*key, message.phone, message.submitted_at)
        else:
            self.doubts.pop(key, None)

    def _resolve(self, chunk: Chunk, still_open: int, look_at: datetime | None) -> None:
        chunk.unresolved += still_open
        if look_at is not None:
            chunk.retry_at = min(chunk.retry_at or look_at, look_at)
        self._end_if_done(chunk)

    # --- Receipts (delivery.receipts) ---------------------------------------------------------------------------------

    def take_in(self, arrivals: Any, *, known: dict[Any, Any]) -> None:
        told, _ = receipts._read(arrivals)
        findings, left = [], []
        for arrival in arrivals:
            self.inbox += [(arrival.channel_id, arrival.at, body) for _, body in arrival.pdus]
            self.inbox += [(arrival.channel_id, arrival.at, row[16:].tobytes()) for run in arrival.runs for row in run]
        for one in told:
            for place in range(len(one.message_ids)):
                found = self._remembered(one, place, known)
                if found is None:
                    left.append((one, place))
                elif one.verdict is not None:
                    findings.append((one, place, found))
        at = arrivals[-1].at
        missing = self._raise([(found, one.state, one.code) for one, _, found in findings], at=at)
        left += [(one, place) for one, place, found in findings if found[:2] in missing]
        for one, place in left:
            self._keep(one, place)

    def _remembered(self, told: Any, place: int, known: dict[Any, Any]) -> tuple[int, int, int, int] | None:
        """By what the process that handed it over still knows (delivery.whereabouts), else by the log of ids."""
        channel_id, phone = told.arrival.channel_id, int(told.phones[place])
        forms = candidates(told.message_ids[place].decode())
        for form in forms:
            found = known.get((channel_id, form))
            if found is not None and found[3] == phone:
                return found
        return self._find(channel_id, forms, phone)

    def _keep(self, told: Any, place: int) -> None:
        phone = int(told.phones[place])
        self.receipts.append(
            Receipt(
                pk=len(self.receipts) + 1,
                channel_id=told.arrival.channel_id,
                received_at=told.arrival.at,
                message_id=told.message_ids[place].decode(),
                phone=None if phone == receipts.NO_PHONE else phone,
                state=int(told.state),
                error_code=told.code,
                next_try_at=AT_ONCE,
            )
        )

    def _raise(self, findings: list[tuple[Any, CarrierState, int]], *, at: datetime) -> set[tuple[int, int]]:
        """The (campaign, recipient) of whom nothing is on record that a receipt may raise."""
        masks: dict[tuple[int, int], list[int]] = {}
        for place, state, code in findings:
            verdict = verdicts.VERDICTS[state]
            if verdict is None:
                continue
            mask = masks.setdefault(place[:2], [0, 0, 0])
            delivered = verdict is S.DELIVERED
            mask[0 if delivered else 1] |= 1 << place[2]
            mask[2] = max(mask[2], 0 if delivered else code)
        missing = set()
        for (campaign_id, recipient), (delivered, failed, code) in masks.items():
            message = self.messages[campaign_id].get(recipient)
            if message is None or message.state < S.UNCERTAIN:
                missing.add((campaign_id, recipient))
            else:
                self._raise_one(campaign_id, message, (delivered, failed), code, at=at)
        return missing

    def _raise_one(
        self, campaign_id: int, message: Message, masks: tuple[int, int], code: int, *, at: datetime
    ) -> None:
        delivered, failed = masks
        was, whole = message.state, (1 << message.parts) - 1
        undeliverable = (
            was is S.FAILED
            and message.error_kind == ErrorKind.RECEIPT
            and (message.error_code or 0) // STATE_STEP == CarrierState.UNDELIVERABLE
        )
        message.accepted_mask |= delivered | failed
        message.delivered_mask |= delivered
        message.failed_mask |= failed
        if was not in (S.UNCERTAIN, S.PENDING, S.NO_RECEIPT) and not undeliverable:
            return
        if message.delivered_mask == whole:
            becomes = S.DELIVERED
        elif message.failed_mask & ~message.delivered_mask:
            becomes = S.FAILED
        elif message.accepted_mask == whole:
            becomes = S.PENDING
        else:
            becomes = was
        if becomes is was:
            return
        message.error_kind = ErrorKind.RECEIPT if becomes is S.FAILED else ErrorKind.NONE
        message.error_code = code if becomes is S.FAILED else None
        message.done_at = at if becomes in (S.FAILED, S.DELIVERED) else None
        self._move(campaign_id, message, becomes)
        if was is S.UNCERTAIN:
            self.doubts.pop((campaign_id, message.recipient), None)

    def match_pending(self, *, now: datetime) -> int:
        """What the inbox still holds and is due. Two of its steps are two transactions in one here: nobody matches
        at the same time (the advisory lock)."""
        rows = [one for one in self.receipts if one.applied_at is None and one.next_try_at < now]
        places: dict[int, Any] = {}
        for one in rows:
            if one.phone is not None:
                found = self._find_by_id(one)
                if found is not None:
                    places[one.pk] = found
        left = [one for one in rows if one.phone is not None and one.pk not in places]
        guessed = self._find_by_doubts(left, now=now)
        places |= guessed
        findings = [(places[one.pk], CarrierState(one.state), one.error_code) for one in rows if one.pk in places]
        missing = self._raise(findings, at=now)
        matched = 0
        for one in rows:
            place = places.get(one.pk)
            if place is not None and place[:2] not in missing:
                one.applied_at, one.place, matched = now, place[:3], matched + 1
                if one.pk in guessed:
                    self._note_id(one.channel_id, one.message_id.encode(), place, {})
            elif one.received_at < now - matching.HOPE:
                one.next_try_at = datetime.max.replace(tzinfo=now.tzinfo)
            else:
                age = max(now - one.received_at, timedelta(0))
                one.next_try_at = now + min(age / 4, matching.LONGEST_WAIT)
        return matched

    def _find_by_id(self, one: Receipt) -> tuple[int, int, int, int] | None:
        return self._find(one.channel_id, candidates(one.message_id), one.phone)

    def _find(self, channel_id: int, forms: Any, phone: int | None) -> tuple[int, int, int, int] | None:
        for form in forms:
            for place in self.ids.get((channel_id, form), []):
                if place[3] == phone:
                    return place
        return None

    def _find_by_doubts(self, left: list[Receipt], *, now: datetime) -> dict[int, Any]:
        ids: dict[tuple[int, int | None], set[str]] = {}
        for one in left:
            ids.setdefault((one.channel_id, one.phone), set()).add(one.message_id)
        alone = [one for one in left if len(ids[one.channel_id, one.phone]) == 1]
        found = {one.pk: self._find_by_doubt(one, now=now) for one in alone}
        return {pk: place for pk, place in found.items() if place is not None}

    def _find_by_doubt(self, one: Receipt, *, now: datetime) -> tuple[int, int, int, int] | None:
        if verdicts.VERDICTS[one.state] is None or one.received_at > now - matching.DOUBT_AFTER:
            return None
        found = [
            key
            for key, (channel_id, phone, at) in self.doubts.items()
            if channel_id == one.channel_id and phone == one.phone and one.received_at > at - timedelta(minutes=5)
        ]
        if len(found) != 1:
            return None
        campaign_id, recipient = found[0]
        overdue = now - timedelta(seconds=settings.RESPONSE_TIMEOUT) - intents.OVERDUE_MARGIN
        is_ripe = one.received_at <= overdue
        suspects = self._suspects(one.channel_id, overdue=overdue)
        if any(suspect.may_be_meant(doubted=campaign_id, is_ripe=is_ripe) for suspect in suspects):
            return None
        if self.messages[campaign_id][recipient].parts != 1:
            return None
        return (campaign_id, recipient, 0, one.phone or 0)

    def _suspects(self, channel_id: int, *, overdue: datetime) -> list[matching.Suspect]:
        return [
            matching.Suspect(
                campaign_id=row.campaign_id,
                is_trigger=self.campaigns[row.campaign_id].is_trigger,
                is_late=row.unresolved > 0 or self._intended_at(row) <= overdue,
            )
            for row in self.chunks.values()
            if row.status == ChunkStatus.OPEN
            and (row.intended > row.next or row.unresolved)
            and self.campaigns[row.campaign_id].channel_id == channel_id
        ]

    def _intended_at(self, row: Chunk) -> datetime:
        return next(one.at for one in reversed(self.intents) if one.chunk == row.pk and not one.is_retry)

    # --- The clock (delivery.due, delivery.transitions) ---------------------------------------------------------------

    def tick(self, *, now: datetime) -> None:
        for campaign in self.campaigns.values():
            if campaign.status == Status.SENDING and not campaign.is_trigger and self._all_done(campaign):
                self._finish(campaign)
        for campaign in self.campaigns.values():
            if campaign.status in (Status.SENDING, Status.PAUSED) and campaign.not_after and campaign.not_after <= now:
                self._expire(campaign)
        for campaign in self.campaigns.values():
            self._plan_again(campaign, now=now)
        for row in self.chunks.values():
            has_ended = self.campaigns[row.campaign_id].status in FINISHED
            if has_ended and row.status == ChunkStatus.OPEN and _is_unowned(row, now):
                self._settle_ended(row, now=now)
        for campaign in self.campaigns.values():
            if campaign.status == Status.SENDING and not campaign.is_trigger:
                self.ring_next(campaign.pk, now=now)
        for row in [row for row in self.chunks.values() if self._is_lost(row, now)][: due.TO_SETTLE]:
            self._ring(row, now=now)

    def _all_done(self, campaign: Campaign) -> bool:
        return all(row.status == ChunkStatus.DONE for row in self.of_campaign(campaign.pk))

    def _finish(self, campaign: Campaign) -> None:
        totals = self.totals(campaign.pk)
        if totals[Term.WAITING] or sum(totals.values()) != sum(row.count for row in self.of_campaign(campaign.pk)):
            self.incidents[IncidentKind.UNBALANCED, campaign.pk] += 1
            return
        self.change_status(campaign.pk, Status.DONE)

    def _expire(self, campaign: Campaign) -> None:
        if self._all_done(campaign):
            if campaign.status == Status.PAUSED:
                self.change_status(campaign.pk, Status.SENDING)
            self._finish(campaign)
        else:
            self.change_status(campaign.pk, Status.EXPIRED)

    def _plan_again(self, campaign: Campaign, *, now: datetime) -> None:
        if campaign.status != Status.SENDING or campaign.date_to is None or campaign.resumed_at is None:
            return
        of_campaign = [row for row in self.of_campaign(campaign.pk) if row.status == ChunkStatus.OPEN]
        left = [row for row in of_campaign if row.intended < row.count]
        if not any(row.plan_from and row.plan_from < campaign.resumed_at for row in left):
            return
        end = pacing.line_end(now, max(now, campaign.date_to), not_after=campaign.not_after)
        time = pacing.allowed(campaign.hours, begin=now, end=end)
        pieces = pacing.lines([(row.intended, row.count - row.intended) for row in left], time)
        for row, line in zip(left, pieces, strict=True):
            row.plan_from, row.plan_until, row.plan_first = line.begin, line.end, line.first

    def _settle_ended(self, row: Chunk, *, now: datetime) -> None:
        campaign = self.campaigns[row.campaign_id]
        becomes = S.EXPIRED if campaign.status == Status.EXPIRED else S.CANCELLED
        for message in self._messages_of(row):
            if message.state is S.RETRY:
                message.done_at, message.retry_at = now, None
                self._move(campaign.pk, message, becomes)
                row.unresolved -= 1
        if row.intended == row.next and not row.unresolved:
            row.status = ChunkStatus.DONE if row.next == row.count else ChunkStatus.CLOSED
        elif not self._is_at_work(row, now):
            self._ring(row, now=now)

    def _is_lost(self, row: Chunk, now: datetime) -> bool:
        """Of a paused campaign, with answers that nobody will hear any more."""
        if row.status != ChunkStatus.OPEN or not _is_unowned(row, now) or not _may_ring(row, now):
            return False
        if self.campaigns[row.campaign_id].status != Status.PAUSED:
            return False
        overdue = now - timedelta(seconds=settings.RESPONSE_TIMEOUT) - intents.OVERDUE_MARGIN
        return row.intended > row.next or (
            row.unresolved > 0
            and row.retry_at is not None
            and row.retry_at <= now
            and any(one.state is S.INTENDED and one.submitted_at < overdue for one in self._messages_of(row))
        )

    def _is_waiting(self, row: Chunk, now: datetime) -> bool:
        """Rung for lately and not taken yet."""
        rung = row.rung_at is not None and row.rung_at >= now - settings.RING_AGAIN
        return row.status == ChunkStatus.OPEN and rung and (row.released_at is None or row.rung_at >= row.released_at)

    def _is_at_work(self, row: Chunk, now: datetime) -> bool:
        held = row.owner != "" and row.lease_until is not None and row.lease_until >= now
        return row.status == ChunkStatus.OPEN and (held or self._is_waiting(row, now))

    def ring_next(self, campaign_id: int, *, now: datetime) -> bool:
        of_campaign = self.of_campaign(campaign_id)
        if not any(row.owner == "" and self._is_waiting(row, now) for row in of_campaign):
            row = next((row for row in of_campaign if self._is_to_ring(row, now)), None)
            if row is not None:
                self._ring(row, now=now)
        return True

    def others_wait(self, campaign_id: int, *, now: datetime) -> bool:
        others = [row for row in self.chunks.values() if row.campaign_id != campaign_id]
        return any(row.owner == "" and self._is_waiting(row, now) for row in others)

    def _is_to_ring(self, row: Chunk, now: datetime) -> bool:
        put_down = row.rung_at is not None and row.released_at is not None and row.rung_at < row.released_at
        return (_may_ring(row, now) or put_down) and self._has_work(row, now)

    def _has_work(self, row: Chunk, now: datetime) -> bool:
        if row.status != ChunkStatus.OPEN or not _is_unowned(row, now):
            return False
        if self.campaigns[row.campaign_id].status != Status.SENDING:
            return False
        return (
            (row.next < row.count and (row.plan_from is None or row.plan_from <= now))
            or (row.unresolved > 0 and row.retry_at is not None and row.retry_at <= now)
            or row.intended > row.next
        )

    def _ring(self, row: Chunk, *, now: datetime) -> None:
        row.rung_at = now
        self.bell.append(row.pk)

    # --- People, and the dispatcher on its own ------------------------------------------------------------------------

    def change_status(self, campaign_id: int, to: Status, *, now: datetime | None = None, reason: str = "") -> None:
        campaign = self.campaigns[campaign_id]
        if to not in MOVES[campaign.status]:
            raise Refused(f"It is {campaign.status}.", code="wrong_status")
        if campaign.status == Status.PAUSED and to == Status.SENDING and now is not None:
            if campaign.not_after and campaign.not_after <= now:
                raise Refused("Its deadline has passed.", code="deadline_passed")
            campaign.resumed_at = now
        campaign.status, campaign.stopped_because = to, reason

    def note(self, kind: IncidentKind, *, campaign_id: int | None = None, count: int = 1) -> None:
        self.incidents[kind, campaign_id] += count

    # --- The equation (delivery.counters) -----------------------------------------------------------------------------

    def totals(self, campaign_id: int) -> dict[Term, int]:
        campaign = self.campaigns[campaign_id]
        terms = dict.fromkeys(Term, 0)
        for row in self.of_campaign(campaign_id):
            terms[REST.get(campaign.status, Term.WAITING)] += row.count - row.intended
            terms[Term.WAITING] += row.intended - row.next
        for (of_campaign, state), n in self.tallies.items():
            if of_campaign == campaign_id:
                terms[TERM_OF[state]] += n
        return terms

    # --- Inside -------------------------------------------------------------------------------------------------------

    def _messages_of(self, row: Chunk) -> list[Message]:
        known = self.messages[row.campaign_id]
        return [known[one] for one in range(row.first, row.first + row.count) if one in known]

    def _insert(self, campaign_id: int, made: list[Message]) -> None:
        known = self.messages[campaign_id]
        if any(one.recipient in known for one in made):
            raise IntegrityError("delivery_message_pkey")
        for one in made:
            known[one.recipient] = one
            self.tallies[campaign_id, one.state] += 1
            self.moves.append(Move(campaign=campaign_id, recipient=one.recipient, was=None, becomes=one.state))

    def _move(self, campaign_id: int, message: Message, becomes: S) -> None:
        if message.state is becomes:
            return
        self.moves.append(Move(campaign=campaign_id, recipient=message.recipient, was=message.state, becomes=becomes))
        self.tallies[campaign_id, message.state] -= 1
        self.tallies[campaign_id, becomes] += 1
        message.state = becomes

    def _end_if_done(self, row: Chunk) -> None:
        if row.next == row.count and row.unresolved == 0 and row.status == ChunkStatus.OPEN:
            row.status = ChunkStatus.DONE


def _is_unowned(row: Chunk, now: datetime) -> bool:
    return row.owner == "" or (row.lease_until is not None and row.lease_until < now)


def _may_ring(row: Chunk, now: datetime) -> bool:
    return row.rung_at is None or row.rung_at < now - settings.RING_AGAIN


def _row(message: Message) -> Any:
    return evidence._Row(
        ctid="",
        recipient=message.recipient,
        phone=message.phone,
        state=message.state,
        attempts=message.attempts,
        parts=message.parts,
        accepted_mask=message.accepted_mask,
        submitted_at=message.submitted_at,
    )


@lru_cache(maxsize=16)
def _literally(text: str) -> Template:
    return literally(text)


__all__ = ["Campaign", "Channel", "Chunk", "Intent", "Message", "Receipt", "Revision", "Store"]
