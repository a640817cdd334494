"""Blocked terms, found also where somebody hides them: other case, look-alike letters, blanks and signs between. Pure.

A text is read as its skeleton: each letter and digit as the plain one that it looks like, everything else left out. A
term is found where its skeleton stands from the beginning of a word to the end of one, so that “c a s i n o” is found
and “Essex” does not contain what it seems to. A star at its beginning or end asks for neither.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

# What looks alike, after case folding: one line for each letter that the others are taken for.
_ALIKE = {
    "a": "аαɑ4@",
    "b": "вβь6",
    "c": "сϲ",
    "d": "ԁ",
    "e": "еєεё3зэ€",
    "g": "ɡ9",
    "h": "нһ",
    "i": "іιїıłӏ1l|ǀ",
    "j": "јϳ",
    "k": "кκ",
    "m": "м",
    "n": "пη",
    "o": "оοσ0ө",
    "p": "рρ",
    "q": "ԛ",
    "s": "ѕ5$",
    "t": "тτ7",
    "u": "υцս",
    "v": "ѵν",
    "w": "шԝω",
    "x": "хχ",
    "y": "уγү",
    "z": "2",
}
_TAKEN_FOR = {other: letter for letter, others in _ALIKE.items() for other in others}


@dataclass(frozen=True, slots=True)
class Found:
    """Where in the text, and which of the terms."""

    begin: int
    end: int
    term: str


@dataclass(frozen=True, slots=True)
class _Skeleton:
    letters: str
    places: tuple[int, ...]  # in the text, of each letter
    begins: frozenset[int]  # at which a word begins
    ends: frozenset[int]  # at which one has ended


def find(text: str, terms: Iterable[str]) -> list[Found]:
    """Each term once, where it stands first."""
    read = _skeleton(text)
    found = [_first(read, term) for term in terms]
    return sorted((one for one in found if one is not None), key=lambda one: (one.begin, one.end))


def is_findable(term: str) -> bool:
    return bool(_skeleton(term.strip().strip("*")).letters)


def plain(text: str) -> str:
    """The skeleton alone: two texts that look alike have the same."""
    return _skeleton(text).letters


def _first(read: _Skeleton, term: str) -> Found | None:
    term = term.strip()
    wanted = _skeleton(term.strip("*")).letters
    at = read.letters.find(wanted) if wanted else -1
    while at >= 0:
        end = at + len(wanted)
        if (term.startswith("*") or at in read.begins) and (term.endswith("*") or end in read.ends):
            return Found(read.places[at], read.places[end - 1] + 1, term)
        at = read.letters.find(wanted, at + 1)
    return None


def _skeleton(text: str) -> _Skeleton:
    letters: list[str] = []
    places: list[int] = []
    breaks = {0}
    for place, character in enumerate(text):
        if unicodedata.category(character) == "Cf":  # invisible: it parts no word
            continue
        plain = "".join(_plain(character))
        if plain:
            letters += plain
            places += [place] * len(plain)
        elif not unicodedata.combining(character):
            breaks.add(len(letters))
    breaks.add(len(letters))
    cuts = sorted(breaks)
    words = [(begin, end) for begin, end in pairwise(cuts) if begin < end]
    return _Skeleton(
        "".join(letters),
        tuple(places),
        frozenset(begin for begin, _ in words),
        frozenset(end for _, end in words),
    )


def _plain(character: str) -> Iterable[str]:
    for folded in unicodedata.normalize("NFKD", character).casefold():
        taken = _TAKEN_FOR.get(folded, folded)
        if taken.isalnum():
            yield taken
