"""The store in memory is worth what it shares with PostgreSQL: the same calls, by chance, and what both say of them."""

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from unittest.mock import patch

import numpy as np
import pytest
from django.db import connection, transaction
from django.utils import timezone

from audit.refusal import Refused
from campaigns import transitions as author
from campaigns.models import Campaign
from campaigns.statuses import Status
from channels.answers import Table
from delivery import doubts, due, evidence, intents, matching, pushing, receipts, results
from delivery.batches import DOUBT, MISSING, Batch
from delivery.inbox import Arrival
from delivery.models import Chunk, Doubt, Message, Push, Receipt, Tally
from delivery.statuses import MessageState as S
from delivery.texts import Same
from smpp.status import CommandStatus as C
from tests import factories
from tests.delivery import ground
from tests.simulation import store as stores

SEQUENCES, TOGETHER, STEPS = 240, 40, 16
CODES = (0, 0, 0, C.RMSGQFUL, C.RSYSERR, C.RINVDSTADR, DOUBT, MISSING)
CHUNK = ("status", "owner", "epoch", "next", "intended", "unresolved", "retry_at", "lease_until", "released_at")
MESSAGE = (
    "recipient",
    "phone",
    "state",
    "attempts",
    "parts",
    "accepted_mask",
    "delivered_mask",
    "failed_mask",
    "error_kind",
    "error_code",
    "submitted_at",
    "done_at",
    "retry_at",
)


class Both:
    """One campaign in both stores, and what was done to it."""

    def __init__(self, seed: int, campaign: Campaign, now) -> None:
        self.rng, self.campaign, self.now = random.Random(seed), campaign, now
        self.author = campaign.created_by
        self.parts = self.rng.choice([1, 1, 2])
        self.said: list[str] = [f"seed {seed}"]
        self.memory = stores.Store()
        self.memory.lay_out(
            stores.Campaign(
                pk=campaign.pk,
                channel_id=campaign.channel_id,
                text="",
                seal=campaign.seal,
                started_at=campaign.started_at,
                revision=stores.Revision(saddr=""),
                not_after=campaign.not_after,
            ),
            [],
        )
        for row in Chunk.objects.filter(campaign=campaign).order_by("number"):
            self.memory.chunks[row.pk] = stores.Chunk(
                pk=row.pk,
                campaign_id=campaign.pk,
                number=row.number,
                first=row.first,
                count=row.count,
                rung_at=row.rung_at,
            )
        self.known: dict = {}
        self.held: list = []  # pairs: a chunk as its owner holds it
        self.batches: list[Batch] = []
        self.ids: list[tuple[str, int]] = []  # id, phone

    def step(self) -> None:
        self.now += timedelta(seconds=self.rng.choice([0.1, 1.0, 5.0, 30.0, 70.0]))
        acts = [
            *[self.claim] * 3,
            *[self.send] * 4,
            *[self.retry] * 3,
            *[self.late] * 2,
            *[self.receive] * 3,
            *[self.tick] * 2,
            self.settle,
            self.look_again,
            self.release,
            self.renew,
            self.match,
            self.person,
            self.forget,
            self.ring,
        ]
        act = self.rng.choice(acts)
        self.said.append(f"{self.now.time()} {act.__name__}")
        act()

    def same(self, sql, memory) -> None:
        self.said.append(f"  → {sql!r}")
        assert sql == memory, "\n".join(self.said)

    # --- What a worker does -------------------------------------------------------------------------------------------

    def claim(self) -> None:
        pk = self.rng.choice(list(self.memory.chunks))
        owner = self.rng.choice(["host:1", "host:2"])
        sql = Chunk.objects.claim(pk, owner, now=self.now)
        memory = self.memory.claim(pk, owner, now=self.now)
        self.same(sql and sql.epoch, memory and memory.epoch)
        if sql is not None:
            self.held.append((sql, memory))

    def somebody(self):
        """A worker; often one that has lost its chunk long ago."""
        if not self.held:
            return None
        pair = self.held[-1] if self.rng.random() < 0.7 else self.rng.choice(self.held)
        if self.rng.random() < 0.8:
            pair[0].refresh_from_db(fields=list(results.MOVING))
            self.memory.read(pair[1], list(results.MOVING))
        return pair

    def send(self) -> None:
        if (pair := self.somebody()) is None:
            return
        sql, memory = pair
        phones = ground.phones_of(sql)[sql.next : sql.next + self.rng.randint(1, 4)]
        given = {"seal": self.campaign.seal, "channel_id": self.campaign.channel_id, "now": self.now}
        chosen = intents.intend(sql, phones, **given)
        self.same(chosen, self.memory.intend(memory, phones, **given))
        if chosen is None or not len(chosen.indexes) or self.rng.random() < 0.2:  # it is killed here
            return
        batch = self.batch(sql, list(chosen.indexes))
        if self.rng.random() < 0.15:
            self.claim()
        stored = results.store(batch, sql, now=self.now)
        self.same(stored, self.memory.record(batch, memory, now=self.now, known=self.known))
        if not stored:
            self.hear(evidence.store_batch, batch)
        elif self.rng.random() < 0.1:  # the commit was in doubt
            again = [Chunk.objects.get(pk=sql.pk), replace(self.memory.chunks[sql.pk])]
            again[0].next = again[1].next = sql.next - 1
            again[0].owner, again[0].epoch, again[1].owner, again[1].epoch = (sql.owner, sql.epoch) * 2
            self.same(
                results.store(batch, again[0], now=self.now),
                self.memory.record(batch, again[1], now=self.now, known=self.known),
            )

    def retry(self) -> None:
        if (pair := self.somebody()) is None:
            return
        sql, memory = pair
        given = {"seal": self.campaign.seal, "channel_id": self.campaign.channel_id, "now": self.now}
        count = self.rng.randint(1, 3)
        found = intents.intend_retries(sql, count, **given)
        self.same(found, self.memory.intend_retries(memory, count, **given))
        if found and self.rng.random() < 0.8:
            batch = self.batch(sql, [one.recipient - sql.first for one in found])
            batch.is_retry = True
            self.hear(evidence.store_batch, batch)

    def batch(self, chunk: Chunk, indexes: list[int]) -> Batch:
        recipients = chunk.first + np.array(indexes)
        phones = (factories.FIRST_NUMBER + recipients).astype(np.uint64)
        batch = Batch(
            campaign_id=self.campaign.pk,
            channel_id=self.campaign.channel_id,
            chunk_id=chunk.pk,
            day=self.campaign.day,
            recipients=recipients,
            phones=phones,
            wire=Same((None,) * self.parts, phones, cost=1, plus=False),
            send_by=0.0,
            intended_at=self.now,
            table=Table(),
        )
        written = self.rng.randint(0, len(indexes)) if self.rng.random() < 0.3 else len(indexes)
        for unit in range(written * self.parts):
            self.answer(batch, unit, self.rng.choice(CODES))
        batch.next_unit = written * self.parts
        self.batches.append(batch)
        return batch

    def answer(self, batch: Batch, unit: int, code: int) -> None:
        message_id = f"{len(self.ids) + 0xA0:X}"
        if code == 0:
            self.ids.append((message_id, int(batch.phones[unit // self.parts])))
        if code != MISSING:
            batch.take(np.array([unit]), np.array([code]), np.array([message_id.encode() if code == 0 else b""]))

    def hear(self, store, *given) -> None:
        """The real gathering of what was heard, into both."""
        store(*given, now=self.now)

        def hear(*told, **named) -> None:
            self.memory.hear(*told, **named, known=self.known)

        with patch.object(evidence, "_store", hear):
            store(*given, now=self.now)

    def late(self) -> None:
        if not self.batches:
            return
        batch = self.rng.choice(self.batches)
        missing = np.flatnonzero((batch.codes == MISSING) | (batch.codes == DOUBT))
        missing = [unit for unit in missing.tolist() if unit < batch.next_unit]
        if not missing:
            return
        unit, code = self.rng.choice(missing), self.rng.choice([0, C.RMSGQFUL, C.RINVDSTADR, DOUBT])
        self.answer(batch, unit, code)
        told = (batch, np.array([unit]), batch.codes[[unit]], batch.ids[[unit]])
        self.hear(evidence.store_late, [told])

    def settle(self) -> None:
        if (pair := self.somebody()) is None:
            return
        given = {
            "parts": lambda indexes: [self.parts] * len(indexes),
            "overdue": self.now - timedelta(seconds=65),
            "now": self.now,
        }
        phones = ground.phones_of(pair[0])
        self.same(doubts.settle(pair[0], phones, **given), self.memory.settle(pair[1], phones, **given))

    def look_again(self) -> None:
        if (pair := self.somebody()) is not None:
            intents.look_again(pair[0])
            self.memory.look_again(pair[1])

    def release(self) -> None:
        if (pair := self.somebody()) is not None:
            intents.release(pair[0], now=self.now)
            self.memory.release(pair[1], now=self.now)

    def renew(self) -> None:
        if (pair := self.somebody()) is not None:
            intents.renew(pair[0], now=self.now)
            self.memory.renew(pair[1], now=self.now)

    # --- Receipts -----------------------------------------------------------------------------------------------------

    def receive(self) -> None:
        if self.ids and self.rng.random() < 0.8:
            message_id, phone = self.rng.choice(self.ids)
        else:
            message_id = f"F{self.rng.randrange(4)}"
            phone = factories.FIRST_NUMBER + self.rng.randrange(8)
        if self.rng.random() < 0.2 and message_id.isalnum():
            message_id = str(int(message_id, 16))
        body = ground.receipt(message_id, phone, self.rng.choice(["DELIVRD", "DELIVRD", "UNDELIV", "ENROUTE"]))
        arrivals = [Arrival(channel_id=self.campaign.channel_id, at=self.now, pdus=[(1, body)])]
        assert receipts.take_in(arrivals) == 0
        self.memory.take_in(arrivals, known=self.known)

    def match(self) -> None:
        self.same(matching.match_pending(now=self.now), self.memory.match_pending(now=self.now))

    def forget(self) -> None:
        """Another process."""
        ground.forget()
        self.known.clear()

    # --- The clock, and people ----------------------------------------------------------------------------------------

    def tick(self) -> None:
        due.tick(now=self.now)
        self.memory.tick(now=self.now)

    def ring(self) -> None:
        self.same(due.ring_next(self.campaign.pk, now=self.now), self.memory.ring_next(self.campaign.pk, now=self.now))
        others = due.others_wait(self.campaign.pk, now=self.now)
        self.same(others, self.memory.others_wait(self.campaign.pk, now=self.now))

    def person(self) -> None:
        verbs = {
            Status.PAUSED: lambda: author.pause(self.campaign.pk, by=self.author),
            Status.SENDING: lambda: author.resume(self.campaign.pk, by=self.author, now=self.now),
            Status.CANCELLED: lambda: author.cancel(self.campaign.pk, by=self.author, now=self.now),
        }
        to = self.rng.choice([Status.PAUSED, Status.SENDING, Status.SENDING, Status.CANCELLED])

        def said(verb) -> str:
            try:
                verb()
            except Refused as refusal:
                return refusal.code
            return "done"

        sql = said(verbs[to])
        self.same(sql, said(lambda: self.memory.change_status(self.campaign.pk, to, now=self.now)))

    # --- What they say in the end -------------------------------------------------------------------------------------

    def compare(self) -> None:
        pk, memory = self.campaign.pk, self.memory
        self.same(Campaign.objects.get(pk=pk).status, memory.campaigns[pk].status)
        for row in Chunk.objects.filter(campaign=pk):
            self.same({name: getattr(row, name) for name in CHUNK}, _fields(memory.chunks[row.pk], CHUNK))
        rows = list(Message.objects.filter(campaign=pk).order_by("recipient").values(*MESSAGE))
        self.same(rows, [_fields(one, MESSAGE) for _, one in sorted(memory.messages[pk].items())])
        self.same(
            set(Doubt.objects.filter(campaign=pk).values_list("recipient", "phone", "at")),
            {(recipient, phone, at) for (_, recipient), (_, phone, at) in memory.doubts.items()},
        )
        tallies: Counter = Counter()
        for state, n in Tally.objects.filter(campaign=pk).values_list("state", "n"):
            tallies[S(state)] += n
        self.same({s: n for s, n in tallies.items() if n}, {s: n for (_, s), n in memory.tallies.items() if n})
        waiting = Receipt.objects.filter(applied_at=None).order_by("id").values_list("message_id", "phone", "state")
        self.same(
            list(waiting), [(one.message_id, one.phone, one.state) for one in memory.receipts if not one.applied_at]
        )


def _fields(one, names):
    return {name: getattr(one, name) for name in names}


@pytest.mark.parametrize(
    "first",
    [0, *(pytest.param(first, marks=pytest.mark.slow) for first in range(TOGETHER, SEQUENCES, TOGETHER))],
)
def test_both_stores_say_the_same(workspace, first):
    campaign, _ = ground.under_way(workspace, 8, chunk_size=5)
    now = timezone.now() + timedelta(seconds=1)
    for seed in range(first, first + TOGETHER):
        with transaction.atomic():
            ground.forget()
            both = Both(seed, campaign, now)
            for _ in range(STEPS):
                both.step()
            both.compare()
            transaction.set_rollback(True)
    assert connection.in_atomic_block


@pytest.mark.parametrize("seed", range(3))
def test_both_stores_take_on_what_is_pushed_alike(workspace, monkeypatch, seed):
    monkeypatch.setattr(pushing, "CHUNK", 3)
    rng, now = random.Random(seed), timezone.now()
    campaign = factories.trigger(workspace, text="Hello.")
    memory = stores.Store()
    memory.lay_out(
        stores.Campaign(pk=campaign.pk, channel_id=1, text="", seal="", started_at=now, revision=None, is_trigger=True),
        [],
    )
    memory.pushes[campaign.pk] = []
    for _ in range(30):
        now += timedelta(seconds=1)
        phone, key = 31600000000 + rng.randrange(5), rng.choice([None, None, "a", "b", "c"])
        ask = pushing.Ask(to=f"+{phone}", key=key)
        [answer] = pushing.push(campaign, [ask], by=None, now=now)
        number = memory.push(campaign.pk, phone, key=key, expires_at=None, size=3, now=now)
        if isinstance(answer, pushing.Taken):  # else its key was used for another number, and it is known by that
            assert answer.id == number
    rows = list(Chunk.objects.filter(campaign=campaign).order_by("number").values("number", "first", "count", "status"))
    assert rows == [_fields(row, ("number", "first", "count", "status")) for row in memory.of_campaign(campaign.pk)]
    pushed = Push.objects.filter(campaign=campaign).order_by("recipient").values_list("recipient", "phone", "key")
    assert list(pushed) == [(one.recipient, one.phone, one.key) for one in memory.pushes[campaign.pk]]
