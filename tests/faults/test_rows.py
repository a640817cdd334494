import ast
import re
from pathlib import Path

import pytest

from tests.faults import rows
from tests.faults.fleet import rows as fleet_rows

ROOT = Path(__file__).parents[2]
MATRICES = pytest.mark.parametrize(
    ("kept", "letter", "count", "folder"),
    [(rows.ROWS, "F", 66, "tests/faults/matrix"), (fleet_rows.ROWS, "H", 10, "tests/faults/fleet")],
    ids=["faults", "fleet"],
)


@MATRICES
def test_every_row_is_proved_by_tests_that_exist_or_says_why_not(kept, letter, count, folder):
    assert [row.name for row in kept] == [f"{letter}{number}" for number in range(1, count + 1)]
    for row in kept:
        assert bool(row.proofs) != bool(row.not_built), row.name
        for proof in row.proofs:
            path, _, name = re.sub(r"\[.*", "", proof).partition("::")
            tree = ast.parse((ROOT / path).read_text())
            assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, proof


@MATRICES
def test_no_story_of_a_matrix_proves_nothing(kept, letter, count, folder):
    proved = {re.sub(r"\[.*", "", proof).partition("::")[2] for row in kept for proof in row.proofs}
    for path in (ROOT / folder).glob("test_*.py"):
        told = {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}
        assert {name for name in told if name.startswith("test_")} <= proved, path
