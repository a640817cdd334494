"""Server time of every page of marketers and of the desk, with millions of recipients and thousands of campaigns."""

import json
import os
import subprocess
import sys
from typing import Any

from bench.harness import private_installation
from stack import ROOT, environment

BROWSE = "import sys, django; django.setup(); from bench import browsing; browsing.main(*map(int, sys.argv[1:]))"
PROMISED_MS = 150


def run(*, rows: int = 10_000_000, campaigns: int = 5_000, requests: int = 40) -> dict[str, object]:
    with private_installation(window=10, binds=1, only=frozenset({"web"})) as installation:
        environment.manage("collectstatic", "--no-input", env=installation.env)
        child = [sys.executable, "-c", BROWSE, str(rows), str(campaigns), str(requests)]
        env = os.environ | dict(installation.env) | {"DJANGO_SETTINGS_MODULE": "config.settings"}
        env["DATABASE_URL"] = env["DATABASE_OWNER_URL"]  # it fills tables past their triggers
        measured = subprocess.run(child, check=True, stdout=subprocess.PIPE, cwd=ROOT, env=env).stdout
    found: dict[str, Any] = json.loads(measured)
    pages: dict[str, dict[str, float]] = found.pop("pages")
    return {
        **found,
        "requests": requests,
        "p95_ms": max(page["p95"] for page in pages.values()),
        "over_150_ms": sorted(name for name, page in pages.items() if page["p95"] > PROMISED_MS),
        "pages": pages,
    }
