import pyarrow as pa
import pyarrow.compute as pc
import pytest
from django.db import connection

from audit.cells import FORMULA, neutral

BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
BLANKS = ("", " ", "\n", "\x0b", "\x1f", "\x85", "\u00a0 ", "\u2003", "\u2028", "\u3000")
FORMULAS = [f"{blank}{beginning}1" for blank in BLANKS for beginning in BEGINNINGS]
HARMLESS = ["", " ", "1+1", "a=b", "'=1", " Ann", "\u00a0Ann", "«=»", "≠"]


@pytest.mark.django_db
def test_python_arrow_and_postgresql_agree_on_what_is_a_formula():
    cells = [*FORMULAS, *HARMLESS]
    expected = [True] * len(FORMULAS) + [False] * len(HARMLESS)
    with connection.cursor() as cursor:
        sql = "SELECT array_agg(cell ~ %s ORDER BY at) FROM unnest(%s::text[]) WITH ORDINALITY AS given (cell, at)"
        cursor.execute(sql, [FORMULA, cells])
        (in_sql,) = cursor.fetchone()
    assert in_sql == expected
    assert pc.match_substring_regex(pa.array(cells), FORMULA).to_pylist() == expected
    assert [neutral(cell) != cell for cell in cells] == expected
