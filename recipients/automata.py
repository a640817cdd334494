"""Numbering plans as automata: the digit patterns of phonenumbers, run over whole columns at once."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from recipients.cells import Places

DIGITS = frozenset("0123456789")
DEAD, START = 0, 1  # states

Atom: TypeAlias = "frozenset[str] | Pattern"
Branch: TypeAlias = "tuple[tuple[Atom, int, int], ...]"  # Each atom with how often, at least and at most.


@dataclass(frozen=True, slots=True)
class Pattern:
    branches: tuple[Branch, ...]


def parse(text: str) -> Pattern:
    """Read the subset of regular expressions that numbering plans use: digits, \\d, [1-3], (?:...), |, ?, {n,m}."""
    characters = iter(text + ")")
    pattern, rest = _alternatives(characters), "".join(characters)
    if rest:
        raise ValueError(f"unexpected {rest!r} in the pattern {text!r}")
    return pattern


def _alternatives(characters: Iterator[str]) -> Pattern:
    branches: list[list[tuple[Atom, int, int]]] = [[]]
    for character in characters:
        match character:
            case ")":
                break
            case "|":
                branches.append([])
            case "?":
                branches[-1][-1] = (branches[-1][-1][0], 0, 1)
            case "{":
                least, _, most = _until("}", characters).partition(",")
                branches[-1][-1] = (branches[-1][-1][0], int(least), int(most or least))
            case _:
                branches[-1].append((_atom(character, characters), 1, 1))
    return Pattern(tuple(tuple(branch) for branch in branches))


def _atom(character: str, characters: Iterator[str]) -> Atom:
    match character:
        case "(":
            if next(characters) + next(characters) != "?:":
                raise ValueError("only groups without capture belong in a numbering plan")
            return _alternatives(characters)
        case "[":
            return _digit_class(_until("]", characters))
        case "\\" if next(characters) == "d":
            return DIGITS
        case digit if digit in DIGITS:
            return frozenset(digit)
    raise ValueError(f"unexpected {character!r} in a numbering plan")


def _digit_class(text: str) -> frozenset[str]:
    members: set[str] = set()
    while text:
        if text[1:2] == "-":
            members.update(str(digit) for digit in range(int(text[0]), int(text[2]) + 1))
            text = text[3:]
        elif text.startswith("\\d"):
            return DIGITS
        else:
            members.add(text[0])
            text = text[1:]
    return frozenset(members)


def _until(stop: str, characters: Iterator[str]) -> str:
    return "".join(iter(characters.__next__, stop))


@dataclass(slots=True)
class _Nondeterministic:
    """Built backwards: every fragment is told where it leads to. An accepting state has no steps."""

    steps: list[tuple[frozenset[str], int]] = field(default_factory=list)
    free: list[frozenset[int]] = field(default_factory=list)

    def add(self, digits: frozenset[str], to: int, free: frozenset[int] = frozenset()) -> int:
        self.steps.append((digits, to))
        self.free.append(free)
        return len(self.steps) - 1

    def before(self, atom: Atom, to: int) -> int:
        if isinstance(atom, frozenset):
            return self.add(atom, to)
        entries = frozenset(self._before_branch(branch, to) for branch in atom.branches)
        return self.add(frozenset(), 0, entries)

    def _before_branch(self, branch: Branch, to: int) -> int:
        for atom, least, most in reversed(branch):
            for _ in range(most - least):
                to = self.add(frozenset(), 0, frozenset({self.before(atom, to), to}))
            for _ in range(least):
                to = self.before(atom, to)
        return to

    def closure(self, states: set[int]) -> frozenset[int]:
        seen, open_states = set(states), list(states)
        while open_states:
            new = self.free[open_states.pop()] - seen
            seen |= new
            open_states.extend(new)
        return frozenset(seen)


@dataclass(frozen=True, slots=True)
class Automaton:
    """Says about runs of digits what `compile_all` was told that they mean, also when their last digits are unknown."""

    table: NDArray[np.int32]  # [state, digit] → state
    certain: NDArray[np.uint8]  # [digits that follow, state] → the bits that every run has
    possible: NDArray[np.uint8]  # and the bits that some run has

    def read(
        self, digits: NDArray[np.uint8], first: Places, known: Places, length: Places
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The bits which each run surely has, and those which it may have: `length` digits, of which the first `known`
        are in column i of `digits` from row `first[i]` on."""
        column = np.arange(len(first))
        state = np.full(len(first), START, dtype=np.int32)
        for step in range(int(known.max(initial=0))):
            goes_on = np.flatnonzero(known > step)
            state[goes_on] = self.table[state[goes_on], digits[first[goes_on] + step, column[goes_on]]]
        return self.certain[length - known, state], self.possible[length - known, state]


def compile_all(
    patterns: Mapping[Hashable, str], meaning: Callable[[frozenset[Hashable]], int], *, longest: int
) -> Automaton:
    """One deterministic automaton for many patterns, by subset construction.

    `meaning` makes of the names of those patterns that match a run one byte of bits.
    """
    nfa = _Nondeterministic()
    accepts: dict[int, Hashable] = {}
    entries = set()
    for name, pattern in patterns.items():
        end = nfa.add(frozenset(), 0)
        accepts[end] = name
        entries.add(nfa.before(parse(pattern), end))
    rows, sets = _determinise(nfa, nfa.closure(entries))
    table = np.array(rows, dtype=np.int32)
    labels = [meaning(frozenset(accepts[state] for state in states if state in accepts)) for states in sets]
    certain, possible = [np.array(labels, dtype=np.uint8)], [np.array(labels, dtype=np.uint8)]
    for _ in range(longest):
        certain.append(np.bitwise_and.reduce(certain[-1][table], axis=1))
        possible.append(np.bitwise_or.reduce(possible[-1][table], axis=1))
    return Automaton(table, np.array(certain), np.array(possible))


def _determinise(nfa: _Nondeterministic, start: frozenset[int]) -> tuple[list[list[int]], list[frozenset[int]]]:
    number_of = {frozenset[int](): DEAD, start: START}
    rows = [[DEAD] * 10, [DEAD] * 10]
    sets = [frozenset[int](), start]
    at = START
    while at < len(sets):
        reached: dict[str, set[int]] = {}
        for state in sets[at]:
            digits, to = nfa.steps[state]
            for digit in digits:
                reached.setdefault(digit, set()).add(to)
        closed: dict[frozenset[int], int] = {}
        for digit, states in reached.items():
            key = frozenset(states)
            if key not in closed:
                closure = nfa.closure(states)
                closed[key] = number_of.setdefault(closure, len(sets))
                if closed[key] == len(sets):
                    sets.append(closure)
                    rows.append([DEAD] * 10)
            rows[at][int(digit)] = closed[key]
        at += 1
    return rows, sets
