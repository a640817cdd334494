"""Our bytes are smpplib's bytes, and what cannot be taken raises only our own errors."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smpplib import command, consts

from smpp import pdu
from smpp.pdu import Command, LocalProtocolError, RemoteProtocolError, Tlv
from smpp.status import CommandStatus

octets = st.integers(0, 255)
sequences = st.integers(1, pdu.MAX_SEQUENCE)


def strings(size: int):
    return st.binary(max_size=size - 1).map(lambda value: value.replace(b"\0", b"."))


BINDS = {
    "system_id": strings(16),
    "password": strings(9),
    "system_type": strings(13),
    "interface_version": octets,
    "addr_ton": octets,
    "addr_npi": octets,
    "address_range": strings(41),
}
SHORT_MESSAGES = {
    "service_type": strings(6),
    "source_addr_ton": octets,
    "source_addr_npi": octets,
    "source_addr": strings(21),
    "dest_addr_ton": octets,
    "dest_addr_npi": octets,
    "destination_addr": strings(21),
    "esm_class": octets,
    "protocol_id": octets,
    "priority_flag": octets,
    "schedule_delivery_time": strings(17),
    "validity_period": strings(17),
    "registered_delivery": octets,
    "replace_if_present_flag": octets,
    "data_coding": octets,
    "sm_default_msg_id": octets,
    "short_message": st.binary(max_size=254),
}
# Optional parameters in smpplib's order: name, size of the integer (None: octets), values.
SUBMIT_TLVS = [
    ("source_port", 2, st.integers(0, 0xFFFF)),
    ("sar_msg_ref_num", 2, st.integers(0, 0xFFFF)),
    ("sar_total_segments", 1, octets),
    ("sar_segment_seqnum", 1, octets),
    ("callback_num", None, st.binary(min_size=4, max_size=19)),
    ("display_time", 1, octets),
]
DELIVER_TLVS = [
    ("user_response_code", 1, octets),
    ("network_error_code", None, st.binary(min_size=3, max_size=3)),
    ("message_state", 1, octets),
    ("receipted_message_id", "text", st.integers(0, 10**60).map(lambda number: b"%d" % number)),
]
IDS = {"message_id": strings(65)}
QUERIES = {
    "message_id": strings(65).filter(bool),
    "source_addr_ton": octets,
    "source_addr_npi": octets,
    "source_addr": strings(21),
}
QUERY_RESPS = {"message_id": strings(65), "final_date": strings(17), "message_state": octets, "error_code": octets}
BIND_RESP_TLVS = [("sc_interface_version", 1, octets)]

CASES = [
    (pdu.BindTransceiver, "bind_transceiver", BINDS, []),
    (pdu.BindTransmitter, "bind_transmitter", BINDS, []),
    (pdu.BindReceiver, "bind_receiver", BINDS, []),
    (pdu.BindTransceiverResp, "bind_transceiver_resp", {"system_id": strings(16)}, BIND_RESP_TLVS),
    (pdu.BindTransmitterResp, "bind_transmitter_resp", {"system_id": strings(16)}, BIND_RESP_TLVS),
    (pdu.BindReceiverResp, "bind_receiver_resp", {"system_id": strings(16)}, BIND_RESP_TLVS),
    (pdu.SubmitSm, "submit_sm", SHORT_MESSAGES, SUBMIT_TLVS),
    (pdu.SubmitSmResp, "submit_sm_resp", IDS, []),
    (pdu.DeliverSm, "deliver_sm", SHORT_MESSAGES, DELIVER_TLVS),
    (pdu.DeliverSmResp, "deliver_sm_resp", IDS, []),
    (pdu.QuerySm, "query_sm", QUERIES, []),
    (pdu.QuerySmResp, "query_sm_resp", QUERY_RESPS, []),
    (pdu.EnquireLink, "enquire_link", {}, []),
    (pdu.EnquireLinkResp, "enquire_link_resp", {}, []),
    (pdu.Unbind, "unbind", {}, []),
    (pdu.UnbindResp, "unbind_resp", {}, []),
    (pdu.GenericNack, "generic_nack", {}, []),
]


def tlv_bytes(size, value) -> bytes:
    if size == "text":
        return value + b"\0"
    return value if size is None else value.to_bytes(size, "big")


def as_smpplib(value):
    """smpplib wants text where the wire has a C-octet string."""
    return value.decode("latin-1") if isinstance(value, bytes) else value


@pytest.mark.parametrize(
    ("kind", "name", "mandatory", "optional"), CASES, ids=lambda case: getattr(case, "__name__", "")
)
@given(data=st.data())
def test_the_bytes_are_those_of_smpplib(kind, name, mandatory, optional, data):
    sequence = data.draw(sequences)
    status = 0 if kind.__name__.endswith("Resp") and mandatory else data.draw(st.sampled_from([0, 8, 0x58]))
    values = {field: data.draw(strategy) for field, strategy in mandatory.items()}
    tlvs = {field: (size, data.draw(strategy)) for field, size, strategy in optional if data.draw(st.booleans())}

    theirs = command.factory(name, sequence=sequence, status=status, client=None)
    theirs.sequence, theirs.status = sequence, status
    for field, value in values.items():
        setattr(theirs, field, value if field == "short_message" else as_smpplib(value))
    for field, (size, value) in tlvs.items():
        setattr(theirs, field, as_smpplib(value) if size == "text" else value)
    ours = {consts.OPTIONAL_PARAMS[field]: tlv_bytes(size, value) for field, (size, value) in tlvs.items()}
    value = kind(sequence=sequence, status=status, **values, **({"tlvs": ours} if optional else {}))

    assert pdu.encode(value) == theirs.generate()
    assert pdu.decode(pdu.encode(value)) == value


@given(st.binary(max_size=60), st.sampled_from(list(Command)), octets)
def test_any_bytes_decode_to_a_value_or_to_our_own_error(body, kind, status):
    data = pdu.HEADER.pack(16 + len(body), kind, status, 7) + body
    try:
        value = pdu.decode(data)
    except RemoteProtocolError as error:
        assert error.reply == b"" or pdu.decode(error.reply).sequence == 7
    else:
        assert (value.command, value.sequence, value.status) == (kind, 7, status)


@pytest.mark.parametrize("kind", [kind for kind in pdu.KINDS.values() if kind.command & pdu.RESPONSE])
def test_an_answer_may_come_without_a_body(kind):
    value = pdu.decode(pdu.HEADER.pack(16, kind.command, 8, 3))

    assert value == kind(status=8, sequence=3)


def test_a_damaged_optional_parameter_costs_only_itself():
    whole = pdu.encode(pdu.DeliverSm(sequence=1, short_message=b"hello", tlvs={0x0427: b"\2"}))
    damaged = whole + struct.pack(">HH", Tlv.RECEIPTED_MESSAGE_ID, 50) + b"short"
    damaged = len(damaged).to_bytes(4, "big") + damaged[4:]

    assert pdu.decode(damaged) == pdu.DeliverSm(sequence=1, short_message=b"hello", tlvs={0x0427: b"\2"})


def test_the_first_of_two_equal_optional_parameters_is_believed():
    assert pdu.read_tlvs(b"\x04\x27\x00\x01\x02\x04\x27\x00\x01\x05", 0) == {0x0427: b"\2"}


def test_an_unknown_command_is_nacked_with_its_sequence():
    with pytest.raises(RemoteProtocolError) as caught:
        pdu.decode(pdu.HEADER.pack(16, 0x0BAD, 0, 99))

    assert pdu.decode(caught.value.reply) == pdu.GenericNack(status=CommandStatus.RINVCMDID, sequence=99)


def test_an_unknown_answer_is_never_nacked():
    with pytest.raises(RemoteProtocolError) as caught:
        pdu.decode(pdu.HEADER.pack(16, 0x80000BAD, 0, 99))

    assert caught.value.reply == b""


@pytest.mark.parametrize("length", [0, 15, 17, 0x7FFFFFFF])
def test_a_wrong_command_length_is_refused(length):
    with pytest.raises(RemoteProtocolError):
        pdu.decode(pdu.HEADER.pack(length, Command.ENQUIRE_LINK, 0, 1))


def test_less_than_a_header_is_refused():
    with pytest.raises(RemoteProtocolError):
        pdu.decode(b"\0\0\0\x10")


@pytest.mark.parametrize(
    "value",
    [
        pdu.SubmitSm(source_addr=b"x" * 21),
        pdu.SubmitSm(source_addr=b"a\0b"),
        pdu.SubmitSm(short_message=b"x" * 255),
        pdu.SubmitSm(esm_class=256),
        pdu.SubmitSm(esm_class=-1),
        pdu.SubmitSm(tlvs={0x10000: b""}),
        pdu.SubmitSm(tlvs={0x0424: b"x" * 0x10000}),
        pdu.BindTransceiver(password=b"123456789"),
    ],
)
def test_what_the_specification_forbids_is_not_encoded(value):
    with pytest.raises(LocalProtocolError):
        pdu.encode(value)


def test_a_response_belongs_to_its_request():
    assert pdu.response(pdu.Unbind(sequence=5)) == pdu.UnbindResp(sequence=5)
    assert pdu.response(pdu.QuerySm(sequence=6), CommandStatus.RINVMSGID) == pdu.QuerySmResp(sequence=6, status=0x0C)


def test_a_password_is_never_shown():
    assert "secret" not in repr(pdu.BindTransceiver(system_id=b"me", password=b"secret"))
