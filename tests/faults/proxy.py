"""A line to a server that can be cut, held and made slow, also at a certain word of what is said over it."""

import asyncio
import re
import threading
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True, kw_only=True)
class Rule:
    """What happens when a client says `on`, on a connection that said `after` before (anything, when it is empty).

    "lose": the server gets it, and its answer gets lost with the connection. "cut": the server does not get it.
    "delay": it gets it so many seconds later.
    """

    on: bytes
    action: str
    after: bytes = b""
    times: int = 1_000_000_000
    seconds: float = 0.0
    used: int = field(default=0, init=False)


class Proxy:
    def __init__(self, *, unix: str = "", port: int = 0) -> None:
        """To a Unix socket, or to a port of this machine."""
        self._unix, self._target = unix, port
        self.rules: list[Rule] = []
        self._is_refusing = False
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._ends: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self.port = self._do(self._listen())

    def close(self) -> None:
        self.cut()
        self._do(self._stop_listening())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self) -> None:
        """Every connection, now; new ones are welcome."""
        self._loop.call_soon_threadsafe(self._abort_all)

    def hold(self) -> None:
        """Nothing passes, and nobody is told: a half-open line."""
        self._loop.call_soon_threadsafe(self._flowing.clear)

    def let_go(self) -> None:
        self._loop.call_soon_threadsafe(self._flowing.set)

    def refuse(self, refusing: bool) -> None:
        self._is_refusing = refusing
        if refusing:
            self.cut()

    def lead_to(self, port: int) -> None:
        self._target = port

    # --- In the loop --------------------------------------------------------------------------------------------------

    def _do(self, what: "Coroutine[Any, Any, Any]") -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(timeout=10)

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**20)
        return int(self._server.sockets[0].getsockname()[1])

    async def _stop_listening(self) -> None:
        self._server.close()
        current = asyncio.current_task()
        tasks = [task for task in asyncio.all_tasks() if task is not current]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _abort_all(self) -> None:
        for end in list(self._ends):
            end.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(asyncio.CancelledError):  # it is the proxy's end, and asyncio would log it as an error
                await self._lead(reader, writer)
        finally:
            writer.transport.abort()

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self._is_refusing:
                raise ConnectionError("refused")
            if self._unix:
                far_reader, far_writer = await asyncio.open_unix_connection(self._unix, limit=2**20)
            else:
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target, limit=2**20)
        except OSError:
            return
        self._ends |= {writer, far_writer}
        is_lost = asyncio.Event()
        there = asyncio.ensure_future(self._ask(reader, far_writer, is_lost))
        back = asyncio.ensure_future(self._answer(far_reader, writer, is_lost))
        try:
            await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._ends -= {writer, far_writer}
            far_writer.transport.abort()
            for task in (there, back):
                task.cancel()
            await asyncio.gather(there, back, return_exceptions=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, is_lost: asyncio.Event) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                await self._flowing.wait()
                if not is_lost.is_set():
                    writer.write(data)
                    await writer.drain()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, is_lost: asyncio.Event) -> None:
        said: set[bytes] = set()
        with suppress(OSError):
            while data := await reader.read(65536):
                await self._flowing.wait()
                rule = self._rule_for(data, said)
                said |= {rule.after for rule in self.rules if rule.after and re.search(rule.after, data)}
                match rule and rule.action:
                    case "cut":
                        return
                    case "lose":
                        is_lost.set()
                        writer.write(data)
                        await writer.drain()
                        await asyncio.sleep(0.3)  # the server has done it by then
                        return
                    case "delay":
                        assert rule is not None
                        await asyncio.sleep(rule.seconds)
                writer.write(data)
                await writer.drain()

    def _rule_for(self, data: bytes, said: set[bytes]) -> Rule | None:
        for rule in self.rules:
            if rule.used < rule.times and (not rule.after or rule.after in said) and re.search(rule.on, data):
                rule.used += 1
                said.discard(rule.after)
                return rule
        return None
