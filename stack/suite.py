"""./test: lint first, then pytest on stores of its own."""

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from subprocess import Popen, TimeoutExpired
from typing import IO

from stack import ROOT, children, environment, stores
from stack.environment import Ports
from stack.failure import Failure

PATIENCE = 15.0  # seconds for pytest to end its tests after a ^C
LINT: tuple[tuple[str, ...], ...] = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("lint-imports",),
    ("python", "manage.py", "makemigrations", "--check", "--dry-run"),
)
TYPES = ("mypy", ".")  # takes a quarter of a minute of one core, as the migration does with which the suite begins


def suite(arguments: Sequence[str]) -> int:
    """The exit status of pytest, which gets the arguments; a first `--no-lint` is for us."""
    linting = arguments[:1] != ["--no-lint"]
    with ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="message-center-test-")))
        data.chmod(0o755)  # the user that runs PostgreSQL for root enters it
        opened = stack.enter_context(stores.opened(data, throwaway=True))
        env = environment.build(data, urls=opened.urls, listen=Ports(web=0, flower=0, smsc=0))
        # One more than cores, as tests wait a third of their time. By file: what a module brings up is brought up once.
        # In the order of tests/conftest.py.
        spread = ["-n", str((os.cpu_count() or 1) + 1), "--dist", "loadfile", "--no-loadscope-reorder"]
        pytest = ["python", "-m", "pytest", *spread, *arguments[0 if linting else 1 :]]
        if not linting:
            return _run(pytest, env)
        for command in LINT:
            if _run(command, env):
                raise Failure(f"“{' '.join(command)}” found something.")
        with (data / "types").open("w+") as found, _started(TYPES, env, found) as types:
            status = _run(pytest, env, unless=lambda: _check(types, found))
            types.wait()
            _check(types, found)
            return status


def _check(types: Popen[bytes], found: IO[str]) -> None:
    if types.poll():
        found.seek(0)
        raise Failure(f"“{' '.join(TYPES)}” found something:\n{found.read()}")


def _run(command: Sequence[str], env: Mapping[str, str], *, unless: Callable[[], None] = lambda: None) -> int:
    """Its exit status; what is raised meanwhile ends it."""
    with _started(command, env, sys.stdout) as process:
        while (status := process.poll()) is None:
            unless()
            with suppress(TimeoutExpired):
                process.wait(1)
        return status


@contextmanager
def _started(command: Sequence[str], env: Mapping[str, str], output: IO[str]) -> Iterator[Popen[bytes]]:
    print(f"· {' '.join(command)}", file=sys.stderr, flush=True)
    program = str(Path(sys.prefix) / "bin" / command[0])
    process = children.spawn([program, *command[1:]], log=output, parting=signal.SIGINT, env=env, cwd=ROOT)
    try:
        yield process
    finally:
        children.end(process, first=signal.SIGINT, patience=PATIENCE)
