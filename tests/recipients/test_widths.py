from hypothesis import given
from hypothesis import strategies as st

from recipients.widths import Widths

CELL = st.text(st.characters(exclude_characters="\t\n", exclude_categories=["Cs", "Cc"]), max_size=12)


def units(text):
    return len(text.encode("utf-16-le")) // 2


@given(st.lists(st.lists(CELL, min_size=1, max_size=4), min_size=1, max_size=12))
def test_the_longest_cell_of_each_column_is_known_with_its_characters(rows):
    widths = Widths(("a", "b", "c"))
    for row in rows:
        widths.add(("\t".join(row) + "\n").encode())
    told = widths.as_json()
    for at, name in enumerate("abc"):
        cells = [row[at] for row in rows if len(row) > at]
        assert told[name][0] == max(map(units, cells), default=0)
        within = {one for cell in cells for one in cell if ord(one) < 0xFFFF}
        assert {one for one in told[name][1] if one != "\uffff"} == within


def test_rows_together_are_as_rows_one_by_one():
    rows = ["Ann\tX\n", "Bartholomäus\n", "\t€€€€\textra\n"]
    together, apart = Widths(("name", "code")), Widths(("name", "code"))
    together.add("".join(rows).encode())
    for row in rows:
        apart.add(row.encode())
    assert together.as_json() == apart.as_json()
    assert together.as_json()["name"][0] == 12 and together.as_json()["code"][0] == 4
