"""One SMPP session, either end: which PDU is legal when, framing, sequence numbers. It owns no socket and no clock."""

from dataclasses import dataclass, field, replace
from enum import Enum

from smpp.bulk import Run, run_at
from smpp.pdu import (
    HEADER,
    MAX_SEQUENCE,
    RESPONSE,
    BindResp,
    Command,
    LocalProtocolError,
    Pdu,
    RemoteProtocolError,
    decode,
    encode,
    nack,
    refusal,
)
from smpp.status import CommandStatus

MAX_PDU = 65536


class Role(Enum):
    ESME = "ESME"
    SMSC = "SMSC"


class State(Enum):
    OPEN = "open"
    BOUND_TX = "bound_tx"
    BOUND_RX = "bound_rx"
    BOUND_TRX = "bound_trx"
    UNBOUND = "unbound"
    CLOSED = "closed"


_C = Command
_BOTH = frozenset({_C.UNBIND, _C.UNBIND_RESP, _C.ENQUIRE_LINK, _C.ENQUIRE_LINK_RESP, _C.GENERIC_NACK})
_DATA = frozenset({_C.DATA_SM, _C.DATA_SM_RESP})
_OPEN_ESME = frozenset(
    {_C.BIND_TRANSMITTER, _C.BIND_RECEIVER, _C.BIND_TRANSCEIVER, _C.ENQUIRE_LINK, _C.ENQUIRE_LINK_RESP, _C.GENERIC_NACK}
)
_OPEN_SMSC = frozenset(
    {
        _C.BIND_TRANSMITTER_RESP,
        _C.BIND_RECEIVER_RESP,
        _C.BIND_TRANSCEIVER_RESP,
        _C.OUTBIND,
        _C.ENQUIRE_LINK,
        _C.ENQUIRE_LINK_RESP,
        _C.GENERIC_NACK,
    }
)
_SUBMITS = frozenset({_C.SUBMIT_SM, _C.SUBMIT_MULTI, _C.QUERY_SM, _C.CANCEL_SM, _C.REPLACE_SM})
_ANSWERS = frozenset(Command(command | RESPONSE) for command in _SUBMITS)
_DELIVERIES = frozenset({_C.DELIVER_SM, _C.ALERT_NOTIFICATION})
_ACKS = frozenset({_C.DELIVER_SM_RESP})

# SMPP 3.4 table 2-1: who may send what in which state. Wider than it in three places, for what carriers do:
# enquire_link and generic_nack also before the bind (5.0 has that), replace_sm on a transceiver, and UNBOUND, which
# lasts from an unbind in either direction to the end of the connection: nothing new but what crossed the unbind on
# the wire, while late answers are still evidence.
LEGAL: dict[State, dict[Role, frozenset[Command]]] = {
    State.OPEN: {Role.ESME: _OPEN_ESME, Role.SMSC: _OPEN_SMSC},
    State.BOUND_TX: {Role.ESME: _BOTH | _DATA | _SUBMITS, Role.SMSC: _BOTH | _DATA | _ANSWERS},
    State.BOUND_RX: {Role.ESME: _BOTH | _DATA | _ACKS, Role.SMSC: _BOTH | _DATA | _DELIVERIES},
    State.BOUND_TRX: {
        Role.ESME: _BOTH | _DATA | _SUBMITS | _ACKS,
        Role.SMSC: _BOTH | _DATA | _ANSWERS | _DELIVERIES,
    },
    State.UNBOUND: {
        Role.ESME: _BOTH | _ACKS | {_C.DATA_SM_RESP},
        Role.SMSC: _BOTH | _DATA | _ANSWERS | _DELIVERIES,
    },
    State.CLOSED: {Role.ESME: frozenset(), Role.SMSC: frozenset()},
}

BOUND_BY: dict[Command, State] = {
    Command.BIND_TRANSMITTER_RESP: State.BOUND_TX,
    Command.BIND_RECEIVER_RESP: State.BOUND_RX,
    Command.BIND_TRANSCEIVER_RESP: State.BOUND_TRX,
}


@dataclass(frozen=True, slots=True)
class Received:
    """What one read brought. The first five are cut out of the buffer unread, the rest are values."""

    answers: list[tuple[int, int, bytes]] = field(default_factory=list)
    """submit_sm_resp: sequence, command_status, message_id."""
    parameters: list[bytes] = field(default_factory=list)
    """The optional parameters of those `answers` that have any."""
    deliveries: list[tuple[int, bytes]] = field(default_factory=list)
    """deliver_sm: sequence, body."""
    submits: list[tuple[int, bytes]] = field(default_factory=list)
    """submit_sm: sequence, body."""
    acks: list[tuple[int, int]] = field(default_factory=list)
    """deliver_sm_resp: sequence, command_status."""
    runs: list[Run] = field(default_factory=list)
    """Of a session in bulk: many equally long PDUs of one of these four kinds, which are not among the lists."""
    pdus: list[Pdu] = field(default_factory=list)
    errors: list[RemoteProtocolError] = field(default_factory=list)
    """PDUs that cost only themselves; write the `reply` of each."""
    resp: Command = Command.DELIVER_SM_RESP
    """What answers the deliveries: data_sm, where what it says was put into the form of a deliver_sm."""

    @property
    def is_empty(self) -> bool:
        """No PDU was whole."""
        cut = self.answers or self.deliveries or self.submits or self.acks or self.runs
        return not (cut or self.pdus or self.errors)


class FramingError(RemoteProtocolError):
    """The stream is out of step: use what was `received` before, write `reply`, close the connection."""

    def __init__(self, message: str, *, received: Received) -> None:
        super().__init__(message, reply=nack(CommandStatus.RINVCMDLEN))
        self.received = received


class Session:
    """`send` gives the bytes of a PDU if it is legal now; `receive` takes bytes however they were cut."""

    def __init__(self, role: Role, *, max_pdu: int = MAX_PDU, bulk: bool = False) -> None:
        self.role = role
        self.bulk = bulk
        self.peer = Role.SMSC if role is Role.ESME else Role.ESME
        self.state = State.OPEN
        self.max_pdu = max_pdu
        self._buffer = bytearray()
        self._needed = HEADER.size
        self._next_sequence = 1

    @property
    def partial(self) -> bool:
        """A PDU has begun and not ended: the shell gives it a deadline."""
        return bool(self._buffer)

    def may_send(self, command: Command) -> bool:
        return command in LEGAL[self.state][self.role]

    def next_sequences(self, count: int) -> int:
        """Reserve consecutive sequence numbers, 1 … 0x7FFFFFFF (§5.1.4); the first of them. A block never wraps."""
        if self._next_sequence + count - 1 > MAX_SEQUENCE:
            self._next_sequence = 1
        first = self._next_sequence
        self._next_sequence += count
        return first

    def send(self, pdu: Pdu) -> bytes:
        """The bytes of a PDU; a request with sequence 0 gets the next one."""
        if not self.may_send(pdu.command):
            raise LocalProtocolError(
                f"{self.role.value} may not send {pdu.command.name.lower()} when {self.state.value}"
            )
        if not pdu.sequence and not pdu.command & RESPONSE:
            pdu = replace(pdu, sequence=self.next_sequences(1))
        data = encode(pdu)
        self._follow(pdu)
        return data

    def receive(self, data: bytes) -> Received:
        """Everything that is complete by now; the rest waits for the next call."""
        received = Received()
        if self._buffer:
            self._buffer += data
            if len(self._buffer) < self._needed and self._is_length_sane():
                return received
            data = bytes(self._buffer)
            self._buffer.clear()
        self._scan(data, received)
        return received

    def close(self) -> None:
        self.state = State.CLOSED
        self._buffer.clear()

    def _is_length_sane(self) -> bool:
        """A length that no PDU can have is refused as soon as it is there, not when that much has come."""
        length = int.from_bytes(self._buffer[:4], "big")
        return len(self._buffer) < 4 or HEADER.size <= length <= self.max_pdu

    def _scan(self, data: bytes, received: Received) -> None:
        answers, deliveries, submits, acks = received.answers, received.deliveries, received.submits, received.acks
        unpack, smallest, largest = HEADER.unpack_from, HEADER.size, self.max_pdu
        legal = LEGAL[self.state][self.peer]
        at, end = 0, len(data)
        while end - at >= smallest:
            length, command, status, sequence = unpack(data, at)
            stop = at + length
            if not smallest <= length <= largest or stop > end:
                break
            if command not in legal:
                self._take(data[at:stop], received)
                legal = LEGAL[self.state][self.peer]
            elif self.bulk and command in _HOT and (rows := run_at(data, at, length)) is not None:
                received.runs.append(Run(command, rows))
                stop = at + length * len(rows)
            elif command == _SUBMIT_SM_RESP:
                message_id, _, parameters = data[at + 16 : stop].partition(b"\0")
                answers.append((sequence, status, message_id))
                if parameters:
                    received.parameters.append(parameters)
            elif command == _DELIVER_SM:
                deliveries.append((sequence, data[at + 16 : stop]))
            elif command == _SUBMIT_SM:
                submits.append((sequence, data[at + 16 : stop]))
            elif command == _DELIVER_SM_RESP:
                acks.append((sequence, status))
            else:
                self._take(data[at:stop], received)
                legal = LEGAL[self.state][self.peer]
            at = stop
        self._buffer += data[at:]
        self._needed = max(smallest, int.from_bytes(self._buffer[:4], "big")) if end - at >= 4 else smallest
        if not self._is_length_sane():
            self.close()
            raise FramingError("command_length is out of bounds", received=received)

    def _take(self, data: bytes, received: Received) -> None:
        try:
            pdu = decode(data)
        except RemoteProtocolError as error:
            received.errors.append(error)
            return
        if pdu.command in LEGAL[self.state][self.peer]:
            self._follow(pdu)
            received.pdus.append(pdu)
            return
        message = f"{self.peer.value} may not send {pdu.command.name.lower()} when {self.state.value}"
        reply = refusal(pdu.command, CommandStatus.RINVBNDSTS, pdu.sequence)
        received.errors.append(RemoteProtocolError(message, reply=reply))

    def _follow(self, pdu: Pdu) -> None:
        if isinstance(pdu, BindResp) and pdu.status == CommandStatus.ROK:
            self.state = BOUND_BY[pdu.command]
        elif pdu.command is Command.UNBIND:
            self.state = State.UNBOUND


# Plain integers: comparing with a member of an enumeration costs three times as much in the scan.
_SUBMIT_SM = int(Command.SUBMIT_SM)
_SUBMIT_SM_RESP = int(Command.SUBMIT_SM_RESP)
_DELIVER_SM = int(Command.DELIVER_SM)
_DELIVER_SM_RESP = int(Command.DELIVER_SM_RESP)
_HOT = frozenset({_SUBMIT_SM, _SUBMIT_SM_RESP, _DELIVER_SM, _DELIVER_SM_RESP})
