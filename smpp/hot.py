"""The PDUs that come in millions, written and cut in bulk; byte-equal to `pdu.encode` of each."""

import re
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from smpp.bulk import Octets, beside, words
from smpp.pdu import HEADER, Command, LocalProtocolError, SubmitSm, encode

_MAX_ADDRESS = 20

# The body that submit_sm and deliver_sm share (§4.4.1): source_addr, destination_addr, esm_class,
# registered_delivery, data_coding, sm_length. The short message begins where the match ends.
SHORT_MESSAGE = re.compile(
    rb"[^\0]*\0..([^\0]*)\0..([^\0]*)\0(.)..[^\0]*\0[^\0]*\0(.).(.).(.)",
    re.DOTALL,
)


class SubmitTemplate:
    """A submit_sm that goes to many destinations."""

    def __init__(self, pdu: SubmitSm) -> None:
        if pdu.destination_addr:
            raise LocalProtocolError("a template has no destination_addr")
        raw = encode(pdu)
        at = HEADER.size + len(pdu.service_type) + 1 + 2 + len(pdu.source_addr) + 1 + 2
        self._head, self._tail = raw[HEADER.size : at], raw[at:]
        # command_length, command_id and command_status by the length of the destination
        self._starts = [
            HEADER.pack(len(raw) + length, Command.SUBMIT_SM, 0, 0)[:12] for length in range(_MAX_ADDRESS + 1)
        ]

    def encode(self, first_sequence: int, destinations: Sequence[bytes]) -> bytes:
        """One PDU per destination, in order, numbered from `first_sequence`. The destinations hold no NUL."""
        starts, head, tail = self._starts, self._head, self._tail
        try:
            return b"".join(
                [
                    starts[len(destination)] + sequence.to_bytes(4, "big") + head + destination + tail
                    for sequence, destination in enumerate(destinations, first_sequence)
                ]
            )
        except IndexError:
            raise LocalProtocolError(f"a destination is longer than {_MAX_ADDRESS} octets") from None

    def rows(self, sequences: NDArray[np.integer], destinations: Octets) -> Octets:
        """One PDU a row; the destinations, one a row as well, are equally long."""
        count, width = destinations.shape
        if width > _MAX_ADDRESS:
            raise LocalProtocolError(f"a destination is longer than {_MAX_ADDRESS} octets")
        start = self._starts[width] + bytes(4) + self._head
        one = np.frombuffer(start + bytes(width) + self._tail, np.uint8)
        written = np.empty((count, len(one)), np.uint8)
        written[:] = one
        written[:, 12:16] = words(sequences)
        written[:, len(start) : len(start) + width] = destinations
        return written

    def encode_run(self, first_sequence: int, destinations: Octets) -> bytes:
        """As `encode`, of destinations that are equally long, one a row."""
        return self.rows(np.arange(first_sequence, first_sequence + len(destinations)), destinations).tobytes()

    def body(self, destination: bytes) -> bytes:
        """Of one PDU, without its header."""
        return self._head + destination + self._tail


class Envelope:
    """A submit_sm whose destination and text are still to come."""

    def __init__(self, pdu: SubmitSm) -> None:
        if pdu.destination_addr or pdu.short_message or pdu.tlvs:
            raise LocalProtocolError("an envelope has no destination_addr, no short_message, no optional parameters")
        raw = encode(pdu)[HEADER.size :]
        at = len(pdu.service_type) + 1 + 2 + len(pdu.source_addr) + 1 + 2
        self._head, self._tail = raw[:at], raw[at:-1]

    def body(self, destination: bytes, text: bytes, tlvs: bytes = b"") -> bytes:
        """Of one PDU, without its header. The text has at most 254 octets."""
        return b"%b%b%b%c%b%b" % (self._head, destination, self._tail, len(text), text, tlvs)


def submit_sms(first_sequence: int, bodies: Iterable[bytes]) -> bytes:
    return _numbered(Command.SUBMIT_SM, first_sequence, bodies)


def deliver_sm_resps(sequences: Iterable[int], status: int = 0, *, command: Command = Command.DELIVER_SM_RESP) -> bytes:
    """`command` may be data_sm_resp, whose body is the same (§4.7.2)."""
    start = HEADER.pack(HEADER.size + 1, command, status, 0)[:12]
    return b"".join([start + sequence.to_bytes(4, "big") + b"\0" for sequence in sequences])


def deliver_sm_resp_run(sequences: NDArray[np.integer], status: int = 0) -> bytes:
    """As `deliver_sm_resps`."""
    rows = np.zeros((len(sequences), HEADER.size + 1), np.uint8)
    rows[:, :12] = np.frombuffer(HEADER.pack(HEADER.size + 1, Command.DELIVER_SM_RESP, status, 0)[:12], np.uint8)
    rows[:, 12:16] = words(sequences)
    return rows.tobytes()


def submit_sm_resp_run(sequences: NDArray[np.integer], message_ids: Octets, *, parameters: bytes = b"") -> bytes:
    """Positive answers, whose ids are one a row and have no NUL; the same optional parameters behind each."""
    tail = b"\0" + parameters
    head = HEADER.pack(HEADER.size + message_ids.shape[1] + len(tail), Command.SUBMIT_SM_RESP, 0, 0)[:12]
    return beside(len(sequences), head, words(sequences), message_ids, tail).tobytes()


def submit_sm_resps(answers: Iterable[tuple[int, int, bytes]], *, parameters: bytes = b"") -> bytes:
    """Of (sequence, command_status, message_id), as `Received.answers` has them; the same optional parameters behind
    each."""
    command = int(Command.SUBMIT_SM_RESP)
    tail = b"\0" + parameters
    pack, size = HEADER.pack, HEADER.size + len(tail)
    return b"".join(
        [
            pack(size + len(message_id), command, status, sequence) + message_id + tail
            for sequence, status, message_id in answers
        ]
    )


def deliver_sms(first_sequence: int, bodies: Iterable[bytes]) -> bytes:
    return _numbered(Command.DELIVER_SM, first_sequence, bodies)


def _numbered(command: Command, first_sequence: int, bodies: Iterable[bytes]) -> bytes:
    number, pack, size = int(command), HEADER.pack, HEADER.size
    return b"".join(
        [pack(size + len(body), number, 0, sequence) + body for sequence, body in enumerate(bodies, first_sequence)]
    )
