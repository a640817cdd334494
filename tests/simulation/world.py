"""One clock, one queue of events, one source of chance: everything in a history happens here, one thing at a time.

A thread of the product is a greenlet: it runs until it asks the store, sleeps or waits. An event loop is run one
iteration at a time. Which of all that could go on goes on next is decided by time, and among equals by the seed.
"""

import asyncio
import heapq
import logging
import random
from asyncio import events
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from queue import Empty
from typing import Any

import greenlet

EPOCH = datetime(2026, 11, 27, 10, tzinfo=UTC)
STARTED = 1000.0  # the loop's clock at EPOCH
LONGEST_TRACE = 4000


class Violation(AssertionError):
    """A promise of the protocol that a history broke."""


class World:
    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.rng = random.Random(seed)
        self.now = STARTED
        self.process: Process | None = None  # whose code is running
        self.trace: deque[tuple[float, str, str, Any]] = deque(maxlen=LONGEST_TRACE)
        self.broken: list[str] = []
        self.hub = greenlet.getcurrent()
        self.commits: Callable[[], int] = lambda: 0  # how many intents are on record
        self._queue: list[tuple[float, float, int, Process | None, Callable[..., None], tuple[Any, ...]]] = []
        self._count = 0

    def clock(self) -> datetime:
        return EPOCH + timedelta(seconds=self.now - STARTED)

    def after(self, delay: float, process: "Process | None", what: Callable[..., None], *args: Any) -> None:
        self.at(self.now + delay, process, what, *args)

    def at(self, time: float, process: "Process | None", what: Callable[..., None], *args: Any) -> None:
        """Do it then; what is due at one moment is done in an order that the seed decides. What belongs to a process
        waits while that is stopped, and never happens once it is dead."""
        if process is not None and process.is_dead:
            return  # before chance is asked: when a dead process is taken apart is up to the garbage collector
        self._count += 1
        entry = (time, self.rng.random(), self._count, process, what, args)
        heapq.heappush(self._queue, entry)

    def run(self, until: Callable[[], bool], *, at_most: float) -> bool:
        """True once `until` is; False when that much time has passed first."""
        end, next_look = self.now + at_most, self.now
        while self._queue and not self.broken:
            at, _, _, process, what, args = heapq.heappop(self._queue)
            if process is not None:
                if process.is_dead:
                    continue
                if process.stopped_until > at:
                    self._count += 1
                    entry = (process.stopped_until, self.rng.random(), self._count, process, what, args)
                    heapq.heappush(self._queue, entry)
                    continue
            self.now = at
            if at >= next_look:
                if until():
                    return True
                if at > end:
                    return False
                next_look = at + 0.5
            self.process = process
            what(*args)
        return until()

    def say(self, what: str, value: Any = None) -> None:
        """The value stands in the place of %s."""
        self.trace.append((self.now - STARTED, self.process.name if self.process else "-", what, value))

    def told(self) -> str:
        """All that was said, for people."""
        return "\n".join(f"{at:9.4f}  {who:6} {what.replace('%s', repr(value))}" for at, who, what, value in self.trace)

    def violate(self, what: str) -> None:
        """A promise is broken: the history ends here."""
        self.say(f"VIOLATION {what}")
        self.broken.append(what)


class Thread:
    """A thread of a process."""

    def __init__(self, process: "Process", name: str, run: Callable[[], None]) -> None:
        self.process, self.name = process, name
        self._turn = 0
        self._greenlet = greenlet.greenlet(self._live(run), process.world.hub)
        self._greenlet.thread = self
        process.threads.append(self)
        self._resume_after(0.0)

    def _live(self, run: Callable[[], None]) -> Callable[[], None]:
        def live() -> None:
            try:
                run()
            except greenlet.GreenletExit:
                raise
            except Exception as error:
                world = self.process.world
                world.say(f"{self.name} died: {error!r}")
                world.violate(f"{self.name} died: {error!r}")

        return live

    def pause(self, seconds: float) -> None:
        self._resume_after(seconds)
        self._give_way()

    def wait(self, timeout: float | None) -> None:
        """Until somebody calls `wake`, or the time is over."""
        if timeout is not None:
            self._resume_after(timeout)
        self._give_way()

    def wake(self) -> None:
        self._resume_after(0.0)

    def end(self) -> None:
        if not self._greenlet.dead and self._greenlet:
            self._greenlet.throw(greenlet.GreenletExit)

    def _resume_after(self, seconds: float) -> None:
        self.process.world.after(seconds, self.process, self._resume, self._turn)

    def _resume(self, turn: int) -> None:
        if turn == self._turn and not self._greenlet.dead:
            self._turn += 1
            self._greenlet.switch()

    def _give_way(self) -> None:
        self.process.world.hub.switch()
        if self.process.is_dead:
            raise greenlet.GreenletExit


def this_thread() -> Thread:
    thread: Thread = greenlet.getcurrent().thread
    return thread


class Waited:
    """A concurrent.futures.Future for one waiting thread."""

    def __init__(self) -> None:
        self._is_done = False
        self._waiting: Thread | None = None

    def done(self) -> bool:
        return self._is_done

    def set_result(self, result: None) -> None:
        assert not self._is_done
        self._is_done = True
        if self._waiting is not None:
            self._waiting.wake()

    def result(self, timeout: float) -> None:
        if not self._is_done:
            self._waiting = this_thread()
            self._waiting.wait(timeout)
            self._waiting = None
        if not self._is_done:
            raise TimeoutError


class Queue:
    """A queue.SimpleQueue between threads of one process."""

    def __init__(self) -> None:
        self._items: deque[Any] = deque()
        self._waiting: deque[Thread] = deque()

    def put(self, item: Any) -> None:
        self._items.append(item)
        if self._waiting:
            self._waiting.popleft().wake()

    def get_nowait(self) -> Any:
        if not self._items:
            raise Empty
        return self._items.popleft()

    def get(self, timeout: float | None = None) -> Any:
        while not self._items:
            thread = this_thread()
            self._waiting.append(thread)
            thread.wait(timeout)
            if thread in self._waiting:
                self._waiting.remove(thread)
            if timeout is not None and not self._items:
                raise Empty
        return self._items.popleft()

    def __len__(self) -> int:
        return len(self._items)

    @property
    def is_waited_for(self) -> bool:
        """It is empty, and who empties it has nothing else in hand."""
        return not self._items and bool(self._waiting)


class Process:
    """One dispatch process: its threads, its loop, its memory."""

    def __init__(self, world: World, name: str) -> None:
        self.world, self.name = world, name
        self.is_dead = False
        self.stopped_until = 0.0
        self.threads: list[Thread] = []
        self.known: dict[Any, Any] = {}  # delivery.whereabouts
        self.sockets: list[Any] = []
        self.loop = Loop(self)
        self.engine: Any = None

    def end(self) -> None:
        """It is no more: its threads never run again, not even to clean up."""
        self.is_dead = True
        for thread in self.threads:
            thread.end()
        self.loop.forget()


class Loop(asyncio.BaseEventLoop):
    """An event loop on the world's clock; it is run one iteration at a time."""

    def __init__(self, process: Process) -> None:
        super().__init__()
        self._process = process
        self._selector = self
        self._clock_resolution = 1e-6
        self._wakes_at = float("inf")
        self.dial: Any = None

    def time(self) -> float:
        return self._process.world.now

    def select(self, timeout: float | None) -> list[Any]:
        return []

    def _process_events(self, event_list: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        self._wake(self.time())

    def _wake(self, at: float) -> None:
        if at < self._wakes_at:
            self._wakes_at = at
            self._process.world.at(at, self._process, self._iterate, at)

    def _iterate(self, at: float) -> None:
        if at != self._wakes_at:  # woken earlier since
            return
        self._wakes_at = float("inf")
        events._set_running_loop(self)
        try:
            self._run_once()
        finally:
            events._set_running_loop(None)
        if self._ready:
            self._wake(self.time())
            return
        while self._scheduled and self._scheduled[0]._cancelled:
            heapq.heappop(self._scheduled)._scheduled = False
            self._timer_cancelled_count -= 1
        if self._scheduled:
            self._wake(max(self.time(), self._scheduled[0]._when))

    async def create_connection(self, factory: Any, host: str, port: int, **given: Any) -> Any:
        return await self.dial(self, factory)

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not self._process.is_dead:
            self._process.world.violate(f"in the loop: {context.get('message')}: {context.get('exception')!r}")

    def forget(self) -> None:
        """What its coroutines do on the way out reaches nobody: the process is dead."""
        events._set_running_loop(self)
        try:
            for task in asyncio.all_tasks(self):
                task._log_destroy_pending = False
                task.get_coro().close()
        finally:
            events._set_running_loop(None)
        self.close()

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> Any:
        if self._closed:  # a coroutine of a dead process is taken apart
            return asyncio.Handle(callback, args, self, context)
        return super().call_soon(callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> Any:
        if self._closed:
            return asyncio.TimerHandle(when, callback, args, self, context)
        return super().call_at(when, callback, *args, context=context)


class Silence:
    """What the product logs about the faults that it is given."""

    def __enter__(self) -> None:
        self._was = logging.root.manager.disable
        logging.disable(logging.CRITICAL)

    def __exit__(self, *error: object) -> None:
        logging.disable(self._was)
