"""What changed between two texts, word by word, as people read it. Pure."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["same", "added", "removed"]

_WORD = re.compile(r"\w+|\s+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Piece:
    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Difference:
    pieces: tuple[Piece, ...]

    @property
    def is_none(self) -> bool:
        return all(piece.kind == "same" for piece in self.pieces)


def between(before: str, after: str) -> Difference:
    old, new = _WORD.findall(before), _WORD.findall(after)
    pieces: list[Piece] = []
    for _, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        gone, come = "".join(old[i:j]), "".join(new[k:m])
        if gone == come:
            pieces.append(Piece("same", gone))
            continue
        pieces += [Piece("removed", gone)] if gone else []
        pieces += [Piece("added", come)] if come else []
    return Difference(tuple(pieces))
