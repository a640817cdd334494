import random
import re

import numpy as np
import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType, ValidationResult
from phonenumbers.phonemetadata import PhoneMetadata

from recipients import automata, phones, plans
from recipients.cells import Cells
from recipients.reasons import Reason

# Fixed and open numbering plans, trunk prefixes 0, 1, 8, 80 and 06, leading zeros that stay (IT), a shared code (KZ).
COUNTRIES = ["BY", "DE", "FR", "GB", "HU", "IN", "IT", "KZ", "NL", "PL", "RU", "UA", "US"]
EXAMPLES = [
    number
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    for kind in (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE)
    if (number := phonenumbers.example_number_for_type(region, kind))
]


def normalise(values, country="NL"):
    numbers = phones.normalise(Cells.of_lines("".join(f"{value}\n" for value in values).encode()), country)
    return [Reason(reason) if reason else int(e164) for e164, reason in zip(numbers.e164, numbers.reasons, strict=True)]


@pytest.mark.parametrize(
    "value",
    [
        "+31612345678",
        "0031612345678",
        "31612345678",
        "0612345678",
        "612345678",
        "+31 6 1234 5678",
        "+31 (0)6-12.34.56.78",
        "(06) 1234\u20115678",
        "\u202a+31\u00a06\u202f12345678\u202c",
        "\ufeff0612345678",
        "[06]12345678\t",
    ],
)
def test_one_dutch_number_has_many_spellings(value):
    assert normalise([value]) == [31612345678]


@pytest.mark.parametrize(
    ("country", "value", "e164"),
    [
        ("RU", "8 (916) 123-45-67", 79161234567),
        ("RU", "+7 8 916 123 45 67", 79161234567),
        ("RU", "9161234567", 79161234567),
        ("RU", "810 31 6 12345678", 31612345678),  # 8~10 leads out of Russia
        ("KZ", "8 701 123 45 67", 77011234567),
        ("US", "(202) 555-0123", 12025550123),
        ("US", "1 202 555 0123", 12025550123),
        ("US", "011 31 6 12345678", 31612345678),
        ("HU", "06 20 123 4567", 36201234567),
        ("IT", "06 9999999999", 39069999999999),  # this zero stays
        ("IT", "393 123 4567", 393931234567),  # a mobile prefix, not the country code
        ("IT", "39 331 234 5678", 393312345678),
        ("BR", "55 9 9123-4567", 5555991234567),  # an area code, not the country code
        ("DE", "0170 1234567", 491701234567),
        ("DE", "49 170 1234567", 491701234567),  # also a landline in Ostfriesland
        ("DE", "33 6 12 34 56 78", 33612345678),  # also a landline in Brandenburg
        ("DE", "0151 23456789", 4915123456789),
        ("NL", "4915112345678", 4915112345678),
        ("NL", "4520123456", 4520123456),  # ten digits are possible in NL, but only Denmark has this number
        ("NL", "+225 01 02 03 04 05", 2250102030405),
    ],
)
def test_a_number_is_read_as_its_country_writes_it(country, value, e164):
    assert normalise([value], country) == [e164]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", Reason.EMPTY),
        (" - ", Reason.EMPTY),
        ("\u00a0", Reason.EMPTY),
        ("call me", Reason.LETTERS),
        ("06 1234 567O", Reason.LETTERS),
        ("телефон", Reason.LETTERS),
        ("9.98E+11", Reason.SCIENTIFIC),
        ("9,98E+11", Reason.SCIENTIFIC),
        ("3.16e10", Reason.SCIENTIFIC),
        ("E+11", Reason.LETTERS),
        ("3E", Reason.LETTERS),
        ("+", Reason.NOT_A_NUMBER),
        ("06+12345678", Reason.NOT_A_NUMBER),
        ("++31612345678", Reason.NOT_A_NUMBER),
        ("0612345678/9", Reason.NOT_A_NUMBER),
        ("=0612345678", Reason.NOT_A_NUMBER),
        ("+3161", Reason.TOO_SHORT),
        ("12", Reason.TOO_SHORT),
        ("+316123456789012", Reason.TOO_LONG),
        ("1" * 1000, Reason.TOO_LONG),
        ("+33 1234 56789 0", Reason.TOO_LONG),
        ("+370 123456789", Reason.TOO_LONG),
        ("+359 1234567890", Reason.WRONG_LENGTH),
        ("+999 123456", Reason.UNKNOWN_COUNTRY_CODE),
        ("+0612345678", Reason.UNKNOWN_COUNTRY_CODE),
        ("+31", Reason.UNKNOWN_COUNTRY_CODE),
        ("999123456789", Reason.UNKNOWN_COUNTRY_CODE),
        ("020 123 4567", Reason.NOT_MOBILE),  # a landline
        ("+49 30 123456", Reason.NOT_MOBILE),
        ("+7 495 123 45 67", Reason.NOT_MOBILE),
        ("0800 1234", Reason.NOT_MOBILE),  # toll free
        ("0900 1234567", Reason.NOT_MOBILE),  # premium
        ("066 1234567", Reason.NOT_MOBILE),  # a pager
        ("+1 900 234 5678", Reason.NOT_MOBILE),
        ("+800 1234 5678", Reason.NOT_MOBILE),
    ],
)
def test_what_is_no_number_has_its_reason(value, reason):
    assert normalise([value]) == [reason]


def test_every_reason_has_a_sentence():
    assert all(reason.sentence.endswith(".") for reason in Reason)


def test_an_unknown_country_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="not a country"):
        phones.normalise(Cells.of_lines(b"1\n"), "nl")


def test_a_range_that_the_metadata_does_not_know_may_be_a_new_mobile_range():
    assert normalise(["+31 60 1234567"]) == [31601234567]


def test_the_longest_possible_number_of_every_plan_fits_into_64_bits():
    every = [plans.plan_of_code(code) for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE]
    digits = [
        len(str(plan.country_code)) + max(length for length in range(len(plan.verdict)) if plan.verdict[length] == 0)
        for plan in every
    ]
    assert max(digits) <= len(str(2**64)) - 1


def test_international_numbers_get_the_verdict_of_phonenumbers(dice):
    spelled = [phonenumbers.format_number(number, PhoneNumberFormat.E164) for number in EXAMPLES]
    values = [*spelled, *(damaged(dice.choice(spelled), dice) for _ in range(15_000))]
    values += ["+" + digits(dice, 20) for _ in range(15_000)]
    values = [value for value in values if not needs_carrier_rules(value[1:])]
    for value, ours in zip(values, normalise(values), strict=True):
        assert (value, accepted(ours)) == (value, verdict(parsed(value, None)))


@pytest.mark.parametrize("country", COUNTRIES)
def test_digits_alone_get_the_verdict_of_phonenumbers(country, dice):
    metadata = PhoneMetadata.metadata_for_region(country)
    own = [number for number in EXAMPLES if number.country_code == metadata.country_code]
    spelled = [phonenumbers.format_number(number, PhoneNumberFormat.E164)[1:] for number in EXAMPLES]
    spelled += [phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL) for number in own]
    values = [re.sub(r"\D", "", value) for value in spelled]
    values += [damaged(dice.choice(values), dice) for _ in range(3_000)] + [digits(dice, 19) for _ in range(3_000)]
    leads_out = re.compile(f"00|{metadata.international_prefix}")
    values = [value for value in values if value and not leads_out.match(value) and not needs_carrier_rules(value)]
    for value, ours in zip(values, normalise(values, country), strict=True):
        assert (value, accepted(ours)) == (value, verdict(preferred(value, country)))


@pytest.mark.parametrize("country", COUNTRIES)
def test_a_number_gets_the_same_verdict_among_others_and_alone(country, dice):
    """The table of known beginnings fills itself: what was seen before must not matter."""
    values = [
        damaged(phonenumbers.format_number(dice.choice(EXAMPLES), PhoneNumberFormat.E164), dice) for _ in "x" * 99
    ]
    phones.home_of.cache_clear()
    among = normalise(values, country)
    phones.home_of.cache_clear()
    assert [normalise([value], country)[0] for value in values] == among


@given(st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]))))
@settings(deadline=None)
def test_any_text_gets_one_verdict_a_value(values):
    assert len(normalise(values)) == len(values)


@given(st.lists(st.text("0123456789+-() eE.,\u00a0", max_size=30)), st.sampled_from(COUNTRIES))
@settings(deadline=None)
def test_an_accepted_number_is_accepted_again_as_itself(values, country):
    numbers = [value for value in normalise(values, country) if not isinstance(value, Reason)]
    again = normalise([f"+{number}" for number in numbers], country)
    assert [value for number, value in zip(numbers, again, strict=True) if not needs_carrier_rules(str(number))] == [
        number for number in numbers if not needs_carrier_rules(str(number))
    ]


@pytest.mark.parametrize("region", ["AR", "DE", "GB", "IN", "NL", "US"])
def test_an_automaton_says_what_the_regular_expressions_match(region, dice):
    metadata = PhoneMetadata.metadata_for_region(region)
    patterns = {1: metadata.general_desc.national_number_pattern, 2: metadata.mobile.national_number_pattern}
    compiled = automata.compile_all(patterns, sum, longest=20)
    runs = [damaged(str(dice.choice(EXAMPLES).national_number), dice) for _ in range(500)]
    matrix = np.zeros((40, len(runs)), dtype=np.uint8)
    for column, run in enumerate(runs):
        matrix[: len(run), column] = [int(digit) for digit in run]
    first, length = np.zeros(len(runs), dtype=np.int64), np.array([len(run) for run in runs])
    expected = [sum(bit for bit, pattern in patterns.items() if re.fullmatch(pattern, run)) for run in runs]
    for unknown in range(6):
        certain, possible = compiled.read(matrix, first, np.maximum(length - unknown, 0), length)
        bounds = zip(certain, expected, possible, strict=True)
        assert all(low & bits == low and bits & high == bits for low, bits, high in bounds)
        if not unknown:
            assert certain.tolist() == possible.tolist() == expected


@pytest.mark.parametrize("pattern", ["(1)2", "[1-", "1)", "a", "\\w"])
def test_a_pattern_beyond_numbering_plans_is_refused(pattern):
    with pytest.raises((ValueError, StopIteration)):
        automata.parse(pattern)


@pytest.fixture
def dice():
    return random.Random(20)


NOT_MOBILE = {
    *(PhoneNumberType.FIXED_LINE, PhoneNumberType.PREMIUM_RATE, PhoneNumberType.TOLL_FREE),
    *(PhoneNumberType.SHARED_COST, PhoneNumberType.VOIP, PhoneNumberType.PERSONAL_NUMBER),
    *(PhoneNumberType.PAGER, PhoneNumberType.UAN, PhoneNumberType.VOICEMAIL),
}


def parsed(value, region):
    try:
        return phonenumbers.parse(value, region)
    except NumberParseException:
        return None


def is_possible(number):
    return number is not None and phonenumbers.is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE


def is_mobile(number):
    kinds = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
    return is_possible(number) and phonenumbers.number_type(number) in kinds


def looks_real(number, country):
    general = PhoneMetadata.metadata_for_region(country).general_desc.national_number_pattern
    return is_possible(number) and re.fullmatch(general, phonenumbers.national_significant_number(number))


def preferred(value, country):
    """The reading that a list of this country prefers of digits alone."""
    code = phonenumbers.country_code_for_region(country)
    national, international = parsed(value, country), parsed(f"+{value}", None)
    if national and national.country_code != code:
        national = None
    readings = [
        national if is_mobile(national) else None,
        international if is_mobile(international) else None,
        national if looks_real(national, country) else None,
        international if is_possible(international) else None,
        national,
    ]
    return next((number for number in readings if number), None)


def verdict(number):
    """E.164, or None: refused when it is not possible, or known to be of a kind that gets no messages."""
    if not is_possible(number) or phonenumbers.number_type(number) in NOT_MOBILE:
        return None
    return int(phonenumbers.format_number(number, PhoneNumberFormat.E164))


def accepted(ours):
    return None if isinstance(ours, Reason) else ours


def needs_carrier_rules(international):
    """Would phonenumbers take out a carrier code or put in an area code? We do not guess at either."""
    for size in (1, 2, 3):
        for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(international[:size] or 0), [])[:1]:
            rule = PhoneMetadata.metadata_for_region_or_calling_code(int(international[:size]), region)
            found = re.match(rule.national_prefix_for_parsing or "", international[size:])
            return bool(found and any(found.groups()))
    return False


def digits(dice, most):
    return "".join(dice.choices("0123456789", k=dice.randrange(1, most + 1)))


def damaged(value, dice):
    """One or two digits changed, lost or added after the first character."""
    characters = list(value)
    for _ in range(dice.randrange(1, 3)):
        at = dice.randrange(1, len(characters))
        characters[at : at + dice.randrange(2)] = dice.choices("0123456789", k=dice.randrange(2))
    return "".join(characters)
