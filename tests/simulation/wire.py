"""Connections in memory: bytes in flight, in order, that a cut may lose from any octet on."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from tests.simulation.world import Process, World


class Line:
    """One direction. What was written arrives later, in order; `cut` lets a beginning of it arrive, and no more."""

    def __init__(self, world: World, latency: Callable[[], float], arrive: Callable[[bytes, int], None]) -> None:
        self._world, self._latency, self._arrive = world, latency, arrive
        self._flying: deque[tuple[bytes, int]] = deque()
        self._last = 0.0
        self._is_cut = False
        self._at_end: Callable[[], None] | None = None

    def send(self, data: bytes, mark: int = 0) -> None:
        """`mark` travels with it."""
        if self._is_cut or self._at_end is not None:
            return
        self._flying.append((data, mark))
        self._last = max(self._last, self._world.now + self._latency())
        self._world.after(self._last - self._world.now, None, self._land)

    def close(self, then: Callable[[], None]) -> None:
        """After everything that is in flight."""
        if self._at_end is None and not self._is_cut:
            self._at_end = then
            self._last = max(self._last, self._world.now + self._latency())
            self._world.after(self._last - self._world.now, None, self._finish)

    def cut(self) -> None:
        if self._is_cut:
            return
        for _ in range(self._world.rng.randint(0, len(self._flying))):
            self._land()
        if self._flying and self._world.rng.random() < 0.3:
            data, mark = self._flying.popleft()
            self._arrive(data[: self._world.rng.randrange(len(data))], mark)
        self._is_cut = True
        self._flying.clear()

    def _land(self) -> None:
        if not self._flying:
            return
        data, mark = self._flying.popleft()
        if len(data) > 1 and self._world.rng.random() < 0.1:
            at = self._world.rng.randrange(1, len(data))
            self._arrive(data[:at], mark)
            data = data[at:]
        self._arrive(data, mark)

    def _finish(self) -> None:
        if not self._is_cut and self._at_end is not None:
            self._is_cut = True
            self._at_end()


class Socket(asyncio.Transport):
    """The product's end of a connection."""

    def __init__(self, world: World, process: Process, protocol: Any, smsc: Any, latency: Callable[[], float]) -> None:
        super().__init__()
        self._world, self._process, self._protocol = world, process, protocol
        self._is_closing = self._is_over = False
        self.line = Line(world, latency, self._reach_smsc)  # towards the SMSC
        self.back = Line(world, latency, self._reach_us)
        self.peer = smsc.answer_call(self)
        process.sockets.append(self)

    # --- asyncio.Transport --------------------------------------------------------------------------------------------

    def write(self, data: Any) -> None:
        if not self._is_closing and data:
            self.line.send(bytes(data), self._world.commits())

    def is_closing(self) -> bool:
        return self._is_closing

    def close(self) -> None:
        if not self._is_closing:
            self._is_closing = True
            self.line.close(self.peer.hung_up)
            self._lose_soon()

    def abort(self) -> None:
        if not self._is_over and not self._process.is_dead:
            self._is_closing = True
            self.line.cut()
            self.back.cut()
            self.peer.hung_up()
            self._lose_soon()

    # --- Faults -------------------------------------------------------------------------------------------------------

    def cut(self) -> None:
        """Somebody in between: neither end wanted it."""
        if not self._is_over:
            self.line.cut()
            self.back.cut()
            self.peer.hung_up()
            self._lose_soon()

    def end(self) -> None:
        """The process was killed: its kernel closes for it."""
        self._is_closing = self._is_over = True
        self.line.cut()
        self.back.cut()
        self.peer.hung_up()

    # --- Inside -------------------------------------------------------------------------------------------------------

    def _reach_smsc(self, data: bytes, mark: int) -> None:
        self.peer.hear(data, mark)

    def _reach_us(self, data: bytes, mark: int) -> None:
        self._in_loop(self._receive, data)

    def _receive(self, data: bytes) -> None:
        if not self._is_closing and not self._is_over:
            self._protocol.data_received(data)

    def _lose_soon(self) -> None:
        self._in_loop(self._lose)

    def _lose(self) -> None:
        if not self._is_over:
            self._is_closing = self._is_over = True
            self._protocol.connection_lost(None)
            if self in self._process.sockets:
                self._process.sockets.remove(self)

    def smsc_closed(self) -> None:
        self._lose_soon()

    def _in_loop(self, what: Callable[..., None], *args: Any) -> None:
        if not self._process.is_dead:
            self._process.loop.call_soon_threadsafe(what, *args)
