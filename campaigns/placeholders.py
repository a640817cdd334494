"""A text that says something else to each recipient: {column} or {column|default}, filled from the list. Pure.

{{ is a brace, and }} is one; a } that closes nothing stands for itself.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import TypeAlias

from django.utils.translation import gettext as _

# A brace that is meant, a placeholder, or an opening brace that is neither.
TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|\{")
# Newlines, tabs and whatever else would move the text that stands behind a value.
CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
LONGEST_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Placeholder:
    """`default` stands where a recipient's cell is empty; without one, such a recipient has no text."""

    name: str
    default: str | None = None

    @property
    def key(self) -> str:
        return key_of(self.name)


Piece: TypeAlias = str | Placeholder


@dataclass(frozen=True)
class Template:
    pieces: tuple[Piece, ...]

    @property
    def placeholders(self) -> list[Placeholder]:
        return [piece for piece in self.pieces if isinstance(piece, Placeholder)]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the columns, each once, as they were written first."""
        first = {placeholder.key: placeholder.name for placeholder in reversed(self.placeholders)}
        return tuple(dict.fromkeys(first[placeholder.key] for placeholder in self.placeholders))

    @property
    def is_plain(self) -> bool:
        return not self.names

    @property
    def plain(self) -> str:
        """What everybody gets; raises ValueError when that depends on the recipient."""
        if not self.is_plain:
            raise ValueError("A text with placeholders is another one for each recipient.")
        return self.least

    @cached_property
    def least(self) -> str:
        """The text for somebody of whom nothing is known: with its defaults, and nothing where there is none."""
        return "".join(piece if isinstance(piece, str) else piece.default or "" for piece in self.pieces)

    def missing_from(self, columns: Iterable[str]) -> list[str]:
        """The names that are no column of a list with these."""
        known = {key_of(column) for column in columns}
        return [name for name in self.names if key_of(name) not in known]

    def values_in(self, text: str) -> dict[str, str] | None:
        """What fills the placeholders so that the text comes out; None when nothing does. Read from left to right, each
        value as short as it may be: a placeholder that is written twice says so with its first value."""
        values: dict[str, str] = {}
        at = 0
        open_: Placeholder | None = None
        for place, piece in enumerate(self.pieces):
            if isinstance(piece, Placeholder):
                if open_ is not None:  # nothing between the two: where one ends nobody knows
                    return None
                open_ = piece
                continue
            is_last = place == len(self.pieces) - 1
            least = 1 if open_ and open_.default != "" else 0
            found = len(text) - len(piece) if is_last else text.find(piece, at + least)
            if found < at or text[found : found + len(piece)] != piece or (open_ is None and found != at):
                return None
            if open_ is not None:
                values.setdefault(open_.name, text[at:found])
                open_ = None
            at = found + len(piece)
        if open_ is not None:
            values.setdefault(open_.name, text[at:])
            at = len(text)
        return values if at == len(text) else None

    def fill(self, rows: Sequence[Sequence[str]], columns: Sequence[str]) -> list[str | None]:
        """The text of each row, whose cells stand in the order of the columns; None where a value is missing that has
        no default. Raises ValueError when a name is no column."""
        if self.is_plain:
            return [self.plain] * len(rows)
        if missing := self.missing_from(columns):
            raise ValueError(f"The list has no column “{missing[0]}”.")
        places = {key_of(column): place for place, column in reversed(list(enumerate(columns)))}
        wanted = {placeholder.key: places[placeholder.key] for placeholder in self.placeholders}
        values = {key: _values([row[place] for row in rows]) for key, place in wanted.items()}
        filled: list[str | None] = list(
            map("".join, zip(*(_stream(piece, values) for piece in self.pieces), strict=False))
        )
        for key in {placeholder.key for placeholder in self.placeholders if placeholder.default is None}:
            if "" in values[key]:
                filled = [text if value else None for text, value in zip(filled, values[key], strict=True)]
        return filled


def parse(text: str) -> Template:
    """Raises ValueError with what is wrong, in a sentence that can be shown."""
    pieces: list[Piece] = []
    literal, end = "", 0
    for token in TOKEN.finditer(text):
        literal += text[end : token.start()]
        end = token.end()
        if token[0] in ("{{", "}}"):
            literal += token[0][0]
            continue
        if token[1] is None:
            raise ValueError(_trouble_with(text[token.start() :]))
        pieces += [literal, _placeholder(token[1])] if literal else [_placeholder(token[1])]
        literal = ""
    literal += text[end:]
    return Template((*pieces, literal) if literal or not pieces else tuple(pieces))


def literally(text: str) -> Template:
    """Whatever braces it has are characters."""
    return Template((text,))


def plainly(text: str) -> str:
    """To somebody of whom nothing is known; the text itself where it cannot be read."""
    try:
        return parse(text).least
    except ValueError:
        return text


def key_of(name: str) -> str:
    """Names of columns are the same whatever their case, and the blanks around them."""
    return name.strip().casefold()


def _placeholder(inside: str) -> Placeholder:
    name, bar, default = inside.partition("|")
    if not name.strip():
        raise ValueError(_("“%(inside)s” names no column. Write {{ and }} for braces.") % {"inside": f"{{{inside}}}"})
    return Placeholder(name.strip(), default.strip() if bar else None)


def _trouble_with(rest: str) -> str:
    """Of a brace that opens and has another one, or nothing, where it should close."""
    shown = rest[:LONGEST_SHOWN] + ("…" if len(rest) > LONGEST_SHOWN else "")
    if "}" in rest:
        return _("There is a brace within the braces of “%(shown)s”. Write {{ and }} for braces.") % {"shown": shown}
    return _("A brace opens at “%(shown)s” and does not close. Write {{ and }} for braces.") % {"shown": shown}


def _values(cells: list[str]) -> list[str]:
    """One scan says whether any of them needs more than its blanks taken off."""
    if CONTROLS.search("".join(cells)):
        cells = [CONTROLS.sub(" ", cell) for cell in cells]
    return list(map(str.strip, cells))


def _stream(piece: Piece, values: dict[str, list[str]]) -> Iterable[str]:
    """What the piece says in each row."""
    if isinstance(piece, str):
        return repeat(piece)
    if not (default := piece.default):
        return values[piece.key]
    return [value or default for value in values[piece.key]]
