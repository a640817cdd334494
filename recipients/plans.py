"""The numbering plans of the world, from the metadata of phonenumbers: which digits are whose number, of which kind.

A plan is compiled when the first number needs it. Digits may be known only in part: then a reading says whether what
is missing could change it.
"""

import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from enum import IntFlag
from functools import cache
from typing import Any

import numpy as np
import phonenumbers
from numpy.typing import NDArray
from phonenumbers.phonemetadata import PhoneMetadata

from recipients import automata
from recipients.automata import Automaton
from recipients.cells import Bytes, Places
from recipients.reasons import Reason

MOST_DIGITS = 20
# No number has its messages at one of these, whatever else it is.
SERVICES = (
    *("premium_rate", "toll_free", "shared_cost", "voip"),
    *("personal_number", "pager", "uan", "voicemail"),
)


class Kind(IntFlag):
    REAL = 1  # The plan of the region knows such numbers.
    MOBILE = 2  # Mobile, or where nobody can tell mobile from fixed.
    NOT_MOBILE = 4  # Fixed, or a service. Neither of the two: the metadata does not know the range (yet).


@dataclass(frozen=True, slots=True)
class Plan:
    country_code: int
    verdict: NDArray[np.uint8]  # [digits of the national number] → Reason or 0
    trunk: NDArray[np.int64]  # [first two digits] → how many of them are the trunk prefix
    kinds: Automaton


@dataclass(frozen=True, slots=True)
class Digits:
    """Runs of digits, one a column: each has `length` digits from row `first` on, and is known before row `known`."""

    matrix: Bytes
    first: Places
    length: Places
    known: Places

    def at(self, columns: Places) -> "Digits":
        return Digits(self.matrix[:, columns], self.first[columns], self.length[columns], self.known[columns])

    def after(self, count: Places) -> "Digits":
        return Digits(self.matrix, self.first + count, self.length - count, self.known)

    def leading(self, count: int) -> NDArray[np.int64]:
        """The first digits as a number, as if zeros followed a shorter run."""
        number = np.zeros(len(self.first), dtype=np.int64)
        columns = np.arange(len(self.first))
        for offset in range(count):
            number = number * 10 + np.where(offset < self.length, self.matrix[self.first + offset, columns], 0)
        return number

    def lacks(self, count: int) -> NDArray[np.bool_]:
        """Are some of the first `count` digits unknown?"""
        lacking: NDArray[np.bool_] = self.first + np.minimum(count, self.length) > self.known
        return lacking


@dataclass(frozen=True, slots=True)
class Reading:
    """National numbers, each the last `length` digits of its run. Where `is_doubtful`, the rest depends on digits that
    are not known."""

    country_code: NDArray[np.int64]
    length: Places
    reasons: NDArray[np.uint8]
    kinds: NDArray[np.uint8]
    is_doubtful: NDArray[np.bool_]

    @classmethod
    def blank(cls, count: int) -> "Reading":
        def zeros(dtype: Any) -> NDArray[Any]:
            return np.zeros(count, dtype=dtype)

        return cls(zeros(np.int64), zeros(np.int64), zeros(np.uint8), zeros(np.uint8), zeros(np.bool_))

    def overwrite(self, rows: Places, other: "Reading") -> None:
        for mine, theirs in zip(self._columns, other._columns, strict=True):
            mine[rows] = theirs

    def at(self, rows: Places) -> "Reading":
        return Reading(*(column[rows] for column in self._columns))

    def is_kind(self, kind: Kind) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = (self.reasons == 0) & (self.kinds & kind != 0)
        return found

    @property
    def _columns(self) -> tuple[NDArray[Any], ...]:
        return self.country_code, self.length, self.reasons, self.kinds, self.is_doubtful


def read_international(digits: Digits) -> Reading:
    """Digits that begin with a country code."""
    leading = digits.leading(3)
    code = _code_of()[leading]
    code_length = np.where(code > 99, 3, np.where(code > 9, 2, 1))
    is_unknown = (code == 0) | (digits.length <= code_length)
    reading = Reading.blank(len(leading))
    reading.reasons[is_unknown] = Reason.UNKNOWN_COUNTRY_CODE
    for country_code in np.unique(code[~is_unknown]).tolist():
        rows = np.flatnonzero((code == country_code) & ~is_unknown)
        reading.overwrite(rows, read_national(plan_of_code(country_code), digits.at(rows).after(code_length[rows])))
    reading.is_doubtful[digits.lacks(3)] = True
    return reading


def read_bare(plan: Plan, digits: Digits) -> Reading:
    """Digits alone in a list of the plan's country, in the order of preference that phones.normalise() promises."""
    reading = read_national(plan, digits)
    other = np.flatnonzero(~reading.is_kind(Kind.MOBILE))
    if not len(other):
        return reading
    international, national = read_international(digits.at(other)), reading.at(other)
    is_better = international.is_kind(Kind.MOBILE)
    is_better |= (international.reasons == 0) & ~national.is_kind(Kind.REAL)
    # Of a number that is too long to be national, what its country code says is the better reason.
    is_better |= (national.reasons == Reason.TOO_LONG) & (digits.leading(1)[other] != 0)
    reading.is_doubtful[other] |= international.is_doubtful
    international.is_doubtful[national.is_doubtful] = True
    reading.overwrite(other[is_better], international.at(np.flatnonzero(is_better)))
    return reading


def read_national(plan: Plan, digits: Digits) -> Reading:
    """Drops the trunk prefix (the 0 of 06…), unless only the number with these digits looks real or is possible."""
    trunk = plan.trunk[digits.leading(2)]
    trunk[trunk >= digits.length] = 0
    reading = _judge(plan, digits.after(trunk))
    with_trunk = np.flatnonzero((trunk > 0) & ~reading.is_kind(Kind.REAL))
    if len(with_trunk):
        whole, stripped = _judge(plan, digits.at(with_trunk)), reading.at(with_trunk)
        is_too_short = ~np.isin(stripped.reasons, (0, Reason.TOO_LONG))
        keeps = np.flatnonzero(whole.is_kind(Kind.REAL) | is_too_short)
        reading.is_doubtful[with_trunk] |= whole.is_doubtful
        whole.is_doubtful[stripped.is_doubtful] = True
        reading.overwrite(with_trunk[keeps], whole.at(keeps))
    reading.is_doubtful[digits.lacks(2)] = True
    return reading


def _judge(plan: Plan, digits: Digits) -> Reading:
    known = np.clip(digits.known - digits.first, 0, digits.length)
    certain, possible = plan.kinds.read(digits.matrix, digits.first, known, digits.length)
    reasons = plan.verdict[digits.length]
    code = np.full(len(reasons), plan.country_code)
    return Reading(code, digits.length, reasons, certain, (reasons == 0) & (certain != possible))


@cache
def plan_of_code(country_code: int) -> Plan:
    return plan_of(country_code, phonenumbers.COUNTRY_CODE_TO_REGION_CODE[country_code][0])


@cache
def plan_of(country_code: int, region: str) -> Plan:
    own: Any = PhoneMetadata.metadata_for_region_or_calling_code(country_code, region)
    return Plan(
        country_code=country_code,
        verdict=np.array(_verdicts(own.general_desc.possible_length), dtype=np.uint8),
        trunk=np.array(_trunk_lengths(own), dtype=np.int64),
        kinds=_compile(country_code, region),
    )


@cache
def _code_of() -> NDArray[np.int64]:
    """[first three digits] → the country code, 0 where there is none."""
    code_of = np.zeros(1000, dtype=np.int64)
    for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
        rest = 10 ** (3 - len(str(code)))
        code_of[code * rest : (code + 1) * rest] = code
    return code_of


def _verdicts(possible: tuple[int, ...]) -> list[int]:
    def verdict(length: int) -> int:
        if length in possible:
            return 0
        if length < min(possible):
            return Reason.TOO_SHORT
        return Reason.TOO_LONG if length > max(possible) else Reason.WRONG_LENGTH

    return [verdict(length) for length in range(MOST_DIGITS + 1)]


def _trunk_lengths(own: Any) -> list[int]:
    """The plain trunk prefixes: what the plan's rule takes whole, without a carrier code or a missing area code."""

    def is_trunk(digits: str) -> bool:
        found = re.fullmatch(own.national_prefix_for_parsing or "", digits)
        return bool(digits and found and not any(found.groups()))

    return [2 if is_trunk(digits) else 1 if is_trunk(digits[0]) else 0 for digits in (f"{n:02}" for n in range(100))]


def _compile(country_code: int, region: str) -> Automaton:
    """Several regions may share a country code: the first that has such a number says of which kind it is."""
    sharing = [
        _Region(index, PhoneMetadata.metadata_for_region_or_calling_code(country_code, name))
        for index, name in enumerate(phonenumbers.COUNTRY_CODE_TO_REGION_CODE[country_code])
    ]
    own = _Region(len(sharing), PhoneMetadata.metadata_for_region_or_calling_code(country_code, region))

    def meaning(matching: frozenset[Any]) -> int:
        kinds = (region.kind(matching, is_alone=len(sharing) == 1) for region in sharing)
        return next((kind for kind in kinds if kind is not None), 0) | (
            Kind.REAL if own.has("general", matching) else 0
        )

    patterns: dict[Hashable, str] = {("general", own.index): own.patterns["general"]}
    for one in sharing:
        patterns |= {(name, one.index): pattern for name, pattern in one.patterns.items()}
    return automata.compile_all(patterns, meaning, longest=MOST_DIGITS)


@dataclass(slots=True)
class _Region:
    """The patterns of a region, and what it means when a number matches some of them."""

    index: int
    metadata: Any  # phonenumbers types every field of its metadata as optional.
    patterns: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        found = {
            "general": _pattern(self.metadata.general_desc),
            "service": "|".join(filter(None, (_pattern(getattr(self.metadata, name)) for name in SERVICES))),
            "fixed": _pattern(self.metadata.fixed_line),
            "mobile": _pattern(self.metadata.mobile),
            "leading": self.metadata.leading_digits and f"(?:{self.metadata.leading_digits})\\d{{0,{MOST_DIGITS}}}",
        }
        self.patterns = {name: pattern for name, pattern in found.items() if pattern}

    def has(self, name: str, matching: frozenset[Any]) -> bool:
        return (name, self.index) in matching

    def kind(self, matching: frozenset[Any], *, is_alone: bool) -> int | None:
        """None when the number is not of this region."""
        kind = self._kind(matching)
        if is_alone or self.has("leading", matching):
            return kind
        return None if "leading" in self.patterns else kind or None

    def _kind(self, matching: frozenset[Any]) -> int:
        if not self.has("general", matching):
            return 0
        if self.has("service", matching):
            return Kind.NOT_MOBILE
        if self.has("mobile", matching):
            return Kind.MOBILE
        if self.has("fixed", matching):
            return Kind.MOBILE if self.metadata.same_mobile_and_fixed_line_pattern else Kind.NOT_MOBILE
        return 0


def _pattern(description: Any) -> str:
    return (description and description.national_number_pattern) or ""
