"""docs/api.md, run as it stands: every call in it works, and answers what it says."""

import os
import shutil
import subprocess

import pytest

from accounts.roles import Role
from stack import ROOT
from tests import factories
from tests.guides import blocks_of
from tests.live import SENDING

pytestmark = pytest.mark.live

GUIDE = (ROOT / "docs" / "api.md").read_text()
END = "\x1e"  # written after each block


@pytest.mark.skipif(not shutil.which("curl"), reason="THE GUIDE DID NOT RUN: there is no curl (.ci/run installs it).")
def test_every_call_of_the_guide_works_and_answers_what_it_says(live, workspace, tmp_path):
    blocks = blocks_of(GUIDE, "bash")
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
            timeout=300,
        )
    said = done.stdout.split(END)
    assert done.returncode == 0, f"{blocks[len(said) - 1].code}\n{said[-1]}\n{done.stderr}"
    for block, answer in zip(blocks, said, strict=False):
        assert block.agrees(answer), f"{block.code}\nsaid:\n{answer}\nand not:\n{block.answer}"
