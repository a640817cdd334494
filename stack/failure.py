"""What stops a command, in words for whoever typed it."""

from pathlib import Path

TAIL = 25  # lines


class Failure(Exception):
    """Shown without a traceback; the command then exits with status 1."""


def tail(log: Path) -> str:
    """The end of a log, indented, to be shown under the sentence that says what happened."""
    try:
        lines = log.read_text(errors="replace").splitlines()[-TAIL:]
    except OSError:
        return ""
    return f"\nThe end of {log}:\n" + "\n".join(f"    {line}" for line in lines)
