"""One history: what a seed says of the campaigns, the processes and everything that goes wrong; then it is played."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import greenlet
import numpy as np
from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError

from audit.refusal import Refused
from campaigns.statuses import FINISHED, Status
from delivery import dispatching
from delivery.statuses import ChunkStatus
from delivery.statuses import MessageState as S
from smpp import pdu
from smpp.status import CommandStatus as C
from tests.simulation import doubles, invariants
from tests.simulation.smsc import Fate, Mood, Smsc, Submit
from tests.simulation.store import Campaign, Chunk, Revision, Store
from tests.simulation.wire import Socket
from tests.simulation.world import Process, Silence, Thread, Violation, World, this_thread

FIRST_NUMBER = 31_600_000_001
FIRST_PUSHED = 49_160_000_001
PUSH_CHUNK = 4
SHORT, LONG = "Everything at half price.", "Everything at half price until Sunday. " * 5
TRANSIENT = (C.RMSGQFUL, C.RSYSERR, C.RX_T_APPN, C.RTHROTTLED, C.RINVBNDSTS)
PROFILES = ("calm", "refusing", "carrier", "links", "kills", "stops", "store", "people", "broke", "all", "all")


@dataclass(slots=True, kw_only=True)
class Plan:
    """What the seed says. Chances are of one store call, one submit, or one second."""

    profile: str = "calm"
    counts: list[list[int]] = field(default_factory=lambda: [[12, 8]])  # recipients by campaign and chunk
    text: str = SHORT
    shares_numbers: bool = False  # two campaigns to the same people
    spread: float = 0.0  # seconds
    deadline: float = 0.0
    processes: int = 1
    threads: int = 2
    binds: int = 1
    pair: bool = False
    window: int = 4
    share: int = 4  # of B, a thread's
    suppressed: int = 0
    is_decimal: bool = False
    faults_for: float = 0.0  # seconds

    refuse: float = 0.0
    fail: float = 0.0
    is_refused: bool = False  # the account: every submit, with a reason that is not the recipient's
    slow: float = 0.0  # answers after their batch has gone back
    silent: float = 0.0
    late: float = 0.0  # answers after the timeout
    double: float = 0.0
    nack: float = 0.0
    cut: float = 0.0  # at a submit
    disturb: float = 0.0  # of each connection: cut, unbind, mute, nack without a sequence
    kill: float = 0.0
    stop: float = 0.0
    error: float = 0.0
    drag: float = 0.0  # the store takes seconds
    ring: float = 0.0  # rung for nothing
    people: int = 0  # pauses
    cancel: bool = False
    early: float = 0.1
    undelivered: float = 0.1
    lost: float = 0.0
    doubled: float = 0.0
    pushes: int = 0  # messages that a program pushes into a trigger
    pushed_for: float = 0.0  # seconds


def plan_of(seed: int) -> Plan:
    """Chance of its own: a fault more or less must not make another campaign of it."""
    import random

    rng = random.Random(f"plan {seed}")
    profile = PROFILES[seed % len(PROFILES)]
    one = Plan(profile=profile)
    one.counts = [[rng.randint(2, 9) for _ in range(rng.randint(1, 3))] for _ in range(1 + (rng.random() < 0.2))]
    one.text = LONG if rng.random() < 0.3 else SHORT
    one.shares_numbers = len(one.counts) > 1 and rng.random() < 0.5
    one.spread = rng.uniform(1.0, 6.0) if rng.random() < 0.15 else 0.0
    one.processes, one.threads = rng.choice([1, 1, 1, 2, 2, 3]), rng.choice([1, 2])
    one.binds, one.pair = rng.choice([1, 1, 2]), rng.random() < 0.2
    one.window, one.share = rng.randint(2, 6), rng.randint(2, 6)
    one.suppressed = rng.choice([0, 0, 0, 1, 3])
    one.is_decimal = rng.random() < 0.2
    one.doubled, one.ring = rng.choice([0.0, 0.2]), rng.choice([0.0, 0.3])
    one.slow = rng.choice([0.0, 0.0, 0.15])
    if profile == "calm":
        return one
    one.faults_for = rng.uniform(4.0, 12.0)
    wild = profile == "all"
    if profile == "refusing" and one.text == LONG:
        one.slow = 0.0  # see _mood
    if profile == "refusing" or wild:
        one.refuse, one.fail, one.nack = rng.choice([0.05, 0.25]), rng.choice([0.0, 0.1]), rng.choice([0.0, 0.3])
    if profile == "carrier" or wild:
        one.silent, one.late = rng.choice([0.0, 0.06]), rng.choice([0.0, 0.08])
        one.double, one.lost = rng.choice([0.0, 0.2]), rng.choice([0.0, 0.2])
        one.refuse = one.refuse or rng.choice([0.0, 0.2])
    if profile == "links" or wild:
        one.cut, one.disturb = rng.choice([0.02, 0.06]), rng.choice([0.0, 0.2, 0.5])
    if profile == "kills" or wild:
        one.kill = rng.choice([0.004, 0.015, 0.03])
    if profile == "stops" or wild:
        one.stop = rng.choice([0.004, 0.015])
        one.refuse = one.refuse or rng.choice([0.0, 0.3])
    if profile == "store" or wild:
        one.error, one.drag = rng.choice([0.01, 0.05, 0.15]), rng.choice([0.0, 0.01])
        one.refuse = one.refuse or rng.choice([0.0, 0.3])
    if profile == "people" or wild:
        one.people, one.cancel = rng.randint(0, 3), rng.random() < 0.2
        one.deadline = rng.uniform(0.5, 8.0) if rng.random() < 0.3 else 0.0
    if profile == "broke":
        one.is_refused, one.counts, one.window, one.binds = True, [[24, 10]], 2, 1
        one.processes, one.spread, one.slow = rng.choice([1, 2]), 0.0, 0.0
    return one


def _plan_pushes(seed: int, one: Plan) -> None:
    """Of chance of its own, as above: every other history is what it was without them."""
    import random

    rng = random.Random(f"pushes {seed}")
    if one.profile != "broke" and rng.random() < 0.2:
        one.pushes, one.pushed_for = rng.randint(2, 10), rng.choice([0.5, 4.0])


class History:
    def __init__(self, seed: int, plan: Plan | None = None) -> None:
        self.plan = plan or plan_of(seed)
        if plan is None:
            _plan_pushes(seed, self.plan)
        self.world = World(seed)
        self.rng = self.world.rng
        self.store = Store()
        self.world.commits = lambda: len(self.store.intents)
        self.smsc = Smsc(self.world, mood=self._mood, fate=self._fate)
        self.smsc.is_decimal = self.plan.is_decimal
        self.smsc.whose, self.smsc.phone_of = self._whose, self._phone_of
        self.smsc.covered = self.store.intended_before
        self.smsc.on_cut = lambda why: self.allow(self.plan.window + 1, why)
        self.accounts = [doubles.account(binds=self.plan.binds, window=self.plan.window, pair=self.plan.pair)]
        self.processes: list[Process] = []
        self.started = 0
        self.resumes = self.at_rest = 0
        self.idle: deque[Thread] = deque()
        self.rings: dict[Thread, int] = {}
        self.in_doubt: set[Thread] = set()
        self.allowed = 0  # recipients that the faults may have left in doubt
        self.why: Counter[str] = Counter()
        self.quiet_from = self.world.now + self.plan.faults_for
        self._offsets: dict[int, int] = {}
        self.trigger = 0  # its number, if there is one
        self.answered: dict[int, int] = {}  # what a program was told of the message to each phone

    @property
    def is_faulty(self) -> bool:
        return self.world.now < self.quiet_from

    def allow(self, recipients: int, why: str) -> None:
        self.allowed += recipients
        self.why[why] += 1
        self.world.say(f"FAULT {why}")

    # --- Playing it ---------------------------------------------------------------------------------------------------

    def play(self) -> None:
        doubles.running = self
        settings.DISPATCH_THREADS, settings.DISPATCH_BATCH = self.plan.threads, self.plan.threads * self.plan.share
        settings.DISPATCH_PUSH_THREADS = 1 if self.plan.pushes else 0
        self._lay_out()
        if self.plan.pushes:
            self._plan_program()
        for _ in range(self.plan.processes):
            self._start_process()
        self.world.after(0.0, None, self._beat)
        self._plan_people()
        if self.plan.disturb:
            self.world.after(0.5, None, self._disturb)
        try:
            with Silence():
                in_time = self.world.run(self._is_over, at_most=self.plan.faults_for + 90.0)
                if in_time and not self.world.broken:
                    self._match_the_rest()
            invariants.check(self, in_time=in_time)
        finally:
            for process in self.processes:
                process.end()
            doubles.running = None

    def _lay_out(self) -> None:
        plan, offset = self.plan, 0
        for pk, counts in enumerate(plan.counts, start=1):
            campaign = Campaign(
                pk=pk,
                channel_id=1,
                text=plan.text,
                seal=f"seal {pk}",
                started_at=self.world.clock(),
                revision=Revision(saddr=f"C{pk}"),
            )
            spread = self.world.clock() + _seconds(plan.spread) if plan.spread else None
            if plan.deadline:
                campaign.not_after = self.world.clock() + _seconds(plan.deadline)
            self.store.lay_out(campaign, counts, spread_until=spread)
            self._offsets[pk] = offset
            offset += 0 if plan.shares_numbers else sum(counts)
        total = sum(plan.counts[0])
        for _ in range(min(plan.suppressed, total)):
            self.store.suppressed.add(FIRST_NUMBER + self.rng.randrange(total))

    def _plan_program(self) -> None:
        """A trigger, and when what is pushed into it."""
        plan, now = self.plan, self.world.clock()
        self.trigger = pk = len(self.store.campaigns) + 1
        campaign = Campaign(
            pk=pk,
            channel_id=1,
            text=SHORT,
            seal=f"seal {pk}",
            started_at=now,
            revision=Revision(saddr=f"C{pk}"),
            not_after=now + _seconds(max(plan.faults_for, plan.pushed_for) + self.rng.uniform(5.0, 8.0)),
            is_trigger=True,
        )
        self.store.lay_out(campaign, [])
        self.store.pushes[pk] = []
        for number in range(plan.pushes):
            phone, at = FIRST_PUSHED + number, self.rng.uniform(0.0, plan.pushed_for)
            key = f"order {number}" if self.rng.random() < 0.7 else None
            end = now + _seconds(at + self.rng.uniform(0.1, 3.0)) if self.rng.random() < 0.2 else None
            for _ in range(2 if key and self.rng.random() < 0.3 else 1):  # sent twice, a moment apart
                self.world.after(at + self.rng.uniform(0.0, 0.2), None, self._push, phone, key, end)

    def _push(self, phone: int, key: str | None, end: Any) -> None:
        """A call of a program. Whoever has a key and hears nothing asks again; without one, nobody knows whether it was
        taken, and nobody asks twice."""
        fault = self.rng.choice(["before", "after"]) if self.is_faulty and self.rng.random() < self.plan.error else ""
        found = None
        if fault != "before":
            now = self.world.clock()
            found = self.store.push(self.trigger, phone, key=key, expires_at=end, size=PUSH_CHUNK, now=now)
            self.world.say(f"pushed to {phone} with {key}: {found}")
        if fault and key:
            self.world.after(self.rng.uniform(0.1, 1.0), None, self._push, phone, key, end)
        if fault or found is None:
            return
        if self.answered.setdefault(phone, found) != found:
            self.world.violate(f"one key was answered as {self.answered[phone]} and as {found}")

    def phones(self, chunk: Any) -> Any:
        first = FIRST_NUMBER + self._offsets[chunk.campaign_id] + chunk.first
        return np.arange(first, first + chunk.count, dtype=np.uint64)

    def _whose(self, source: bytes, destination: bytes) -> tuple[int, int]:
        campaign = int(source[1:])
        if campaign == self.trigger:
            pushed = self.store.pushes[campaign]
            return campaign, next(one.recipient for one in pushed if one.phone == int(destination))
        return campaign, int(destination) - FIRST_NUMBER - self._offsets[campaign]

    def _phone_of(self, campaign: int, recipient: int) -> bytes:
        if campaign == self.trigger:
            return str(self.store.pushes[campaign][recipient].phone).encode()
        return str(FIRST_NUMBER + self._offsets[campaign] + recipient).encode()

    def _is_over(self) -> bool:
        """At rest, and so a moment ago."""
        self.at_rest = self.at_rest + 1 if self._is_at_rest() else 0
        return self.at_rest > 1

    def _is_at_rest(self) -> bool:
        if self.smsc.pending:
            return False
        if any(campaign.status not in FINISHED for campaign in self.store.campaigns.values()):
            return False
        if any(chunk.status == ChunkStatus.OPEN for chunk in self.store.chunks.values()):
            return False
        alive = [process.engine for process in self.processes if not process.is_dead]
        return all(engine._notes.is_waited_for and not len(engine._deliveries) for engine in alive)

    def _match_the_rest(self) -> None:
        for one in self.store.receipts:
            one.next_try_at = one.received_at
        self.store.match_pending(now=self.world.clock() + _seconds(0.001))

    # --- The clock, the bell ------------------------------------------------------------------------------------------

    def _beat(self) -> None:
        if not self.is_faulty or self.rng.random() < 0.9:
            self.store.tick(now=self.world.clock())
            self.store.match_pending(now=self.world.clock())
        if not self.is_faulty:
            for campaign in self.store.campaigns.values():
                if campaign.status == Status.PAUSED:
                    self._resume(campaign.pk)
        if self.is_faulty and self.rng.random() < self.plan.ring:
            self.store.bell.append(self.rng.choice(list(self.store.chunks)))
        self._ring_out()
        self.world.after(0.5, None, self._beat)

    def _ring_out(self) -> None:
        self.idle = deque(one for one in self.idle if not one.process.is_dead)
        while self.store.bell and self.idle:
            thread = self.idle[self.rng.randrange(len(self.idle))]
            self.idle.remove(thread)
            self.rings[thread] = self.store.bell.pop(0)
            thread.wake()

    def _work(self) -> None:
        """A task thread."""
        thread = this_thread()
        while True:
            self.idle.append(thread)
            self._ring_out_soon()
            thread.wait(None)
            chunk_id = self.rings.pop(thread)
            try:
                dispatching.work_on(chunk_id, clock=self.world.clock)
            except (OperationalError, InterfaceError) as error:
                self.world.say(f"task of chunk {chunk_id} failed: {error}")
            except IntegrityError as error:
                self.world.say(f"task of chunk {chunk_id} failed: {error!r}")
                if thread not in self.in_doubt:
                    self.world.violate(f"a row was written twice: {error}")
            self.in_doubt.discard(thread)

    def _attend(self) -> None:
        """A thread of `delivery.attending`."""
        thread = this_thread()
        left_alone: dict[int, float] = {}
        while True:
            now = self.world.now
            try:
                found = self.ask("attend", lambda store: store.to_attend(now=self.world.clock()))
                chunk_id = next((one for one in found if left_alone.get(one, 0.0) <= now), None)
                if chunk_id is not None and not dispatching.work_on(chunk_id, clock=self.world.clock):
                    left_alone[chunk_id] = now + 0.5
            except (OperationalError, InterfaceError) as error:
                self.world.say(f"attendant failed: {error}")
                chunk_id = None
            except IntegrityError as error:
                self.world.say(f"attendant failed: {error!r}")
                chunk_id = None
                if thread not in self.in_doubt:
                    self.world.violate(f"a row was written twice: {error}")
            self.in_doubt.discard(thread)
            if chunk_id is None:
                thread.pause(0.2)

    def _ring_out_soon(self) -> None:
        self.world.after(0.0, None, self._ring_out)

    # --- Processes ----------------------------------------------------------------------------------------------------

    def _start_process(self) -> None:
        self.started += 1
        process = Process(self.world, f"p{self.started}")
        process.loop.dial = self._dial_of(process)
        process.engine = engine = doubles.DoubleEngine(process)
        self.processes.append(process)
        Thread(process, "notes", engine._keep_notes)
        for n in range(2):
            Thread(process, f"receipts {n}", engine._keep_receipts)
        for n in range(self.plan.threads):
            Thread(process, f"task {n}", self._work)
        if self.plan.pushes:
            Thread(process, "attendant", self._attend)
        self.world.say(f"{process.name} begins")

    def _dial_of(self, process: Process) -> Callable[..., Any]:
        async def dial(loop: Any, factory: Any) -> Any:
            await asyncio.sleep(self.smsc.latency())
            if self.is_faulty and self.plan.disturb and self.rng.random() < 0.2:
                await asyncio.sleep(0.1 if self.rng.random() < 0.7 else 3.0)
                raise ConnectionRefusedError("nobody there")
            protocol = factory()
            socket = Socket(self.world, process, protocol, self.smsc, self.smsc.latency)
            protocol.connection_made(socket)
            return socket, protocol

        return dial

    def _in_its_hands(self) -> int:
        """What a process may have intended, and not have recorded, at any moment."""
        attendant = 1 if self.plan.pushes else 0  # whose share of B is one at least
        return self.plan.threads * self.plan.share + attendant + self.plan.binds * (self.plan.window + 1)

    def kill(self, process: Process) -> None:
        if process.is_dead:
            return
        self.allow(self._in_its_hands(), f"kill {process.name}")
        for socket in list(process.sockets):
            socket.end()
        process.end()
        self.world.after(self.rng.uniform(0.1, 2.0), None, self._start_process)

    def _stop(self, process: Process) -> None:
        seconds = self.rng.choice([self.rng.uniform(0.1, 1.0), self.rng.uniform(4.5, 9.0)])
        process.stopped_until = self.world.now + seconds
        self.allow(self._in_its_hands(), f"stop {process.name} for {seconds:.1f} s")

    # --- The store ----------------------------------------------------------------------------------------------------

    def ask(self, name: str, call: Callable[[Store], Any]) -> Any:
        """A transaction, and what may happen before it and after it."""
        thread = this_thread()
        if thread.process.is_dead:
            raise greenlet.GreenletExit
        fault = ""
        often = 3 if name == "receipts" else 1
        if self.is_faulty and self.plan.error and self.rng.random() < self.plan.error * often:
            fault = self.rng.choice(["before", "after"])
            risky = name in ("intend", "intend_retries", "results", "evidence")
            self.allow(self.plan.share if risky else 0, f"store error {fault} {name}")
        if name == "results" and self.rng.random() < 0.15:  # a commit takes its time
            thread.pause(self.rng.uniform(0.0, 0.3))
        self._point(thread)
        if fault == "before":
            raise OperationalError("the connection is gone")
        found = call(self.store)
        self.world.say(f"{thread.name}: {name} → %s", _brief(found))
        if self.store.bell:
            self._ring_out_soon()
        if fault == "after" and name == "results":
            self.in_doubt.add(thread)
        self._point(thread)
        if fault == "after":
            raise OperationalError("the connection is gone, and the commit in doubt")
        return found

    def _point(self, thread: Thread) -> None:
        plan, process = self.plan, thread.process
        chance = self.rng.random()
        delay = 0.0 if chance < 0.6 else self.rng.uniform(0.0, 0.01)
        if self.is_faulty and (plan.kill or plan.stop or plan.drag):
            fault = self.rng.random()
            if fault < plan.kill:
                self.world.after(0.0, None, self.kill, process)
                thread.wait(None)
            elif fault < plan.kill + plan.stop:
                self._stop(process)
                chance = 1.0
            elif fault < plan.kill + plan.stop + plan.drag:
                chance = 1.0
                delay = self.rng.uniform(0.5, 7.0)
                self.allow(self.plan.share, f"slow store {delay:.1f} s")
        if chance > 0.4:  # else it is not interrupted here
            thread.pause(delay)

    def storage(self) -> None:
        if self.is_faulty and self.rng.random() < self.plan.error / 3:
            raise OSError("object storage is away")

    # --- The carrier --------------------------------------------------------------------------------------------------

    def _mood(self, submit: Submit) -> Mood:
        plan, rng = self.plan, self.rng
        quick = rng.uniform(0.001, 0.05)
        if plan.slow and rng.random() < plan.slow:
            quick = rng.uniform(0.3, 1.6)
        if not self.is_faulty:
            return Mood(answer_after=quick)
        if plan.is_refused:
            return Mood(code=C.RINVSRCADR, answer_after=quick)
        mood = Mood(answer_after=quick, is_doubled=rng.random() < plan.double)
        chance = rng.random()
        if chance < plan.refuse:
            code = rng.choice(TRANSIENT)
            if code == C.RINVBNDSTS and (plan.text == LONG or plan.pair):
                if plan.profile == "refusing":
                    code = C.RSYSERR
                self.allow(plan.window, "bound again, between two parts")
            mood = replace(mood, code=code, is_nacked=rng.random() < plan.nack)
        elif chance < plan.refuse + plan.fail:
            mood = replace(mood, code=C.RINVDSTADR)
        if mood.code and plan.text == LONG and plan.slow:
            # Of answers to the parts of one message that come apart and late, a refusal is forgotten.
            self.allow(1, "a refused part")
        if rng.random() < plan.silent:
            self.allow(1, "silence")
            return replace(mood, answer_after=None)
        if rng.random() < plan.late:
            self.allow(1, "late answer")
            return replace(mood, answer_after=rng.uniform(4.0, 6.5))
        if rng.random() < plan.cut:
            return replace(mood, is_cut=rng.choice(["before", "after", "answered"]))
        return mood

    def _fate(self, submit: Submit) -> Fate:
        plan, rng = self.plan, self.rng
        if rng.random() < plan.lost:
            return Fate(words=())
        delay = rng.uniform(0.05, 1.0) if rng.random() < 0.9 else rng.uniform(1.0, 4.0)
        words: list[tuple[float, str]] = [(delay, "UNDELIV" if rng.random() < plan.undelivered else "DELIVRD")]
        if rng.random() < 0.1:
            words.insert(0, (delay / 2, "ENROUTE"))
        if words[-1][1] == "UNDELIV" and rng.random() < 0.3:
            words.append((delay + 0.3, "DELIVRD"))
        is_early = rng.random() < plan.early
        return Fate(words=tuple(words), is_early=is_early, is_doubled=rng.random() < plan.doubled)

    def _disturb(self) -> None:
        """Something happens to a connection."""
        if not self.is_faulty:
            return
        for line in list(self.smsc.lines):
            if not line.is_bound or self.rng.random() > self.plan.disturb:
                continue
            what = self.rng.choice(["cut", "unbind", "mute", "nack"])
            if what == "cut":
                line.cut()
                continue
            self.allow(self.plan.window + 1, what)
            if what == "unbind":
                line.is_bound = False
                line.say(pdu.Unbind())
            elif what == "mute":
                line.is_mute = True
            else:
                line.send(pdu.nack(C.RINVCMDID))
        self.world.after(self.rng.uniform(0.5, 2.0), None, self._disturb)

    # --- People -------------------------------------------------------------------------------------------------------

    def _plan_people(self) -> None:
        for _ in range(self.plan.people):
            pk, at = self.rng.choice(list(self.store.campaigns)), self.rng.uniform(0.05, 3.0)
            self.world.after(at, None, self._person, pk, Status.PAUSED)
            self.world.after(at + self.rng.uniform(0.1, 6.0), None, self._resume, pk)
        if self.plan.cancel:
            self.world.after(self.rng.uniform(0.05, 4.0), None, self._person, 1, Status.CANCELLED)

    def _person(self, pk: int, to: Status) -> None:
        try:
            self.store.change_status(pk, to)
            self.world.say(f"a person: campaign {pk} is {to}")
        except Refused as refusal:
            self.world.say(f"a person is refused: {refusal.message}")

    def _resume(self, pk: int) -> None:
        if self.store.campaigns[pk].status != Status.PAUSED:
            return
        try:
            self.store.change_status(pk, Status.SENDING, now=self.world.clock())
            self.resumes += 1
            self.world.say(f"a person: campaign {pk} goes on")
        except Refused as refusal:
            self.world.say(f"a person is refused: {refusal.message}")


def _seconds(seconds: float) -> Any:
    from datetime import timedelta

    return timedelta(seconds=seconds)


def _brief(found: Any) -> Any:
    if isinstance(found, Chunk):
        return f"chunk {found.pk} in epoch {found.epoch}: {found.next}, {found.intended} of {found.count}"
    return found.status if isinstance(found, Campaign) else found


def play(seed: int, plan: Plan | None = None) -> History:
    """Raises Violation, with the seed and what happened. Call it within `doubles.installed()`."""
    history = History(seed, plan)
    history.play()
    return history


__all__ = ["History", "Plan", "S", "Violation", "plan_of", "play"]
