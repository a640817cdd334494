"""Numbering plans as automata: the digit patterns of phonenumbers, run over whole columns at once."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

DIGITS = frozenset("0123456789")
END = 10  # The symbol after the last digit: it keeps the state.
SYMBOLS = 16  # A row of the table: ten digits, END, padding up to a power of two.
DEAD = 0

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
    """Built backwards: every fragment is told where it leads to. State 0 accepts."""

    steps: list[tuple[frozenset[str], int]] = field(default_factory=lambda: [(frozenset(), 0)])
    free: list[frozenset[int]] = field(default_factory=lambda: [frozenset()])

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
class Automata:
    """Many patterns in one table: `table` is (states x SYMBOLS) flattened, `starts` has one state for each pattern."""

    table: NDArray[np.intp]
    accepting: NDArray[np.bool_]
    starts: NDArray[np.intp]


def compile_all(patterns: list[str]) -> Automata:
    """Deterministic automata by subset construction; each distinct pattern is compiled once."""
    rows: list[list[int]] = [[DEAD] * SYMBOLS]
    accepting = [False]
    start_of: dict[str, int] = {}
    for pattern in patterns:
        if pattern not in start_of:
            start_of[pattern] = _determinise(parse(pattern), rows, accepting)
    table = np.array(rows, dtype=np.intp)
    table[:, END] = np.arange(len(rows))
    # States are kept as offsets of their row, so that a step is one addition and one look-up.
    return Automata(
        table=(table * SYMBOLS).ravel(),
        accepting=np.repeat(np.array(accepting), SYMBOLS),
        starts=np.array([start_of[pattern] for pattern in patterns], dtype=np.intp) * SYMBOLS,
    )


def _determinise(pattern: Pattern, rows: list[list[int]], accepting: list[bool]) -> int:
    nfa = _Nondeterministic()
    start = nfa.closure({nfa.before(pattern, 0)})
    number_of: dict[frozenset[int], int] = {frozenset(): DEAD}
    open_sets: list[frozenset[int]] = []

    def number(states: frozenset[int]) -> int:
        if states not in number_of:
            number_of[states] = len(rows)
            rows.append([DEAD] * SYMBOLS)
            accepting.append(0 in states)
            open_sets.append(states)
        return number_of[states]

    first = number(start)
    while open_sets:
        states = open_sets.pop()
        for digit in DIGITS:
            reached = {nfa.steps[state][1] for state in states if digit in nfa.steps[state][0]}
            rows[number_of[states]][int(digit)] = number(nfa.closure(reached))
    return first


def matches(
    automata: Automata,
    which: NDArray[np.intp],
    text: NDArray[np.uint8],
    first: NDArray[np.int64],
    length: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Does pattern `which[i]` match the whole run of `length[i]` ASCII digits at `first[i]` of `text`?

    `text` must go on for at least as many bytes as the longest run, after its last byte.
    """
    state = automata.starts[which]
    shortest, longest = (int(length.min()), int(length.max())) if len(length) else (0, 0)
    for step in range(longest):
        symbol = text[step:].take(first) - np.uint8(ord("0"))
        if step >= shortest:
            symbol[length <= step] = END
        state = automata.table.take(state + symbol)
    return automata.accepting[state]
