"""The examples of clients/python/README.md are typed as strictly as the client is."""

from pathlib import Path

import pytest
from mypy import api

from stack import ROOT
from tests.guides import blocks_of

CLIENT = ROOT / "clients" / "python"


@pytest.mark.slow
def test_a_strict_type_checker_has_nothing_to_say_about_the_readme(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "program.py"
    program.write_text("".join(block.code for block in blocks_of((CLIENT / "README.md").read_text(), "python")))
    monkeypatch.setenv("MYPYPATH", str(CLIENT))
    said, trouble, status = api.run(["--strict", "--config-file=", f"--cache-dir={tmp_path}", str(program)])
    assert (trouble, status) == ("", 0), said
