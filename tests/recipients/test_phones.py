import random
import re

import numpy as np
import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType, ValidationResult
from phonenumbers.phonemetadata import PhoneMetadata

from recipients import automata, phones
from recipients.phones import Reason

# Fixed and open numbering plans, trunk prefixes 0, 1, 8, 80 and 06, leading zeros that stay (IT), a shared code (KZ).
COUNTRIES = ["BY", "DE", "FR", "GB", "HU", "IN", "IT", "KZ", "NL", "PL", "RU", "UA", "US"]
EXAMPLES = [
    number
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    for kind in (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE)
    if (number := phonenumbers.example_number_for_type(region, kind))
]


def normalise(values, country="NL"):
    numbers = phones.normalise("".join(f"{value}\n" for value in values).encode(), country)
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
        ("IT", "06 6982 0000", 390669820000),  # this zero stays
        ("IT", "393 123 4567", 393931234567),  # a mobile prefix, not the country code
        ("IT", "39 331 234 5678", 393312345678),
        ("BR", "55 9 9123-4567", 5555991234567),  # an area code, not the country code
        ("DE", "0170 1234567", 491701234567),
        ("DE", "49 170 1234567", 491701234567),  # also a landline in Ostfriesland
        ("DE", "33 6 12 34 56 78", 33612345678),  # also a landline in Brandenburg
        ("DE", "030 123456", 4930123456),
        ("NL", "4915112345678", 4915112345678),
        ("NL", "4512345678", 4512345678),  # ten digits are possible in NL, but only Denmark has this number
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
    ],
)
def test_what_is_no_number_has_its_reason(value, reason):
    assert normalise([value]) == [reason]


def test_every_reason_has_a_sentence():
    assert all(reason.sentence.endswith(".") for reason in Reason)


def test_an_unknown_country_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="not a country"):
        phones.normalise(b"1\n", "nl")


def test_the_longest_possible_number_of_every_plan_fits_into_64_bits():
    plans = phones.plans_for("NL")
    digits = [
        len(str(code)) + max(length for length in range(len(row)) if row[length] == 0)
        for code, row in zip(plans.country_code, plans.verdict, strict=True)
    ]
    assert max(digits) <= len(str(2**64)) - 1


def test_international_numbers_get_the_verdict_of_phonenumbers(dice):
    spelled = [phonenumbers.format_number(number, PhoneNumberFormat.E164) for number in EXAMPLES]
    values = [*spelled, *(damaged(dice.choice(spelled), dice) for _ in range(5_000))]
    values += ["+" + digits(dice, 20) for _ in range(5_000)]
    values = [value for value in values if not needs_carrier_rules(value[1:])]
    for value, ours in zip(values, normalise(values), strict=True):
        assert (value, accepted(ours)) == (value, oracle(value, None))


@pytest.mark.parametrize("country", COUNTRIES)
def test_digits_alone_get_the_verdict_of_phonenumbers(country, dice):
    metadata = PhoneMetadata.metadata_for_region(country)
    own = [number for number in EXAMPLES if number.country_code == metadata.country_code]
    spelled = [phonenumbers.format_number(number, PhoneNumberFormat.E164)[1:] for number in EXAMPLES]
    spelled += [phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL) for number in own]
    values = [re.sub(r"\D", "", value) for value in spelled]
    values += [damaged(dice.choice(values), dice) for _ in range(1_000)] + [digits(dice, 19) for _ in range(1_000)]
    leads_out = re.compile(f"00|{metadata.international_prefix}")
    values = [value for value in values if value and not leads_out.match(value) and not needs_carrier_rules(value)]
    for value, ours in zip(values, normalise(values, country), strict=True):
        readings = {oracle(value, country), oracle(f"+{value}", None)}
        assert (value, accepted(ours) is None) == (value, readings == {None})
        assert (value, accepted(ours) in readings) == (value, True)


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


def test_automata_accept_what_the_regular_expressions_match(dice):
    patterns = [
        PhoneMetadata.metadata_for_region(region).general_desc.national_number_pattern
        for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    ]
    compiled = automata.compile_all(patterns)
    runs = [digits(dice, 15) for _ in range(2_000)]
    runs += [phonenumbers.national_significant_number(number) for number in EXAMPLES]
    text = np.frombuffer("\n".join([*runs, "0" * 20]).encode(), dtype=np.uint8)
    length = np.array([len(run) for run in runs])
    first = np.cumsum(length + 1) - length - 1
    for which, pattern in enumerate(patterns):
        found = automata.matches(compiled, np.full(len(runs), which), text, first, length)
        assert found.tolist() == [re.fullmatch(pattern, run) is not None for run in runs], pattern


@pytest.mark.parametrize("pattern", ["(1)2", "[1-", "1)", "a", "\\w"])
def test_a_pattern_beyond_numbering_plans_is_refused(pattern):
    with pytest.raises((ValueError, StopIteration)):
        automata.parse(pattern)


@pytest.fixture
def dice():
    return random.Random(20)


def oracle(value, region):
    try:
        number = phonenumbers.parse(value, region)
    except NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
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
