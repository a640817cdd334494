"""The PDUs of SMPP 3.4 as values, and their bytes.

A PDU's fields stand in the order of the wire and say their own encoding; strings are bytes, without the final NUL.
`encode` refuses what the specification forbids; `decode` takes what carriers really send: strings above their limit,
answers without a body, a damaged optional parameter (which costs that one and those behind it).
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from enum import IntEnum
from typing import Any, ClassVar

from smpp.status import CommandStatus

HEADER = struct.Struct(">IIII")  # command_length, command_id, command_status, sequence_number (§3.2)
RESPONSE = 0x80000000
MAX_SEQUENCE = 0x7FFFFFFF
MAX_SHORT_MESSAGE = 254


class Command(IntEnum):
    """command_id (§5.1.2.1)."""

    GENERIC_NACK = 0x80000000
    BIND_RECEIVER = 0x00000001
    BIND_RECEIVER_RESP = 0x80000001
    BIND_TRANSMITTER = 0x00000002
    BIND_TRANSMITTER_RESP = 0x80000002
    QUERY_SM = 0x00000003
    QUERY_SM_RESP = 0x80000003
    SUBMIT_SM = 0x00000004
    SUBMIT_SM_RESP = 0x80000004
    DELIVER_SM = 0x00000005
    DELIVER_SM_RESP = 0x80000005
    UNBIND = 0x00000006
    UNBIND_RESP = 0x80000006
    REPLACE_SM = 0x00000007
    REPLACE_SM_RESP = 0x80000007
    CANCEL_SM = 0x00000008
    CANCEL_SM_RESP = 0x80000008
    BIND_TRANSCEIVER = 0x00000009
    BIND_TRANSCEIVER_RESP = 0x80000009
    OUTBIND = 0x0000000B
    ENQUIRE_LINK = 0x00000015
    ENQUIRE_LINK_RESP = 0x80000015
    SUBMIT_MULTI = 0x00000021
    SUBMIT_MULTI_RESP = 0x80000021
    ALERT_NOTIFICATION = 0x00000102
    DATA_SM = 0x00000103
    DATA_SM_RESP = 0x80000103


class Tlv(IntEnum):
    """Tags of the optional parameters that are used here (§5.3.2)."""

    RECEIPTED_MESSAGE_ID = 0x001E
    SAR_MSG_REF_NUM = 0x020C
    SAR_TOTAL_SEGMENTS = 0x020E
    SAR_SEGMENT_SEQNUM = 0x020F
    SC_INTERFACE_VERSION = 0x0210
    NETWORK_ERROR_CODE = 0x0423
    MESSAGE_PAYLOAD = 0x0424
    MESSAGE_STATE = 0x0427
    CONGESTION_STATE = 0x0428  # of SMPP 5.0


class ProtocolError(Exception):
    """What either end did is not SMPP."""


class LocalProtocolError(ProtocolError):
    """We were about to send something that the specification, or the state of the session, forbids."""


class RemoteProtocolError(ProtocolError):
    """The peer sent something that cannot be taken; `reply` is what to write to it (nothing, for an answer)."""

    def __init__(self, message: str, *, reply: bytes = b"") -> None:
        super().__init__(message)
        self.reply = reply


class Malformed(ValueError):
    """A field is not there, or not of its kind."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How one field looks on the wire; `read` gets the body and an offset, and gives the value and the next offset."""

    write: Callable[[Any], bytes]
    read: Callable[[bytes, int], tuple[Any, int]]


def _write_octet(value: int) -> bytes:
    try:
        return bytes((value,))
    except ValueError:
        raise Malformed(f"{value} does not fit into an octet") from None


def _read_octet(body: bytes, at: int) -> tuple[int, int]:
    if at >= len(body):
        raise Malformed("the body ends early")
    return body[at], at + 1


def _read_string(body: bytes, at: int) -> tuple[bytes, int]:
    end = body.find(0, at)
    if end < 0:
        raise Malformed("a string has no end")
    return body[at:end], end + 1


def _write_short_message(value: bytes) -> bytes:
    if len(value) > MAX_SHORT_MESSAGE:
        raise Malformed(f"{len(value)} octets are more than {MAX_SHORT_MESSAGE}")
    return bytes((len(value),)) + value


def _read_short_message(body: bytes, at: int) -> tuple[bytes, int]:
    length, start = _read_octet(body, at)
    if start + length > len(body):
        raise Malformed("sm_length is larger than the body")
    return body[start : start + length], start + length


def encode_tlvs(tlvs: Mapping[int, bytes]) -> bytes:
    """Raises Malformed when a value is too long, or a tag no tag."""
    try:
        return b"".join(struct.pack(">HH", tag, len(value)) + value for tag, value in tlvs.items())
    except struct.error as error:
        raise Malformed(str(error)) from error


def read_tlvs(body: bytes, at: int) -> dict[int, bytes]:
    """The optional parameters from an offset to the end; the first one wins, a damaged one ends the list."""
    tlvs: dict[int, bytes] = {}
    while at + 4 <= len(body):
        tag, length = struct.unpack_from(">HH", body, at)
        at += 4 + length
        if at > len(body):
            break
        tlvs.setdefault(tag, body[at - length : at])
    return tlvs


def find_tlv(body: bytes, at: int, tag: int) -> slice | None:
    """Where the value of an optional parameter stands, if `read_tlvs` finds it."""
    while at + 4 <= len(body):
        found, length = struct.unpack_from(">HH", body, at)
        at += 4 + length
        if at <= len(body) and found == tag:
            return slice(at - length, at)
    return None


def _octet(default: int = 0) -> Any:
    return field(default=default, metadata={"encoding": Encoding(_write_octet, _read_octet)})


def _string(size: int, *, shown: bool = True) -> Any:
    """A C-octet string of at most `size` octets with its NUL (§3.1)."""

    def write(value: bytes) -> bytes:
        if len(value) >= size or 0 in value:
            raise Malformed(f"not a string of less than {size} octets without NUL")
        return value + b"\0"

    return field(default=b"", repr=shown, metadata={"encoding": Encoding(write, _read_string)})


def _short_message() -> Any:
    return field(default=b"", metadata={"encoding": Encoding(_write_short_message, _read_short_message)})


def _rest() -> Any:
    return field(default=b"", metadata={"encoding": Encoding(bytes, lambda body, at: (body[at:], len(body)))})


def _tlvs() -> Any:
    encoding = Encoding(encode_tlvs, lambda body, at: (read_tlvs(body, at), len(body)))
    return field(default_factory=dict, metadata={"encoding": encoding})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pdu:
    command: ClassVar[Command]
    sequence: int = 0
    status: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GenericNack(Pdu):
    command = Command.GENERIC_NACK


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind(Pdu):
    """§4.1: what the three kinds of bind have in common."""

    system_id: bytes = _string(16)
    password: bytes = _string(9, shown=False)
    system_type: bytes = _string(13)
    interface_version: int = _octet(0x34)
    addr_ton: int = _octet()
    addr_npi: int = _octet()
    address_range: bytes = _string(41)


@dataclass(frozen=True, slots=True, kw_only=True)
class BindReceiver(Bind):
    command = Command.BIND_RECEIVER


@dataclass(frozen=True, slots=True, kw_only=True)
class BindTransmitter(Bind):
    command = Command.BIND_TRANSMITTER


@dataclass(frozen=True, slots=True, kw_only=True)
class BindTransceiver(Bind):
    command = Command.BIND_TRANSCEIVER


@dataclass(frozen=True, slots=True, kw_only=True)
class BindResp(Pdu):
    system_id: bytes = _string(16)
    tlvs: Mapping[int, bytes] = _tlvs()


@dataclass(frozen=True, slots=True, kw_only=True)
class BindReceiverResp(BindResp):
    command = Command.BIND_RECEIVER_RESP


@dataclass(frozen=True, slots=True, kw_only=True)
class BindTransmitterResp(BindResp):
    command = Command.BIND_TRANSMITTER_RESP


@dataclass(frozen=True, slots=True, kw_only=True)
class BindTransceiverResp(BindResp):
    command = Command.BIND_TRANSCEIVER_RESP


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbind(Pdu):
    command = Command.OUTBIND
    system_id: bytes = _string(16)
    password: bytes = _string(9, shown=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unbind(Pdu):
    command = Command.UNBIND


@dataclass(frozen=True, slots=True, kw_only=True)
class UnbindResp(Pdu):
    command = Command.UNBIND_RESP


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortMessage(Pdu):
    """§4.4.1, §4.6.1: submit_sm and deliver_sm have the same body."""

    service_type: bytes = _string(6)
    source_addr_ton: int = _octet()
    source_addr_npi: int = _octet()
    source_addr: bytes = _string(21)
    dest_addr_ton: int = _octet()
    dest_addr_npi: int = _octet()
    destination_addr: bytes = _string(21)
    esm_class: int = _octet()
    protocol_id: int = _octet()
    priority_flag: int = _octet()
    schedule_delivery_time: bytes = _string(17)
    validity_period: bytes = _string(17)
    registered_delivery: int = _octet()
    replace_if_present_flag: int = _octet()
    data_coding: int = _octet()
    sm_default_msg_id: int = _octet()
    short_message: bytes = _short_message()
    tlvs: Mapping[int, bytes] = _tlvs()


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitSm(ShortMessage):
    command = Command.SUBMIT_SM


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverSm(ShortMessage):
    command = Command.DELIVER_SM


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitSmResp(Pdu):
    command = Command.SUBMIT_SM_RESP
    message_id: bytes = _string(65)
    tlvs: Mapping[int, bytes] = _tlvs()


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliverSmResp(Pdu):
    command = Command.DELIVER_SM_RESP
    message_id: bytes = _string(65)
    tlvs: Mapping[int, bytes] = _tlvs()


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitMulti(Pdu):
    """§4.5: known, so that it can be refused properly; its body is not read."""

    command = Command.SUBMIT_MULTI
    body: bytes = _rest()


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitMultiResp(Pdu):
    command = Command.SUBMIT_MULTI_RESP
    body: bytes = _rest()


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSm(Pdu):
    command = Command.DATA_SM
    service_type: bytes = _string(6)
    source_addr_ton: int = _octet()
    source_addr_npi: int = _octet()
    source_addr: bytes = _string(65)
    dest_addr_ton: int = _octet()
    dest_addr_npi: int = _octet()
    destination_addr: bytes = _string(65)
    esm_class: int = _octet()
    registered_delivery: int = _octet()
    data_coding: int = _octet()
    tlvs: Mapping[int, bytes] = _tlvs()


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSmResp(Pdu):
    command = Command.DATA_SM_RESP
    message_id: bytes = _string(65)
    tlvs: Mapping[int, bytes] = _tlvs()


@dataclass(frozen=True, slots=True, kw_only=True)
class QuerySm(Pdu):
    command = Command.QUERY_SM
    message_id: bytes = _string(65)
    source_addr_ton: int = _octet()
    source_addr_npi: int = _octet()
    source_addr: bytes = _string(21)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuerySmResp(Pdu):
    command = Command.QUERY_SM_RESP
    message_id: bytes = _string(65)
    final_date: bytes = _string(17)
    message_state: int = _octet()
    error_code: int = _octet()


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelSm(Pdu):
    command = Command.CANCEL_SM
    service_type: bytes = _string(6)
    message_id: bytes = _string(65)
    source_addr_ton: int = _octet()
    source_addr_npi: int = _octet()
    source_addr: bytes = _string(21)
    dest_addr_ton: int = _octet()
    dest_addr_npi: int = _octet()
    destination_addr: bytes = _string(21)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelSmResp(Pdu):
    command = Command.CANCEL_SM_RESP


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceSm(Pdu):
    command = Command.REPLACE_SM
    message_id: bytes = _string(65)
    source_addr_ton: int = _octet()
    source_addr_npi: int = _octet()
    source_addr: bytes = _string(21)
    schedule_delivery_time: bytes = _string(17)
    validity_period: bytes = _string(17)
    registered_delivery: int = _octet()
    sm_default_msg_id: int = _octet()
    short_message: bytes = _short_message()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceSmResp(Pdu):
    command = Command.REPLACE_SM_RESP


@dataclass(frozen=True, slots=True, kw_only=True)
class EnquireLink(Pdu):
    command = Command.ENQUIRE_LINK


@dataclass(frozen=True, slots=True, kw_only=True)
class EnquireLinkResp(Pdu):
    command = Command.ENQUIRE_LINK_RESP


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertNotification(Pdu):
    command = Command.ALERT_NOTIFICATION
    source_addr_ton: int = _octet()
    source_addr_npi: int = _octet()
    source_addr: bytes = _string(65)
    esme_addr_ton: int = _octet()
    esme_addr_npi: int = _octet()
    esme_addr: bytes = _string(65)
    tlvs: Mapping[int, bytes] = _tlvs()


_KINDS: tuple[type[Pdu], ...] = (
    GenericNack, BindReceiver, BindReceiverResp, BindTransmitter, BindTransmitterResp, BindTransceiver,
    BindTransceiverResp, Outbind, Unbind, UnbindResp, SubmitSm, SubmitSmResp, DeliverSm, DeliverSmResp, SubmitMulti,
    SubmitMultiResp, DataSm, DataSmResp, QuerySm, QuerySmResp, CancelSm, CancelSmResp, ReplaceSm, ReplaceSmResp,
    EnquireLink, EnquireLinkResp, AlertNotification,
)  # fmt: skip
KINDS: dict[int, type[Pdu]] = {kind.command: kind for kind in _KINDS}


_LAYOUTS: dict[Command, list[tuple[str, Encoding]]] = {
    kind.command: [(f.name, f.metadata["encoding"]) for f in fields(kind) if "encoding" in f.metadata]
    for kind in _KINDS
}


def encode(pdu: Pdu) -> bytes:
    try:
        body = b"".join(encoding.write(getattr(pdu, name)) for name, encoding in _LAYOUTS[pdu.command])
    except Malformed as error:
        raise LocalProtocolError(f"{pdu.command.name.lower()}: {error}") from error
    return HEADER.pack(HEADER.size + len(body), pdu.command, pdu.status, pdu.sequence) + body


def decode(data: bytes) -> Pdu:
    """One whole PDU; the caller has framed it by its command_length."""
    if len(data) < HEADER.size:
        raise RemoteProtocolError("shorter than a header", reply=nack(CommandStatus.RINVCMDLEN))
    length, command, status, sequence = HEADER.unpack_from(data)
    if length != len(data):
        raise RemoteProtocolError("command_length is wrong", reply=nack(CommandStatus.RINVCMDLEN, sequence))
    if command not in KINDS:
        raise RemoteProtocolError(
            f"command_id 0x{command:08X} is unknown", reply=refusal(command, CommandStatus.RINVCMDID, sequence)
        )
    return decode_body(Command(command), data[HEADER.size :], sequence=sequence, status=status)


def decode_body(command: Command, body: bytes, *, sequence: int = 0, status: int = 0) -> Pdu:
    """The value of a body that was framed before; an answer without a body has the defaults (§4.4.2)."""
    kind = KINDS[command]
    values: dict[str, Any] = {}
    at = 0
    if body or not command & RESPONSE:
        try:
            for name, encoding in _LAYOUTS[command]:
                values[name], at = encoding.read(body, at)
        except Malformed as error:
            reply = refusal(command, CommandStatus.RINVCMDLEN, sequence)
            raise RemoteProtocolError(f"{command.name.lower()}: {error}", reply=reply) from error
    return kind(sequence=sequence, status=status, **values)


def response(request: Pdu, status: CommandStatus = CommandStatus.ROK) -> Pdu:
    """The answer that belongs to a request, with the defaults for everything else."""
    return KINDS[request.command | RESPONSE](sequence=request.sequence, status=status)


def nack(status: CommandStatus, sequence: int = 0) -> bytes:
    return encode(GenericNack(status=status, sequence=sequence))


def refusal(command: int, status: CommandStatus, sequence: int) -> bytes:
    """The negative answer to a request; nothing for an answer: two ends must not nack each other for ever."""
    if command & RESPONSE:
        return b""
    kind = KINDS.get(command | RESPONSE, GenericNack)
    return encode(kind(status=status, sequence=sequence))
