"""Receipts however carriers send them: in any base, order, number and place, and when nobody can store them."""

import time
from contextlib import ExitStack

import pytest

from audit.models import Entry
from delivery.models import Inbound, Message, Receipt
from delivery.statuses import MessageState
from simulator import journal
from tests import factories
from tests.faults.machine import FLEET, W, load, quiet, resolved
from tests.faults.matrix.test_binds import binds_of, memory
from tests.faults.odd import Odd, odd_carrier
from tests.live import fresh, phones_in, totals_of, wait_for

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

S = MessageState


@pytest.fixture(autouse=True)
def fleet(live):
    live.fleet()


def all_bound(carrier):
    wait_for(lambda: len([one for one in binds_of(carrier) if not one.status]) >= len(FLEET))


def acks_of(carrier):
    return [entry for entry in carrier.entries if isinstance(entry, journal.Ack)]


def test_receipts_before_their_answers_all_find_their_message(live, workspace, seen):
    with live.carrier(window=W, dlr_before_resp=1) as carrier:
        seen.injected = "DLR_BEFORE_RESP=1, 5,000 numbers"
        campaign = load(workspace, carrier, 5000)
        assert quiet(campaign).delivered == 5000
        seen.core(campaign, carrier)


FORMATS = ("dec", "hex", "HEX", "hex0", "dec10")


def test_ids_are_the_same_message_in_every_base_case_and_padding(live, workspace, seen):
    """Small numbers, so that padding shows; each pair has a carrier of its own."""
    live.fleet(count=1)
    pairs = [(one, other) for one in FORMATS for other in FORMATS] + [("uuid", "uuid")]
    seen.injected = f"{len(pairs)} pairs of ID_RESP and ID_DLR, 30 numbers each"
    for begin in range(0, len(pairs), 9):
        with ExitStack() as stack:
            begun = []
            for answered, reported in pairs[begin : begin + 9]:
                knobs = {"id_resp": answered, "id_dlr": reported, "id_start": 40_000}
                carrier = stack.enter_context(live.carrier(window=W, **knobs))
                begun.append((carrier, load(workspace, carrier, 30)))
            for carrier, campaign in begun:
                assert quiet(campaign).delivered == 30
                seen.core(campaign, carrier)


@pytest.mark.parametrize(("answered", "reported"), [("dec", "hex"), ("hex", "dec")])
def test_ids_that_are_others_ids_in_another_base_are_told_apart_by_the_number(
    live, workspace, seen, answered, reported
):
    """Every eighth fails, so that a receipt that went to the wrong message would show."""
    with live.carrier(window=W, id_resp=answered, id_dlr=reported, id_start=10, dlr_fail_every=8) as carrier:
        seen.injected = f"ids from 10 on, {answered} in answers and {reported} in receipts, 600 numbers"
        campaign = load(workspace, carrier, 600)
        quiet(campaign)
        seen.core(campaign, carrier)
        base = {"dec": 10, "hex": 16}[answered]
        failing = {int(one.destination) for one in carrier.accepted if (int(one.message_id, base) - 10) % 8 == 0}
        assert len(failing) == 75
        assert phones_in(campaign, S.FAILED) == failing


KINDS = {
    "twice": ({"dlr_dup": 2}, S.DELIVERED),
    "enroute before and after": ({"dlr_intermediate": 1, "dlr_dup": 2}, S.DELIVERED),
    "enroute only": ({"dlr_intermediate": 2}, S.PENDING),
    "acceptd only": ({"dlr_intermediate": 3}, S.PENDING),
}


def test_receipts_that_repeat_or_come_too_late_never_take_a_state_back(live, workspace, seen):
    seen.injected = "DLR_DUP=2; DLR_INTERMEDIATE=1 with DLR_DUP=2, 2, 3; 1,000 numbers each"
    with ExitStack() as stack:
        begun = []
        for knobs, state in KINDS.values():
            carrier = stack.enter_context(live.carrier(window=W, **knobs))
            begun.append((carrier, load(workspace, carrier, 1000), state, knobs))
        for carrier, campaign, state, knobs in begun:
            wait_for(lambda c=campaign, s=state: len(phones_in(c, s)) == 1000, seconds=200)
            each = {1: 4, 2: 1, 3: 1}.get(knobs.get("dlr_intermediate"), 2)
            wait_for(lambda c=carrier, e=each: len(acks_of(c)) >= 1000 * e)
            time.sleep(3.0)
            assert len(phones_in(campaign, state)) == 1000
            wait_for(lambda c=campaign: fresh(c).status == "done")
            seen.core(campaign, carrier)
            assert Entry.objects.about(campaign).filter(action="campaign.done").count() == 1


@pytest.mark.parametrize("style", ["variant", "tlv", "text", "both", "unlike"])
def test_receipts_are_read_right_in_every_style_with_a_trap_in_each(live, workspace, seen, style):
    with live.carrier(window=W, dlr_style=style, dlr_fail_every=10) as carrier:
        seen.injected = f"DLR_STYLE={style}, DLR_FAIL_EVERY=10, 1,000 numbers"
        campaign = load(workspace, carrier, 1000)
        totals = quiet(campaign)
        seen.core(campaign, carrier)
        assert (totals.delivered, totals.failed) == (900, 100)


def test_receipts_on_another_bind_for_another_process_message_are_joined(live, workspace, seen):
    with live.carrier(window=W, dlr_other_bind=1) as carrier:
        seen.injected = "DLR_OTHER_BIND=1, three processes, 3,000 numbers"
        all_bound(carrier)
        campaign = load(workspace, carrier, 3000)
        assert quiet(campaign).delivered == 3000
        seen.core(campaign, carrier)
        submitted = {one.message_id: one.bind for one in carrier.accepted}
        assert len(set(submitted.values())) == len(FLEET)
        assert all(submitted[one.message_id] != one.bind for one in acks_of(carrier))


def test_receipts_that_never_come_are_no_receipt_after_validity_and_grace(live, workspace, seen):
    short = {"DEFAULT_VALIDITY_SECONDS": "4", "RECEIPT_GRACE_SECONDS": "4"}
    with live.carrier(window=W, dlr_lost_every=10) as carrier:
        seen.injected = "DLR_LOST_EVERY=10, validity 4 s, grace 4 s, 2,000 numbers"
        campaign = load(workspace, carrier, 2000)
        wait_for(lambda: len(phones_in(campaign, S.DELIVERED)) == 1800, seconds=120)
        live.start("worker", **short)
        try:
            time.sleep(9)
            live.ring("delivery.tasks.close_unreceipted", queue="housekeeping")
            assert quiet(campaign).no_receipt == 200
        finally:
            live.end("worker")
        seen.core(campaign, carrier)
        reported = {entry.message_id for entry in acks_of(carrier)}
        silent = {int(one.destination) for one in carrier.accepted if one.message_id not in reported}
        assert phones_in(campaign, S.NO_RECEIPT) == silent


def test_a_receipt_for_an_id_that_nobody_knows_is_kept_acknowledged_and_joins_nothing(live, workspace, seen):
    odd = Odd(sends_receipts=False)
    with odd_carrier(live, odd) as carrier:
        campaign = load(workspace, carrier, 50)
        wait_for(lambda: totals_of(campaign).pending == 50)
        seen.injected = "100 receipts with unknown ids, half of them from numbers of the campaign"
        for number in range(100):
            odd.report(f"FFFF{number:04}", str(factories.FIRST_NUMBER + number))
        wait_for(lambda: len(odd.acks) == 100)
        assert {status for _, status, _ in odd.acks} == {0}
        wait_for(lambda: Receipt.objects.filter(channel=carrier.channel).count() == 100)
        time.sleep(6)
        assert totals_of(campaign).pending == 50
        for phone, message_id in odd.ids.items():
            odd.report(message_id, phone)
        assert quiet(campaign).delivered == 50
        seen.core(campaign, carrier)


def test_a_message_from_a_phone_is_no_receipt(live, workspace, seen):
    with live.carrier(window=W, mo_on_bind=1) as carrier:
        seen.injected = "MO_ON_BIND=1"
        all_bound(carrier)
        campaign = load(workspace, carrier, 500)
        assert quiet(campaign).delivered == 500
        seen.core(campaign, carrier)
        said = Inbound.objects.filter(channel=carrier.channel)
        assert said.count() == len([one for one in binds_of(carrier) if not one.status])
        assert not Receipt.objects.filter(channel=carrier.channel, applied_at=None).exists()


def test_receipts_that_come_while_the_database_is_down_are_refused_and_come_again_and_none_is_lost(
    live, workspace, seen
):
    with live.carrier(window=W, dlr_delay_ms=6000, dlr_retry_ms=4000) as carrier:
        campaign = load(workspace, carrier, 3000)
        wait_for(lambda: not totals_of(campaign).waiting, seconds=60)
        stopped_at = time.time()
        with live.without_database():
            time.sleep(15)
        seen.injected = "PostgreSQL down for 15 s while receipts come, sent again after 4 s"
        assert quiet(campaign).delivered == 3000
        seen.core(campaign, carrier)
        refused = [ack for ack in acks_of(carrier) if ack.status]
        assert {ack.status for ack in refused} == {0x08}
        assert len(refused) > 0
        first = min(ack.at for ack in refused)
        assert first - stopped_at < 8  # 5 s, and what was there before
        seen.note = f"{len(refused)} answered 0x08, each came again"


def test_a_flood_of_receipts_after_an_outage_keeps_the_session_up_and_the_memory_bounded(live, workspace, seen):
    live.fleet(count=1)
    count = 20_000
    with live.carrier(window=100, dlr_delay_ms=1500, elink_ms=1000) as carrier:
        campaign = load(workspace, carrier, count, chunk_size=5000)
        wait_for(lambda: len(carrier.accepted) > count // 2, seconds=120)
        wait_for(lambda: len(carrier.accepted) == count, seconds=120)
        live.end("dispatch")
        time.sleep(2)  # what was on its way is parked at the carrier
        waiting = totals_of(campaign).pending
        live.fleet(count=1)
        before = memory(live.pid("dispatch"))
        began = time.monotonic()
        wait_for(lambda: totals_of(campaign).pending == 0, seconds=120)
        took = time.monotonic() - began
        grown = memory(live.pid("dispatch")) - before
        seen.injected = f"{waiting:,} receipts at once after the bind"
        seen.note = f"stored within {took:.0f} s, memory {grown / 2**20:+.0f} MB"
        quiet(campaign)
        resolved(campaign, carrier)
        seen.core(campaign, carrier)
        assert grown < 200 * 2**20
        assert len([one for one in binds_of(carrier) if not one.status]) == 2


def test_two_parts_of_one_message_are_one_recipient(live, workspace, seen):
    with live.carrier(window=W, drop_every=60, binds=2) as carrier:
        seen.injected = "two parts, DROP_EVERY=60, 300 numbers"
        campaign = load(workspace, carrier, 300, chunk_size=50, text="x" * 200)
        quiet(campaign)
        found = seen.core(campaign, carrier)
        assert found.accepted <= 600
        assert set(Message.objects.filter(campaign_id=campaign.pk).values_list("parts", flat=True)) == {2}
