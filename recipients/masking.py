"""A number as it may be shown to whoever need not know it."""

import re

from recipients.erased import NOBODY

# Seven digits and more, however they are punctuated: what may be a number, or was meant for one.
_LONG = re.compile(r"\d(?:[ ().\-/\u00a0]{0,2}\d){6,}")
_FIRST_CELL = re.compile(rb"^(\d{4})\d{3,}?(\d{0,4})(?=,)", re.MULTILINE)
HIDDEN = "•••"


def masked(digits: int) -> str:
    return f"+{_hidden(str(digits))}" if digits > NOBODY else HIDDEN


def whole(digits: int) -> str:
    """Empty where it was erased."""
    return f"+{digits}" if digits > NOBODY else ""


def shown(digits: int, *, is_whole: bool) -> str:
    """To a program; empty where it was erased."""
    return whole(digits) if is_whole or digits == NOBODY else masked(digits)


def in_text(text: str) -> str:
    """A cell that somebody filled, with everything masked in it that may be a number."""
    return _LONG.sub(lambda found: _hidden("".join(filter(str.isdigit, found[0]))), text)


def in_first_cells(lines: bytes) -> bytes:
    """Lines of a CSV that begin with digits."""
    return _FIRST_CELL.sub(rf"\1{HIDDEN}\2".encode(), lines)


def _hidden(digits: str) -> str:
    """At least three of them are."""
    return f"{digits[:4]}{HIDDEN}{digits[max(7, len(digits) - 4) :]}"
