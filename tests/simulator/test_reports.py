"""Receipts and what can be made to go wrong with them, each knob through real TCP."""

import time
from collections import Counter

import numpy as np
import pytest

from simulator import journal
from simulator.knobs import DLR_STYLES, ID_FORMATS, Knobs
from simulator.outbox import Outbox
from simulator.reports import TRAP, Singles, deliver_body
from smpp import hot, pdu
from smpp.receipts import STATE_WORDS, MessageState, candidates, parse
from smpp.status import CommandStatus
from tests.simulator.client import PATIENCE


def report(smsc, count=1, **values):
    """A client that has submitted and got as many receipts."""
    client = smsc.bound()
    client.submit_many(count, **values)
    client.wait(lambda: len(client.receipts) == len(client.answers) == count)
    return client


def eventually(claim) -> None:
    deadline = time.monotonic() + PATIENCE
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_body_is_what_encode_writes():
    value = pdu.DeliverSm(
        source_addr_ton=1,
        source_addr_npi=1,
        source_addr=b"4915",
        destination_addr=b"Shop",
        esm_class=4,
        short_message=b"hi",
    )

    assert deliver_body(b"4915", b"Shop", b"hi", 4) == pdu.encode(value)[16:]


def test_each_message_gets_a_receipt_and_each_acknowledgement_is_journaled(simulate):
    smsc = simulate()

    client = report(smsc, 30)

    assert sorted(receipt.message_id for receipt in client.receipts) == sorted(client.ids)
    assert {receipt.state for receipt in client.receipts} == {MessageState.DELIVERED}
    assert {receipt.destination for receipt in client.receipts} == {"Shop"}
    assert client.receipts[0].source == "491500000001"
    eventually(lambda: [entry.message_id for entry in smsc.entries(journal.Ack)] == client.ids)


@pytest.mark.parametrize("style", DLR_STYLES)
def test_every_style_is_read_right_and_ends_with_the_trap(simulate, style):
    client = report(simulate(dlr_style=style))

    [receipt] = client.receipts
    assert (receipt.message_id, receipt.state) == (client.ids[0], MessageState.DELIVERED)
    assert receipt.conflict == (style == "unlike")
    assert pdu.decode_body(pdu.Command.DELIVER_SM, client.bodies[0]).short_message.endswith(TRAP)


@pytest.mark.parametrize(
    ("answer", "receipt"), [(a, r) for a in ID_FORMATS for r in ID_FORMATS if (a == "uuid") == (r == "uuid")]
)
def test_an_id_is_found_again_however_it_is_spelled(simulate, answer, receipt):
    client = report(simulate(id_start=0xABCDEF, id_resp=answer, id_dlr=receipt))

    assert set(candidates(client.ids[0])) & set(candidates(client.receipts[0].message_id))


def test_a_receipt_is_as_late_as_asked(simulate):
    before = time.monotonic()

    report(simulate(dlr_delay_ms=300), 5)

    assert 0.29 <= time.monotonic() - before < 20


def test_a_receipt_may_come_before_its_answer(simulate):
    client = simulate(dlr_before_resp=True, resp_delay_ms=600_000).bound()

    client.submit_many(3)
    client.wait(lambda: len(client.receipts) == 3)
    assert client.answers == []
    client.send(pdu.Unbind())  # they go out before the end
    client.wait(lambda: len(client.answers) == 3)

    assert [receipt.message_id for receipt in client.receipts] == client.ids


def test_a_receipt_may_come_more_than_once(simulate):
    client = simulate(dlr_dup=3).bound()

    client.submit_many(2)
    client.wait(lambda: len(client.receipts) == 6)

    assert set(Counter(receipt.message_id for receipt in client.receipts).values()) == {3}


@pytest.mark.parametrize(
    ("mode", "states"),
    [(1, ["ENROUTE", "DELIVERED", "ENROUTE"]), (2, ["ENROUTE"]), (3, ["ACCEPTED"])],
)
def test_receipts_may_be_intermediate(simulate, mode, states):
    client = simulate(dlr_intermediate=mode).bound()

    client.submit(b"4915")
    client.wait(lambda: len(client.receipts) == len(states))

    assert [receipt.state.name for receipt in client.receipts] == states
    assert [receipt.intermediate for receipt in client.receipts] == [state != "DELIVERED" for state in states]


def test_every_nth_receipt_may_be_lost(simulate):
    client = simulate(dlr_lost_every=3).bound()

    client.submit_many(9)
    client.wait(lambda: len(client.receipts) == 6 and len(client.answers) == 9)
    client.listen(0.1)

    assert [receipt.message_id for receipt in client.receipts] == [
        message_id for number, message_id in enumerate(client.ids, start=1) if number % 3
    ]


def test_every_nth_message_may_fail(simulate):
    client = report(simulate(dlr_fail_every=3), 6)

    assert [(receipt.state.name, receipt.error) for receipt in client.receipts] == [
        ("DELIVERED", "000"),
        ("DELIVERED", "000"),
        ("UNDELIVERABLE", "001"),
    ] * 2


@pytest.mark.parametrize("word", STATE_WORDS.values())
def test_receipts_may_say_any_state(simulate, word):
    [receipt] = report(simulate(dlr_state=word)).receipts

    assert STATE_WORDS[receipt.state] == word


def test_no_receipt_comes_unasked(simulate):
    client = simulate().bound()

    client.submit_many(3, registered_delivery=0)
    client.wait(lambda: len(client.answers) == 3)
    client.listen(0.1)

    assert client.bodies == []


def test_a_receipt_may_be_asked_for_failures_only(simulate):
    client = simulate(dlr_fail_every=2).bound()

    client.submit_many(4, registered_delivery=2)
    client.wait(lambda: len(client.answers) == 4 and len(client.receipts) == 2)

    assert {receipt.state for receipt in client.receipts} == {MessageState.UNDELIVERABLE}


def test_receipts_come_by_the_bind_of_their_submit(simulate):
    smsc = simulate()
    other, client = smsc.bound(), report(smsc, 5)

    other.listen(0.1)

    assert (len(client.receipts), len(other.receipts)) == (5, 0)


def test_receipts_may_come_by_another_bind_of_the_account(simulate):
    smsc = simulate(dlr_other_bind=True)
    client, stranger = smsc.bound(), smsc.client()
    stranger.bind(system_id=b"else")
    mate = smsc.bound()

    client.submit_many(5)
    mate.wait(lambda: len(mate.receipts) == 5)
    client.listen(0.1)
    stranger.listen(0.1)

    assert (client.receipts, stranger.receipts) == ([], [])


def test_a_transmitters_receipts_come_by_a_receiver(simulate):
    smsc = simulate()
    transmitter, receiver = smsc.bound(pdu.BindTransmitter), smsc.bound(pdu.BindReceiver)

    transmitter.submit_many(5)
    receiver.wait(lambda: len(receiver.receipts) == 5)


def test_receipts_without_a_receiver_wait_for_one(simulate):
    smsc = simulate()
    transmitter = smsc.bound(pdu.BindTransmitter)

    transmitter.submit_many(5)
    transmitter.wait(lambda: len(transmitter.answers) == 5)
    receiver = smsc.bound(pdu.BindReceiver)
    receiver.wait(lambda: len(receiver.receipts) == 5)


def test_a_refused_receipt_comes_again(simulate):
    smsc = simulate(dlr_retry_ms=100)
    client = smsc.bound(acknowledges=CommandStatus.RSYSERR)

    client.submit_many(2)
    client.wait(lambda: len(client.receipts) == 2)
    client.acknowledges = 0
    client.wait(lambda: len(client.receipts) == 4)
    client.listen(0.3)

    assert len(client.receipts) == 4
    eventually(lambda: [entry.status for entry in smsc.entries(journal.Ack)] == [8, 8, 0, 0])


def test_a_receipt_that_is_not_acknowledged_comes_again(simulate):
    client = simulate(dlr_retry_ms=100).bound(acknowledges=None)

    client.submit_many(2)
    client.wait(lambda: len(client.receipts) >= 6)

    assert set(Counter(receipt.message_id for receipt in client.receipts)) == set(client.ids)


def test_a_nacked_receipt_comes_again(simulate):
    smsc = simulate(dlr_retry_ms=1000)
    client = smsc.bound(acknowledges=None)
    client.submit(b"4915")
    client.wait(lambda: client.receipts)

    client.send(pdu.GenericNack(sequence=1, status=CommandStatus.RINVCMDID))

    client.wait(lambda: len(client.receipts) >= 2)
    assert [entry.status for entry in smsc.entries(journal.Ack)] == [CommandStatus.RINVCMDID]


def test_receipts_lost_with_their_connection_come_by_the_next(simulate):
    smsc = simulate()
    client = smsc.bound(acknowledges=None)
    client.submit_many(5)
    client.wait(lambda: len(client.receipts) == len(client.answers) == 5)
    client.socket.close()

    again = smsc.bound()
    again.wait(lambda: len(again.receipts) == 5)

    assert sorted(receipt.message_id for receipt in again.receipts) == sorted(client.ids)


def test_no_more_receipts_are_under_way_than_the_window_allows(simulate):
    client = simulate(dlr_window=3).bound(acknowledges=None)

    client.submit_many(10)
    client.wait(lambda: len(client.receipts) >= 3)
    client.listen(0.3)

    assert len(client.receipts) == 3


def test_a_message_from_a_phone_may_follow_the_bind(simulate):
    client = simulate(mo_on_bind=True).bound()

    client.wait(lambda: client.bodies)

    assert parse(client.bodies[0]) is None


def test_an_outbox_keeps_everything_until_it_is_acknowledged():
    outbox = Outbox(window=2)
    outbox.add(Singles([(b"1", b"one"), (b"2", b"two"), (b"3", b"three")]))

    assert outbox.send(outbox.room, first_sequence=7, now=1.0) == hot.deliver_sms(7, [b"one", b"two"])
    assert outbox.room == 0
    [(reports, which)] = outbox.acknowledge(np.array([9, 8, 8]))
    assert (reports.ids(), which.tolist()) == ([b"2"], [1])
    assert list(outbox.acknowledge(np.array([8]))) == []
    assert outbox.room == 1
    outbox.send_again(sent_before=1.0)
    assert outbox.oldest_sent_at is None
    assert [message_id for reports in outbox.empty() for message_id in reports.ids()] == [b"3", b"1"]


def test_a_well_behaved_carrier_is_the_default():
    knobs = Knobs()

    assert knobs.host == "127.0.0.1"
    assert not any(getattr(knobs, name) for name in knobs.__slots__ if name.endswith("_every"))
