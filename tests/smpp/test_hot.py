"""What is written in bulk is what `encode` writes one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smpp import hot, pdu
from smpp.pdu import LocalProtocolError, SubmitSm
from smpp.session import Role, Session, State

DIGITS = st.integers(1, 10**20 - 1).map(lambda number: b"%d" % number)


@given(
    st.integers(1, pdu.MAX_SEQUENCE - 100),
    st.lists(DIGITS, max_size=100),
    st.binary(max_size=254),
    st.dictionaries(st.integers(0, 0xFFFF), st.binary(max_size=30), max_size=3),
)
def test_a_template_writes_what_encode_writes(first, destinations, text, tlvs):
    values = {"source_addr_ton": 5, "source_addr": b"Shop", "dest_addr_ton": 1, "dest_addr_npi": 1}
    values |= {"service_type": b"CMT", "validity_period": b"000001000000000R", "short_message": text, "tlvs": tlvs}
    template = hot.SubmitTemplate(SubmitSm(**values))

    assert template.encode(first, destinations) == b"".join(
        pdu.encode(SubmitSm(sequence=sequence, destination_addr=destination, **values))
        for sequence, destination in enumerate(destinations, first)
    )


def test_a_template_has_no_destination():
    with pytest.raises(LocalProtocolError):
        hot.SubmitTemplate(SubmitSm(destination_addr=b"49151"))


def test_a_destination_may_not_be_longer_than_the_field():
    with pytest.raises(LocalProtocolError):
        hot.SubmitTemplate(SubmitSm()).encode(1, [b"1" * 21])


@given(st.lists(st.integers(1, pdu.MAX_SEQUENCE)), st.sampled_from([0, 8]))
def test_receipts_are_answered_in_one_buffer(sequences, status):
    assert hot.deliver_sm_resps(sequences, status) == b"".join(
        pdu.encode(pdu.DeliverSmResp(sequence=sequence, status=status)) for sequence in sequences
    )


@given(st.lists(st.tuples(st.integers(1, pdu.MAX_SEQUENCE), st.sampled_from([0, 0x58]), st.binary(max_size=64))))
def test_answers_are_read_back_as_they_were_written(answers):
    answers = [(sequence, status, message_id.replace(b"\0", b"")) for sequence, status, message_id in answers]
    written = hot.submit_sm_resps(answers)
    esme = Session(Role.ESME)
    esme.state = State.BOUND_TRX

    assert written == b"".join(
        pdu.encode(pdu.SubmitSmResp(sequence=sequence, status=status, message_id=message_id))
        for sequence, status, message_id in answers
    )
    assert esme.receive(written).answers == answers


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255), st.binary(max_size=254))
def test_a_short_message_is_cut_where_decode_cuts_it(esm_class, registered_delivery, data_coding, text):
    value = SubmitSm(
        source_addr=b"Shop",
        destination_addr=b"49151",
        validity_period=b"000001000000000R",
        esm_class=esm_class,
        registered_delivery=registered_delivery,
        data_coding=data_coding,
        short_message=text,
        tlvs={0x0427: b"\2"},
    )
    body = pdu.encode(value)[16:]

    match = hot.SHORT_MESSAGE.match(body)

    assert match.groups() == (
        b"Shop",
        b"49151",
        bytes([esm_class]),
        bytes([registered_delivery]),
        bytes([data_coding]),
        bytes([len(text)]),
    )
    assert body[match.end() :].startswith(text)
