"""The pages and the exports of one campaign of many millions."""

import json
import os
import subprocess
import sys
from typing import Any

from bench.harness import private_installation
from stack import ROOT, environment
from stack.failure import Failure

PART = "import sys, django; django.setup(); from bench import reporting; reporting.{0}(*sys.argv[1:])"


def run(*, messages: int = 10_000_000, requests: int = 40) -> dict[str, object]:
    with private_installation(window=10, binds=1, only=frozenset({"web"})) as installation:
        environment.manage("collectstatic", "--no-input", env=installation.env)
        env = os.environ | dict(installation.env) | {"DJANGO_SETTINGS_MODULE": "config.settings"}
        env["DATABASE_URL"] = env["DATABASE_OWNER_URL"]  # it fills tables past their triggers
        found = _part("fill", str(messages), env=env)
        campaign = str(found.pop("campaign"))
        found |= _part("read", campaign, str(requests), env=env)
        found |= _part("inquire", campaign, env=env)
        exports = {name: _part("export", campaign, name, env=env) for name in ("csv", "csv.gz", "parquet")}
        baseline = _part("copy", campaign, env=env)
    return {
        **found,
        "export_rows_per_second": exports["csv.gz"]["rows_per_second"],
        "export_peak_rss_mb": max(export["peak_rss_mb"] for export in exports.values()),
        "exports": exports,
        "baseline": baseline,
    }


def _part(name: str, *arguments: str, env: dict[str, str]) -> dict[str, Any]:
    """In a process of its own, for its own peak of memory."""
    child = [sys.executable, "-c", PART.format(name), *arguments]
    done = subprocess.run(child, stdout=subprocess.PIPE, cwd=ROOT, env=env, check=False)
    if done.returncode:
        raise Failure(f"{name} has failed.")
    return dict(json.loads(done.stdout))
