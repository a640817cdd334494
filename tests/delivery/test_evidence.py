"""Intents, answers and receipts, as SQL sees them."""

import threading
from datetime import timedelta

import numpy as np
import pytest
from django.db import DatabaseError, OperationalError, connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from campaigns import transitions as author
from campaigns.models import Campaign
from delivery import (
    counters,
    dispatching,
    due,
    evidence,
    housekeeping,
    inbox,
    intents,
    matching,
    pushing,
    receipts,
    results,
)
from delivery.batches import MISSING
from delivery.inbox import Arrival
from delivery.models import CarrierId, Chunk, Doubt, Inbound, Inbox, Incident, Intent, Message, Receipt
from delivery.plans import partition
from delivery.statuses import ChunkStatus, ErrorKind, IncidentKind, MessageState
from reports import reconciliation
from smpp.hot import deliver_sms
from smpp.pdu import HEADER, DeliverSm, Tlv, encode, encode_tlvs
from tests import factories, owner
from tests.delivery.ground import (
    DOUBTED,
    batch_of,
    choose_retries,
    claim,
    forget,
    intend,
    intend_for,
    late,
    phones_of,
    receipt,
    send,
    settle,
    under_way,
)
from tests.delivery.ground import arrive as arrive_at
from tests.racing import race

S = MessageState
LONG = "Everything at half price until Sunday, and on Monday too. " * 4


def ok(number):
    return (0, f"{number:X}".encode())


def states_of(campaign):
    return dict(Message.objects.filter(campaign=campaign).order_by("recipient").values_list("recipient", "state"))


def totals_of(campaign):
    return counters.totals(Campaign.objects.get(pk=campaign.pk))


def arrive(campaign, *bodies, **given):
    return arrive_at(campaign.channel_id, *bodies, **given)


# --- Claim and intent -------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_of_five_that_claim_a_chunk_at_once_one_gets_it(workspace):
    _, [chunk] = under_way(workspace)
    got = race(*[lambda n=n: claim(chunk, f"host:{n}") for n in range(5)])
    assert sum(one is not None for one in got) == 1
    assert Chunk.objects.get(pk=chunk.pk).epoch == 1


def test_a_chunk_whose_lease_ran_out_gets_another_owner_in_a_new_epoch(workspace):
    _, [chunk] = under_way(workspace)
    first = claim(chunk)
    assert claim(chunk, "host:2") is None
    second = claim(chunk, "host:2", now=timezone.now() + timedelta(minutes=2))
    assert second.epoch == first.epoch + 1
    assert intend(first, 2) is None


def test_the_intent_is_on_record_before_anything_is_sent(workspace):
    _, [chunk] = under_way(workspace)
    mine = claim(chunk)
    assert intend(mine, 3) == range(0, 3)
    [intent] = Intent.objects.filter(chunk=chunk)
    assert (intent.first, intent.count, intent.epoch, intent.owner) == (0, 3, mine.epoch, mine.owner)


def test_a_second_intent_waits_for_the_results_of_the_first(workspace):
    _, [chunk] = under_way(workspace)
    mine = claim(chunk)
    intend(mine, 2)
    assert intend(mine, 2) is None


def test_a_paused_campaign_gets_no_intent(workspace):
    campaign, [chunk] = under_way(workspace)
    mine = claim(chunk)
    author.pause(campaign.pk, by=campaign.created_by)
    assert intend(mine, 2) is None


def test_a_campaign_past_its_deadline_gets_no_intent(workspace):
    _, [chunk] = under_way(workspace, not_after=timezone.now() + timedelta(hours=1))
    mine = claim(chunk)
    assert intend(mine, 2, now=timezone.now() + timedelta(hours=1)) is None


def test_another_seal_gets_no_intent(workspace):
    _, [chunk] = under_way(workspace)
    mine = claim(chunk)
    assert intend(mine, 2, seal="0" * 64) is None


def test_intents_are_append_only(workspace):
    _, [chunk] = under_way(workspace)
    send(claim(chunk), [ok(1)])
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Intent.objects.filter(chunk=chunk).update(count=0)


# --- Answers ----------------------------------------------------------------------------------------------------------


def test_accepted_messages_are_pending_and_the_chunk_is_done(workspace):
    campaign, [chunk] = under_way(workspace, 3)
    assert send(claim(chunk), [ok(1), ok(2), ok(3)])
    assert states_of(campaign) == {0: S.PENDING, 1: S.PENDING, 2: S.PENDING}
    assert Chunk.objects.get(pk=chunk.pk).status == ChunkStatus.DONE
    assert totals_of(campaign).balanced
    due.tick(now=timezone.now())
    assert Campaign.objects.get(pk=campaign.pk).status == "done"


def test_a_refused_number_fails_with_its_code_and_the_others_do_not(workspace):
    campaign, [chunk] = under_way(workspace, 2)
    send(claim(chunk), [(0x0B, b""), ok(2)])
    failed = Message.objects.get(campaign=campaign, recipient=0)
    assert (failed.state, failed.error_kind, failed.error_code) == (S.FAILED, ErrorKind.ANSWER, 0x0B)
    assert states_of(campaign)[1] == S.PENDING


def test_what_was_given_back_waits_again(workspace):
    campaign, [chunk] = under_way(workspace, 4)
    mine = claim(chunk)
    chosen = intend(mine, 4)
    results.store(batch_of(mine, chosen, [ok(1), ok(2)]), mine, now=timezone.now())
    chunk.refresh_from_db()
    assert (chunk.next, chunk.intended) == (2, 2)
    assert totals_of(campaign).waiting == 2
    assert intend(mine, 4) == range(2, 4)


def test_a_throttled_message_is_tried_again_and_then_counted_once(workspace):
    campaign, [chunk] = under_way(workspace, 2)
    mine = claim(chunk)
    send(mine, [(0x58, b""), ok(2)])
    assert totals_of(campaign).waiting == 1
    chunk.refresh_from_db()
    assert chunk.status == ChunkStatus.OPEN
    [retry] = intents.intend_retries(
        mine, 10, seal=campaign.seal, channel_id=mine.campaign.channel_id, now=chunk.retry_at
    )
    assert (retry.recipient, retry.attempts) == (0, 2)
    evidence.store_batch(batch_of(mine, [0], [ok(7)], is_retry=True), now=timezone.now())
    assert states_of(campaign) == {0: S.PENDING, 1: S.PENDING}
    assert Chunk.objects.get(pk=chunk.pk).status == ChunkStatus.DONE
    assert totals_of(campaign).balanced


def test_a_retry_that_was_given_back_is_tried_another_time(workspace):
    campaign, [chunk] = under_way(workspace, 1)
    mine = claim(chunk)
    send(mine, [(0x58, b"")])
    chunk.refresh_from_db()
    choose_retries(mine, 10, now=chunk.retry_at)
    evidence.store_batch(batch_of(mine, [0], [], is_retry=True), now=timezone.now())
    assert states_of(campaign) == {0: S.RETRY}
    assert totals_of(campaign).balanced


def test_retries_of_a_cancelled_campaign_are_cancelled(workspace):
    campaign, [chunk] = under_way(workspace, 3)
    mine = claim(chunk)
    send(mine, [(0x58, b""), ok(2)])
    intents.release(mine, now=timezone.now())
    author.cancel(campaign.pk, by=campaign.created_by, now=timezone.now())
    due.tick(now=timezone.now())
    totals = totals_of(campaign)
    assert (totals.pending, totals.cancelled, totals.waiting) == (1, 2, 0)
    assert totals.balanced
    assert Chunk.objects.get(pk=chunk.pk).status == ChunkStatus.CLOSED


def test_a_lost_answer_is_uncertain_and_a_late_one_is_evidence(workspace):
    campaign, [chunk] = under_way(workspace, 2)
    mine = claim(chunk)
    send(mine, [DOUBTED, ok(2)])
    assert totals_of(campaign).uncertain == 1
    assert Doubt.objects.filter(campaign=campaign).count() == 1
    evidence.store_late([late(mine, 0, ok(9))], now=timezone.now())
    assert states_of(campaign) == {0: S.PENDING, 1: S.PENDING}
    assert not Doubt.objects.filter(campaign=campaign).exists()
    assert totals_of(campaign).balanced


def test_a_straggler_keeps_its_chunk_open_until_its_answer_comes(workspace):
    campaign, [chunk] = under_way(workspace, 2)
    mine = claim(chunk)
    send(mine, [None, ok(2)])
    assert states_of(campaign)[0] == S.INTENDED
    assert Chunk.objects.get(pk=chunk.pk).status == ChunkStatus.OPEN
    evidence.store_late([late(mine, 0, ok(9))], now=timezone.now())
    assert Chunk.objects.get(pk=chunk.pk).status == ChunkStatus.DONE
    assert totals_of(campaign).balanced


def test_an_answer_nobody_will_hear_any_more_leaves_its_message_in_doubt(workspace):
    campaign, [chunk] = under_way(workspace, 2)
    mine = claim(chunk)
    send(mine, [None, ok(2)])
    assert settle(mine) == 0
    assert settle(mine, overdue_by=timedelta(minutes=2)) == 1
    assert totals_of(campaign).uncertain == 1
    assert totals_of(campaign).balanced


def test_what_a_dead_process_intended_is_in_doubt_and_never_intended_again(workspace):
    campaign, [chunk] = under_way(workspace, 6)
    dead = claim(chunk)
    send(dead, [ok(1), ok(2)])
    intend(dead, 3)
    heir = claim(chunk, "host:2", now=timezone.now() + timedelta(minutes=2))
    assert settle(heir) == 3
    assert states_of(campaign) == {0: S.PENDING, 1: S.PENDING, 2: S.UNCERTAIN, 3: S.UNCERTAIN, 4: S.UNCERTAIN}
    heir.refresh_from_db()
    assert intend(heir, 10) == range(5, 6)
    assert totals_of(campaign).balanced


def test_a_chunk_whose_last_recipients_are_in_doubt_is_done(workspace):
    """Nobody would ring for it again, and its campaign would never end."""
    campaign, [chunk] = under_way(workspace, 4)
    dead = claim(chunk)
    send(dead, [ok(1), ok(2)])
    intend(dead, 2)
    heir = claim(chunk, "host:2", now=timezone.now() + timedelta(minutes=2))
    assert settle(heir) == 2
    assert Chunk.objects.get(pk=chunk.pk).status == ChunkStatus.DONE
    due.tick(now=timezone.now())
    assert Campaign.objects.get(pk=campaign.pk).status == "done"


def test_a_chunk_whose_last_answer_is_given_up_is_done(workspace):
    _, [chunk] = under_way(workspace, 2)
    mine = claim(chunk)
    send(mine, [None, ok(2)])
    assert settle(mine, overdue_by=timedelta(minutes=2)) == 1
    assert Chunk.objects.get(pk=chunk.pk).status == ChunkStatus.DONE


def test_what_a_zombie_heard_is_evidence_but_changes_no_chunk(workspace):
    campaign, [chunk] = under_way(workspace, 2)
    zombie = claim(chunk)
    chosen = intend(zombie, 2)
    heir = claim(chunk, "host:2", now=timezone.now() + timedelta(minutes=2))
    settle(heir)
    batch = batch_of(zombie, chosen, [ok(1), ok(2)])
    assert results.store(batch, zombie, now=timezone.now()) is False
    evidence.store_batch(batch, now=timezone.now())
    assert states_of(campaign) == {0: S.PENDING, 1: S.PENDING}
    assert totals_of(campaign).balanced


# --- Receipts ---------------------------------------------------------------------------------------------------------


def test_receipts_deliver_and_fail(workspace):
    campaign, [chunk] = under_way(workspace, 3)
    send(claim(chunk), [ok(10), ok(11), ok(12)])
    one, two, _ = phones_of(chunk)
    assert arrive(campaign, receipt("A", one), receipt("B", two, "UNDELIV", "034")) == 0
    assert states_of(campaign) == {0: S.DELIVERED, 1: S.FAILED, 2: S.PENDING}
    failed = Message.objects.get(campaign=campaign, recipient=1)
    assert (failed.error_kind, failed.error_code) == (ErrorKind.RECEIPT, 5 * 100_000 + 34)
    totals = totals_of(campaign)
    assert (totals.delivered, totals.failed, totals.pending, totals.balanced) == (1, 1, 1, True)


def test_a_receipt_is_in_the_inbox_when_it_is_acknowledged(workspace):
    campaign, [chunk] = under_way(workspace, 1)
    send(claim(chunk), [ok(10)])
    body = receipt("A", phones_of(chunk)[0])
    assert arrive(campaign, body) == 0
    [stored] = Inbox.objects.all()
    assert inbox.read(bytes(stored.raw)) == [(1, body)]
    assert not Receipt.objects.exists()  # its message is known, and shows it


def test_a_receipt_that_nobody_knows_waits_in_a_row_of_its_own(workspace):
    campaign, [chunk] = under_way(workspace, 1)
    body = receipt("A", phones_of(chunk)[0])
    assert arrive(campaign, body) == 0
    assert [inbox.read(bytes(stored.raw)) for stored in Inbox.objects.all()] == [[(1, body)]]
    [waiting] = Receipt.objects.all()
    assert (bytes(waiting.raw), waiting.applied_at) == (body, None)
    send(claim(chunk), [ok(10)])
    assert matching.match_pending(now=timezone.now()) == 1
    waiting.refresh_from_db()
    assert (waiting.campaign_id, waiting.recipient, waiting.applied_at is not None) == (campaign.pk, 0, True)


def test_a_run_of_receipts_is_applied_and_kept_like_each_of_them(workspace):
    campaign, [chunk] = under_way(workspace, 40, chunk_size=40)
    send(claim(chunk), [ok(0x1000 + n) for n in range(40)])
    said = ["UNDELIV" if n % 5 == 0 else "DELIVRD" for n in range(40)]
    bodies = [
        receipt(f"{0x1000 + n:x}", phone, stat)
        for n, (phone, stat) in enumerate(zip(phones_of(chunk), said, strict=True))
    ]
    bodies[7] = receipt("FFFF", phones_of(chunk)[7])  # of nobody
    rows = np.frombuffer(b"".join(deliver_sms(n, [body]) for n, body in enumerate(bodies)), np.uint8).reshape(40, -1)
    assert receipts.take_in([Arrival(channel_id=campaign.channel_id, at=timezone.now(), runs=[rows])]) == 0
    states = states_of(campaign)
    assert states.pop(7) == S.PENDING
    assert states == {n: S.FAILED if n % 5 == 0 else S.DELIVERED for n in range(40) if n != 7}
    [stored] = Inbox.objects.all()
    assert [body for _, body in inbox.read(bytes(stored.raw))] == bodies
    assert [bytes(one.raw) for one in Receipt.objects.all()] == [bodies[7]]
    assert totals_of(campaign).balanced
    assert reconciliation.differences(Campaign.objects.get(pk=campaign.pk)) == []


def test_one_receipt_says_delivered_and_one_beside_it_failed(workspace):
    campaign, [chunk] = under_way(workspace, 1)
    send(claim(chunk), [ok(10)])
    [phone] = phones_of(chunk)
    arrive(campaign, receipt("A", phone, "UNDELIV", "001"), receipt("A", phone))
    assert states_of(campaign) == {0: S.DELIVERED}


LATIN = st.text(st.characters(max_codepoint=255, exclude_characters="\0"), max_size=20)


@given(source=LATIN, message_id=LATIN, error=LATIN, state=LATIN | st.sampled_from(["DELIVRD", "UNDELIV"]))
@example(source="²", message_id="A", error="000", state="DELIVRD")
@example(source="31600000001", message_id="A", error="²", state="UNDELIV")
@example(source="31600000001", message_id="A" * 200, error="9" * 5000, state="UNDELIV")
@example(source="9" * 5000, message_id="A\\N\t", error="000", state="DELIVRD")
@examples(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_receipt_says_it_is_kept_and_acknowledged(workspace, source, message_id, error, state):
    text = (
        f"id:{message_id} sub:001 dlvrd:001 submit date:2611271000 done date:2611271001 stat:{state} err:{error} text:"
    )
    told = text.encode("latin-1")
    body = b"\0\1\1" + source.encode("latin-1") + b"\0\1\1acme\0\4\0\0\0\0\0\0\0\0"
    body += bytes([len(told)]) + told if len(told) < 255 else b"\0\x04\x24" + len(told).to_bytes(2, "big") + told
    channel = factories.channel()
    with transaction.atomic():
        assert arrive_at(channel.pk, body) == 0
        assert [inbox.read(bytes(one.raw)) for one in Inbox.objects.all()] == [[(1, body)]]
        assert [bytes(one.raw) for one in [*Receipt.objects.all(), *Inbound.objects.all()]] == [body]
        matching.match_pending(now=timezone.now())
        transaction.set_rollback(True)


def test_bytes_that_are_no_receipt_at_all_cost_none_of_those_beside_them(workspace):
    campaign, [chunk] = under_way(workspace, 1)
    send(claim(chunk), [ok(10)])
    assert arrive(campaign, b"", b"\xff" * 300, receipt("A", phones_of(chunk)[0])) == 0
    assert [one.pdus for one in Inbox.objects.all()] == [3]
    assert not Receipt.objects.exists()
    assert Inbound.objects.count() == 2
    assert states_of(campaign) == {0: S.DELIVERED}


@pytest.mark.parametrize("remembers", [True, False])
def test_an_id_longer_than_smpp_allows_is_cut_on_both_sides_and_still_joined(workspace, remembers):
    campaign, [chunk] = under_way(workspace, 1)
    endless = "7F" * 4000
    send(claim(chunk), [(0, endless.encode())])
    assert [len(one.message_id) for one in CarrierId.objects.all()] == [64]
    if not remembers:
        forget()
    tlv = b"\0\x1e" + (len(endless) + 1).to_bytes(2, "big") + endless.encode() + b"\0"
    state = b"\x04\x27\0\1\2"
    source = str(phones_of(chunk)[0]).encode()
    body = encode(DeliverSm(source_addr=source, esm_class=4, sequence=1))[HEADER.size :] + tlv + state
    assert arrive(campaign, body) == 0
    matching.match_pending(now=timezone.now())
    assert states_of(campaign) == {0: S.DELIVERED}


def test_a_receipt_that_comes_twice_changes_nothing(workspace):
    campaign, [chunk] = under_way(workspace, 1)
    send(claim(chunk), [ok(10)])
    body = receipt("A", phones_of(chunk)[0])
    arrive(campaign, body, body)
    arrive(campaign, body)
    assert totals_of(campaign).delivered == 1
    assert totals_of(campaign).balanced


@pytest.mark.parametrize("late", ["ENROUTE", "ACCEPTD", "UNKNOWN", "UNDELIV", "EXPIRED"])
def test_a_late_receipt_never_takes_a_delivery_back(workspace, late):
    campaign, [chunk] = under_way(workspace, 1)
    send(claim(chunk), [ok(10)])
    phone = phones_of(chunk)[0]
    arrive(campaign, receipt("A", phone))
    arrive(campaign, receipt("A", phone, late))
    assert states_of(campaign) == {0: S.DELIVERED}
    assert totals_of(campaign).balanced


@pytest.mark.parametrize(("first", "ends"), [("UNDELIV", S.DELIVERED), ("EXPIRED", S.FAILED), ("REJECTD", S.FAILED)])
def test_only_an_undeliverable_message_may_turn_out_to_be_delivered(workspace, first, ends):
    campaign, [chunk] = under_way(workspace, 1)
    send(claim(chunk), [ok(10)])
    phone = phones_of(chunk)[0]
    arrive(campaign, receipt("A", phone, first))
    arrive(campaign, receipt("A", phone))
    assert states_of(campaign) == {0: ends}
    assert totals_of(campaign).balanced


def test_a_receipt_before_the_response_is_kept_and_matched_afterwards(workspace):
    campaign, [chunk] = under_way(workspace, 1)
    assert arrive(campaign, receipt("A", phones_of(chunk)[0])) == 0
    now = timezone.now()
    assert matching.match_pending(now=now) == 0
    send(claim(chunk), [ok(10)])
    assert matching.match_pending(now=now + timedelta(minutes=1)) == 1
    assert states_of(campaign) == {0: S.DELIVERED}
    assert not Receipt.objects.filter(applied_at=None).exists()


@pytest.mark.parametrize(
    ("answered", "reported"),
    [("A", "0000000A"), ("0a", "A"), ("1F", "31"), ("31", "1F"), ("0000000031", "1f"), ("b7-uuid", "B7-UUID")],
)
@pytest.mark.parametrize("remembers", [True, False])
def test_ids_are_the_same_in_any_base_case_and_padding(workspace, answered, reported, remembers):
    campaign, [chunk] = under_way(workspace, 1)
    send(claim(chunk), [(0, answered.encode())])
    if not remembers:
        forget()
    arrive(campaign, receipt(reported, phones_of(chunk)[0]))
    matching.match_pending(now=timezone.now())
    assert states_of(campaign) == {0: S.DELIVERED}


@pytest.mark.parametrize("remembers", [True, False])
def test_ids_that_are_equal_in_another_base_are_told_apart_by_the_number(workspace, remembers):
    campaign, [chunk] = under_way(workspace, 2)
    send(claim(chunk), [(0, b"10"), (0, b"16")])
    one, two = phones_of(chunk)
    if not remembers:
        forget()
    arrive(campaign, receipt("16", one, "UNDELIV"), receipt("10", two))
    matching.match_pending(now=timezone.now())
    assert states_of(campaign) == {0: S.FAILED, 1: S.DELIVERED}


def test_a_long_message_is_delivered_when_every_part_is(workspace):
    campaign, [chunk] = under_way(workspace, 1, text=LONG)
    send(claim(chunk), [ok(10), ok(11)], parts=2)
    phone = phones_of(chunk)[0]
    arrive(campaign, receipt("B", phone))
    assert states_of(campaign) == {0: S.PENDING}
    arrive(campaign, receipt("A", phone))
    assert states_of(campaign) == {0: S.DELIVERED}


def test_a_long_message_has_failed_when_one_part_has(workspace):
    campaign, [chunk] = under_way(workspace, 1, text=LONG)
    send(claim(chunk), [ok(10), ok(11)], parts=2)
    phone = phones_of(chunk)[0]
    arrive(campaign, receipt("A", phone), receipt("B", phone, "UNDELIV"))
    assert states_of(campaign) == {0: S.FAILED}
    assert totals_of(campaign).balanced


def test_a_receipt_resolves_a_message_in_doubt(workspace):
    campaign, [chunk] = under_way(workspace, 2)
    send(claim(chunk), [DOUBTED, DOUBTED])
    arrive(campaign, receipt("77", phones_of(chunk)[0]))
    matching.match_pending(now=timezone.now() + timedelta(seconds=30))
    assert states_of(campaign) == {0: S.DELIVERED, 1: S.UNCERTAIN}
    assert list(Doubt.objects.values_list("recipient", flat=True)) == [1]
    assert totals_of(campaign).balanced


def test_after_a_kill_and_a_pause_a_receipt_that_came_at_once_still_resolves_its_message(workspace, rung):
    campaign, [chunk] = under_way(workspace, 3)
    dead = claim(chunk)
    intend(dead, 3)
    intended_at = Intent.objects.get(chunk=chunk).at
    arrive(campaign, receipt("77", phones_of(chunk)[0]))
    author.pause(campaign.pk, by=campaign.created_by)
    lapsed = timezone.now() + timedelta(minutes=20)
    rung.clear()
    due.tick(now=lapsed)
    assert rung == [("delivery.tasks.dispatch", (chunk.pk,))]
    due.tick(now=lapsed + timedelta(seconds=1))
    assert len(rung) == 1
    dispatching.work_on(chunk.pk, clock=lambda: lapsed)
    assert totals_of(campaign).uncertain == 3
    assert set(Doubt.objects.values_list("at", flat=True)) == {intended_at}
    matching.match_pending(now=lapsed + timedelta(minutes=1))
    assert states_of(campaign) == {0: S.DELIVERED, 1: S.UNCERTAIN, 2: S.UNCERTAIN}
    due.tick(now=lapsed + timedelta(minutes=1))
    assert len(rung) == 1


def test_a_paused_campaign_is_left_alone_while_its_answers_may_still_come(workspace, rung):
    campaign, [chunk] = under_way(workspace, 2)
    mine = claim(chunk)
    send(mine, [None, ok(2)])
    intents.release(mine, now=timezone.now())
    author.pause(campaign.pk, by=campaign.created_by)
    rung.clear()
    due.tick(now=timezone.now() + timedelta(seconds=30))
    assert rung == []
    overdue = timezone.now() + timedelta(seconds=90)
    due.tick(now=overdue)
    assert rung == [("delivery.tasks.dispatch", (chunk.pk,))]
    dispatching.work_on(chunk.pk, clock=lambda: overdue)
    assert totals_of(campaign).uncertain == 1


def test_nobody_is_rung_for_a_retry_of_a_paused_campaign_and_its_lost_answers_are_still_settled(workspace, rung):
    campaign, [chunk] = under_way(workspace, 2)
    mine = claim(chunk)
    send(mine, [(0x14, b"")])
    intents.release(mine, now=timezone.now())
    author.pause(campaign.pk, by=campaign.created_by)
    rung.clear()
    later = timezone.now() + timedelta(minutes=30)
    due.tick(now=later)
    assert rung == []
    author.resume(campaign.pk, by=campaign.created_by, now=timezone.now())
    send(claim(chunk), [None])
    author.pause(campaign.pk, by=campaign.created_by)
    rung.clear()
    due.tick(now=later)
    assert rung == [("delivery.tasks.dispatch", (chunk.pk,))]
    dispatching.work_on(chunk.pk, clock=lambda: later)
    assert states_of(campaign) == {0: S.RETRY, 1: S.UNCERTAIN}
    due.tick(now=later + timedelta(minutes=1))
    assert len(rung) == 1


def test_a_receipt_that_matches_nothing_is_tried_for_days_and_ever_more_rarely(workspace):
    campaign, [chunk] = under_way(workspace, 1)
    arrive(campaign, receipt("A", phones_of(chunk)[0]))
    arrived = Receipt.objects.get().received_at
    waits = []
    for age in (timedelta(seconds=8), timedelta(minutes=40), timedelta(days=6), timedelta(days=8)):
        matching.match_pending(now=arrived + age)
        waits.append(Receipt.objects.extra(where=["next_try_at < 'infinity'"]).values_list("next_try_at").first())
    assert [at and at[0] - arrived for at in waits] == [
        timedelta(seconds=10),
        timedelta(minutes=50),
        timedelta(days=6, hours=1),
        None,
    ]


def test_a_receipt_from_a_process_whose_clock_is_an_hour_ahead_is_matched_at_once(workspace):
    campaign, [chunk] = under_way(workspace, 1)
    now = timezone.now()
    arrive(campaign, receipt("A", phones_of(chunk)[0]), at=now + timedelta(hours=1))
    send(claim(chunk), [ok(10)])
    matching.match_pending(now=now + timedelta(seconds=1))
    assert states_of(campaign) == {0: S.DELIVERED}


def test_a_receipt_whose_response_was_stored_two_days_late_finds_its_message(workspace):
    campaign, [chunk] = under_way(workspace, 1)
    arrive(campaign, receipt("A", phones_of(chunk)[0]))
    now = timezone.now() + timedelta(days=2)
    matching.match_pending(now=now)
    send(claim(chunk), [ok(10)])
    matching.match_pending(now=now + timedelta(minutes=30))
    assert states_of(campaign) == {0: S.PENDING}
    matching.match_pending(now=now + timedelta(minutes=61))
    assert states_of(campaign) == {0: S.DELIVERED}


@pytest.mark.django_db(transaction=True)
def test_one_at_a_time_matches_the_inbox(workspace):
    campaign, [chunk] = under_way(workspace, 1)
    arrive(campaign, receipt("A", phones_of(chunk)[0]))
    send(claim(chunk), [ok(10)])
    begun, matched = threading.Event(), threading.Event()

    def first():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", matching.MATCHING)
            begun.set()
            return matched.wait(timeout=60)

    def second():
        begun.wait(timeout=60)
        found = matching.match_pending(now=timezone.now())
        matched.set()
        return found

    assert race(first, second) == [True, 0]
    assert matching.match_pending(now=timezone.now()) == 1


def test_a_receipt_is_no_evidence_for_a_doubt_while_it_may_be_of_a_message_that_is_not_on_record(workspace):
    doubtful, [its_chunk] = under_way(workspace, 1)
    send(claim(its_chunk), [DOUBTED])
    campaign, [chunk] = under_way(workspace, 1)
    mine = claim(chunk)
    chosen = intend(mine, 1)
    arrive(campaign, receipt("A", phones_of(chunk)[0]))
    matching.match_pending(now=timezone.now() + timedelta(seconds=10))
    assert states_of(doubtful) == {0: S.UNCERTAIN}
    results.store(batch_of(mine, chosen, [ok(10)]), mine, now=timezone.now())
    matching.match_pending(now=timezone.now() + timedelta(seconds=20))
    assert (states_of(doubtful), states_of(campaign)) == ({0: S.UNCERTAIN}, {0: S.DELIVERED})


def test_a_receipt_that_explained_a_doubt_and_comes_again_explains_no_other(workspace):
    first, [its_chunk] = under_way(workspace, 1)
    send(claim(its_chunk), [DOUBTED])
    body = receipt("A", phones_of(its_chunk)[0])
    arrive(first, body)
    matching.match_pending(now=timezone.now() + timedelta(seconds=10))
    second, [chunk] = under_way(workspace, 1)
    send(claim(chunk), [DOUBTED])
    arrive(second, body)
    matching.match_pending(now=timezone.now() + timedelta(seconds=20))
    assert (states_of(first), states_of(second)) == ({0: S.DELIVERED}, {0: S.UNCERTAIN})


def test_of_receipts_with_two_ids_nobody_knows_which_explains_a_doubt(workspace):
    campaign, [chunk] = under_way(workspace, 1)
    send(claim(chunk), [DOUBTED])
    phone = phones_of(chunk)[0]
    arrive(campaign, receipt("A", phone), receipt("B", phone))
    matching.match_pending(now=timezone.now() + timedelta(seconds=10))
    assert states_of(campaign) == {0: S.UNCERTAIN}


def test_once_no_response_can_be_stored_any_more_a_receipt_resolves_the_doubt_beside_a_busy_campaign(workspace):
    doubtful, [its_chunk] = under_way(workspace, 1)
    send(claim(its_chunk), [DOUBTED])
    campaign, [chunk] = under_way(workspace, 1)
    arrive(campaign, receipt("A", phones_of(its_chunk)[0]))
    now = timezone.now()
    intend(claim(chunk), 1, now=now + timedelta(seconds=40))
    matching.match_pending(now=now + timedelta(seconds=60))
    assert states_of(doubtful) == {0: S.UNCERTAIN}
    matching.match_pending(now=now + timedelta(seconds=80))
    assert states_of(doubtful) == {0: S.DELIVERED}


@pytest.mark.parametrize("answers", [None, [(MISSING, b"")]], ids=["without a result", "without an answer"])
def test_a_message_that_nobody_has_given_up_yet_is_suspect_beside_the_one_doubt(workspace, answers):
    doubtful, [its_chunk] = under_way(workspace, 1)
    send(claim(its_chunk), [DOUBTED])
    campaign, [chunk] = under_way(workspace, 1)
    mine = claim(chunk)
    chosen = intend(mine, 1)
    if answers:
        results.store(batch_of(mine, chosen, answers), mine, now=timezone.now())
    arrive(campaign, receipt("A", phones_of(chunk)[0]))
    now = timezone.now() + timedelta(seconds=80)
    matching.match_pending(now=now)
    assert states_of(doubtful) == {0: S.UNCERTAIN}
    settle(mine, overdue_by=timedelta(seconds=80))
    matching.match_pending(now=now + timedelta(hours=1))
    assert states_of(doubtful) == states_of(campaign) == {0: S.UNCERTAIN}


def test_a_trigger_may_mean_another_message_to_the_number_of_its_doubt(workspace):
    campaign, phones = factories.trigger(workspace), np.array([factories.FIRST_NUMBER], np.uint64)
    pushing.push(campaign, [pushing.Ask(to=f"+{phones[0]}")] * 2, by=None, now=timezone.now())
    mine = claim(Chunk.objects.get(campaign=campaign))
    chosen = intend_for(mine, phones)
    results.store(batch_of(mine, chosen.indexes, [DOUBTED]), mine, now=timezone.now())
    mine.refresh_from_db()
    assert intend_for(mine, phones)
    arrive(campaign, receipt("A", phones[0]))
    matching.match_pending(now=timezone.now() + timedelta(seconds=10))
    assert states_of(campaign) == {0: S.UNCERTAIN}


def test_a_receipt_whose_parameters_and_text_are_unlike_is_believed_by_its_parameters_and_counted(workspace):
    campaign, [chunk] = under_way(workspace, 1)
    send(claim(chunk), [ok(10)])
    body = receipt("A", phones_of(chunk)[0], stat="UNDELIV") + encode_tlvs({Tlv.MESSAGE_STATE: b"\2"})
    now = timezone.now()
    assert [arrive(campaign, body, at=now), arrive(campaign, body, at=now)] == [0, 0]
    assert states_of(campaign) == {0: S.DELIVERED}
    incident = Incident.objects.get(kind=IncidentKind.PROTOCOL)
    assert (incident.channel_id, incident.count) == (campaign.channel_id, 2)


def test_a_receipt_for_an_unknown_id_is_kept_and_joins_nothing(workspace):
    campaign, [chunk] = under_way(workspace, 1)
    send(claim(chunk), [ok(10)])
    assert arrive(campaign, receipt("FFFF", phones_of(chunk)[0])) == 0
    matching.match_pending(now=timezone.now() + timedelta(minutes=1))
    assert states_of(campaign) == {0: S.PENDING}
    assert Receipt.objects.filter(applied_at=None).count() == 1


def test_a_receipt_of_one_channel_never_touches_a_message_of_another(workspace):
    campaign, [chunk] = under_way(workspace, 1)
    send(claim(chunk), [ok(10)])
    other = factories.channel("other", is_default=False)
    body = receipt("A", phones_of(chunk)[0])
    arrive_at(other.pk, body)
    matching.match_pending(now=timezone.now() + timedelta(minutes=1))
    assert states_of(campaign) == {0: S.PENDING}


def test_a_message_from_a_phone_is_kept_and_is_not_a_receipt(workspace):
    campaign, _ = under_way(workspace, 1)
    body = encode(DeliverSm(source_addr=b"31600000001", short_message=b"STOP", sequence=1))[HEADER.size :]
    assert arrive(campaign, body) == 0
    assert not Receipt.objects.exists()
    assert Inbound.objects.get().text == "STOP"


def test_a_receipt_that_never_came_is_no_receipt_and_a_later_one_still_counts(workspace):
    campaign, [chunk] = under_way(workspace, 2)
    send(claim(chunk), [ok(10), ok(11)])
    now = timezone.now()
    housekeeping.close_in(campaign.pk, campaign.day, before=now + timedelta(seconds=1), now=now)
    assert totals_of(campaign).no_receipt == 2
    arrive(campaign, receipt("A", phones_of(chunk)[0]))
    totals = totals_of(campaign)
    assert (totals.no_receipt, totals.delivered, totals.balanced) == (1, 1, True)


def test_when_the_database_refuses_the_carrier_keeps_the_receipt(workspace, monkeypatch):
    campaign, [chunk] = under_way(workspace, 1)
    send(claim(chunk), [ok(10)])
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL transaction_read_only = on")
        assert arrive(campaign, receipt("A", phones_of(chunk)[0])) == 0x08
        transaction.set_rollback(True)


def test_a_database_that_refuses_a_copy_is_heard_as_every_other_refusal(workspace):
    """Results that cannot be written yet are written later, and only Django's errors are waited out."""
    campaign, [chunk] = under_way(workspace, 1)
    claimed = claim(chunk)
    chosen = intend(claimed, 1)
    with owner.at_work() as cursor:
        cursor.execute("""CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'shutting down' USING ERRCODE = 'admin_shutdown'; END $$""")
        cursor.execute(f"""CREATE TRIGGER refused BEFORE INSERT ON {partition(campaign.day)}
            FOR EACH ROW EXECUTE FUNCTION refuse()""")
    with pytest.raises(OperationalError), transaction.atomic():
        results.store(batch_of(claimed, chosen, [ok(10)]), claimed, now=timezone.now())


def test_what_is_heard_of_an_earlier_attempt_says_nothing_of_the_next(workspace):
    """As when the commit of a refusal is in doubt, and is repeated after another worker has intended the next try."""
    campaign, [chunk] = under_way(workspace, 1)
    mine = claim(chunk)
    send(mine, [(0x14, b"")])
    chunk.refresh_from_db()
    refused = batch_of(mine, [0], [(0x14, b"")], is_retry=True)
    refused.attempts = np.array([1])
    assert [one.attempts for one in choose_retries(mine, 10, now=chunk.retry_at)] == [2]
    evidence.store_batch(refused, now=timezone.now())
    assert states_of(campaign) == {0: S.INTENDED}
    accepted = batch_of(mine, [0], [ok(7)], is_retry=True)
    accepted.attempts = np.array([2])
    evidence.store_batch(accepted, now=timezone.now())
    assert states_of(campaign) == {0: S.PENDING}
