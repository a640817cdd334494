"""The processes of the Procfile: started together, watched, ended in order."""

import re
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from stack import ROOT, children
from stack.failure import Failure, tail

DRAIN = 30  # seconds; dispatch waits for the answers to what it has sent
LAST = {"smsc"}  # the carrier's end of the line stays until our end has been drained


def of_procfile() -> dict[str, str]:
    """Command by name, in the order of the file."""
    return dict(re.findall(r"^([A-Za-z0-9_-]+):\s*(.+)$", (ROOT / "Procfile").read_text(), re.MULTILINE))


class Processes:
    def __init__(self, commands: Mapping[str, str], *, env: Mapping[str, str], logs: Path) -> None:
        self._commands = commands
        self._env = env
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def pids(self) -> dict[str, int]:
        return {name: process.pid for name, process in self._running.items()}

    def start(self) -> None:
        for name, command in self._commands.items():
            with fresh_log(self._log(name)).open("wb") as log:
                self._running[name] = children.spawn(
                    ["/bin/sh", "-c", f"exec {command}"], log=log, parting=signal.SIGTERM, env=self._env, cwd=ROOT
                )

    def check(self) -> None:
        """None of them ends by itself: one that did takes the whole command down, with its last words."""
        for name, process in self._running.items():
            if process.poll() is not None:
                raise Failure(f"The process {name} ended (status {process.returncode}).{tail(self._log(name))}")

    def stop(self) -> None:
        self._end(self._running.keys() - LAST)
        self._end(self._running.keys() & LAST)
        self._running.clear()

    def _end(self, names: Iterable[str]) -> None:
        ending = [self._running[name] for name in names]
        for process in ending:  # all at once, then wait for each
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + DRAIN
        for process in ending:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
            children.end(process, first=signal.SIGKILL, patience=0)

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"


def fresh_log(path: Path) -> Path:
    """An empty log; the one of the run before is kept beside it."""
    with suppress(FileNotFoundError):
        path.replace(path.with_suffix(".log.1"))
    return path
