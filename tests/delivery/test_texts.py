"""A text on the wire, in each carrier's way."""

from types import SimpleNamespace

import numpy as np
import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from campaigns import gsm, placeholders
from delivery import texts
from delivery.texts import Style
from smpp import pdu
from smpp.pdu import Command, Tlv

LONG = "Everything at half price until Sunday, and on Monday too. " * 4
USUAL = Style()
PHONES = np.array([31600000001, 31600000002, 31600000003], np.uint64)
MIXED = np.array([31600000001, 316000000021, 3160000003], np.uint64)
NOW = timezone.now()


def campaign(text):
    return SimpleNamespace(
        pk=0x1_02AB,
        text=text,
        template=placeholders.parse(text),
        revision=SimpleNamespace(ton=5, npi=0, saddr="Acme"),
        not_after=None,
    )


def pdus_of(wire, first=0, count=None):
    """What the bytes say, PDU by PDU."""
    data = wire.encode(first, int(wire.starts[-1]) - first if count is None else count, 77)
    found = []
    while data:
        length = int.from_bytes(data[:4], "big")
        found.append(pdu.decode(data[:length]))
        data = data[length:]
    assert [one.sequence for one in found] == list(range(77, 77 + len(found)))
    assert {one.command for one in found} <= {Command.SUBMIT_SM}
    return found


def same(text, style=USUAL, phones=PHONES):
    templates = texts.templates(campaign(text), style, now=NOW)
    return texts.Same(templates, phones, cost=1, plus=style.plus_sign)


def filled(written, style=USUAL, phones=PHONES):
    return texts.filled(campaign("{name}"), style, phones, written, now=NOW)


@pytest.mark.parametrize("phones", [PHONES, MIXED], ids=["alike", "of different lengths"])
@pytest.mark.parametrize("style", [Style(), Style(plus_sign=True), Style(long_messages="sar", service_type="CMT")])
@pytest.mark.parametrize("text", ["Hello", LONG, "Привет " * 30])
def test_one_text_for_all_is_what_it_would_be_for_each(text, style, phones):
    one, other = same(text, style, phones), filled([text] * len(phones), style, phones)
    assert one.starts.tolist() == other.starts.tolist()
    units = int(one.starts[-1])
    for first in range(units):  # a recipient's parts may be written at two moments
        for count in range(1, units - first + 1):
            assert pdus_of(one, first, count) == pdus_of(other, first, count)


def test_numbers_are_written_as_the_carrier_wants_them():
    style = Style(plus_sign=True, dest_ton=2, dest_npi=8, service_type="CMT")
    first, *_ = pdus_of(same("Hello", style))
    assert first.destination_addr == b"+31600000001"
    assert (first.dest_addr_ton, first.dest_addr_npi, first.service_type) == (2, 8, b"CMT")


@pytest.mark.parametrize(
    ("style", "text", "coding", "octets"),
    [
        (Style(), "@£€", 0, b"\x00\x01\x1b\x65"),
        (Style(gsm_data_coding=1), "@£€", 1, b"\x00\x01\x1b\x65"),
        (Style(default_coding="latin1"), "@£é{{", 0, b"@\xa3\xe9{"),
        (Style(default_coding="ascii"), "Hi_", 0, b"Hi_"),
        (Style(), "Ж", 8, b"\x04\x16"),
        (Style(ucs2_data_coding=24, default_coding="latin1"), "Ж", 24, b"\x04\x16"),
    ],
)
def test_texts_are_written_in_the_carriers_alphabet(style, text, coding, octets):
    first, *_ = pdus_of(same(text, style))
    assert (first.data_coding, first.short_message) == (coding, octets)


def test_a_character_that_the_carriers_alphabet_lacks_is_known():
    assert texts.foreign("5 €", Style(default_coding="latin1")) == "€"
    assert texts.foreign("é", Style(default_coding="ascii")) == "é"
    assert texts.foreign("5 €", Style()) is None
    assert texts.foreign("Ж", Style(default_coding="latin1")) is None  # it goes as UCS-2


def test_a_long_message_has_headers_of_an_octet_or_two():
    narrow = pdus_of(same(LONG), 0, 2)
    assert [one.short_message[:6] for one in narrow] == [b"\5\0\3\xab\2\1", b"\5\0\3\xab\2\2"]
    wide = pdus_of(same(LONG, Style(long_messages="udh16")), 0, 2)
    assert [one.short_message[:7] for one in wide] == [b"\6\x08\4\x02\xab\2\1", b"\6\x08\4\x02\xab\2\2"]
    assert {one.esm_class for one in [*narrow, *wide]} == {0x40}
    assert len(narrow[0].short_message) == 6 + 153
    assert len(wide[0].short_message) == 7 + 152  # the longer header costs a septet


def test_a_long_message_may_have_parameters_instead():
    parts = pdus_of(same(LONG, Style(long_messages="sar")), 0, 2)
    assert [one.tlvs[Tlv.SAR_SEGMENT_SEQNUM] for one in parts] == [b"\1", b"\2"]
    assert {(one.esm_class, one.tlvs[Tlv.SAR_MSG_REF_NUM], one.tlvs[Tlv.SAR_TOTAL_SEGMENTS]) for one in parts} == {
        (0, b"\x02\xab", b"\2")
    }


@pytest.mark.parametrize(("style", "places"), [("udh8", slice(3, 4)), ("udh16", slice(3, 5))])
def test_each_message_may_have_a_reference_of_its_own(style, places):
    made = texts.filled(
        campaign("{text}"),
        Style(long_messages=style),
        PHONES,
        [LONG] * 3,
        now=NOW,
        references=[0x1_0001, 0xFF02, 0x103],
    )
    width = places.stop - places.start
    found = [one.short_message[places] for one in pdus_of(made)]
    assert found == [given[-width:] for given in (b"\0\1", b"\xff\2", b"\1\3") for _ in range(2)]


def test_a_long_message_may_go_whole():
    style = Style(long_messages="payload")
    wire = same(LONG, style)
    assert wire.starts.tolist() == [0, 1, 2, 3]
    first, *_ = pdus_of(wire)
    assert (first.short_message, first.tlvs[Tlv.MESSAGE_PAYLOAD]) == (b"", gsm.encode_part(LONG, "gsm7"))
    assert texts.parts(LONG, style) == 2
    short, *_ = pdus_of(same("Hello", style))
    assert (short.short_message, short.tlvs) == (b"Hello", {})


TEXT = st.text(st.sampled_from("aé€{Ж😀 "), min_size=1, max_size=400)


@given(st.lists(TEXT, min_size=1, max_size=8), st.sampled_from(["udh8", "udh16", "sar"]))
def test_parts_that_are_counted_are_the_parts_that_are_written(written, long_messages):
    style = Style(long_messages=long_messages)
    wire = filled(written, style, np.arange(31600000001, 31600000001 + len(written)).astype(np.uint64))
    assert np.diff(wire.starts).tolist() == [texts.parts(text, style) for text in written]
    for recipient, text in enumerate(written):
        first, end = wire.starts[recipient : recipient + 2].tolist()
        cut = {"udh8": 6, "udh16": 7, "sar": 0}[long_messages] if end - first > 1 else 0
        octets = b"".join(one.short_message[cut:] for one in pdus_of(wire, first, end - first))
        assert octets == gsm.encode_part(text, gsm.measure(text).encoding)
