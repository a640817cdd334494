from itertools import pairwise

import gsm0338
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from campaigns import gsm

ORACLE = gsm0338.Codec()
GSM = "".join(gsm.SEPTETS)
GSM_TEXT = st.text(st.sampled_from(GSM), max_size=500)
# As many characters of the extension table as of all others: every place for a split comes up.
ESCAPED_TEXT = st.text(st.sampled_from("a€"), min_size=140, max_size=400)
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("aЖ😀"), max_size=300)
TEXTS = GSM_TEXT | ESCAPED_TEXT | ANY_TEXT | st.text(st.sampled_from("Ж😀"), min_size=60, max_size=200)


def units(part, encoding):
    return len(gsm.encode_part(part, encoding)) // (2 if encoding == "ucs2" else 1)


def test_the_characters_of_the_oracle_are_gsm_but_for_the_escape_itself():
    everything = map(chr, range(0x3000))
    assert {character for character in everything if ORACLE.encode(character, "ignore")[0]} == {*GSM, "\x1b"}


@pytest.mark.parametrize("character", GSM)
def test_a_character_has_the_septets_of_the_oracle(character):
    assert gsm.encode_part(character, "gsm7") == ORACLE.encode(character)[0]


@pytest.mark.parametrize("character", "^{}\\[~]|€\f")
def test_a_character_of_the_extension_table_costs_two_septets(character):
    assert gsm.measure(character).units == 2


@pytest.mark.parametrize(
    ("text", "encoding", "units", "parts", "per_part"),
    [
        ("", "gsm7", 0, 1, 160),
        ("a" * 160, "gsm7", 160, 1, 160),
        ("a" * 161, "gsm7", 161, 2, 153),
        ("a" * 306, "gsm7", 306, 2, 153),
        ("a" * 307, "gsm7", 307, 3, 153),
        ("€" * 80, "gsm7", 160, 1, 160),
        ("€" * 81, "gsm7", 162, 2, 153),
        ("€" * 153, "gsm7", 306, 3, 153),  # 76 in a part: an escape pair is not split
        ("Ж" * 70, "ucs2", 70, 1, 70),
        ("Ж" * 71, "ucs2", 71, 2, 67),
        ("Ж" * 134, "ucs2", 134, 2, 67),
        ("Ж" * 135, "ucs2", 135, 3, 67),
        ("😀" * 35, "ucs2", 70, 1, 70),
        ("😀" * 36, "ucs2", 72, 2, 67),
        ("😀" * 67, "ucs2", 134, 3, 67),  # 33 in a part: a surrogate pair is not split
    ],
)
def test_parts_are_counted_at_every_border(text, encoding, units, parts, per_part):
    assert gsm.measure(text) == gsm.Measure(
        encoding=encoding,
        units=units,
        parts=parts,
        per_part=per_part,
        first_foreign=None if encoding == "gsm7" else text[0],
    )


@pytest.mark.parametrize(
    ("text", "foreign"), [("Hej då", None), ("Price: 5€", None), ("naïve", "ï"), ("ok “yes”", "“"), ("a\x1bЖ", "\x1b")]
)
def test_the_first_character_that_forces_ucs2_is_named(text, foreign):
    assert gsm.measure(text).first_foreign == foreign


def test_a_text_over_the_limit_of_parts_does_not_fit():
    assert gsm.measure("a" * 1530).fits()
    assert not gsm.measure("a" * 1531).fits()
    assert not gsm.measure("a" * 161).fits(max_parts=1)


@given(TEXTS)
@example("a" * 152 + "€" + "a" * 10)
@example("Ж" * 66 + "😀" + "Ж" * 10)
def test_parts_are_the_text_cut_as_late_as_it_can_be(text):
    measure, parts = gsm.measure(text), gsm.split(text)
    assert "".join(parts) == text
    assert len(parts) == measure.parts
    assert all(units(part, measure.encoding) <= measure.per_part for part in parts)
    assert sum(units(part, measure.encoding) for part in parts) == measure.units
    for part, following in pairwise(parts):
        assert units(part + following[0], measure.encoding) > measure.per_part


@given(TEXTS)
def test_every_part_reads_back_by_itself(text):
    encoding = gsm.measure(text).encoding
    for part in gsm.split(text):
        octets = gsm.encode_part(part, encoding)
        assert (octets.decode("utf-16-be") if encoding == "ucs2" else ORACLE.decode(octets)[0]) == part


@given(
    TEXTS
    | st.text(st.sampled_from("aé€^Ω"), min_size=150, max_size=500)
    | st.text(st.characters(max_codepoint=127), max_size=400)
)
@example("")
@example("\x1b")
@example("a" * 159 + "€")
@example("a" * 152 + "€" + "a" * 10)
@example("Ж" * 66 + "😀" + "Ж" * 10)
def test_parts_that_are_counted_fast_are_the_same_parts(text):
    assert gsm.count_parts(text) == gsm.measure(text).parts


@given(TEXTS)
def test_what_is_encoded_decodes_to_itself(text):
    if gsm.measure(text).encoding == "gsm7":
        assert gsm.decode(b"".join(gsm.encode_part(part, "gsm7") for part in gsm.split(text))) == text


def test_what_no_phone_should_send_decodes_all_the_same():
    assert gsm.decode(b"a\x1b\x65\x1b\x65") == "a€€"
    assert gsm.decode(b"\x1bA\x1b\x1bB\x1b") == "AB"  # no such extension: the escape stands for nothing
    assert gsm.decode(b"\x80\xff\x1b\x80") == "\ufffd" * 3


@given(st.binary(max_size=200))
def test_any_octets_decode(octets):
    gsm.decode(octets)
