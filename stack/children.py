"""Processes that never outlive us, and servers that an earlier run could not take along."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

PR_SET_PDEATHSIG = 1  # prctl(2)
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The user that a child becomes; only root can ask for another one than itself."""

    uid: int
    gid: int


def spawn(
    command: Sequence[str],
    *,
    log: IO[Any],
    parting: signal.Signals,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    account: Account | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own: a ^C on the terminal reaches us alone, and we choose the order of the end.

    Should we be killed outright, the kernel sends the child `parting`. Call it from the main thread: the kernel
    watches the thread that forked.
    """
    return subprocess.Popen(
        command,
        env=env,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=_tie(os.getpid(), parting),  # noqa: PLW1509  (called while we have no other thread)
        **_as(account),
    )


def run_as(account: Account | None, command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    # From "/": the account may not be allowed to stand where we stand.
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd="/", **_as(account))


def end(process: subprocess.Popen[bytes], *, first: signal.Signals, patience: float) -> None:
    """Ask it to finish, wait, then leave nothing of its session behind."""
    if process.poll() is None:
        process.send_signal(first)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def end_leftovers(folder: Path, *, first: signal.Signals, patience: float = 30) -> None:
    """End the servers of a run that was killed. They are known by their working directory: process ids are reused."""
    deadline = time.monotonic() + patience
    _signal(_at_work_in(folder), first)
    while leftovers := list(_at_work_in(folder)):
        if time.monotonic() > deadline:
            _signal(leftovers, signal.SIGKILL)
        time.sleep(0.1)


def _at_work_in(folder: Path) -> Iterator[int]:
    where = str(folder.resolve())
    for entry in os.scandir("/proc"):
        with contextlib.suppress(OSError):  # not a process, not ours to look at, or gone meanwhile
            if entry.name.isdecimal() and os.readlink(f"/proc/{entry.name}/cwd") == where:
                yield int(entry.name)


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _tie(parent: int, parting: signal.Signals) -> Callable[[], None]:
    def between_fork_and_exec() -> None:
        if _prctl is not None:
            _prctl(PR_SET_PDEATHSIG, int(parting))
        if os.getppid() != parent:  # it died before we could ask
            os._exit(1)

    return between_fork_and_exec


def _as(account: Account | None) -> dict[str, Any]:
    if account is None or account.uid == os.geteuid():
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}
