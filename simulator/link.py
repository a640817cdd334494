"""One connection of a client: binds, submits, receipts and their acknowledgements."""

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from simulator.faults import Twist
from simulator.journal import Lines
from simulator.outbox import Outbox
from simulator.reports import ID_FORMATS, Accepted, Report, message_from_a_phone
from smpp import hot, pdu
from smpp.pdu import Command, Pdu, Tlv
from smpp.session import FramingError, Received, Role, Session, State
from smpp.status import CommandStatus

if TYPE_CHECKING:
    from simulator.smsc import Smsc

Answer = tuple[int, int, bytes]
"""Sequence, command_status, message id."""

LENGTH_BOMB = pdu.HEADER.pack(0x7FFFFFFF, Command.DELIVER_SM, 0, 1)
ALWAYS, ON_FAILURE = 1, 2  # registered_delivery & 3 (§5.2.17)
HELD_AT_MOST = 0.05  # seconds until a group that REORDER waits for is answered as it is
MODES = {
    Command.BIND_TRANSCEIVER: "transceiver",
    Command.BIND_TRANSMITTER: "transmitter",
    Command.BIND_RECEIVER: "receiver",
}

# After these the batch is closed: what came before them is answered first.
_ENDS = frozenset({Twist.CUT_BEFORE, Twist.CUT_AFTER, Twist.UNBIND, Twist.LENGTH_BOMB})


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The submits of one read."""

    lines: Lines
    at: float
    answers: list[Answer] = field(default_factory=list)
    nacks: list[tuple[int, CommandStatus]] = field(default_factory=list)
    accepted: list[Accepted] = field(default_factory=list)


class Link(asyncio.Protocol):
    """asyncio sets TCP_NODELAY; all that one read brings is answered in one write."""

    def __init__(self, smsc: "Smsc", number: int) -> None:
        self.smsc = smsc
        self.number = number
        self.system_id = b""
        self.session = Session(Role.SMSC)
        self._knobs = smsc.knobs
        self._id = ID_FORMATS[smsc.knobs.id_resp]
        self._retry = smsc.knobs.dlr_retry_ms / 1000
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._is_paused = False
        self._unanswered = 0
        self._held: list[Answer] = []
        self._delayed: deque[tuple[asyncio.TimerHandle, list[Answer]]] = deque()
        self._outbox = Outbox(window=smsc.knobs.dlr_window)
        self._resending: asyncio.TimerHandle | None = None

    @property
    def receives(self) -> bool:
        return not self._transport.is_closing() and self.session.may_send(Command.DELIVER_SM)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.session.close()
        self.smsc.forget(self)
        if self._resending:
            self._resending.cancel()
        self.smsc.deliver(self, self._outbox.empty())

    def pause_writing(self) -> None:
        self._is_paused = True
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._is_paused = False
        self._transport.resume_reading()
        self._send_reports()

    def data_received(self, data: bytes) -> None:
        try:
            self._serve(self.session.receive(data))
        except FramingError as error:
            self._serve(error.received)
            self._write(error.reply)
            self._transport.close()

    def deliver(self, reports: list[Report]) -> None:
        self._outbox.add(reports)
        self._send_reports()

    def abort(self) -> None:
        self._transport.abort()

    def _write(self, data: bytes) -> None:
        if not data or self._transport.is_closing():
            return
        if self._knobs.split_writes:
            at, size = 0, 1
            while at < len(data):
                self._transport.write(data[at : at + size])
                at, size = at + size, size % 7 + 1
        else:
            self._transport.write(data)

    def _serve(self, received: Received) -> None:
        for error in received.errors:
            self._write(error.reply)
        submits = iter(received.submits)
        while not self._transport.is_closing() and (twist := self._take(submits)):
            self._suffer(twist)
        if received.acks:
            self._acknowledge(received.acks)
        for one in received.pdus:
            self._handle(one)

    # Submits

    def _take(self, submits: Iterator[tuple[int, bytes]]) -> Twist | None:
        """Journal, then answer submits until one brings more than an answer; None when there are no more."""
        batch = Batch(lines=self._lines(), at=self._loop.time())
        end = None
        for sequence, body in submits:
            twist = self._judge(sequence, body, batch)
            if twist is not Twist.NONE and twist in _ENDS:
                end = twist
                break
        self.smsc.journal.write(batch.lines)
        self._reply(batch)
        return end

    def _judge(self, sequence: int, body: bytes, batch: Batch) -> Twist:
        match = hot.SHORT_MESSAGE.match(body)
        if match is None:
            batch.answers.append((sequence, CommandStatus.RINVCMDLEN, b""))
            return Twist.NONE
        smsc, status, twist, message_id = self.smsc, 0, Twist.NONE, b""
        source, destination, esm_class, registered, data_coding, length = match.groups()
        if smsc.faults.are_wanted:
            unanswered = self._unanswered + len(batch.answers)
            status, twist = smsc.faults.judge(destination, unanswered=unanswered, now=batch.at)
        if not status:
            smsc.number = number = smsc.number + 1
            message_id = self._id(number)
            wanted = registered[0] & 3
            if wanted == ALWAYS or (wanted == ON_FAILURE and smsc.reporter.fails(number)):
                batch.accepted.append((number, source, destination))
        if smsc.journal.is_kept:
            batch.lines.submit(
                sequence=sequence,
                source=source,
                destination=destination,
                data_coding=data_coding[0],
                esm_class=esm_class[0],
                payload=_payload(body, match.end(), length[0]),
                message_id=message_id,
                status=status,
            )
        if twist is Twist.NACK:
            batch.nacks.append((sequence, CommandStatus(status)))
        elif twist is not Twist.SILENCE and twist is not Twist.CUT_BEFORE:
            batch.answers.append((sequence, status, message_id))
        return twist

    def _reply(self, batch: Batch) -> None:
        if self._knobs.dlr_before_resp:
            self.smsc.deliver(self, self.smsc.reporter.reports(batch.accepted, now=self.smsc.wall()))
        elif batch.accepted:
            self.smsc.report_later(self, batch.accepted)
        self._write(b"".join(pdu.nack(status, sequence) for sequence, status in batch.nacks))
        if batch.answers:
            self._unanswered += len(batch.answers)
            if self._knobs.resp_delay_ms:
                timer = self._loop.call_later(self._knobs.resp_delay_ms / 1000, self._answer_first_delayed)
                self._delayed.append((timer, batch.answers))
            else:
                self._answer(batch.answers)

    def _answer(self, answers: list[Answer]) -> None:
        group = self._knobs.reorder
        if group > 1:
            if not self._held:
                self._loop.call_later(HELD_AT_MOST, self._answer_held)
            self._held += answers
            whole = len(self._held) - len(self._held) % group
            answers = [one for at in range(0, whole, group) for one in reversed(self._held[at : at + group])]
            del self._held[:whole]
        self._unanswered -= len(answers)
        self._write(hot.submit_sm_resps(answers))

    def _answer_first_delayed(self) -> None:
        self._answer(self._delayed.popleft()[1])

    def _answer_everything(self) -> None:
        while self._delayed:
            self._delayed[0][0].cancel()
            self._answer_first_delayed()
        self._answer_held()

    def _answer_held(self) -> None:
        self._unanswered -= len(self._held)
        self._write(hot.submit_sm_resps(reversed(self._held)))
        self._held.clear()

    def _suffer(self, twist: Twist) -> None:
        self._answer_everything()
        match twist:
            case Twist.CUT_BEFORE | Twist.CUT_AFTER:
                self._transport.close()
            case Twist.UNBIND if self.session.state is not State.UNBOUND:
                self._note_unbind("smsc")
                self._write(self.session.send(pdu.Unbind()))
            case Twist.LENGTH_BOMB:
                self._write(LENGTH_BOMB)

    # Receipts

    def _send_reports(self) -> None:
        count = self._outbox.room
        if not count or self._is_paused or not self.receives:
            return
        first = self.session.next_sequences(count)
        self._write(hot.deliver_sms(first, self._outbox.send(count, first_sequence=first, now=self._loop.time())))
        if self._resending is None:
            self._resending = self._loop.call_later(self._retry, self._resend)

    def _acknowledge(self, acks: list[tuple[int, int]]) -> None:
        lines = self._lines()
        refused: list[Report] = []
        for sequence, status in acks:
            report = self._outbox.acknowledge(sequence)
            if report:
                lines.ack(report[0], status)
                if status:
                    refused.append(report)
        self.smsc.journal.write(lines)
        if refused:
            self._loop.call_later(self._retry, self.smsc.deliver, self, refused)
        self._send_reports()

    def _resend(self) -> None:
        """Everything not acknowledged in time goes out again, under a new sequence."""
        self._resending = None
        due = self._loop.time() - self._retry
        self._outbox.send_again(sent_before=due)
        self._send_reports()
        oldest = self._outbox.oldest_sent_at
        if oldest is not None and self._resending is None:
            self._resending = self._loop.call_later(oldest - due, self._resend)

    # Everything else

    def _handle(self, one: Pdu) -> None:
        match one:
            case pdu.Bind() if self.session.state is State.OPEN:
                self._bind(one)
            case pdu.Bind():
                self._write(pdu.refusal(one.command, CommandStatus.RALYBND, one.sequence))
            case pdu.EnquireLink():
                if not self._knobs.mute_elink:
                    self._write(self.session.send(pdu.response(one)))
            case pdu.Unbind():
                self._note_unbind("esme")
                self._answer_everything()
                self._write(self.session.send(pdu.response(one)))
                self._transport.close()
            case pdu.UnbindResp():
                self._transport.close()
            case pdu.GenericNack():
                self._acknowledge([(one.sequence, one.status)])
            case _ if not one.command & pdu.RESPONSE:
                self._write(self.session.send(pdu.response(one, CommandStatus.RINVCMDID)))

    def _bind(self, request: pdu.Bind) -> None:
        status = self.smsc.judge_bind(request)
        lines = self._lines()
        lines.bind(MODES[request.command], request.system_id, status)
        self.smsc.journal.write(lines)
        answer = cast(pdu.BindResp, pdu.response(request, status))
        self._write(self.session.send(replace(answer, system_id=b"simulator")))
        if status:
            return
        self.system_id = request.system_id
        if self._knobs.mo_on_bind and self.receives:
            self.deliver([message_from_a_phone()])
        if self._knobs.elink_ms:
            self._enquire()
        self.smsc.welcome(self)

    def _lines(self) -> Lines:
        return Lines(at=self.smsc.wall(), bind=self.number)

    def _note_unbind(self, side: str) -> None:
        lines = self._lines()
        lines.unbind(side)
        self.smsc.journal.write(lines)

    def _enquire(self) -> None:
        if not self._transport.is_closing() and self.session.may_send(Command.ENQUIRE_LINK):
            self._write(self.session.send(pdu.EnquireLink()))
            self._loop.call_later(self._knobs.elink_ms / 1000, self._enquire)


def _payload(body: bytes, start: int, length: int) -> bytes:
    if length:
        return body[start : start + length]
    return pdu.read_tlvs(body, start).get(Tlv.MESSAGE_PAYLOAD, b"")
