"""One connection of a client: binds, submits, receipts and their acknowledgements."""

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from simulator import ids, submits
from simulator.faults import Twist
from simulator.journal import Lines
from simulator.outbox import Outbox
from simulator.reports import Accepted, AcceptedRun, Reports, message_from_a_phone
from simulator.submits import ALWAYS, ON_FAILURE, Alike
from smpp import hot, pdu
from smpp.bulk import Run
from smpp.pdu import Command, Pdu
from smpp.session import FramingError, Received, Role, Session, State
from smpp.status import CommandStatus

if TYPE_CHECKING:
    from simulator.smsc import Smsc

Answer = tuple[int, int, bytes]
"""Sequence, command_status, message id."""

LENGTH_BOMB = pdu.HEADER.pack(0x7FFFFFFF, Command.DELIVER_SM, 0, 1)
NEVER_SENT = 0x40000000  # a bit that no sequence of a client has reached
HELD_AT_MOST = 0.05  # seconds until a group that REORDER waits for is answered as it is
MODES = {
    Command.BIND_TRANSCEIVER: "transceiver",
    Command.BIND_TRANSMITTER: "transmitter",
    Command.BIND_RECEIVER: "receiver",
}

# After these the batch is closed: what came before them is answered first.
_ENDS = frozenset({Twist.CUT_BEFORE, Twist.CUT_AFTER, Twist.UNBIND, Twist.LENGTH_BOMB, Twist.NACK_ZERO})


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The submits of one read."""

    lines: Lines
    at: float
    answers: list[Answer] = field(default_factory=list)
    late: list[Answer] = field(default_factory=list)
    nacks: list[tuple[int, CommandStatus]] = field(default_factory=list)
    accepted: list[Accepted] = field(default_factory=list)


class Link(asyncio.Protocol):
    """asyncio sets TCP_NODELAY; all that one read brings is answered in one write."""

    def __init__(self, smsc: "Smsc", number: int) -> None:
        self.smsc = smsc
        self.number = number
        self.system_id = b""
        self.session = Session(Role.SMSC, bulk=smsc.takes_runs)
        self._knobs = smsc.knobs
        self._form = ids.FORMS[smsc.knobs.id_resp]
        self._retry = smsc.knobs.dlr_retry_ms / 1000
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport
        self._is_paused = False
        self._unanswered = 0
        self._held: list[Answer] = []
        self._late: dict[int, Answer] = {}
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

    def deliver(self, reports: list[Reports]) -> None:
        for some in reports:
            self._outbox.add(some)
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
        for run in received.runs:
            if run.command == Command.SUBMIT_SM and not self._transport.is_closing():
                received.submits.extend(self._take_run(run))
            elif run.command == Command.DELIVER_SM_RESP:
                self._acknowledge(run.sequences, run.statuses)
        one_by_one = iter(received.submits)
        while not self._transport.is_closing() and (twist := self._take(one_by_one)):
            self._suffer(twist)
        if received.acks:
            sequences, statuses = np.array(received.acks, np.int64).T
            self._acknowledge(sequences, statuses)
        for one in received.pdus:
            self._handle(one)

    # Submits

    def _take_run(self, run: Run) -> list[tuple[int, bytes]]:
        """Those that are like none of the others are left."""
        groups, others = submits.alike(run)
        for group in groups:
            first = self.smsc.number + 1
            self.smsc.number += len(group)
            numbers = np.arange(first, first + len(group))
            for part in self._form.equally_long(numbers):
                self._accept(group[part], numbers[part])
        return others

    def _accept(self, alike: Alike, numbers: ids.Numbers) -> None:
        message_ids = self._form.spell(numbers)
        if self.smsc.journal.is_kept:
            lines = self._lines()
            lines.submit_run(alike, message_ids)
            self.smsc.journal.write(lines)
        recipients, wanted = alike.destinations, alike.first.registered & 3
        if wanted == ON_FAILURE:
            failing = self.smsc.reporter.failing(numbers)
            numbers, recipients = numbers[failing], recipients[failing]
        if wanted in (ALWAYS, ON_FAILURE) and len(numbers):
            accepted = AcceptedRun(numbers=numbers, sender=alike.first.source, recipients=recipients)
            self.smsc.report_later(self, accepted)
        self._write(hot.submit_sm_resp_run(alike.sequences, message_ids, parameters=self.smsc.parameters))

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
        said = submits.read(body)
        if said is None:
            batch.answers.append((sequence, CommandStatus.RINVCMDLEN, b""))
            return Twist.NONE
        smsc, status, twist, message_id = self.smsc, 0, Twist.NONE, b""
        if smsc.faults.are_wanted:
            unanswered = self._unanswered + len(batch.answers)
            status, twist = smsc.faults.judge(said.destination, unanswered=unanswered, now=batch.at)
        if not status:
            smsc.number = number = smsc.number + 1
            message_id = self._form.one(number)
            wanted = said.registered & 3
            is_left_out = self._knobs.dlr_only_last_part and submits.is_early_part(body, said)
            if not is_left_out and (wanted == ALWAYS or (wanted == ON_FAILURE and smsc.reporter.fails(number))):
                batch.accepted.append((number, said.source, said.destination))
        if smsc.journal.is_kept:
            batch.lines.submit(sequence, body, said, message_id=message_id, status=status)
        self._answer_with(twist, (sequence, status, message_id), batch)
        return twist

    def _answer_with(self, twist: Twist, answer: Answer, batch: Batch) -> None:
        match twist:
            case Twist.NACK:
                batch.nacks.append((answer[0], CommandStatus(answer[1])))
            case Twist.LATE:
                batch.late.append(answer)
            case Twist.STRAY:
                never_sent = (answer[0] ^ NEVER_SENT, 0, self._form.one(0))
                batch.answers.extend((answer, never_sent, answer))
            case Twist.SILENCE | Twist.CUT_BEFORE:
                pass
            case _:
                batch.answers.append(answer)

    def _reply(self, batch: Batch) -> None:
        if self._knobs.dlr_before_resp:
            self.smsc.deliver(self, self.smsc.reporter.due([batch.accepted], now=self.smsc.wall()))
        elif batch.accepted:
            self.smsc.report_later(self, batch.accepted)
        self._write(b"".join(pdu.nack(status, sequence) for sequence, status in batch.nacks))
        for late in batch.late:
            self._unanswered += 1
            self._late[late[0]] = late
            self._loop.call_later(self._knobs.late_ms / 1000, self._answer_late, late[0])
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
        self._write(self._resps(answers))

    def _resps(self, answers: Iterable[Answer]) -> bytes:
        if not self.smsc.parameters:
            return hot.submit_sm_resps(answers)
        # A refusal may come without a body, and so without parameters (§4.4.2).
        return b"".join(
            hot.submit_sm_resps([answer], parameters=b"" if answer[1] else self.smsc.parameters) for answer in answers
        )

    def _answer_late(self, sequence: int) -> None:
        if answer := self._late.pop(sequence, None):
            self._unanswered -= 1
            self._write(self._resps([answer]))

    def _answer_first_delayed(self) -> None:
        self._answer(self._delayed.popleft()[1])

    def _answer_everything(self) -> None:
        while self._delayed:
            self._delayed[0][0].cancel()
            self._answer_first_delayed()
        self._answer_held()
        for sequence in list(self._late):
            self._answer_late(sequence)

    def _answer_held(self) -> None:
        self._unanswered -= len(self._held)
        self._write(self._resps(reversed(self._held)))
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
            case Twist.NACK_ZERO:
                self._write(pdu.nack(CommandStatus.RINVCMDLEN))

    # Receipts

    def _send_reports(self) -> None:
        count = self._outbox.room
        if not count or self._is_paused or not self.receives:
            return
        first = self.session.next_sequences(count)
        self._write(self._outbox.send(count, first_sequence=first, now=self._loop.time()))
        if self._resending is None:
            self._resending = self._loop.call_later(self._retry, self._resend)

    def _acknowledge(self, sequences: NDArray[np.int64], statuses: NDArray[np.int64]) -> None:
        lines = self._lines()
        refused: list[Reports] = []
        for reports, which in self._outbox.acknowledge(sequences):
            told = statuses[which]
            for status in (0,) if not told.any() else np.unique(told).tolist():
                these = reports if (told == status).all() else reports[np.flatnonzero(told == status)]
                lines.acks(these.ids(), status)
                if status:
                    refused.append(these)
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
                self._acknowledge(np.array([one.sequence]), np.array([one.status]))
            case _ if not one.command & pdu.RESPONSE:
                self._write(self.session.send(pdu.response(one, CommandStatus.RINVCMDID)))

    def _bind(self, request: pdu.Bind) -> None:
        status = self.smsc.judge_bind(request)
        lines = self._lines()
        lines.bind(MODES[request.command], request.system_id, status)
        self.smsc.journal.write(lines)
        answer = cast(pdu.BindResp, pdu.response(request))
        self._write(self.session.send(replace(answer, status=status, system_id=b"simulator")))
        if status:
            return
        self.system_id = request.system_id
        if self._knobs.mo_on_bind and self.receives:
            self.deliver([message_from_a_phone(self._knobs)])
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
