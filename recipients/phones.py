"""Phone numbers: a column of values as people write them becomes E.164, or a reason why not.

Everything works on whole columns with NumPy. What nearly all rows need is their form (with a plus or without), how
many digits they have and the first few of these: that is looked up in a table, which fills itself as files need it.
Other rows are read digit by digit (`recipients.plans`). phonenumbers, whose metadata both follow, is the oracle of the
tests. Carrier selection codes and local numbers without their area code are not guessed at: they are refused by their
length.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import phonenumbers
from numpy.typing import NDArray
from phonenumbers.phonemetadata import PhoneMetadata

from recipients import plans
from recipients.cells import NEWLINE, PADDING, WORD, Bytes, Cells, Places, Words
from recipients.plans import MOST_DIGITS, Digits, Kind, Plan, Reading
from recipients.reasons import Reason

PLUS, ZERO, NINE = b"+09"
BEYOND_ASCII = 0x80
SEPARATORS = b" \t-.()[]"
# What word processors, spreadsheets and address books put between digits: wide, narrow and invisible spaces,
# typographic dashes, direction marks.
TYPOGRAPHIC = [
    character.encode()
    for character in "\u00a0\u00ad\u2007\u2009\u200a\u200b\u200e\u200f\u2010\u2011\u2012\u2013\u2014\u202a\u202c\u202d"
    "\u202f\u2060\u2066\u2068\u2069\u2212\ufeff"
]

# Two words of text hold the digits of a row; more are read one by one.
QUICK_DIGITS = 2 * WORD
ZEROS = np.uint64(0x3030303030303030)
HIGH_BITS = np.uint64(0x8080808080808080)
BEYOND_NINE = np.uint64(0x7676767676767676)  # added to a byte, raises the high bit from 10 on
LAST = np.array([0, *((1 << 64) - (1 << 64 - 8 * n) for n in range(1, 9)), *[(1 << 64) - 1] * 8], dtype=np.uint64)
BEFORE = np.array([*[0] * 9, *((1 << 64) - (1 << 64 - 8 * n) for n in range(1, 9))], dtype=np.uint64)
POWERS = np.array([10**n for n in range(MOST_DIGITS)], dtype=np.uint64)

# Outcomes of the table: not looked at yet, needs all its digits, a reason; from FIRST_NUMBER on a country code and how
# many digits follow it.
UNSEEN, OPEN = 0, 1
FIRST_NUMBER = 32
OUTCOMES = FIRST_NUMBER + 1000 * MOST_DIGITS
KNOWN = 6  # digits that the table looks at
PREFIXES = 10**KNOWN


@dataclass(frozen=True, slots=True)
class Numbers:
    """One entry per value: its E.164 digits (0 where refused), and the Reason (0 where accepted)."""

    e164: NDArray[np.uint64]
    reasons: NDArray[np.uint8]

    def overwrite(self, rows: Places, other: "Numbers") -> None:
        self.e164[rows], self.reasons[rows] = other.e164, other.reasons


def normalise(cells: Cells, country: str) -> Numbers:
    """Normalise values in a list whose default country is `country` (ISO 3166, "NL").

    A leading + or 00 (or the country's own international prefix) means an international number. Digits alone can
    often be read both ways; messages go to mobiles, so the first of these wins: a mobile number of the default
    country, a mobile number with its country code, any real-looking number of the default country, a possible number
    with its country code, a possible number of the default country. Then it is refused if that is known not to be in
    a mobile range.
    """
    home = home_of(country)
    numbers, unclear = _normalise_plain(cells, home)
    if len(unclear):
        bare = _without_separators(cells.at(unclear))
        again, foreign = _normalise_plain(bare, home)
        if len(foreign):
            again.overwrite(foreign, _normalise_foreign(bare.at(foreign), home))
        numbers.overwrite(unclear, again)
    return numbers


@dataclass(frozen=True, slots=True)
class Home:
    """What digits alone mean in lists of one country; `outcomes` is [form, digits, the first KNOWN of them]."""

    plan: Plan
    international_prefix: bytes
    outcomes: NDArray[np.uint16]


@lru_cache(maxsize=8)  # A table holds at most 65 MB, and no more than the files have needed of it.
def home_of(country: str) -> Home:
    if country not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(f"{country!r} is not a country like NL or RU")
    prefix = getattr(PhoneMetadata.metadata_for_region(country), "international_prefix", None) or ""
    return Home(
        plan=plans.plan_of(phonenumbers.country_code_for_region(country), country),
        international_prefix=prefix.encode() if prefix.isdigit() else b"00",
        outcomes=np.zeros(2 * (QUICK_DIGITS + 1) * PREFIXES, dtype=np.uint16),
    )


def _normalise_plain(cells: Cells, home: Home) -> tuple[Numbers, Places]:
    """The numbers of the rows that are a plus or none and up to sixteen digits; which rows are not."""
    begins_with = cells.buffer[cells.first]
    has_plus = begins_with == PLUS
    length = cells.length - has_plus
    is_plain = (length > 0) & (length <= QUICK_DIGITS)
    length[~is_plain] = 0
    value, has_others = _digits_before(cells, length)
    is_plain &= ~has_others
    leads_out = (begins_with == ZERO) & (cells.buffer[cells.first + 1] == ZERO) & (length > 2)
    length -= 2 * leads_out
    is_international = has_plus | leads_out
    value[~is_plain] = 0

    key = (is_international * (QUICK_DIGITS + 1) + length) * PREFIXES
    key += (value // POWERS[np.maximum(length - KNOWN, 0)]).view(np.int64)
    outcome = home.outcomes[key]
    if len(unseen := np.flatnonzero((outcome == UNSEEN) & is_plain)):
        _see(home, np.unique(key[unseen]))
        outcome[unseen] = home.outcomes[key[unseen]]
    numbers = Numbers(_code_value()[outcome] + value % _after_code()[outcome], _reason_of()[outcome])
    numbers.e164[numbers.reasons != 0] = 0
    if len(rows := np.flatnonzero((outcome == OPEN) & is_plain)):
        digits = _spelled(cells.end[rows] - length[rows], length[rows], cells.buffer)
        numbers.overwrite(rows, _number(digits, _read(home, digits, is_international[rows])))
    return numbers, np.flatnonzero(~is_plain)


def _digits_before(cells: Cells, length: Places) -> tuple[Words, NDArray[np.bool_]]:
    """The value of the last `length` digits, at most sixteen, and whether there is anything else among them."""
    low = (cells.words(cells.end - WORD) ^ ZEROS) & LAST[length]
    high = (cells.words(cells.end - 2 * WORD) ^ ZEROS) & BEFORE[length]
    others = (low + BEYOND_NINE | low | high + BEYOND_NINE | high) & HIGH_BITS
    return _eight_digits(high) * np.uint64(100_000_000) + _eight_digits(low), others != 0


def _eight_digits(word: Words) -> Words:
    """The value of eight digits, a byte each, the first one lowest: neighbours are joined to 2, 4, 8 digits at once."""
    word = word * np.uint64(10 << 8 | 1) >> np.uint64(8) & np.uint64(0x00FF00FF00FF00FF)
    word = word * np.uint64(100 << 16 | 1) >> np.uint64(16) & np.uint64(0x0000FFFF0000FFFF)
    return word * np.uint64(10_000 << 32 | 1) >> np.uint64(32)


def _see(home: Home, keys: Places) -> None:
    """Fill the table for these keys. Several threads may do so at once: they write the same."""
    form_and_length, prefix = np.divmod(keys, PREFIXES)
    is_international, length = np.divmod(form_and_length, QUICK_DIGITS + 1)
    known = np.minimum(length, KNOWN)
    powers = POWERS[:KNOWN].astype(np.int64)
    matrix = np.zeros((MOST_DIGITS + 4, len(keys)), dtype=np.uint8)
    for digit in range(KNOWN):
        matrix[digit] = prefix // powers[np.maximum(known - 1 - digit, 0)] % 10
    reading = _read(home, Digits(matrix, np.zeros_like(known), length, known), is_international == 1)
    outcome = np.where(
        reading.reasons == 0, FIRST_NUMBER + reading.country_code * MOST_DIGITS + reading.length, reading.reasons + 1
    )
    outcome[reading.is_doubtful] = OPEN
    home.outcomes[keys] = outcome


@lru_cache
def _code_value() -> Words:
    """[outcome] → what the country code counts for."""
    value = np.zeros(OUTCOMES, dtype=np.uint64)
    code, length = np.divmod(np.arange(1000 * MOST_DIGITS), MOST_DIGITS)
    # No possible number has so many digits that it does not fit; those which do not are never looked up.
    value[FIRST_NUMBER:] = code.astype(np.uint64) * POWERS[length]
    return value


@lru_cache
def _after_code() -> Words:
    """[outcome] → the power of ten below which the national number is."""
    power = np.ones(OUTCOMES, dtype=np.uint64)
    power[FIRST_NUMBER:] = np.tile(POWERS, 1000)
    return power


@lru_cache
def _reason_of() -> NDArray[np.uint8]:
    reasons = np.zeros(OUTCOMES, dtype=np.uint8)
    for reason in Reason:
        reasons[reason + 1] = reason
    return reasons


def _spelled(first: Places, length: Places, buffer: Bytes) -> Digits:
    matrix = np.zeros((MOST_DIGITS + 4, len(first)), dtype=np.uint8)
    for digit in range(MOST_DIGITS):
        matrix[digit] = np.where(digit < length, buffer[np.minimum(first + digit, len(buffer) - 1)] - ZERO, 0)
    return Digits(matrix, np.zeros_like(first), length, length)


def _read(home: Home, digits: Digits, is_international: NDArray[np.bool_]) -> Reading:
    leads_out = ~is_international & (digits.length > len(home.international_prefix))
    for offset, digit in enumerate(home.international_prefix):
        leads_out &= digits.matrix[offset] == digit - ZERO
    reading = Reading.blank(len(leads_out))
    with_code, bare = np.flatnonzero(is_international | leads_out), np.flatnonzero(~(is_international | leads_out))
    if len(with_code):
        prefix = leads_out[with_code] * len(home.international_prefix)
        reading.overwrite(with_code, plans.read_international(digits.at(with_code).after(prefix)))
    if len(bare):
        reading.overwrite(bare, plans.read_bare(home.plan, digits.at(bare)))
    reading.reasons[reading.is_kind(Kind.NOT_MOBILE)] = Reason.NOT_MOBILE
    return reading


def _number(digits: Digits, reading: Reading) -> Numbers:
    value = np.zeros(len(reading.length), dtype=np.uint64)
    begin = digits.first + digits.length - reading.length
    columns = np.arange(len(value))
    for offset in range(int(reading.length.max(initial=0))):
        longer = value * np.uint64(10) + digits.matrix[np.minimum(begin + offset, len(digits.matrix) - 1), columns]
        value = np.where(offset < reading.length, longer, value)
    value += reading.country_code.astype(np.uint64) * POWERS[np.minimum(reading.length, MOST_DIGITS - 1)]
    value[reading.reasons != 0] = 0
    return Numbers(value, reading.reasons)


def _without_separators(cells: Cells) -> Cells:
    text = cells.joined()
    if not text.isascii():
        for character in TYPOGRAPHIC:
            text = text.replace(character, b"")
    return Cells.of_lines(text.translate(None, SEPARATORS))


def _normalise_foreign(cells: Cells, home: Home) -> Numbers:
    """Rows without separators that are not just a plus and up to sixteen digits."""
    cells = Cells.of_lines(cells.joined())
    reasons = _refuse_foreign_characters(cells)
    has_plus = cells.buffer[cells.first] == PLUS
    first, length = cells.first + has_plus, cells.length - has_plus
    has_no_digits = (reasons == 0) & (length == 0)
    reasons[has_no_digits] = np.where(has_plus[has_no_digits], Reason.NOT_A_NUMBER, Reason.EMPTY)
    leads_out = ~has_plus & (length > 2) & (cells.buffer[first] == ZERO) & (cells.buffer[first + 1] == ZERO)
    first, length = first + 2 * leads_out, length - 2 * leads_out
    reasons[(reasons == 0) & (length > MOST_DIGITS)] = Reason.TOO_LONG
    numbers = Numbers(np.zeros(len(cells), dtype=np.uint64), reasons)
    if len(rows := np.flatnonzero(reasons == 0)):
        digits = _spelled(first[rows], length[rows], cells.buffer)
        numbers.overwrite(rows, _number(digits, _read(home, digits, (has_plus | leads_out)[rows])))
    return numbers


def _refuse_foreign_characters(cells: Cells) -> NDArray[np.uint8]:
    reasons = np.zeros(len(cells), dtype=np.uint8)
    text = cells.buffer
    is_foreign = ((text < ZERO) | (text > NINE)) & (text != NEWLINE)
    is_foreign[: len(PADDING)] = is_foreign[-len(PADDING) :] = False
    is_foreign[cells.first] &= text[cells.first] != PLUS
    foreign = np.flatnonzero(is_foreign)
    row = np.searchsorted(cells.end, foreign)
    reasons[row] = Reason.NOT_A_NUMBER
    reasons[row[_is_letter(text[foreign])]] = Reason.LETTERS
    reasons[_scientific_rows(cells, foreign, row)] = Reason.SCIENTIFIC
    return reasons


def _is_letter(characters: Bytes) -> NDArray[np.bool_]:
    lower = characters | 0x20
    found: NDArray[np.bool_] = ((lower >= ord("a")) & (lower <= ord("z"))) | (characters >= BEYOND_ASCII)
    return found


def _scientific_rows(cells: Cells, foreign: Places, row: Places) -> Places:
    """Rows like 9.98E+11: digits, one E (after a decimal comma or none), perhaps a plus, digits."""
    text, first, end = cells.buffer, cells.first, cells.end
    is_exponent = ((text[foreign] | 0x20) == ord("e")) & (foreign > first[row]) & (foreign + 1 < end[row])
    follows_e = (text[foreign - 1] | 0x20) == ord("e")
    is_allowed = is_exponent | (text[foreign] == ord(",")) | ((text[foreign] == PLUS) & follows_e)
    has_others = np.zeros(len(cells), dtype=np.bool_)
    has_others[row[~is_allowed]] = True
    rounded: Places = row[is_exponent & ~has_others[row]]
    return rounded
