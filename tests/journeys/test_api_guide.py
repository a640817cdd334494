"""docs/api.md, run as it stands: every call in it works, and answers what it says."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import Any

import pytest

from accounts.roles import Role
from stack import ROOT
from tests import factories
from tests.live import SENDING

pytestmark = pytest.mark.live

GUIDE = (ROOT / "docs" / "api.md").read_text()
BLOCK = re.compile(r"^```bash\n(?P<code>.*?)^```\n(?:\n```(?P<kind>json|text)\n(?P<answer>.*?)^```\n)?", re.M | re.S)
END = "\x1e"  # written after each block
ANYTHING = "…"


@dataclass(frozen=True, slots=True)
class Block:
    code: str
    kind: str
    answer: str

    def agrees(self, said: str) -> bool:
        match self.kind:
            case "json":
                return holds(json.loads(said), json.loads(self.answer))
            case "text":
                return re.fullmatch(self._pattern, said.strip(), re.S) is not None
            case _:
                return True

    @property
    def _pattern(self) -> str:
        return ".*".join(re.escape(text) for text in self.answer.strip().split(ANYTHING))


def holds(found: Any, wanted: Any) -> bool:
    """What is wanted is there; `…` is anything."""
    if wanted == ANYTHING:
        return found is not None
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(name in found and holds(found[name], wanted[name]) for name in wanted)
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(holds, found, wanted))
    return bool(found == wanted)


@pytest.mark.skipif(not shutil.which("curl"), reason="THE GUIDE DID NOT RUN: there is no curl (.ci/run installs it).")
def test_every_call_of_the_guide_works_and_answers_what_it_says(live, workspace, tmp_path):
    blocks = [Block(*found.group("code", "kind", "answer")) for found in BLOCK.finditer(GUIDE)]
    assert len(blocks) == GUIDE.count("```bash")
    factories.sender(workspace)
    script = "set -euo pipefail\n" + "".join(f"{block.code}printf '{END}'\n" for block in blocks)
    moderator = factories.token(workspace, factories.member(workspace, Role.MODERATOR))
    given = {"API": f"{live.url}/api/v1", "KEY": factories.api_key(workspace)[1], "MODERATOR": moderator}
    with live.carrier():
        live.start("web", "worker", *SENDING)
        done = subprocess.run(
            ["bash", "-c", script],
            check=False,
            env={**os.environ, **given},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=90,
        )
    said = done.stdout.split(END)
    assert done.returncode == 0, f"{blocks[len(said) - 1].code}\n{said[-1]}\n{done.stderr}"
    for block, answer in zip(blocks, said, strict=False):
        assert block.agrees(answer), f"{block.code}\nsaid:\n{answer}\nand not:\n{block.answer}"
