"""The protocol, broken in one place each: the histories must notice every one of these."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import numpy as np
from django.db import DatabaseError

from delivery import batches, dispatching, evidence, judging
from delivery.intents import Chosen
from delivery.links import carrier, link
from delivery.pushes import Pushed
from delivery.statuses import ChunkStatus
from delivery.statuses import MessageState as S
from smpp.status import CommandStatus as C
from tests.simulation import doubles, store
from tests.simulation.doubles import engine
from tests.simulation.store import Store

Mutant = Callable[[ExitStack], None]


def _instead(stack: ExitStack, place: Any, name: str, new: Any) -> Any:
    """Patch it; what was there."""
    was = getattr(place, name)
    stack.enter_context(patch.object(place, name, new))
    return was


# --- The intent -------------------------------------------------------------------------------------------------------


def intent_after_sending(stack: ExitStack) -> None:
    """The intent is committed together with the results."""

    def intend(self: Store, chunk: Any, phones: Any, *, seal: str, channel_id: int, now: Any) -> Chosen | None:
        row = self.chunks[chunk.pk]
        if not self._may_send(chunk, seal, now) or row.intended != row.next:
            return None
        return Chosen(indexes=range(row.next, min(row.count, row.next + len(phones))), suppressed=frozenset())

    def record(self: Store, batch: Any, chunk: Any, **given: Any) -> bool:
        if self._is_mine(chunk):
            self._commit_intent(chunk, batch.phones, now=given["now"])
        return was(self, batch, chunk, **given)

    _instead(stack, Store, "intend", intend)
    was = _instead(stack, Store, "record", record)


def choose_and_write_apart(stack: ExitStack) -> None:
    """What to hand over is chosen in one transaction and written in another that asks nothing."""

    class Intents(doubles._Intents):
        def intend(self, chunk: Any, phones: Any, *, seal: str, channel_id: int, now: Any) -> Chosen | None:
            running = doubles.running
            row = running.ask("choose", lambda store: store.chunks[chunk.pk])
            if row.intended != row.next or not running.store._may_send(chunk, seal, now):
                return None
            first = row.next
            doubles._Time().sleep(running.rng.uniform(0.0, 5.0) if running.rng.random() < 0.2 else 0.01)

            def write(store: Store) -> Chosen:
                row = store.chunks[chunk.pk]
                covered = range(first, min(row.count, first + len(phones)))
                row.intended = max(row.intended, covered.stop)
                store._note_intent(chunk, [row.first + index for index in covered], is_retry=False, now=now)
                return Chosen(indexes=covered, suppressed=frozenset())

            return running.ask("intend", write)

    _instead(stack, dispatching, "intents", Intents())


def commit_in_doubt_is_sent(stack: ExitStack) -> None:
    """An intent whose commit failed is handed over all the same."""

    class Intents(doubles._Intents):
        def intend(self, chunk: Any, phones: Any, **given: Any) -> Chosen | None:
            try:
                return doubles._Intents.intend(chunk, phones, **given)
            except DatabaseError:
                return Chosen(indexes=range(chunk.next, chunk.next + len(phones)), suppressed=frozenset())

    _instead(stack, dispatching, "intents", Intents())


def epoch_is_not_asked_by_the_intent(stack: ExitStack) -> None:
    def is_mine(self: Store, chunk: Any) -> bool:
        return True

    _instead(stack, Store, "_is_mine", is_mine)


def epoch_is_not_asked_by_the_results(stack: ExitStack) -> None:
    def record(self: Store, batch: Any, chunk: Any, **given: Any) -> bool:
        row = self.chunks[chunk.pk]
        chunk.owner, chunk.epoch, chunk.next = row.owner, row.epoch, row.next
        return was(self, batch, chunk, **given)

    was = _instead(stack, Store, "record", record)


def suppressed_are_sent(stack: ExitStack) -> None:
    def commit(self: Store, chunk: Any, phones: Any, **given: Any) -> Chosen:
        return Chosen(indexes=was(self, chunk, phones, **given).indexes, suppressed=frozenset())

    was = _instead(stack, Store, "_commit_intent", commit)


# --- Doubts -----------------------------------------------------------------------------------------------------------


def unanswered_are_resent(stack: ExitStack) -> None:
    """Whoever takes over begins where the last owner's results end."""

    def settle(self: Store, chunk: Any, phones: Any, **given: Any) -> int:
        row = self.chunks[chunk.pk]
        if self._is_mine(chunk):
            row.intended = row.next
        return was(self, chunk, phones, **given)

    was = _instead(stack, Store, "settle", settle)


def settle_forgets_next(stack: ExitStack) -> None:
    def settle(self: Store, chunk: Any, phones: Any, **given: Any) -> int:
        row = self.chunks[chunk.pk]
        next = row.next
        lost = row.intended - next if self._is_mine(chunk) else 0
        found = was(self, chunk, phones, **given)
        if lost:
            row.next = next
        return found

    was = _instead(stack, Store, "settle", settle)


def settled_chunk_is_forgotten(stack: ExitStack) -> None:
    """A chunk whose last recipients were in doubt stays open, and nobody rings for it."""

    def settle(self: Store, chunk: Any, phones: Any, **given: Any) -> int:
        with patch.object(Store, "_end_if_done", lambda self, row: None):
            return was(self, chunk, phones, **given)

    was = _instead(stack, Store, "settle", settle)


def timeout_is_not_sent(stack: ExitStack) -> None:
    """No response within the timeout is taken for a refusal."""

    def doubt(self: Any, run: Any) -> None:
        units = run.open_units
        self.carrier.settle(run.batch, units, np.full(len(units), int(C.RMSGQFUL)), b"")

    _instead(stack, link.Link, "_doubt", doubt)


def doubts_are_retried(stack: ExitStack) -> None:
    """What is in doubt is tried again by the next look."""

    def enter(self: Store, campaign_id: int, recipient: int, *rest: Any) -> None:
        message = self.messages[campaign_id][recipient]
        chunk = next(row for row in self.of_campaign(campaign_id) if row.first <= recipient < row.first + row.count)
        self._move(campaign_id, message, S.RETRY)
        message.retry_at = chunk.retry_at = message.submitted_at
        chunk.unresolved += 1
        chunk.status = store.ChunkStatus.OPEN

    _instead(stack, Store, "_enter", enter)


def pace_is_not_woken(stack: ExitStack) -> None:
    """The timer after which a slowed-down bind goes on is set once: a hair too early, it is never set again."""

    def on_woken(self: Any) -> None:
        if doubles.running.rng.random() < 0.5:
            self.carrier.pump()

    _instead(stack, link.Link, "_on_woken", on_woken)


# --- Answers ----------------------------------------------------------------------------------------------------------


def late_refusal_does_not_reopen(stack: ExitStack) -> None:
    def resolve(self: Store, chunk: Any, still_open: int, look_at: Any) -> None:
        was(self, chunk, -1 if look_at is not None else still_open, None)

    was = _instead(stack, Store, "_resolve", resolve)


def zombie_overwrites(stack: ExitStack) -> None:
    """Evidence replaces whatever is on record."""

    def change(row: Any, answers: Any, *, is_alive: bool, table: Any, now: Any) -> Any:
        judgement = evidence._judge_again(row, answers, is_alive=True, table=table)
        look_at = evidence.when_to_look(judgement, now=now)
        return evidence._Change(row=row, judgement=judgement, look_at=look_at)

    _instead(stack, evidence, "_change", change)


def given_back_counts_as_sent(stack: ExitStack) -> None:
    _instead(stack, batches.Batch, "handed_over", property(lambda self: len(self.recipients)))


def retry_after_an_accepted_part(stack: ExitStack) -> None:
    def judge(answers: Any, *, attempts: int, table: Any) -> Any:
        refused = [code for code in answers if code > 0]
        return was([refused[0]] * len(answers) if refused else answers, attempts=attempts, table=table)

    was = _instead(stack, judging, "judge", judge)
    _instead(stack, evidence, "judge", judge)


def parts_on_two_binds(stack: ExitStack) -> None:
    def link_for(self: Any, batch: Any) -> Any:
        batch.link = None
        return was(self, batch)

    was = _instead(stack, carrier.Carrier, "_link_for", link_for)


def rest_of_the_parts_elsewhere(stack: ExitStack) -> None:
    """When its bind is gone, a half-written message gets the rest over another."""

    def leave_half(self: Any, batch: Any) -> None:
        batch.link = None

    _instead(stack, carrier.Carrier, "_leave_half", leave_half)


def breaker_is_ignored(stack: ExitStack) -> None:
    _instead(stack, carrier.Carrier, "_count_refusals", lambda self, batch, codes: None)


def lost_window_is_given_back(stack: ExitStack) -> None:
    """What was in the window of a bind that is gone is written once more over the next."""

    def doubt(self: Any, run: Any) -> None:
        run.batch.next_unit = min(run.batch.next_unit, int(run.open_units[0])) if run.left else run.batch.next_unit
        run.batch.open_units -= run.left
        if not run.batch.finished.done() and run.batch not in self.carrier._queue:
            self.carrier._waiting.discard(run.batch)
            self.carrier._queue.append(run.batch)

    _instead(stack, link.Link, "_doubt", doubt)


def late_answers_do_not_wait(stack: ExitStack) -> None:
    """What comes after a batch went back is stored before its messages are on record, and finds nothing."""

    def note_late(self: Any, batch: Any, *rest: Any) -> None:
        batch.is_recorded = True
        was(self, batch, *rest)

    was = _instead(stack, engine.Engine, "_note_late", note_late)


def retries_given_back_are_forgotten(stack: ExitStack) -> None:
    """A retry for which there was no room stays INTENDED."""

    def store_batch(batch: Any, *, now: Any) -> None:
        if not batch.is_retry or not batch.given_back:
            was(batch, now=now)

    was = _instead(stack, evidence, "store_batch", store_batch)


def late_answers_are_dropped(stack: ExitStack) -> None:
    _instead(stack, engine.Engine, "_note_late", lambda self, *rest: None)


# --- Receipts ---------------------------------------------------------------------------------------------------------


def acknowledged_before_storing(stack: ExitStack) -> None:
    def deliver(self: Any, one: Any, received: Any) -> None:
        one.acknowledge(one.session, received, 0)
        was(self, one, received)

    def acknowledge(self: Any, arrived: Any, status: int) -> None:
        arrived.is_answered = True
        arrived.too_late.cancel()

    was = _instead(stack, engine.Engine, "_deliver", deliver)
    _instead(stack, engine.Engine, "_answer", acknowledge)


def unmatched_receipt_is_dropped(stack: ExitStack) -> None:
    _instead(stack, Store, "_keep", lambda self, told, place: None)


def refused_receipt_is_acknowledged(stack: ExitStack) -> None:
    """The database is away, and the carrier hears that all is well."""

    def take_in(self: Any, arrivals: Any) -> int:
        was(self, arrivals)
        return 0

    was = _instead(stack, engine.Engine, "_take_in", take_in)


def receipts_fall(stack: ExitStack) -> None:
    """The last receipt wins."""

    def raise_one(self: Store, campaign_id: int, message: Any, masks: tuple[int, int], code: int, *, at: Any) -> None:
        delivered, failed = masks
        message.delivered_mask, message.failed_mask = delivered, failed
        self._move(campaign_id, message, S.DELIVERED if delivered else S.FAILED)
        message.error_kind = store.ErrorKind.RECEIPT if failed else store.ErrorKind.NONE
        message.error_code = code or None

    _instead(stack, Store, "_raise_one", raise_one)


def doubt_is_matched_blindly(stack: ExitStack) -> None:
    """Any receipt for the number explains a doubt, whoever else sends to it."""

    def find(self: Store, left: Any, *, now: Any) -> Any:
        of_phone = {phone: key for key, (_, phone, _) in self.doubts.items()}
        return {one.pk: (*of_phone[one.phone], 0, one.phone) for one in left if one.phone in of_phone}

    _instead(stack, Store, "_find_by_doubts", find)


# --- Pushed messages --------------------------------------------------------------------------------------------------


def keys_are_looked_up_before_the_chunk_is_held(stack: ExitStack) -> None:
    """So what another call is writing just now is not seen."""

    def used(self: Store, campaign_id: int, *, now: Any) -> dict[str, int]:
        begun = now - timedelta(seconds=0.05)
        return {one.key: one.recipient for one in self.pushes[campaign_id] if one.key is not None and one.at < begun}

    _instead(stack, Store, "_used", used)


def chunk_that_has_grown_is_done(stack: ExitStack) -> None:
    """Whoever has sent all that it has read calls the chunk done."""

    def record(self: Store, batch: Any, chunk: Any, **given: Any) -> bool:
        stored = was(self, batch, chunk, **given)
        row = self.chunks[chunk.pk]
        if stored and row.next == chunk.count and not row.unresolved:
            row.status = chunk.status = ChunkStatus.DONE
        return stored

    was = _instead(stack, Store, "record", record)


def what_has_lost_its_point_is_sent(stack: ExitStack) -> None:
    _instead(stack, Pushed, "is_in_time", lambda self, index, now: True)


MUTANTS: tuple[Mutant, ...] = (
    intent_after_sending,
    choose_and_write_apart,
    commit_in_doubt_is_sent,
    epoch_is_not_asked_by_the_intent,
    epoch_is_not_asked_by_the_results,
    suppressed_are_sent,
    unanswered_are_resent,
    settle_forgets_next,
    settled_chunk_is_forgotten,
    timeout_is_not_sent,
    doubts_are_retried,
    pace_is_not_woken,
    late_refusal_does_not_reopen,
    zombie_overwrites,
    given_back_counts_as_sent,
    retry_after_an_accepted_part,
    parts_on_two_binds,
    rest_of_the_parts_elsewhere,
    breaker_is_ignored,
    lost_window_is_given_back,
    late_answers_do_not_wait,
    retries_given_back_are_forgotten,
    late_answers_are_dropped,
    acknowledged_before_storing,
    unmatched_receipt_is_dropped,
    refused_receipt_is_acknowledged,
    receipts_fall,
    doubt_is_matched_blindly,
    keys_are_looked_up_before_the_chunk_is_held,
    chunk_that_has_grown_is_done,
    what_has_lost_its_point_is_sent,
)


@contextmanager
def mutated(mutant: Mutant) -> Iterator[None]:
    with ExitStack() as stack:
        mutant(stack)
        yield
