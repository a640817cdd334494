"""Cells of tables that somebody opens in a spreadsheet."""

import re

# What is a formula to a spreadsheet, also in its wide form and behind blanks. In the words that Python, Arrow and
# PostgreSQL share, as tables of millions are written by the latter two.
FORMULA = (
    "^[\\s\x0b\x1c-\x1f\x85\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*"
    "[=+@\\t\\r\uff1d\uff0b\uff0d\uff20-]"
)
_FORMULA = re.compile(FORMULA)


def neutral(cell: str) -> str:
    """Text, whatever somebody wrote."""
    return f"'{cell}" if _FORMULA.match(cell) else cell
