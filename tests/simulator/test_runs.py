"""Many submits that are alike are treated as each of them would be by itself."""

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import ids, journal
from simulator.knobs import DLR_STYLES, ID_FORMATS
from smpp import pdu
from smpp.concat import UDHI
from smpp.receipts import MessageState
from tests.simulator.test_reports import eventually

ONE_BY_ONE = {"length_bomb_after": 10**9}  # a fault that may come is decided submit by submit
COUNT = 60


def story(simulate, path, submits, *, receipts, **knobs):
    """What the journal, the answers and the receipts say of submits that leave in one write."""
    smsc = simulate(journal=str(path), **knobs)
    client = smsc.bound()
    client.socket.sendall(b"".join(client.session.send(one) for one in submits))
    client.wait(lambda: len(client.answers) == len(submits) and len(client.bodies) == receipts)
    eventually(lambda: len(smsc.entries(journal.Ack)) == receipts)
    entries = [replace(entry, at=0.0) for entry in smsc.entries()]
    acked = [entry.message_id for entry in smsc.entries(journal.Ack)]
    bodies = [re.sub(rb"date:\d+", b"date:", body) for body in client.bodies]
    return entries, client.answers, bodies, acked


def plain(count=COUNT, **values):
    fields = {"source_addr": b"Shop", "registered_delivery": 1, "short_message": b"hello", "service_type": b"CMT"}
    fields |= {"validity_period": b"000001000000000R"} | values
    return [pdu.SubmitSm(destination_addr=b"4915%08d" % number, **fields) for number in range(count)]


@pytest.mark.parametrize("form", ID_FORMATS)
@pytest.mark.parametrize("start", [0xFFE0, 99_980])
def test_ids_are_spelled_as_one_by_one_also_where_they_get_longer(simulate, tmp_path, form, start):
    knobs = {"id_start": start, "id_resp": form, "id_dlr": form, "receipts": COUNT}

    many = story(simulate, tmp_path / "many", plain(), **knobs)

    assert many == story(simulate, tmp_path / "one", plain(), **knobs, **ONE_BY_ONE)


@pytest.mark.parametrize(
    ("knobs", "receipts"),
    [({"dlr_style": style, "id_dlr": "dec"}, COUNT) for style in DLR_STYLES]
    + [
        ({"dlr_dup": 3}, 3 * COUNT),
        ({"dlr_intermediate": 1, "dlr_fail_every": 4, "dlr_style": "both"}, 3 * COUNT),
        ({"dlr_intermediate": 2}, COUNT),
        ({"dlr_lost_every": 3, "dlr_fail_every": 5}, COUNT - COUNT // 3),
        ({"congestion": 40, "dlr_state": "EXPIRED"}, COUNT),
        ({"split_writes": True}, COUNT),
    ],
)
def test_receipts_are_as_one_by_one(simulate, tmp_path, knobs, receipts):
    knobs |= {"id_start": 1000, "receipts": receipts}

    many = story(simulate, tmp_path / "many", plain(), **knobs)

    assert many == story(simulate, tmp_path / "one", plain(), **knobs, **ONE_BY_ONE)


@pytest.mark.parametrize(("registered", "receipts"), [(0, 0), (2, COUNT // 6)])
def test_receipts_come_as_asked(simulate, tmp_path, registered, receipts):
    submits = plain(registered_delivery=registered)
    knobs = {"id_start": 1000, "dlr_fail_every": 6, "receipts": receipts}

    many = story(simulate, tmp_path / "many", submits, **knobs)

    assert many == story(simulate, tmp_path / "one", submits, **knobs, **ONE_BY_ONE)


SAR = {pdu.Tlv.SAR_MSG_REF_NUM: b"\0\7", pdu.Tlv.SAR_TOTAL_SEGMENTS: b"\2"}
TEXTS = {
    "personal": lambda number: {"short_message": b"hello %04d" % number},
    "in a payload": lambda number: {"short_message": b"", "tlvs": {pdu.Tlv.MESSAGE_PAYLOAD: b"hello %04d" % number}},
    "parts by parameters": lambda number: {"tlvs": SAR | {pdu.Tlv.SAR_SEGMENT_SEQNUM: bytes((1 + number % 2,))}},
    "parts by header": lambda number: {
        "esm_class": UDHI,
        "short_message": bytes((5, 0, 3, 7, 2, 1 + number % 2)) + b"same",
    },
    "empty": lambda _: {"short_message": b""},
}


@pytest.mark.parametrize("text", TEXTS)
def test_each_text_is_journaled_as_its_own(simulate, tmp_path, text):
    submits = [replace(one, **TEXTS[text](number)) for number, one in enumerate(plain())]
    knobs = {"id_start": 1000, "receipts": COUNT}

    many = story(simulate, tmp_path / "many", submits, **knobs)

    assert many == story(simulate, tmp_path / "one", submits, **knobs, **ONE_BY_ONE)
    assert len({entry.content for entry in many[0]}) == {"personal": COUNT, "in a payload": COUNT, "empty": 1}.get(
        text, 2
    )


def test_odd_ones_among_them_are_taken_too(simulate, tmp_path):
    submits = plain()
    submits[0] = replace(submits[0], destination_addr=b"4915\t0000000")
    submits[9] = replace(submits[9], source_addr=b"Shop2")
    submits[20:40] = [replace(one, data_coding=8) for one in submits[20:40]]
    submits[50] = replace(submits[50], destination_addr=b"49")

    entries, answers, _, acked = story(simulate, tmp_path / "many", submits, receipts=COUNT)
    alone, *_ = story(simulate, tmp_path / "one", submits, receipts=COUNT, **ONE_BY_ONE)

    def said(entries):
        return sorted(repr(replace(entry, message_id="")) for entry in entries)

    assert said(entries) == said(alone)
    by_sequence = {sequence: message_id.decode() for sequence, _, message_id in answers}
    assert {entry.sequence: entry.message_id for entry in entries} == by_sequence
    assert sorted(acked) == sorted(by_sequence.values())


def test_the_journal_is_there_before_the_answers_of_a_run(simulate, tmp_path):
    client = simulate().bound()
    for number in range(1, 21):
        client.submit_many(50)
        client.wait(lambda wanted=50 * number: len(client.answers) == wanted)
        assert (tmp_path / "journal").read_text().count("\tsubmit\t") == 50 * number


def test_a_run_of_receipts_that_is_refused_or_not_acknowledged_comes_again(simulate):
    smsc = simulate(dlr_retry_ms=200)
    client = smsc.bound(acknowledges=8)

    client.submit_many(COUNT)
    client.wait(lambda: len(client.receipts) == COUNT)
    client.acknowledges = None
    client.wait(lambda: len(client.receipts) >= 3 * COUNT)
    client.acknowledges = 0
    client.wait(lambda: len(client.receipts) >= 4 * COUNT)

    assert set(Counter(receipt.message_id for receipt in client.receipts)) == set(client.ids)
    eventually(lambda: Counter(entry.status for entry in smsc.entries(journal.Ack)) == {8: COUNT, 0: COUNT})


def test_a_run_of_receipts_lost_with_its_connection_comes_by_the_next(simulate):
    smsc = simulate(dlr_window=45)
    client = smsc.bound(acknowledges=None)
    client.submit_many(COUNT)
    client.wait(lambda: len(client.answers) == COUNT and len(client.receipts) == 45)
    client.socket.close()

    again = smsc.bound()
    again.wait(lambda: len(again.receipts) == COUNT)

    assert sorted(receipt.message_id for receipt in again.receipts) == sorted(client.ids)
    assert {receipt.state for receipt in again.receipts} == {MessageState.DELIVERED}


@given(st.sampled_from(ID_FORMATS), st.integers(1, ids.LARGEST - 300), st.integers(1, 300))
def test_numbers_are_spelled_in_bulk_as_one_by_one(form, first, count):
    numbers = np.arange(first, first + count)
    found = ids.FORMS[form]

    spelled = [row.tobytes() for part in found.equally_long(numbers) for row in found.spell(numbers[part])]

    assert spelled == [found.one(number) for number in range(first, first + count)]
