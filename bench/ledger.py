"""How many entries a second the ledger takes, into one chain and into several; how soon it is verified; and how its
questions go about a million entries."""

import json
import os
import subprocess
import sys
from typing import Any

from bench.harness import private_installation
from stack import ROOT

MEASURE = "import sys, django; django.setup(); from bench import entries; entries.main(*map(int, sys.argv[1:]))"


def run(*, rows: int = 1_000_000, writers: int = 8, seconds: int = 5, verified: int = 50_000) -> dict[str, object]:
    """`writers` threads write one entry a transaction, for `seconds` each time; `rows` of them are filled by SQL."""
    with private_installation(window=10, binds=1, only=frozenset({"web"})) as installation:
        child = [sys.executable, "-c", MEASURE, *map(str, (rows, writers, seconds, verified))]
        env = os.environ | dict(installation.env) | {"DJANGO_SETTINGS_MODULE": "config.settings"}
        measured = subprocess.run(child, check=True, stdout=subprocess.PIPE, cwd=ROOT, env=env).stdout
    found: dict[str, Any] = json.loads(measured)
    return {"rows": rows, "writers": writers, **found}
