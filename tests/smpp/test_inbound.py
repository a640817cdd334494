import random

import pytest

from smpp.inbound import UNREADABLE, Message, as_deliver_sm, parse
from smpp.pdu import HEADER, DataSm, DeliverSm, Tlv, encode


def body(**given):
    return encode(DeliverSm(sequence=1, **given))[HEADER.size :]


def test_a_message_says_who_wrote_what_to_whom():
    said = parse(body(source_addr=b"31600000001", destination_addr=b"4321", data_coding=8, short_message=b"\0S"))
    assert said == Message(source="31600000001", destination="4321", data_coding=8, octets=b"\0S", part=1)


def test_a_long_text_in_an_optional_parameter_is_read():
    assert parse(body(tlvs={Tlv.MESSAGE_PAYLOAD: b"x" * 300})).octets == b"x" * 300


def test_a_data_sm_says_the_same_as_a_deliver_sm_with_its_text_in_the_parameter():
    said = {
        "service_type": b"CMT",
        "source_addr_ton": 1,
        "source_addr_npi": 2,
        "source_addr": b"31600000001",
        "dest_addr_ton": 3,
        "dest_addr_npi": 4,
        "destination_addr": b"4321",
        "esm_class": 4,
        "registered_delivery": 1,
        "data_coding": 8,
        "tlvs": {Tlv.MESSAGE_PAYLOAD: b"\0S"},
    }
    assert as_deliver_sm(DataSm(**said)) == body(**said)


def test_a_data_sm_with_an_address_longer_than_a_deliver_sm_may_have_is_read():
    assert parse(as_deliver_sm(DataSm(source_addr=b"7" * 64))).source == "7" * 64


@pytest.mark.parametrize(
    ("header", "part"),
    [(b"\5\0\3\7\3\2", 2), (b"\6\x08\4\1\7\3\3", 3), (b"\4\x24\1\0\x25", 1), (b"\0", 1), (b"\5\0\3\7\3\1", 1)],
)
def test_a_user_data_header_is_no_text_and_tells_the_part(header, part):
    said = parse(body(esm_class=0x40, short_message=header + b"text"))
    assert said.part == part
    assert said.octets == b"text"


def test_sar_parameters_tell_the_part_too():
    assert parse(body(short_message=b"text", tlvs={Tlv.SAR_SEGMENT_SEQNUM: b"\2"})).part == 2


def test_what_is_no_deliver_sm_says_nothing():
    assert parse(b"") == UNREADABLE == parse(b"\xff" * 40)


def test_nothing_that_a_carrier_sends_raises():
    dice = random.Random(7)
    whole = body(source_addr=b"1", destination_addr=b"2", esm_class=0x40, short_message=b"\5\0\3\7\3\2STOP")
    for _ in range(20_000):
        damaged = bytearray(whole)
        for _ in range(dice.randint(1, 6)):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        parse(bytes(damaged[: dice.randint(0, len(damaged))]))
