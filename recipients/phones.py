"""Phone numbers: a column of values as people write them becomes E.164, or a reason why not.

Everything works on whole columns with NumPy. What is possible in which country comes from the metadata of
phonenumbers, compiled once into look-up tables; phonenumbers itself is the oracle of the tests. Carrier selection
codes and local numbers without their area code are not guessed at: they are refused by their length.
"""

import re
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import phonenumbers
from numpy.typing import NDArray
from phonenumbers.phonemetadata import PhoneMetadata

from recipients import automata
from recipients.automata import Automata

Bools: TypeAlias = NDArray[np.bool_]
Bytes: TypeAlias = NDArray[np.uint8]
Positions: TypeAlias = NDArray[np.int64]
Rows: TypeAlias = NDArray[np.intp]

NEWLINE, PLUS, ZERO, NINE = b"\n+09"
# Longest number that any country has, with its code; and padding, so that a look ahead never leaves the buffer.
MOST_DIGITS = 20
PADDING = b"\n" * (2 * MOST_DIGITS)
BEYOND_ASCII = 0x80

SEPARATORS = b" \t-.()[]"
# What word processors, spreadsheets and address books put between digits: wide, narrow and invisible spaces,
# typographic dashes, direction marks.
TYPOGRAPHIC = [
    character.encode()
    for character in "\u00a0\u00ad\u2007\u2009\u200a\u200b\u200e\u200f\u2010\u2011\u2012\u2013\u2014\u202a\u202c\u202d"
    "\u202f\u2060\u2066\u2068\u2069\u2212\ufeff"
]


class Reason(IntEnum):
    """Why a value is not a phone number; 0 in an array of reasons means that it is one."""

    EMPTY = 1
    LETTERS = 2
    SCIENTIFIC = 3
    NOT_A_NUMBER = 4
    TOO_SHORT = 5
    TOO_LONG = 6
    WRONG_LENGTH = 7
    UNKNOWN_COUNTRY_CODE = 8

    @property
    def sentence(self) -> str:
        return SENTENCES[self]


SENTENCES: dict[int, str] = {
    Reason.EMPTY: "There is no number.",
    Reason.LETTERS: "There are letters in it.",
    Reason.SCIENTIFIC: "A spreadsheet has rounded it: format the column as text and export it again.",
    Reason.NOT_A_NUMBER: "There are characters in it that no phone number has.",
    Reason.TOO_SHORT: "It has too few digits.",
    Reason.TOO_LONG: "It has too many digits.",
    Reason.WRONG_LENGTH: "No number of this country has this many digits.",
    Reason.UNKNOWN_COUNTRY_CODE: "It begins with no known country code.",
}


@dataclass(frozen=True, slots=True)
class Numbers:
    """One entry per value: its E.164 digits (0 where refused), and the Reason (0 where accepted)."""

    e164: NDArray[np.uint64]
    reasons: NDArray[np.uint8]


def normalise(values: bytes, country: str) -> Numbers:
    """Normalise UTF-8 values, each ended by a newline, in a list whose default country is `country` (ISO 3166, "NL").

    A leading + or 00 (or the country's own international prefix) means an international number. Digits alone can
    often be read both ways; messages go to mobiles, so the first of these wins: a mobile number of the default
    country, a mobile number with its country code, any real-looking number of the default country, a possible number
    with its country code, a possible number of the default country.
    """
    plans = plans_for(country)
    text, first, end = _without_separators(values)
    length = end - first
    reasons = _refuse_foreign_characters(text, first, end)

    plus = text[first] == PLUS
    prefix = np.where(plus, 1, _international_prefix(plans, text, first, length))
    first, length = first + prefix, length - prefix
    without_digits = (reasons == 0) & (length == 0)
    reasons[without_digits] = np.where(plus[without_digits], Reason.NOT_A_NUMBER, Reason.EMPTY)
    reasons[(reasons == 0) & (length > MOST_DIGITS)] = Reason.TOO_LONG

    e164 = np.zeros(len(first), dtype=np.uint64)
    for rows, read in (
        (np.flatnonzero((reasons == 0) & (prefix > 0)), _read_international),
        (np.flatnonzero((reasons == 0) & (prefix == 0)), _read_bare),
    ):
        reading = read(plans, text, first[rows], length[rows])
        reasons[rows] = reading.reasons
        e164[rows] = _value(plans, text, reading)
    return Numbers(e164, reasons)


@dataclass(frozen=True, slots=True)
class Plans:
    """The numbering plans of the world, one row each: of every country code, then of every region."""

    country_code: NDArray[np.uint64]
    verdict: NDArray[np.uint8]  # [plan, digits of the national number] → Reason or 0
    trunk: NDArray[np.uint8]  # [plan, first two digits] → how many of them are the trunk prefix
    real: Automata  # [plan] which national numbers look real
    mobile: Automata  # [plan] and which of them are mobile
    plan_of: NDArray[np.intp]  # [first three digits] → plan of their country code, or -1
    code_length: NDArray[np.int64]  # [first three digits] → digits of the country code
    region: int  # the plan of the list's default country
    international_prefixes: tuple[bytes, ...]


@cache
def plans_for(country: str) -> Plans:
    if country not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(f"{country!r} is not a country like NL or RU")
    own_prefix = _metadata(country).international_prefix or ""
    return replace(
        _world(),
        region=len(phonenumbers.COUNTRY_CODE_TO_REGION_CODE) + sorted(phonenumbers.SUPPORTED_REGIONS).index(country),
        international_prefixes=(b"00", own_prefix.encode()) if own_prefix.isdigit() else (b"00",),
    )


@cache
def _world() -> Plans:
    codes = phonenumbers.COUNTRY_CODE_TO_REGION_CODE
    plans: list[Any] = [
        PhoneMetadata.metadata_for_region_or_calling_code(code, regions[0]) for code, regions in codes.items()
    ]
    plans += [_metadata(region) for region in sorted(phonenumbers.SUPPORTED_REGIONS)]
    general = [plan.general_desc for plan in plans]
    plan_of, code_length = _country_code_table(list(codes))
    return Plans(
        country_code=np.array([plan.country_code for plan in plans], dtype=np.uint64),
        verdict=np.array([_verdicts(numbers.possible_length) for numbers in general], dtype=np.uint8),
        trunk=np.array([_trunk_lengths(plan) for plan in plans], dtype=np.uint8),
        real=automata.compile_all([numbers.national_number_pattern for numbers in general]),
        mobile=automata.compile_all([_pattern(plan.mobile) for plan in plans]),
        plan_of=plan_of,
        code_length=code_length,
        region=0,
        international_prefixes=(),
    )


# phonenumbers types every field of its metadata as optional; those used here are there for every plan.
def _metadata(region: str) -> Any:
    return PhoneMetadata.metadata_for_region(region)


def _pattern(description: Any) -> str:
    """A plan without mobile numbers has no description of them; only no digits at all match an empty pattern."""
    return (description and description.national_number_pattern) or ""


def _country_code_table(codes: list[int]) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    plan_of = np.full(1000, -1, dtype=np.intp)
    code_length = np.zeros(1000, dtype=np.int64)
    for plan, code in enumerate(codes):
        rest = 10 ** (3 - len(str(code)))
        plan_of[code * rest : (code + 1) * rest] = plan
        code_length[code * rest : (code + 1) * rest] = len(str(code))
    return plan_of, code_length


def _verdicts(possible: tuple[int, ...]) -> list[int]:
    def verdict(length: int) -> int:
        if length in possible:
            return 0
        if length < min(possible):
            return Reason.TOO_SHORT
        return Reason.TOO_LONG if length > max(possible) else Reason.WRONG_LENGTH

    return [verdict(length) for length in range(MOST_DIGITS + 1)]


def _trunk_lengths(plan: Any) -> list[int]:
    """The plain trunk prefixes: what the plan's rule takes whole, without a carrier code or a missing area code."""

    def is_trunk(digits: str) -> bool:
        found = re.fullmatch(plan.national_prefix_for_parsing or "", digits)
        return bool(digits and found and not any(found.groups()))

    return [2 if is_trunk(digits) else 1 if is_trunk(digits[0]) else 0 for digits in (f"{n:02}" for n in range(100))]


def _without_separators(values: bytes) -> tuple[Bytes, Positions, Positions]:
    """The bytes that count, and where each value begins and ends in them."""
    if not values.isascii():
        for character in TYPOGRAPHIC:
            values = values.replace(character, b"")
    text = np.frombuffer(values.translate(None, SEPARATORS) + PADDING, dtype=np.uint8)
    end = np.flatnonzero(text[: -len(PADDING)] == NEWLINE)
    first = np.zeros_like(end)
    first[1:] = end[:-1] + 1
    return text, first, end


def _refuse_foreign_characters(text: Bytes, first: Positions, end: Positions) -> NDArray[np.uint8]:
    reasons = np.zeros(len(first), dtype=np.uint8)
    body = text[: -len(PADDING)]
    foreign = np.flatnonzero(((body < ZERO) | (body > NINE)) & (body != NEWLINE))
    row = np.searchsorted(end, foreign)
    leading_plus = (text[foreign] == PLUS) & (foreign == first[row])
    foreign, row = foreign[~leading_plus], row[~leading_plus]
    reasons[row] = Reason.NOT_A_NUMBER
    letter = _is_letter(text[foreign])
    reasons[row[letter]] = Reason.LETTERS
    reasons[_scientific_rows(text, first, end, foreign, row)] = Reason.SCIENTIFIC
    return reasons


def _is_letter(characters: Bytes) -> Bools:
    lower = characters | 0x20
    return ((lower >= ord("a")) & (lower <= ord("z"))) | (characters >= BEYOND_ASCII)


def _scientific_rows(text: Bytes, first: Positions, end: Positions, foreign: Positions, row: Rows) -> Rows:
    """Rows like 9.98E+11: digits, one E (after a decimal comma or none), perhaps a plus, digits."""
    exponent = ((text[foreign] | 0x20) == ord("e")) & (foreign > first[row]) & (foreign + 1 < end[row])
    follows_e = (text[foreign - 1] | 0x20) == ord("e")
    allowed = exponent | (text[foreign] == ord(",")) | ((text[foreign] == PLUS) & follows_e)
    has_others = np.zeros(len(first), dtype=np.bool_)
    has_others[row[~allowed]] = True
    rounded: Rows = row[exponent & ~has_others[row]]
    return rounded


def _international_prefix(plans: Plans, text: Bytes, first: Positions, length: Positions) -> Positions:
    """How many digits of an international prefix each row begins with."""
    found = np.zeros(len(first), dtype=np.int64)
    for prefix in plans.international_prefixes:
        begins = length > len(prefix)
        for offset, digit in enumerate(prefix):
            begins &= text[offset:].take(first) == digit
        found[begins] = len(prefix)
    return found


@dataclass(frozen=True, slots=True)
class _Reading:
    """National numbers (`length` digits at `first`), each within a plan; `reasons` is 0 where that is possible."""

    plan: NDArray[np.intp]
    first: Positions
    length: Positions
    reasons: NDArray[np.uint8]

    def at(self, rows: Rows | Bools) -> "_Reading":
        return _Reading(self.plan[rows], self.first[rows], self.length[rows], self.reasons[rows])

    def overwrite(self, rows: Rows, other: "_Reading") -> None:
        self.plan[rows] = other.plan
        self.first[rows] = other.first
        self.length[rows] = other.length
        self.reasons[rows] = other.reasons


def _read_international(plans: Plans, text: Bytes, first: Positions, length: Positions) -> _Reading:
    prefix = _leading_digits(text, first, 3)
    plan, code_length = plans.plan_of[prefix], plans.code_length[prefix]
    unknown = (plan < 0) | (length <= code_length)
    plan[unknown], code_length[unknown] = plans.region, 0
    reading = _without_trunk(plans, text, plan, first + code_length, length - code_length)
    reading.reasons[unknown] = Reason.UNKNOWN_COUNTRY_CODE
    return reading


def _read_bare(plans: Plans, text: Bytes, first: Positions, length: Positions) -> _Reading:
    """Digits alone, in the order of preference that normalise() promises."""
    default = np.full(len(first), plans.region, dtype=np.intp)
    reading = _without_trunk(plans, text, default, first, length)
    doubtful = np.flatnonzero(~_looks(plans.mobile, text, reading))

    international = _read_international(plans, text, first[doubtful], length[doubtful])
    national = reading.at(doubtful)
    better = _looks(plans.mobile, text, international)
    better |= (international.reasons == 0) & ~_looks(plans.real, text, national)
    # Of a number that is too long to be national, what its country code says is the better reason.
    better |= (national.reasons == Reason.TOO_LONG) & (text[first[doubtful]] != ZERO)
    reading.overwrite(doubtful[better], international.at(better))
    return reading


def _looks(kind: Automata, text: Bytes, reading: _Reading) -> Bools:
    possible: Bools = reading.reasons == 0
    return possible & automata.matches(kind, reading.plan, text, reading.first, reading.length)


def _without_trunk(plans: Plans, text: Bytes, plan: NDArray[np.intp], first: Positions, length: Positions) -> _Reading:
    """Drop the trunk prefix (the 0 of 06…), unless only the number with these digits looks real or is possible."""
    trunk = plans.trunk[plan, _leading_digits(text, first, 2)].astype(np.int64)
    trunk[trunk >= length] = 0
    stripped = _Reading(plan, first + trunk, length - trunk, plans.verdict[plan, length - trunk])
    doubtful = np.flatnonzero(trunk)
    doubtful = doubtful[~_looks(plans.real, text, stripped.at(doubtful))]
    if len(doubtful):
        whole = _Reading(plan, first, length, plans.verdict[plan, length]).at(doubtful)
        too_short = ~np.isin(stripped.reasons[doubtful], (0, Reason.TOO_LONG))
        keeps = _looks(plans.real, text, whole) | too_short
        stripped.overwrite(doubtful[keeps], whole.at(keeps))
    return stripped


def _leading_digits(text: Bytes, first: Positions, count: int) -> NDArray[np.intp]:
    """The first `count` digits as a number, as if zeros followed a shorter run."""
    number = np.zeros(len(first), dtype=np.intp)
    ended = np.zeros(len(first), dtype=np.bool_)
    for offset in range(count):
        digit = text[offset:].take(first)
        ended |= digit == NEWLINE
        number = number * 10 + np.where(ended, 0, digit - np.uint8(ZERO))
    return number


def _value(plans: Plans, text: Bytes, reading: _Reading) -> NDArray[np.uint64]:
    value = plans.country_code[reading.plan]
    for offset in range(int(reading.length.max(initial=0))):
        longer = value * np.uint64(10)
        longer += text[offset:].take(reading.first) - np.uint8(ZERO)
        value = np.where(reading.length > offset, longer, value)
    value[reading.reasons != 0] = 0
    return value
