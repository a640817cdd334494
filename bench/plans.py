"""How PostgreSQL goes about the hot statements when their tables are large: EXPLAIN ANALYZE of each, rolled back."""

import json
import os
import subprocess
import sys
from typing import Any

from bench.harness import private_installation
from stack import ROOT

EXPLAIN = "import sys, django; django.setup(); from bench import explain; explain.main(int(sys.argv[1]))"


def run(*, rows: int = 10_000_000) -> dict[str, object]:
    with private_installation(window=10, binds=1, only=frozenset({"web"})) as installation:
        child = [sys.executable, "-c", EXPLAIN, str(rows)]
        env = os.environ | dict(installation.env) | {"DJANGO_SETTINGS_MODULE": "config.settings"}
        env["DATABASE_URL"] = env["DATABASE_OWNER_URL"]  # it fills tables past their triggers
        measured = subprocess.run(child, check=True, stdout=subprocess.PIPE, cwd=ROOT, env=env).stdout
    statements: dict[str, Any] = json.loads(measured)
    return {
        "rows": rows,
        "all_by_index": not any(one["sequential"] for one in statements.values()),
        "statements": statements,
    }
