"""Progress for people: one line that rewrites itself on a terminal, a line now and then elsewhere."""

import sys
import time
from typing import TextIO

SPARSE = 5.0  # seconds between lines that differ only in their figures


class Console:
    """Progress goes to standard error; what is said to stay goes to `out`."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._is_terminal = sys.stderr.isatty()
        self._last, self._last_at = "", 0.0

    def progress(self, line: str) -> None:
        if line == self._last:
            return
        if self._is_terminal:
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
        elif _first_word(line) != _first_word(self._last) or time.monotonic() - self._last_at > SPARSE:
            print(line, file=sys.stderr, flush=True)
            self._last_at = time.monotonic()
        self._last = line

    def say(self, text: str) -> None:
        if self._is_terminal and self._last:
            print(file=sys.stderr)
        self._last = ""
        print(text, file=self._out, flush=True)


def _first_word(line: str) -> str:
    return line.partition(" ")[0]
