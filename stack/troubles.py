"""Warnings and worse in the logs of the processes, for the terminal of whoever serves."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

TROUBLE = re.compile(r"\b(WARNING|ERROR|CRITICAL|FATAL|Traceback)\b")


class Troubles:
    def __init__(self, logs: Iterable[Path]) -> None:
        self._read = {log: log.stat().st_size for log in logs}

    def new(self) -> Iterator[str]:
        """The lines since the last call, each with the name of its process."""
        for log, position in self._read.items():
            with log.open("rb") as file:
                file.seek(position)
                written = file.read()
            complete = written[: written.rfind(b"\n") + 1]  # the rest of a line comes with the next call
            self._read[log] += len(complete)
            for line in complete.decode(errors="replace").splitlines():
                if TROUBLE.search(line):
                    yield f"{log.stem}: {line}"
