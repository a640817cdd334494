import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipients import names, uploads


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("numbers.csv", "numbers.csv"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.csv", "boot.csv"),
        ("C:\\fakepath\\numbers.txt", "numbers.txt"),
        ("/", ""),
        ("..", ""),
        ("a.csv/", "a.csv"),
        ("a\r\nSet-Cookie: x=1.csv", "a Set-Cookie: x=1.csv"),
        ("exe.\u202evsc.txt", "exe.vsc.txt"),
        ("a\x00b\x1b[31m.csv", "ab[31m.csv"),
        ("klanten 👨‍👩‍👧.csv", "klanten 👨‍👩‍👧.csv"),
        ("x" * 300 + ".csv", "x" * 251 + ".csv"),
        ("x" * 300, "x" * 255),
        ("a." + "x" * 300, "a." + "x" * 253),
    ],
)
def test_a_file_name_is_one_clean_step(given, kept):
    assert names.clean_filename(given) == kept


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  Spring \t sale\n2027 ", "Spring sale 2027"),
        ("\u202eelas\u202c \u2066x\u2069", "elas x"),
        ("a\u200bb\ufeff\u00ad", "ab"),
        ("\ud800x", "x"),
        ("نامه‌ای", "نامه‌ای"),
        ("\u200f", ""),
    ],
)
def test_a_name_is_one_line_as_it_is_read(given, kept):
    assert names.clean(given) == kept


@given(st.text(max_size=400))
def test_no_name_keeps_what_misleads(text):
    for cleaned in (names.clean(text), names.clean_filename(text)):
        assert not {unicodedata.category(c) for c in cleaned if c not in names.JOINERS} & names.MISLEADING
        assert names.clean(cleaned) == cleaned
    assert len(names.clean_filename(text)) <= 255 and "/" not in names.clean_filename(text)


@pytest.mark.django_db
def test_a_list_keeps_the_clean_names(workspace, author):
    listed = uploads.create(workspace, name="A\u202e\nB", filename="../x\u202e.csv", column=" phone\x00 ", by=author)
    assert (listed.name, listed.filename, listed.column) == ("A B", "x.csv", "phone")
