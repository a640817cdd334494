"""The environment that uv.lock describes: made once, renewed when the lock changes.

Runs before that environment exists, so it uses the standard library alone.
"""

import fcntl
import hashlib
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed"
UV = "uv==0.13.9"


def main(command: str, *arguments: str) -> NoReturn:
    started = time.monotonic()
    try:
        ensure(_extras(command, arguments))
    except OSError as error:
        sys.exit(f"The environment {VENV} cannot be made: {error.strerror} ({error.filename}).")
    except subprocess.CalledProcessError as error:
        sys.exit(f"The environment {VENV} could not be made: “{' '.join(map(str, error.cmd))}” failed, see above.")
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        "INSTALL_SECONDS": f"{time.monotonic() - started:.1f}",
    }
    os.execve(PYTHON, [str(PYTHON), "-m", "stack", command, *arguments], environment)


def _extras(command: str, arguments: Sequence[str]) -> set[str]:
    if command == "test":
        return {"otel", "s3", "sentry", "test"}
    return {"s3"} if "--s3" in arguments else set()


def ensure(extras: set[str]) -> None:
    """Install what is missing. Also for a command that runs already and finds that it needs more."""
    if _is_current(extras):
        return
    with _alone():
        if not _is_current(extras):
            _make(extras | _installed()[1])


def _make(extras: set[str]) -> None:
    _say("Making the environment (once; this downloads about 200 MB) …")
    if not _works(PYTHON, "pass"):
        # What is there came from a Python that is gone: --clear begins anew.
        _run(sys.executable, "-m", "venv", "--clear", VENV)
    STAMP.unlink(missing_ok=True)
    if not _works(PYTHON, "import pip"):
        _run(PYTHON, "-m", "ensurepip", "--upgrade")
    _run(PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", UV)
    # --inexact leaves pip, uv and whatever somebody added.
    options = [
        "--quiet",
        "--locked",
        "--inexact",
        "--compile-bytecode",
        # Like pip: a company's own certificates count, where the machine has any.
        *(["--system-certs"] if ssl.get_default_verify_paths().cafile else []),
        *(f"--extra={extra}" for extra in sorted(extras)),
    ]
    _run(PYTHON, "-m", "uv", "sync", *options, UV_PROJECT_ENVIRONMENT=str(VENV))
    STAMP.write_text(" ".join([_lock_digest(), *sorted(extras)]))


def _is_current(extras: set[str]) -> bool:
    digest, installed = _installed()
    return digest == _lock_digest() and extras <= installed and PYTHON.exists()


def _installed() -> tuple[str, set[str]]:
    """What the stamp says: the digest of the lock that was installed, and the extras."""
    try:
        digest, *extras = STAMP.read_text().split()
    except (OSError, ValueError):
        return "", set()
    return digest, set(extras)


def _lock_digest() -> str:
    return hashlib.sha256((ROOT / "uv.lock").read_bytes()).hexdigest()


def _works(python: Path, statement: str) -> bool:
    if not python.exists():
        return False
    return subprocess.run([python, "-c", statement], check=False, capture_output=True).returncode == 0


def _run(*command: str | Path, **environment: str) -> None:
    # Standard output belongs to the command that comes afterwards.
    subprocess.run(command, check=True, cwd=ROOT, stdout=sys.stderr, env=os.environ | environment)


@contextmanager
def _alone() -> Iterator[None]:
    """One installation at a time, also when ./run and ./test start together."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("Waiting for another installation …")
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
