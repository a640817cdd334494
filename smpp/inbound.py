"""What a phone says in a deliver_sm that is no receipt: who, to whom, and the octets of the text."""

from dataclasses import dataclass

from smpp.concat import UDHI
from smpp.hot import SHORT_MESSAGE
from smpp.pdu import DataSm, Tlv, encode_tlvs, read_tlvs

_CONCATENATED = {0x00: 2, 0x08: 3}  # information element → where the number of the part stands (TS 23.040 §9.2.3.24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """`octets` come without a user data header; `part` counts from 1, and is 1 of a message that came whole."""

    source: str
    destination: str
    data_coding: int
    octets: bytes
    part: int


UNREADABLE = Message(source="", destination="", data_coding=0, octets=b"", part=1)


def parse(body: bytes) -> Message:
    """Never raises; what is no deliver_sm at all says nothing."""
    match = SHORT_MESSAGE.match(body)
    if match is None:
        return UNREADABLE
    source, destination, esm_class, _, data_coding, length = match.groups()
    end = match.end() + length[0]
    tlvs = read_tlvs(body, end)
    octets, part = body[match.end() : end] or tlvs.get(Tlv.MESSAGE_PAYLOAD, b""), 1
    if esm_class[0] & UDHI:
        octets, part = _without_header(octets)
    return Message(
        source=source.decode("latin-1"),
        destination=destination.decode("latin-1"),
        data_coding=data_coding[0],
        octets=octets,
        part=max(part, int.from_bytes(tlvs.get(Tlv.SAR_SEGMENT_SEQNUM, b"")[:1], "big")),
    )


def as_deliver_sm(data: DataSm) -> bytes:
    """The body of the deliver_sm that says what this data_sm says (§4.7.1); its text is in message_payload."""
    source = b"%c%c%b" % (data.source_addr_ton, data.source_addr_npi, data.source_addr)
    destination = b"%c%c%b" % (data.dest_addr_ton, data.dest_addr_npi, data.destination_addr)
    # From esm_class to sm_length (§4.6.1): what a data_sm lacks is 0, or an empty string, which is the same octet.
    flags = bytes((data.esm_class, 0, 0, 0, 0, data.registered_delivery, 0, data.data_coding, 0, 0))
    return b"%b\0%b\0%b\0%b%b" % (data.service_type, source, destination, flags, encode_tlvs(data.tlvs))


def _without_header(octets: bytes) -> tuple[bytes, int]:
    """The text behind its user data header, and the number of the part that the header tells."""
    end = 1 + octets[0] if octets else 0
    at, part = 1, 1
    while at + 1 < min(end, len(octets)):
        element, value = octets[at], octets[at + 2 : at + 2 + octets[at + 1]]
        place = _CONCATENATED.get(element)
        if place is not None and place < len(value):
            part = value[place]
        at += 2 + octets[at + 1]
    return octets[end:], part
