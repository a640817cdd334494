import csv
import io
import random

import numpy as np
import pytest

from recipients import chunks, dedup, downloads, files, pipeline
from recipients.files import FileRefused
from recipients.statuses import Stage


class Desk:
    """Prepares a file with chunks in memory and keeps all that came out."""

    def __init__(self, spill):
        self.spill = spill
        self.chunks, self.rejected, self.repeated, self.progress = {}, b"", b"", []

    def prepare(self, content, *, filename="list.csv", column=None, country="NL", suppressed=(), chunk_size=10_000):
        self.prepared = pipeline.prepare(
            io.BytesIO(content),
            filename=filename,
            column=column,
            country=country,
            spill=self.spill,
            write_chunk=self.write_chunk,
            chunk_size=chunk_size,
            write_rejected=self.write_rejected,
            write_repeated=self.write_repeated,
            suppressed=lambda: np.array(sorted(suppressed), dtype=np.uint64),
            on_progress=self.progress.append,
        )
        return self.prepared.totals

    def write_chunk(self, number, data):
        self.chunks[f"key-{number}"] = data
        return f"key-{number}"

    def write_rejected(self, data):
        self.rejected += data

    def write_repeated(self, data):
        self.repeated += data

    @property
    def opened(self):
        return [chunks.decode(entry, self.chunks[entry.key]) for entry in self.prepared.manifest.entries]

    @property
    def recipients(self):
        return [int(number) for chunk in self.opened for number in chunk.phones]

    @property
    def lines(self):
        return [int(line) for chunk in self.opened for line in chunk.lines()]

    @property
    def others(self):
        columns = self.prepared.manifest.columns
        return [dict(zip(columns, row, strict=True)) for chunk in self.opened for row in chunk.others(len(columns))]

    @property
    def rejected_rows(self):
        return list(csv.reader(io.StringIO(self.rejected.decode(), newline="")))


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def test_a_mixed_file_becomes_recipients_rejected_lines_and_totals(desk):
    content = "mobile;name\r\n+31 6 12345678;Zoë\r\n0687654321;Jan\r\nabc;Els\r\n0031612345678;Zoë again\r\n;nobody\r\n"
    totals = desk.prepare(content.encode())
    assert totals == chunks.Totals(rows=5, accepted=2, invalid=2, duplicate=1, suppressed=0)
    assert desk.recipients == [31612345678, 31687654321]
    assert desk.rejected_rows == [
        ["line", "value", "reason"],
        ["4", "abc", "There are letters in it."],
        ["6", "", "There is no number."],
    ]


@pytest.mark.parametrize("piece", [1, 3, 100_000])
@pytest.mark.parametrize("size", [1, 2, 10_000])
def test_the_line_of_each_recipient_is_kept_whatever_stands_between(desk, monkeypatch, piece, size):
    monkeypatch.setattr(dedup, "READ_AT_ONCE", piece)
    rows = [
        "mobile;name",
        "0612345678;Zoë",
        "x;Els",
        '0612345679;"two',
        'lines"',
        "0612345678;again",
        "0612345680;",
        "",
    ]
    desk.prepare("\n".join([*rows, *[""] * 600, "0612345681;far"]).encode(), chunk_size=size)
    assert desk.recipients == [31612345678, 31612345679, 31612345680, 31612345681]
    assert desk.lines == [2, 4, 7, 609]


def test_chunks_have_ten_thousand_recipients_and_the_last_one_the_rest(desk):
    numbers = [31600000000 + n for n in range(25_001)]
    desk.prepare("\n".join(map(str, numbers)).encode(), filename="list.txt")
    assert [entry.count for entry in desk.prepared.manifest.entries] == [10_000, 10_000, 5_001]
    assert [entry.number for entry in desk.prepared.manifest.entries] == [0, 1, 2]
    assert desk.recipients == numbers


@pytest.mark.parametrize("piece", [1, 3, 100_000])
def test_the_other_columns_travel_with_their_recipient(desk, monkeypatch, piece):
    monkeypatch.setattr(dedup, "READ_AT_ONCE", piece)
    content = (
        "name;mobile;city;mobile\nZoë;0612345678;Utrecht;1\nEls;x;Delft\n;0612345679;\nJan;0612345678;Lost;2\n"
        "Piet;0687654321;’s-Gravenhage;3;more\n"
    )
    desk.prepare(content.encode(), column="mobile", chunk_size=2)
    assert desk.recipients == [31612345678, 31612345679, 31687654321]
    assert desk.others == [
        {"name": "Zoë", "city": "Utrecht", "mobile 4": "1"},
        {"name": "", "city": "", "mobile 4": ""},
        {"name": "Piet", "city": "’s-Gravenhage", "mobile 4": "3"},
    ]
    assert [entry.count for entry in desk.prepared.manifest.entries] == [2, 1]


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("position", [0, 1, 2])
def test_any_column_may_be_the_number(desk, delimiter, position):
    cells = ["a", "b"]
    cells.insert(position, "0612345678")
    desk.prepare((delimiter.join(cells) + "\n").encode() * 2, column=str(position + 1))
    assert desk.recipients == [31612345678]
    assert [tuple(row.values()) for row in desk.others] == [("a", "b")]


def test_what_quotes_enclose_stays_one_cell_and_brings_no_tabs_or_line_ends(desk):
    desk.prepare(b'phone,note,town\n0612345678,"Say ""hi"",\n\tnow",Utrecht\n0612345679,\x01x\x7f,\n')
    assert desk.others == [{"note": 'Say "hi",  now', "town": "Utrecht"}, {"note": " x ", "town": ""}]


def test_a_row_that_says_too_much_is_named(desk):
    content = b"phone;note\n0612345678;ok\n0612345679;" + b"x" * 4_001 + b"\n"
    with pytest.raises(FileRefused, match=r"^Line 3 has more than 4,000 bytes beside its number"):
        desk.prepare(content)
    assert desk.chunks == {}


def test_the_first_trouble_of_a_file_is_the_one_that_is_told(desk, monkeypatch):
    monkeypatch.setattr(files, "BLOCK", 5_000)
    rows = [b"phone;note", *[b"0612345678;ok"] * 400]
    rows[2] = b"0612345679;" + b"x" * 4_001
    with pytest.raises(FileRefused, match="Line 3 "):
        desk.prepare(b"\n".join([*rows, b"06\0"]))


def test_a_table_of_a_million_columns_is_refused_with_its_line(desk):
    with pytest.raises(FileRefused, match=r"^Line 1 has 1,000,000 columns; a list may have at most 100"):
        desk.prepare(b";".join([b""] * 1_000_000) + b"\n")


def test_repeated_lines_are_listed_with_their_number(desk):
    desk.prepare(b"phone\n0612345678\nx\n+31612345678\n0612345679\n0031612345678\n")
    assert desk.repeated == b"line,number\r\n4,31612345678\r\n6,31612345678\r\n"


def test_the_file_is_described_as_it_was_read(desk):
    desk.prepare("имя;телефон\nЮлия;89161234567\n".encode("cp1251"), column="телефон", country="RU")
    assert desk.prepared.layout == (
        "Read as Windows-1251, 2 columns separated by semicolons, header in line 1, numbers from column 2 (“телефон”)."
    )
    desk.prepare(b"0612345678\n", filename="list.txt")
    assert desk.prepared.layout == "Read as UTF-8, one number a line, no header."


def test_the_recipients_are_counted_by_country_and_by_prefix(desk):
    numbers = [
        "0612345678",
        "0612345679",
        "0687654321",
        "+4915112345678",
        "+77011234567",
        "+79161234567",
        "+12025550123",
    ]
    desk.prepare("\n".join([*numbers, "0612345678", "x"]).encode(), filename="list.txt")
    assert dict(desk.prepared.breakdown["countries"]) == {"NL": 3, "DE": 1, "KZ": 1, "RU": 1, "+1": 1}
    assert dict(desk.prepared.breakdown["prefixes"]) == {
        **{"+3161": 2, "+3168": 1, "+4915": 1},
        **{"+770": 1, "+791": 1, "+120": 1},
    }
    assert desk.prepared.breakdown["prefixes"][0] == ("+3161", 2)


def test_the_same_file_gives_the_same_digest_for_ever(desk, tmp_path):
    content = b"0612345678\n0612345679\nx\n0612345678\n"
    desk.prepare(content)
    again = Desk(tmp_path)
    again.prepare(content)
    assert again.prepared.manifest.digest == desk.prepared.manifest.digest


def test_suppressed_numbers_are_left_out_and_counted_once(desk):
    totals = desk.prepare(
        b"0612345678\n0612345679\n0612345678\n0612345670\n",
        suppressed=[31612345670, 31612345678],
    )
    assert totals == chunks.Totals(rows=4, accepted=1, invalid=0, duplicate=1, suppressed=2)
    assert desk.recipients == [31612345679]


def test_the_rejected_lines_are_no_formulas_and_not_longer_than_64_characters(desk):
    values = ["=1+1", "+CMD", "-x", "@SUM(A1)", "＝1+1", "＠x", "ok?", "ж" * 100, '=HYPERLINK("x")']
    desk.prepare("\n".join(["number", *values, "0612345678"]).encode(), filename="list.txt")
    cells = [value for _, value, _ in desk.rejected_rows[1:]]
    neutral = ["'=1+1", "'+CMD", "'-x", "'@SUM(A1)", "'＝1+1", "'＠x", "ok?", "ж" * 64, '\'=HYPERLINK("x")']
    assert cells == neutral


def test_a_rejected_value_begins_with_no_tab_or_quote_trick(desk):
    desk.prepare(b'phone,name\n"\t=1+1",a\n"""=1+1""",b\n0612345678,c\n')
    assert [value for _, value, _ in desk.rejected_rows[1:]] == ["' =1+1", '"=1+1"']


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_a_flood_of_rejected_lines_is_counted_but_not_listed(desk, monkeypatch, limit):
    monkeypatch.setattr(downloads, "MOST_LISTED", limit)
    monkeypatch.setattr(files, "BLOCK", 8)
    totals = desk.prepare(b"0612345678\nx\ny\nz\n0612345679\nx\ny\n")
    assert totals.invalid == 5
    assert [line for line, _, _ in desk.rejected_rows[1:]] == [*["2", "3", "4"][:limit], ""]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "The file is empty."),
        (b"phone\n", "The file has a header and nothing below it."),
        (
            b"phone\nabc\n12\n",
            "There is no valid number in this file: 2 rows, all invalid. Line 2, “abc”: There are letters in it.",
        ),
    ],
)
def test_a_file_without_a_valid_number_is_refused_and_nothing_is_written(desk, content, message):
    with pytest.raises(FileRefused) as refused:
        desk.prepare(content)
    assert refused.value.message == message
    assert desk.chunks == {}


def test_a_file_of_suppressed_numbers_only_is_refused_with_the_counts(desk):
    with pytest.raises(FileRefused, match="4 rows, 1 invalid, 1 repeated and 2 suppressed"):
        desk.prepare(b"0612345678\n0612345678\n0612345679\nx\n", suppressed=[31612345678, 31612345679])
    assert desk.chunks == {}


def test_nothing_stays_in_the_spill_folder(desk, tmp_path):
    desk.prepare(b"0612345678\n")
    with pytest.raises(FileRefused):
        desk.prepare(b"x;y\n0612345678;1\n", column="z")
    assert list(tmp_path.iterdir()) == []


def test_progress_only_grows_and_ends_with_all_rows(desk):
    numbers = [31600000000 + n for n in range(300_000)]
    desk.prepare("\n".join(map(str, numbers)).encode(), filename="list.txt")
    stages = list(Stage)
    steps = [(stages.index(step.stage), step.bytes_read, step.rows, step.done) for step in desk.progress]
    assert steps == sorted(steps)
    assert {step[0] for step in steps} == {0, 1, 2}
    assert steps[-1] == (2, 12 * 300_000 - 1, 300_000, 300_000)


def test_every_row_is_counted_exactly_once_whatever_the_file(desk):
    dice = random.Random(11)
    spellings = ["+{0}", "{0}", "00{0}", " {0} ", "x{0}", "", "{0}{0}", "{0:.3e}", "\u00a0+{0}"]
    lines = [dice.choice(spellings).format(31600000000 + dice.randrange(500)) for _ in range(5_000)]
    totals = desk.prepare("\n".join([*lines, "end"]).encode(), filename="list.txt")
    assert totals.rows == 5_001
    assert totals.rows == totals.accepted + totals.invalid + totals.duplicate + totals.suppressed
    valid = [line for line in lines if line and "x" not in line and "e" not in line and len(line.strip()) < 15]
    assert totals.invalid == 5_001 - len(valid)
    assert desk.recipients == list(dict.fromkeys(int(line.strip(" \u00a0+")) for line in valid))
