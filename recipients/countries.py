"""The names of the countries that phonenumbers knows: its own, without the hundred megabytes that it loads for them."""

from functools import cache
from pathlib import Path

ELSEWHERE = {"001": "International networks"}


def name_of(code: str) -> str:
    """By ISO 3166 code; the code itself when it is not known."""
    return _names().get(code, code)


@cache
def _names() -> dict[str, str]:
    lines = Path(__file__).with_suffix(".txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split(" ", 1) for line in lines) | ELSEWHERE
