import ast
import re
from pathlib import Path

from tests.faults.rows import ROWS

ROOT = Path(__file__).parents[2]


def test_every_row_is_proved_by_tests_that_exist_or_says_why_not():
    assert [row.name for row in ROWS] == [f"F{number}" for number in range(1, 67)]
    for row in ROWS:
        assert bool(row.proofs) != bool(row.not_built), row.name
        for proof in row.proofs:
            path, _, name = re.sub(r"\[.*", "", proof).partition("::")
            tree = ast.parse((ROOT / path).read_text())
            assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, proof


def test_no_story_of_the_matrix_proves_nothing():
    proved = {re.sub(r"\[.*", "", proof).partition("::")[2] for row in ROWS for proof in row.proofs}
    for path in (ROOT / "tests/faults/matrix").glob("test_*.py"):
        told = {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}
        assert {name for name in told if name.startswith("test_")} <= proved, path
