import csv
import io
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recipients import files
from recipients.columns import Cut
from recipients.files import FileRefused
from recipients.tables import Table

TABLE = "phone;naam\n0612345678;Zoë\n0687654321;Jan\n"


class Trickle(io.RawIOBase):
    """A stream that hands out a few bytes at a time, as sockets do."""

    def __init__(self, content, portion):
        self.content, self.portion = io.BytesIO(content), portion

    def read(self, size=-1):
        return self.content.read(min(size, self.portion))


def opened(content, *, filename="list.csv", column=None):
    stream = content if isinstance(content, io.IOBase) else io.BytesIO(content)
    return Table(stream, filename=filename, column=column)


def read(content, **options):
    """[(line, value)] of the whole file."""
    rows = []
    table = opened(content, **options)
    for block in table:
        cells = Cut(block, table.layout.position).numbers
        values = cells.joined().decode().removesuffix("\n").split("\n")
        rows += zip(block.lines.tolist(), values, strict=True)
    return rows


def refusal(content, **options):
    with pytest.raises(FileRefused) as refused:
        read(content, **options)
    return refused.value.message


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends_make_no_difference(encoding, line_end):
    content = TABLE.replace("\n", line_end).encode(encoding)
    assert read(content) == [(2, "0612345678"), (3, "0687654321")]
    assert read(content, column="naam") == [(2, "Zoë"), (3, "Jan")]


def test_a_cyrillic_table_from_windows_keeps_its_column_names():
    content = "имя;телефон\nЮлия;9161234567\n".encode("cp1251")
    assert read(content, column="Телефон") == [(2, "9161234567")]


def test_a_broken_byte_in_marked_utf8_costs_only_its_value():
    assert read(b"\xef\xbb\xbf1\nZo\xff\xc3\xab\n", column=None) == [(1, "1"), (2, "Zo\ufffdë")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_the_delimiter_is_found_and_quotes_come_off(delimiter, quote):
    lines = ["a", "phone", "c"], ["x", "0612345678", "1.5"], ["y", "0687654321", ""]
    content = "\n".join(delimiter.join(quote + cell + quote for cell in line) for line in lines).encode()
    assert read(content, column="phone") == [(2, "0612345678"), (3, "0687654321")]
    assert read(content, column=2) == [(2, "0612345678"), (3, "0687654321")]
    assert read(content, column="3") == [(2, "1.5"), (3, "")]


def test_the_first_column_is_read_when_nobody_chose_another():
    assert read(b"1;2\n3;4\n") == [(1, "1"), (2, "3")]


def test_a_row_that_is_too_short_has_an_empty_value():
    assert read(b"1;2\n3\n4;5;6\n;7\n", column=2) == [(1, "2"), (2, ""), (3, "5"), (4, "7")]


def test_a_heading_is_no_row_and_a_bare_wrong_line_is_one():
    assert read(b"Klant\n1\n", filename="list.csv") == [(2, "1")]
    assert read(b"Phone number\n1\n", filename="list.txt") == [(2, "1")]
    assert read(b"no number\n1\n", filename="list.txt") == [(1, "no number"), (2, "1")]
    assert read(b"0612345678\n1\n", filename="list.csv") == [(1, "0612345678"), (2, "1")]


def test_the_comma_of_a_rounded_number_separates_no_columns():
    assert read(b"9,98E+11\n9,97E+11\n") == [(1, "9,98E+11"), (2, "9,97E+11")]


def test_a_quoted_field_may_hold_delimiters_and_line_ends():
    content = b'name,phone\n"Jansen, Jan\nand Piet",1\nEls,"2"\n'
    assert read(content, column="phone") == [(2, "1"), (4, "2")]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ('"1";"a"', "1"),
        ('"";"a"', ""),
        ('"1"";""2";a', '1";"2'),
        ('"1;2";a', "1;2"),
        ('1"2"3;a', '1"2"3'),
        ('"1"2;a', "12"),
        ('"1""2";a', '1"2'),
        ('"1";"a', None),
    ],
)
def test_quotes_mean_what_they_mean_to_the_csv_module(line, value):
    content = f"phone;name\n{line}\n9;b\n9;c\n9;d\n".encode()
    if value is None:
        assert "Line 2: a quote opens here" in refusal(content)
    else:
        assert read(content)[0] == (2, value)


def test_blank_lines_are_rows_without_a_number():
    assert read(b"1\n\n2\n\n", filename="list.txt") == [(1, "1"), (2, ""), (3, "2"), (4, "")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"\n \r\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"phone;name\n", "a header and nothing below it"),
        (b"PK\x03\x04rest", "looks like a zip archive or an Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "looks like an old Excel workbook"),
        (b"\x1f\x8b\x08", "looks like a gzip archive"),
        (b"\x89PNG\r\n\x1a\n", "looks like a PNG picture"),
        (b"%PDF-1.7", "looks like a PDF document"),
        (b"1\n2\n3\x00\n", "Line 3 has a zero byte"),
        (b"1\n" * 5 + b"x" * (files.LONGEST_LINE + 1) + b"\n2\n", "Line 6 is longer than 1,048,576 bytes"),
        (b"1\n" + b"x" * (3 * files.BLOCK), "Line 2 is longer than 1,048,576 bytes"),
        (b'1;2\n3;"4\n5;6\n', "Line 2: a quote opens here and does not close"),
        (b'"phone;name\n1;2\n', "Line 1: a quote opens here and does not close"),
        (b'1;2\n3;"4\n' + b"5;6\n" * 200 + b'7;"8"\n', "Line 2: a quote opens here and does not close"),
        (b'1;2\n3;"' + b"4" * 200_000 + b"\n5;6\n", "Line 2: a quote opens here and does not close"),
    ],
)
def test_what_cannot_be_a_list_is_refused_by_name_and_line(content, message):
    assert message in refusal(content)


def test_an_unknown_column_is_refused_with_the_columns_there_are():
    assert refusal(TABLE.encode(), column="mobile") == (
        "There is no column “mobile” in the file. Its first line has: “phone”, “naam”."
    )
    for position in (0, 3, -1):
        assert f"There is no column {position} in the file. Its first line has 2" in refusal(
            TABLE.encode(), column=position
        )


@given(
    rows=st.lists(st.lists(st.text("0a +", max_size=5), min_size=3, max_size=3), min_size=1),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    portion=st.integers(1, 40),
)
@settings(deadline=None)
def test_every_table_is_read_as_the_csv_module_writes_it(rows, line_end, quoting, portion):
    text = io.StringIO()
    csv.writer(text, delimiter=";", lineterminator=line_end, quoting=quoting).writerows([["a", "b", "c"], *rows])
    content = text.getvalue().encode()
    for position, name in enumerate("abc"):
        assert read(Trickle(content, portion), column=name) == [
            (line, row[position]) for line, row in enumerate(rows, start=2)
        ]


def test_blocks_may_end_anywhere(monkeypatch):
    dice = random.Random(3)
    lines = [f'{n};"{"x" * dice.randrange(9)}\r\n"' if dice.random() < 0.2 else f"{n};é" for n in range(300)]
    content = "\r\n".join(["number;note", *lines]).encode()
    expected = read(content, column="number")
    assert [value for _, value in expected] == [str(n) for n in range(300)]
    assert all(before < after for (before, _), (after, _) in pairwise(expected))
    for size in (1, 2, 3, 7, 64, 1000):
        monkeypatch.setattr(files, "BLOCK", size)
        assert read(content, column=1) == expected
    for size in (63, 64, 65, 1000):  # an encoding shows in a few dozen bytes
        monkeypatch.setattr(files, "BLOCK", size)
        assert read(content.decode().encode("utf-16"), column=1) == expected
