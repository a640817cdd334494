import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns import placeholders
from campaigns.placeholders import Placeholder, parse

COLUMNS = ("name", "Voucher code", "città")
cells = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
rows = st.lists(st.tuples(cells, cells, cells), max_size=20)
literals = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
defaults = st.none() | st.text(st.characters(exclude_characters="{}", exclude_categories=["Cs"]), max_size=6)
pieces = st.lists(literals | st.builds(Placeholder, st.sampled_from(COLUMNS), defaults), max_size=6)


def written(piece):
    """As an author writes it."""
    if isinstance(piece, str):
        return piece.replace("{", "{{").replace("}", "}}")
    return f"{{{piece.name}}}" if piece.default is None else f"{{{piece.name}|{piece.default}}}"


def text_for(pieces, row):
    """One row after another, a piece at a time: what `fill` does for all of them at once."""
    said = []
    for piece in pieces:
        if isinstance(piece, str):
            said.append(piece)
            continue
        cell = row[COLUMNS.index(piece.name)]
        cell = placeholders.CONTROLS.sub(" ", cell).strip()
        if not cell and piece.default is None:
            return None
        said.append(cell or piece.default.strip())
    return "".join(said)


# --- Syntax -----------------------------------------------------------------------------------------------------------


def test_a_placeholder_has_a_name_and_may_have_a_default():
    assert parse("Dear {name}, {code|none}{ city | your town }.").pieces == (
        "Dear ",
        Placeholder("name"),
        ", ",
        Placeholder("code", "none"),
        Placeholder("city", "your town"),
        ".",
    )


def test_a_default_may_be_nothing_and_may_have_bars():
    assert parse("{a|}{b|x|y}").pieces == (Placeholder("a", ""), Placeholder("b", "x|y"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Half price.", "Half price."),
        ("", ""),
        ("{{name}}", "{name}"),
        ("{{{{", "{{"),
        ("a } b :}", "a } b :}"),
        ("}}", "}"),
        ("}}}", "}}"),
    ],
)
def test_a_text_without_placeholders_is_plain(text, says):
    template = parse(text)
    assert (template.is_plain, template.plain, template.names) == (True, says, ())
    assert template.fill([("a",), ("b",)], ["name"]) == [says, says]


def test_braces_stand_beside_placeholders():
    assert parse("{{{name}}}").fill([("Ann",)], ["name"]) == ["{Ann}"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Dear {name", "opens at “{name” and does not close"),
        ("Dear {name, " + "x" * 50, "…” and does not close"),
        ("{", "does not close"),
        ("{{{", "does not close"),
        ("Dear {}", "“{}” names no column"),
        ("Dear { |x}", "“{ |x}” names no column"),
        ("{a{b}}", "a brace within the braces of “{a{b}}”"),
        ("{a|{b}}", "a brace within the braces"),
    ],
)
def test_what_is_no_placeholder_is_said_in_a_sentence(text, message):
    with pytest.raises(ValueError) as caught:
        parse(text)
    assert message in str(caught.value)


def test_names_are_told_once_as_they_are_written_first():
    assert parse("{Name} {code} {name|x} { CODE }").names == ("Name", "code")


def test_a_text_that_depends_on_the_recipient_is_not_plain():
    with pytest.raises(ValueError, match="for each recipient"):
        parse("Dear {name}").plain  # noqa: B018


# --- Filling ----------------------------------------------------------------------------------------------------------


def test_columns_are_found_whatever_their_case_and_blanks():
    template = parse("{NAME} has {voucher code} in {CITTÀ}")
    assert template.fill([("Ann", "X1", "Roma")], [" name ", "Voucher Code", "città"]) == ["Ann has X1 in Roma"]


def test_of_two_columns_with_one_name_the_first_counts():
    assert parse("{name}").fill([("Ann", "Bob")], ["name", "NAME"]) == ["Ann"]


def test_a_missing_value_takes_its_default_or_leaves_no_text():
    rows = [("Ann", "X1"), (" \t", "X2"), ("Bob", "")]
    assert parse("{name|friend}: {code}").fill(rows, ["name", "code"]) == ["Ann: X1", "friend: X2", None]


def test_a_name_that_is_required_once_is_required():
    assert parse("{name|friend} {name}").fill([("",), ("Ann",)], ["name"]) == [None, "Ann Ann"]


def test_a_value_stays_in_its_place():
    [filled] = parse("Hi {name}!").fill([("  Ann\nBob\tCy\x00\x9b\u2028Di\r\n",)], ["name"])
    assert filled == "Hi Ann Bob Cy Di!"


def test_a_value_is_no_template():
    assert parse("{a}{b}").fill([("{b}", "{{")], ["a", "b"]) == ["{b}{{"]


def test_a_name_that_is_no_column_is_told():
    template = parse("{name} {code} {city|x}")
    assert template.missing_from(["Name"]) == ["code", "city"]
    with pytest.raises(ValueError, match="no column “code”"):
        template.fill([("Ann",)], ["name"])


def test_the_least_text_has_defaults_and_nothing_else():
    assert parse("Dear {name|friend}, {code}{{!").least == "Dear friend, {!"


def test_without_rows_there_is_nothing_to_fill():
    assert parse("{name}").fill([], ["name"]) == []


@given(pieces=pieces, rows=rows)
def test_every_row_is_filled_as_if_it_were_alone(pieces, rows):
    template = parse("".join(map(written, pieces)))
    assert template.fill(rows, COLUMNS) == [text_for(pieces, row) for row in rows]


@given(text=literals)
def test_a_text_is_a_template_or_an_error_and_nothing_else(text):
    try:
        template = parse(text)
    except ValueError as error:
        assert "{" in text and str(error)
    else:
        assert template.is_plain or "{" in text
        if not set("{}") & set(text):
            assert template.plain == text


@given(text=literals)
def test_braces_that_are_meant_come_back(text):
    assert parse(written(text)).plain == text
    assert placeholders.literally(text).plain == text
