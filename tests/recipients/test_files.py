import csv
import io
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recipients import columns, files, quotes
from recipients.columns import Cut
from recipients.files import FileRefused
from recipients.tables import MOST_COLUMNS, Table

TABLE = "phone;naam\n0612345678;Zoë\n0687654321;Jan\n"


class Trickle(io.RawIOBase):
    """A stream that hands out a few bytes at a time, as sockets do."""

    def __init__(self, content, portion):
        self.content, self.portion = io.BytesIO(content), portion

    def read(self, size=-1):
        return self.content.read(min(size, self.portion))


def read(content, *, filename="list.csv", column=None):
    """[(line, value)] of the whole file."""
    stream = content if isinstance(content, io.IOBase) else io.BytesIO(content)
    table = Table(stream, filename=filename, column=column)
    rows = []
    for block in table:
        values = Cut(block, table.layout.position).numbers.joined().decode().removesuffix("\n").split("\n")
        rows += zip(block.lines.tolist(), values, strict=True)
    return rows


def carried(content, **options):
    """The names of the columns, and the cells of every row as they travel with its recipient."""
    table = Table(io.BytesIO(content), filename="list.csv", column=None, **options)
    text = b"".join(columns.neutral(block.text, block.delimiter) for block in table).decode()
    return table.layout.names, [line.split("\t") for line in text.removesuffix("\n").split("\n")]


def layout(content, *, filename="list.csv", column=None):
    table = Table(io.BytesIO(content), filename=filename, column=column)
    list(table)
    return table.describe()


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
        (b"MZ\x90\x00", "looks like a program for Windows"),
        (b"\xef\xbb\xbf\r\n<!DOCTYPE html>", "looks like a web page"),
        (b"<svg xmlns='x'>", "looks like an SVG picture"),
        (b"phone;" + b"a;" * 99_999 + b"\n1;2\n", "Line 1 has 100,001 columns; a list may have at most 100"),
        (b"a;" * 1_000_000 + b"\n1;2\n", "Line 1 is longer than 1,048,576 bytes"),
        (b"phone;name\n1;x\n2;y" + b";z" * 99 + b"\n", "Line 3 has 101 columns; a list may have at most 100"),
        (b"1\n2\n3\x00\n", "Line 3 has a zero byte"),
        (b"1\n" * 5 + b"x" * (files.LONGEST_LINE + 1) + b"\n2\n", "Line 6 is longer than 1,048,576 bytes"),
        (b"1\n" + b"x" * (3 * files.LONGEST_LINE), "Line 2 is longer than 1,048,576 bytes"),
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


def test_the_other_columns_travel_along_as_text():
    content = 'name;phone;note\n"Jansen; Jan";1;"says ""hi"""\nZoë\x07;2;a\tb\x85\n'.encode()
    assert carried(content) == (
        ("name", "phone", "note"),
        [["Jansen; Jan", "1", 'says "hi"'], ["Zoë ", "2", "a b  "]],
    )


@pytest.mark.parametrize("quoted", ['"a\nb\tc";1', '"a\nb\tc";1;x"y'])
def test_line_ends_and_tabs_within_a_cell_are_spaces(quoted):
    """By the fast way and by the csv module."""
    assert carried(b"x;y;z\n" + quoted.encode() + b"\n" + b"1;2;3\n" * 9)[1][0][:2] == ["a b c", "1"]


def test_columns_without_a_name_get_one_and_no_two_are_the_same():
    assert carried(b"phone;;Name;name;\x1b[1m\n1;2;3;4;5\n")[0] == ("phone", "column 2", "Name", "name 4", "[1m")
    assert carried(b"1;2\n3;4\n")[0] == ("column 1", "column 2")


def test_a_hundred_columns_are_no_trouble():
    line = ";".join(map(str, range(MOST_COLUMNS)))
    assert read(f"{line}\n{line}\n".encode(), column=100) == [(1, "99"), (2, "99")]


@pytest.mark.parametrize(
    ("content", "options", "sentence"),
    [
        (
            TABLE.encode(),
            {},
            "Read as UTF-8, 2 columns separated by semicolons, header in line 1, numbers from column 1 (“phone”).",
        ),
        (b"1\n2\n", {"filename": "a.txt"}, "Read as UTF-8, one number a line, no header."),
        (
            TABLE.encode("utf-16"),
            {"column": 2},
            "Read as UTF-16, 2 columns separated by semicolons, header in line 1, numbers from column 2 (“naam”).",
        ),
        ("1\nimię\nя\n".encode("utf-8-sig"), {"filename": "a.txt"}, "Read as UTF-8, one number a line, no header."),
        (
            "\n\nтел,имя\n1,Юлия\n".encode("cp1251"),
            {},
            "Read as Windows-1251, 2 columns separated by commas, header in line 3, numbers from column 1 (“тел”).",
        ),
        (
            b"1\tZo\xeb\n2\t\x80 5\n",
            {},
            "Read as Windows-1252 (Latin-1), 2 columns separated by tabs, no header, "
            "numbers from column 1 (“column 1”).",
        ),
    ],
)
def test_the_layout_says_how_the_file_was_read(content, options, sentence):
    assert layout(content, **options) == sentence


def test_a_header_of_two_lines_is_one_header():
    assert read(b'phone,"first\nname"\n1,a\n') == [(3, "1")]


def test_stray_quotes_in_one_block_do_not_disturb_the_others(monkeypatch):
    lines = [f'{n};"x ""{n}"" y"' if n % 2 else f'{n};5" pipe;"a\nb"' for n in range(400)]
    content = ("\n".join(["number;note;more", *lines]) + "\n").encode()
    expected = list(csv.reader(io.StringIO(content.decode()), delimiter=";"))[1:]
    for size in (200, 1000, 1 << 20):
        monkeypatch.setattr(files, "BLOCK", size)
        assert [value for _, value in read(content)] == [row[0] for row in expected]


def test_a_long_row_of_many_lines_is_a_quote_that_does_not_close():
    content = b"1;2\n" * 30 + b'3;"' + b"x\n" * quotes.MOST_LINES_IN_A_ROW + b'"\n4;"y"\n'
    assert "Line 31: a quote opens here and does not close" in refusal(content)


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
