"""A receipt is read whatever the carrier makes of it; a customer's text never is one."""

from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smpp import pdu
from smpp.pdu import Tlv
from smpp.receipts import STATE_WORDS, MessageState, candidates, parse

TRAP = b" text:id:999 stat:UNDELIV"
USUAL = b"id:0123ab sub:001 dlvrd:001 submit date:2611232351 done date:2611232352 stat:DELIVRD err:000" + TRAP


def body(text: bytes = USUAL, **values) -> bytes:
    values = {"source_addr": b"491511234567", "destination_addr": b"Shop", "esm_class": 4} | values
    return pdu.encode(pdu.DeliverSm(short_message=text, **values))[16:]


def test_the_usual_receipt_is_read_whole():
    receipt = parse(body())

    assert (receipt.message_id, receipt.state, receipt.error) == ("0123ab", MessageState.DELIVERED, "000")
    assert (receipt.source, receipt.destination) == ("491511234567", "Shop")
    assert (receipt.submit_date, receipt.done_date) == ("2611232351", "2611232352")
    assert not receipt.intermediate
    assert not receipt.conflict


@pytest.mark.parametrize("state", MessageState)
def test_every_state_is_read_from_text_and_from_its_parameter(state):
    word = STATE_WORDS[state].encode()
    texts = [USUAL.replace(b"stat:DELIVRD", b"stat:" + word), b"id:0123ab stat:" + state.name.lower().encode()]

    assert [parse(body(text)).state for text in texts] == [state, state]
    assert parse(body(b"", tlvs={Tlv.RECEIPTED_MESSAGE_ID: b"1\0", Tlv.MESSAGE_STATE: bytes([state])})).state is state


@pytest.mark.parametrize(
    "order", list(permutations([b"id:0123ab", b"stat:UNDELIV", b"err:042", b"done date:2611232352"]))
)
def test_the_order_of_the_keys_is_free(order):
    receipt = parse(body(b" ".join(order) + b" Text:id:999 stat:DELIVRD err:000"))

    assert (receipt.message_id, receipt.state, receipt.error) == ("0123ab", MessageState.UNDELIVERABLE, "042")
    assert receipt.done_date == "2611232352"


@pytest.mark.parametrize("text", [b"Text:id:999 stat:UNDELIV", b"text:id:999 stat:UNDELIV", b"hello"])
def test_what_follows_text_is_the_customers(text):
    assert parse(body(text)) is None


def test_upper_case_keys_and_commas_are_read():
    receipt = parse(body(b"ID:77,STAT:EXPIRED,ERR:001,TEXT:id:999 stat:DELIVRD"))

    assert (receipt.message_id, receipt.state, receipt.error) == ("77", MessageState.EXPIRED, "001")


def test_parameters_win_over_the_text_and_the_conflict_shows():
    tlvs = {Tlv.RECEIPTED_MESSAGE_ID: b"456\0", Tlv.MESSAGE_STATE: b"\5", Tlv.NETWORK_ERROR_CODE: b"\3\0\x2a"}

    receipt = parse(body(tlvs=tlvs))

    assert (receipt.message_id, receipt.state, receipt.error) == ("456", MessageState.UNDELIVERABLE, "042")
    assert receipt.conflict


@pytest.mark.parametrize("told", [b"0123AB", b"123ab", b"74667"])
def test_the_same_id_in_another_base_is_no_conflict(told):
    tlvs = {Tlv.RECEIPTED_MESSAGE_ID: told + b"\0", Tlv.MESSAGE_STATE: b"\2"}

    receipt = parse(body(tlvs=tlvs))

    assert receipt.message_id == told.decode()
    assert not receipt.conflict


def test_an_unknown_parameter_changes_nothing():
    assert parse(body(tlvs={0x1403: b"x"})) == parse(body())


def test_a_text_in_message_payload_is_read():
    assert parse(body(b"", tlvs={Tlv.MESSAGE_PAYLOAD: USUAL})) == parse(body())


def test_the_receipted_id_makes_a_receipt_whatever_esm_class_says():
    receipt = parse(body(b"", esm_class=0, tlvs={Tlv.RECEIPTED_MESSAGE_ID: b"9\0", Tlv.MESSAGE_STATE: b"\2"}))

    assert (receipt.message_id, receipt.state) == ("9", MessageState.DELIVERED)


def test_a_text_that_looks_like_a_receipt_is_a_message_from_a_phone():
    assert parse(body(esm_class=0)) is None


def test_a_notification_on_the_way_is_intermediate():
    assert parse(body(USUAL.replace(b"DELIVRD", b"ENROUTE"), esm_class=0x20)).intermediate
    assert parse(body(USUAL.replace(b"DELIVRD", b"ACCEPTD"))).intermediate
    assert parse(body(b"id:1", esm_class=0x20)).state is MessageState.ENROUTE


def test_a_receipt_without_a_readable_state_is_final_but_weak():
    receipt = parse(body(b"id:1 stat:WHATEVER"))

    assert (receipt.state, receipt.intermediate) == (MessageState.UNKNOWN, False)


def test_a_plus_before_the_number_is_dropped():
    assert parse(body(source_addr=b"+491511234567")) == parse(body())
    assert parse(body(b"id:1 stat:DELIVRD", source_addr=b"+4915")).source == "4915"


@given(st.binary(max_size=200), st.sampled_from([b"", body()[:30], body()[:60]]))
def test_any_bytes_are_read_without_an_exception(rest, start):
    parse(start + rest)


@given(st.data())
def test_damage_never_raises(data):
    whole = bytearray(body(tlvs={Tlv.RECEIPTED_MESSAGE_ID: b"0123ab\0", Tlv.MESSAGE_STATE: b"\2"}))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))

    parse(bytes(whole[: data.draw(st.integers(0, len(whole)))]))


@given(st.integers(1, 2**64), st.integers(1, 2**64))
def test_an_id_is_found_again_in_any_base_and_padding(number, other):
    spellings = [str(number), f"{number:x}", f"{number:X}", f"{number:08x}", f"{number:010d}"]

    for one, two in product(spellings, repeat=2):
        assert set(candidates(one)) & set(candidates(two))
    assert candidates(f"{number:08x}")[0] == f"{number:X}"


def test_an_id_that_is_no_number_has_one_form():
    assert candidates("0f-message.7") == ("F-MESSAGE.7",)
    assert candidates("000") == ("0",)


FINAL = [state for state in MessageState if state.strength == 3]


@pytest.mark.parametrize(("known", "new"), list(product(MessageState, MessageState)))
def test_a_state_only_gives_way_to_a_stronger_one(known, new):
    exception = (known, new) == (MessageState.UNDELIVERABLE, MessageState.DELIVERED)

    assert new.replaces(known) == (new.strength > known.strength or exception)


def test_the_lattice_is_that_of_the_specification():
    assert {state.strength for state in (MessageState.ENROUTE, MessageState.ACCEPTED, MessageState.SCHEDULED)} == {1}
    assert MessageState.UNKNOWN.strength == 2
    assert len(FINAL) == 6
    assert all(state.replaces(None) for state in MessageState)
