"""./test: lint first, then pytest on stores of its own."""

import os
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from stack import ROOT, children, environment, stores
from stack.environment import Ports
from stack.failure import Failure

PATIENCE = 15.0  # seconds for pytest to end its tests after a ^C
LINT: tuple[tuple[str, ...], ...] = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy", "."),
    ("lint-imports",),
    ("python", "manage.py", "makemigrations", "--check", "--dry-run"),
)


def suite(arguments: Sequence[str]) -> int:
    """The exit status of pytest, which gets the arguments; a first `--no-lint` is for us."""
    linting = arguments[:1] != ["--no-lint"]
    with ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="message-center-test-")))
        data.chmod(0o755)  # the user that runs PostgreSQL for root enters it
        opened = stack.enter_context(stores.opened(data, throwaway=True))
        env = environment.build(data, urls=opened.urls, listen=Ports(web=0, flower=0, smsc=0))
        if linting:
            _lint(env)
        # One more than cores, as tests wait a third of their time. By file: what a module brings up is brought up once.
        workers = str((os.cpu_count() or 1) + 1)
        pytest = ["python", "-m", "pytest", "-n", workers, "--dist", "loadfile", *arguments[0 if linting else 1 :]]
        return _run(pytest, env)


def _lint(env: Mapping[str, str]) -> None:
    for command in LINT:
        print(f"· {' '.join(command)}", file=sys.stderr, flush=True)
        if _run(command, env):
            raise Failure(f"“{' '.join(command)}” found something.")


def _run(command: Sequence[str], env: Mapping[str, str]) -> int:
    program = str(Path(sys.prefix) / "bin" / command[0])
    process = children.spawn([program, *command[1:]], log=sys.stdout, parting=signal.SIGINT, env=env, cwd=ROOT)
    try:
        return process.wait()
    finally:
        children.end(process, first=signal.SIGINT, patience=PATIENCE)
