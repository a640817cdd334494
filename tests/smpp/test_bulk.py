"""Many PDUs at one look are what each of them is by itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smpp import bulk, hot, pdu, receipts
from smpp.pdu import Command, SubmitSm
from smpp.session import Role, Session, State

VALUES = {"source_addr_ton": 5, "source_addr": b"Shop", "dest_addr_ton": 1, "short_message": b"x" * 160}


def bulky(role: Role = Role.ESME) -> Session:
    session = Session(role, bulk=True)
    session.state = State.BOUND_TRX
    return session


def one_by_one(role: Role = Role.ESME) -> Session:
    session = Session(role)
    session.state = State.BOUND_TRX
    return session


@given(st.integers(1, pdu.MAX_SEQUENCE - 100), st.integers(1, 19), st.data())
def test_a_template_writes_a_run_as_it_writes_one_by_one(first, width, data):
    numbers = data.draw(st.lists(st.integers(10 ** (width - 1), 10**width - 1), min_size=1, max_size=50))
    template = hot.SubmitTemplate(SubmitSm(**VALUES))
    written = bulk.digits(np.array(numbers, np.uint64), width)

    destinations = [b"%d" % number for number in numbers]

    assert template.encode_run(first, written) == template.encode(first, destinations)
    assert hot.submit_sms(first, map(template.body, destinations)) == template.encode(first, destinations)


@given(st.lists(st.integers(0, 10**18 - 1), min_size=1), st.integers(1, 18))
def test_digits_are_read_back(numbers, width):
    values = [number % 10**width for number in numbers]

    assert bulk.numbers(bulk.digits(np.array(values), width)).tolist() == values


@pytest.mark.parametrize("bad", [b"12x4", b"12 4", b"1/34", b"12:4", b"\xb12\x004"])
def test_what_is_no_digit_is_no_number(bad):
    assert bulk.numbers(np.frombuffer(b"1234" + bad, np.uint8).reshape(2, -1)[:, :4]) is None


@given(st.lists(st.integers(1, pdu.MAX_SEQUENCE)), st.sampled_from([0, 8]))
def test_a_run_of_receipts_is_answered_as_one_by_one(sequences, status):
    assert hot.deliver_sm_resp_run(np.array(sequences, np.int64), status) == hot.deliver_sm_resps(sequences, status)


@given(st.binary(max_size=254), st.dictionaries(st.integers(0, 0xFFFF), st.binary(max_size=30), max_size=3))
def test_what_goes_into_an_envelope_comes_out_as_encode_writes_it(text, tlvs):
    values = VALUES | {"esm_class": 0x40, "data_coding": 8, "service_type": b"CMT"}
    envelope = hot.Envelope(SubmitSm(**values | {"short_message": b""}))
    whole = SubmitSm(**values | {"destination_addr": b"49151", "short_message": text, "tlvs": tlvs})

    assert envelope.body(b"49151", text, pdu.encode_tlvs(tlvs)) == pdu.encode(whole)[16:]


def test_an_envelope_is_empty():
    for content in ({"short_message": b"x"}, {"destination_addr": b"49151"}, {"tlvs": {1: b""}}):
        with pytest.raises(pdu.LocalProtocolError):
            hot.Envelope(SubmitSm(**content))


ANSWERS = st.lists(
    st.tuples(
        st.integers(1, pdu.MAX_SEQUENCE), st.sampled_from([0, 0, 0, 0x58]), st.sampled_from([b"ab12", b"ff01", b"7"])
    ),
    max_size=120,
)


@given(ANSWERS, st.lists(st.integers(1, 2000), max_size=20))
def test_a_session_in_bulk_hears_what_the_other_hears(answers, cuts):
    data = hot.submit_sm_resps(answers) + pdu.encode(pdu.EnquireLink(sequence=4)) + hot.submit_sm_resps(answers[::-1])
    session, heard, pdus, at = bulky(), [], [], 0
    for size in [*cuts, len(data)]:
        received = session.receive(data[at : at + size])
        at += size
        heard += received.answers
        pdus += received.pdus
        for run in received.runs:
            assert run.command == Command.SUBMIT_SM_RESP
            assert len(run) >= bulk.FROM
            for sequence, status, body in zip(run.sequences, run.statuses, run.bodies, strict=True):
                heard.append((int(sequence), int(status), body.tobytes().partition(b"\0")[0]))

    assert sorted(heard) == sorted(one_by_one().receive(data).answers)
    assert len(pdus) == 1
    assert not session.partial


def test_strings_that_fill_their_columns_are_read_at_once():
    ids = np.frombuffer(b"ab12\0ff01\0", np.uint8).reshape(2, 5)

    assert bulk.strings(ids).tolist() == [b"ab12", b"ff01"]
    for other in (b"ab12\0ff0\0\0", b"ab12\0ff01x", b"ab12\0\0f01\0"):
        assert bulk.strings(np.frombuffer(other, np.uint8).reshape(2, 5)) is None


TEXTS = [
    b"id:%b sub:001 dlvrd:001 submit date:2611251200 done date:2611251201 stat:DELIVRD err:000 text:id:999 stat:A",
    b"id:%b sub:001 dlvrd:000 submit date:2611251200 done date:2611251201 stat:UNDELIV err:001 text:id:999 stat:A",
    b"stat:DELIVRD err:000 id:%b text:hello",
    b"hello %b",
]


def body(text: bytes, message_id: bytes, phone: bytes, parameter: bytes | None) -> bytes:
    tlvs = {} if parameter is None else {0x1500: b"\0\x1e\0\4abcd", 0x001E: parameter + b"\0", 0x0427: b"\2"}
    value = pdu.DeliverSm(
        source_addr=phone, destination_addr=b"Shop", esm_class=4, short_message=text % message_id, tlvs=tlvs
    )
    return pdu.encode(value)[16:]


RECEIPTS = st.builds(
    lambda text, message_id, phone, parameter: body(
        text, message_id, phone, {"none": None, "same": message_id, "other": b"0000"}[parameter]
    ),
    st.sampled_from(TEXTS),
    st.sampled_from([b"ab12", b"00ff", b"a\xe912", b"1 23"]),
    st.sampled_from([b"491510000001", b"491510000002", b"+49151000003", b"49151000000x"]),
    st.sampled_from(["none", "none", "same", "other"]),
)


@given(st.lists(RECEIPTS, min_size=1, max_size=60))
def test_receipts_that_are_alike_say_what_parse_says(bodies):
    for length in {len(one) for one in bodies}:
        mine = [one for one in bodies if len(one) == length]
        seen = set()
        for group in receipts.alike(np.frombuffer(b"".join(mine), np.uint8).reshape(len(mine), length)):
            for row, message_id, source in zip(group.rows, group.message_ids, group.sources, strict=True):
                told = receipts.parse(mine[row])
                assert (told.message_id.encode("latin-1"), told.state) == (message_id, group.state)
                assert (int(told.source), told.error) == (source, group.error)
                assert row not in seen
                seen.add(row)


def test_usual_receipts_are_all_in_one_group():
    bodies = [body(TEXTS[0], b"%08x" % n, b"49151%07d" % n, None) for n in range(1000)]

    [group] = receipts.alike(np.frombuffer(b"".join(bodies), np.uint8).reshape(1000, -1))

    assert group.rows.tolist() == list(range(1000))
    assert group.message_ids.tolist() == [b"%08x" % n for n in range(1000)]


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1), st.integers(1, 16))
def test_hexadecimal_digits_are_the_last_ones(numbers, width):
    written = bulk.hexadecimal(np.array(numbers, np.uint64), width)

    assert [row.tobytes() for row in written] == [(b"%016x" % number)[16 - width :] for number in numbers]


@given(st.lists(st.tuples(st.integers(1, pdu.MAX_SEQUENCE), st.integers(0, 9999)), max_size=60), st.binary(max_size=9))
def test_a_run_of_answers_is_written_as_one_by_one(answers, parameters):
    sequences = np.array([sequence for sequence, _ in answers], np.int64)
    message_ids = bulk.digits(np.array([number for _, number in answers], np.int64), 4)

    assert hot.submit_sm_resp_run(sequences, message_ids, parameters=parameters) == hot.submit_sm_resps(
        [(sequence, 0, b"%04d" % number) for sequence, number in answers], parameters=parameters
    )


def test_parts_stand_beside_each_other():
    rows = bulk.beside(2, b"<", np.frombuffer(b"abcd", np.uint8).reshape(2, 2), b"|", b">")

    assert [row.tobytes() for row in rows] == [b"<ab|>", b"<cd|>"]
