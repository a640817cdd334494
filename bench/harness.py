"""A private installation to measure, and a meter for what its processes cost."""

import os
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from stack import environment, install, processes, stores
from stack.console import Console
from stack.environment import Ports
from stack.failure import Failure
from stack.installation import Installation, brought_up

TICK = os.sysconf("SC_CLK_TCK")  # of the CPU times in /proc, a second
PAGE = os.sysconf("SC_PAGE_SIZE")
ANY = Ports(web=0, flower=0, smsc=0)


@contextmanager
def private_installation(
    *,
    window: int,
    binds: int,
    dispatchers: int = 1,
    settings: Mapping[str, str] | None = None,
    only: frozenset[str] = frozenset(),
    store: str = "file",
) -> Iterator[Installation]:
    """Stores and processes of its own in a temporary folder, whatever stores the environment names.

    `only` names the processes that run; all of them when it is empty. With the store "s3" instead of "file" the objects
    are in an embedded S3.
    """
    if store not in ("file", "s3"):
        raise Failure(f"There is no store “{store}”: file or s3.")
    if store == "s3":
        install.ensure({"s3"})
    for name in stores.URLS:
        os.environ.pop(name, None)
    ports = environment.pick_ports(ANY)
    with tempfile.TemporaryDirectory(prefix="message-center-bench-") as name:
        data = Path(name)
        data.chmod(0o755)  # the user that runs PostgreSQL for root enters it
        with brought_up(
            data,
            ports=ports,
            tell=Console(sys.stderr).progress,
            commands=_commands(dispatchers, only),
            settings={"JOURNAL": str(data / "journal"), **(settings or {})},
            prepare=lambda env: _set_channel(env, window, binds),
            s3=store == "s3",
        ) as installation:
            yield installation


def _set_channel(env: Mapping[str, str], window: int, binds: int) -> None:
    account = [
        "--name=demo",
        "--host=127.0.0.1",
        f"--port={env['SMSC_PORT']}",
        "--system-id=demo",
        "--password=demo",
        "--tps=0",
    ]
    environment.manage("add_channel", *account, f"--window={window}", f"--binds={binds}", "--default", env=env)


def _commands(dispatchers: int, only: frozenset[str]) -> dict[str, str]:
    commands = processes.of_procfile()
    del commands["flower"]
    for number in range(2, dispatchers + 1):
        commands[f"dispatch{number}"] = commands["dispatch"].replace("dispatch@", f"dispatch{number}@")
    return {name: command for name, command in commands.items() if not only or name in only}


@dataclass(slots=True)
class Meter:
    """CPU seconds and peak memory of process trees, sampled from /proc; a process counts after its end too."""

    roots: Mapping[str, int]  # name → process id
    peak_rss: dict[str, int] = field(default_factory=dict)  # bytes by name
    _cpu: dict[str, dict[int, float]] = field(default_factory=dict)  # seconds by name and process id
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self._sample_until_over, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def cpu(self) -> dict[str, float]:
        """Seconds by name since each process began, as of now."""
        self._sample()
        return {name: sum(seconds.values()) for name, seconds in self._cpu.items()}

    def _sample_until_over(self) -> None:
        while not self._over.wait(0.25):
            self._sample()

    def _sample(self) -> None:
        families = _families()
        for name, root in self.roots.items():
            tree = list(_tree(root, families))
            memory = [found for pid in tree if (found := _memory(pid))]
            if memory:
                # Shared pages (a database's buffers, what a fork inherited) count once.
                rss = sum(resident - shared for resident, shared in memory) + max(shared for _, shared in memory)
                self.peak_rss[name] = max(rss, self.peak_rss.get(name, 0))
            self._cpu.setdefault(name, {}).update({pid: seconds for pid in tree if (seconds := _cpu(pid))})


def _families() -> dict[int, list[int]]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = int(_stat(int(entry.name))[1])
            children.setdefault(parent, []).append(int(entry.name))
    return children


def _tree(root: int, families: Mapping[int, list[int]]) -> Iterator[int]:
    yield root
    for child in families.get(root, []):
        yield from _tree(child, families)


def _stat(pid: int) -> list[str]:
    """The fields of proc(5) from the third, the state, on; the second may hold anything, brackets too."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _cpu(pid: int) -> float:
    try:
        fields = _stat(pid)
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICK  # utime and stime


def _memory(pid: int) -> tuple[int, int] | None:
    try:
        _, resident, shared, *_ = Path(f"/proc/{pid}/statm").read_text().split()
    except OSError:
        return None
    return int(resident) * PAGE, int(shared) * PAGE
