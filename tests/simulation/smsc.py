"""A carrier in memory: it speaks through the pure session, keeps a journal of all that it saw, and has its moods."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from smpp import pdu
from smpp.hot import SHORT_MESSAGE, submit_sm_resps
from smpp.pdu import DeliverSm, RemoteProtocolError
from smpp.session import Role, Session, State
from smpp.status import CommandStatus as C
from tests.simulation.wire import Socket
from tests.simulation.world import World

ACCEPTED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mood:
    """What becomes of one submit_sm."""

    code: int = ACCEPTED
    answer_after: float | None = 0.01  # None: never
    is_doubled: bool = False  # the answer comes twice
    is_nacked: bool = False  # refused by a generic_nack
    is_cut: str = ""  # "before" it is looked at, "after" it is, or after it is "answered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What the receipts of one accepted part will say, and when (seconds); `doubled` comes twice."""

    words: tuple[tuple[float, str], ...] = ((0.2, "DELIVRD"),)
    is_early: bool = False  # before the response
    is_doubled: bool = False


@dataclass(slots=True, kw_only=True, eq=False)
class Submit:
    campaign: int
    recipient: int
    part: int
    at: float
    line: "Line"
    intents: int  # that covered the recipient when it was written
    code: int | None = None
    message_id: str = ""
    is_told: bool = False  # its answer was written


@dataclass(slots=True, kw_only=True, eq=False)
class Told:
    """One receipt on its way."""

    submit: Submit
    word: str
    body: DeliverSm
    is_acknowledged: bool = False
    tries: int = 0


@dataclass(slots=True, eq=False)
class Line:
    """The SMSC's end of one connection."""

    smsc: "Smsc"
    socket: Socket
    session: Session = field(default_factory=lambda: Session(Role.SMSC))
    is_open: bool = True
    is_bound: bool = False
    is_mute: bool = False
    unanswered: dict[int, Told] = field(default_factory=dict)

    def hear(self, data: bytes, mark: int) -> None:
        if not self.is_open:
            return
        try:
            received = self.session.receive(data)
        except RemoteProtocolError as error:
            self.smsc.world.violate(f"bytes out of step: {error}")
            return
        for sequence, status in received.acks:
            self.smsc.acknowledged(self, sequence, status)
        for one in received.pdus:
            self._handle(one)
        for sequence, body in received.submits:
            if self.is_open:
                self.smsc.submitted(self, sequence, body, mark)
        for error in received.errors:
            if self.session.state is not State.UNBOUND:
                self.smsc.world.violate(f"not SMPP: {error}")
            self.send(error.reply)  # it crossed our unbind, and is refused

    def send(self, data: bytes) -> None:
        if self.is_open:
            self.socket.back.send(data)

    def say(self, one: pdu.Pdu) -> None:
        if self.is_open and self.session.may_send(one.command):
            self.send(self.session.send(one))

    def hung_up(self) -> None:
        """The other end is gone, as far as this one can see."""
        if self.is_open:
            self.is_open = self.is_bound = False
            self.smsc.lost(self)

    def close(self) -> None:
        """What was written still arrives."""
        if self.is_open:
            self.is_open = self.is_bound = False
            self.socket.back.close(self.socket.smsc_closed)
            self.smsc.lost(self)

    def cut(self) -> None:
        self.smsc.cut(self)

    def _handle(self, one: pdu.Pdu) -> None:
        match one:
            case pdu.Bind():
                status = self.smsc.judge_bind()
                self.say(pdu.response(one, status))
                self.is_bound = status == 0
                if self.is_bound:
                    self.smsc.sessions += 1
            case pdu.EnquireLink():
                if not self.is_mute:
                    self.say(pdu.response(one))
            case pdu.Unbind():
                self.say(pdu.response(one))
                self.close()


class Smsc:
    def __init__(self, world: World, *, mood: Callable[[Submit], Mood], fate: Callable[[Submit], Fate]) -> None:
        self.world = world
        self.mood, self.fate = mood, fate
        self.judge_bind: Callable[[], C] = lambda: C.ROK
        self.on_cut: Callable[[str], None] = lambda why: None
        self.whose: Callable[[bytes, bytes], tuple[int, int]] = lambda source, destination: (0, 0)
        self.covered: Callable[[int, int, int], int] = lambda campaign, recipient, commits: 0
        self.is_away = False
        self.is_decimal = False  # receipts say the id in base 10
        self.latency: Callable[[], float] = lambda: world.rng.uniform(0.001, 0.02)
        self.lines: list[Line] = []
        self.sessions = 0
        self.submits: list[Submit] = []
        self.by_recipient: dict[tuple[int, int], list[Submit]] = defaultdict(list)
        self.receipts: list[Told] = []
        self.pending = 0  # answers and receipts that are still to be sent or acknowledged
        self._next_id = 0xA000 + world.rng.randrange(0x1000)

    # --- Connections --------------------------------------------------------------------------------------------------

    def answer_call(self, socket: Socket) -> Line:
        line = Line(self, socket)
        self.lines.append(line)
        return line

    def lost(self, line: Line) -> None:
        if line in self.lines:
            self.lines.remove(line)
        for told in line.unanswered.values():  # the carrier sends again what was not acknowledged
            self.world.after(0.3, None, self._deliver, told)
        line.unanswered.clear()

    def cut(self, line: Line) -> None:
        if line.is_open:
            self.on_cut("cut")
            line.socket.cut()

    # --- Submits ------------------------------------------------------------------------------------------------------

    def submitted(self, line: Line, sequence: int, body: bytes, commits: int) -> None:
        match = SHORT_MESSAGE.match(body)
        assert match is not None
        source, destination, esm_class, *_ = match.groups()
        part = body[match.end() + 5] - 1 if esm_class[0] & 0x40 else 0
        campaign, recipient = self.whose(source, destination)
        submit = Submit(
            campaign=campaign,
            recipient=recipient,
            part=part,
            at=self.world.now,
            line=line,
            intents=self.covered(campaign, recipient, commits),
        )
        mood = self.mood(submit)
        if mood.is_cut == "before":
            self.cut(line)
            return
        self.submits.append(submit)
        self.by_recipient[campaign, recipient].append(submit)
        submit.code = mood.code
        self.world.say(f"SMSC sees {campaign}/{recipient}.{part}: 0x{mood.code:X}")
        if mood.code == ACCEPTED:
            self._next_id += 1
            submit.message_id = f"{self._next_id:X}"
            self._plan_receipts(submit)
        if mood.is_cut == "after":
            self.cut(line)
        elif mood.answer_after is not None:
            self.pending += 1
            self.world.after(mood.answer_after, None, self._answer, submit, sequence, mood)

    def _answer(self, submit: Submit, sequence: int, mood: Mood) -> None:
        self.pending -= 1
        line = submit.line
        if not line.is_open:
            return
        submit.is_told = True
        if mood.is_nacked:
            line.send(pdu.nack(C(mood.code), sequence))
        else:
            answer = submit_sm_resps([(sequence, mood.code, submit.message_id.encode())])
            line.send(answer * (2 if mood.is_doubled else 1))
        if mood.is_cut == "answered":
            self.cut(line)

    # --- Receipts -----------------------------------------------------------------------------------------------------

    def _plan_receipts(self, submit: Submit) -> None:
        fate = self.fate(submit)
        for delay, word in fate.words:
            told = self._receipt(submit, word)
            for again in range(1 + fate.is_doubled):
                self.pending += 1
                if fate.is_early and not again:
                    self._deliver(told)
                else:
                    self.world.after(delay + again * 0.2, None, self._deliver, told)

    def _receipt(self, submit: Submit, word: str) -> Told:
        shown = str(int(submit.message_id, 16)) if self.is_decimal else submit.message_id
        text = f"id:{shown} sub:001 dlvrd:001 submit date:2611271000 done date:2611271001 stat:{word} err:000 text:x"
        phone = self.phone_of(submit.campaign, submit.recipient)
        body = DeliverSm(source_addr=phone, esm_class=4, short_message=text.encode())
        told = Told(submit=submit, word=word, body=body)
        self.receipts.append(told)
        return told

    phone_of: Callable[[int, int], bytes]

    def _deliver(self, told: Told) -> None:
        open_lines = [line for line in self.lines if line.is_bound and line.session.may_send(told.body.command)]
        if not open_lines:
            self.world.after(0.5, None, self._deliver, told)
            return
        line = self.world.rng.choice(open_lines)
        told.tries += 1
        data = line.session.send(told.body)
        line.unanswered[int.from_bytes(data[12:16], "big")] = told
        line.send(data)

    def acknowledged(self, line: Line, sequence: int, status: int) -> None:
        told = line.unanswered.pop(sequence, None)
        if told is None:
            self.world.violate(f"deliver_sm_resp for a sequence that was not sent: {sequence}")
        elif status == 0:
            told.is_acknowledged = True
            self.pending -= 1
        else:
            self.world.after(0.5, None, self._deliver, told)


__all__ = ["ACCEPTED", "Any", "Fate", "Mood", "Smsc", "Submit", "Told"]
