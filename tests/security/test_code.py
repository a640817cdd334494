"""What scanners find in our code and in what was ever committed."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from detect_secrets.core.scan import scan_line
from detect_secrets.settings import transient_settings

ROOT = Path(__file__).parents[2]
ROOMS = sorted(path.parent.name for path in ROOT.glob("*/__init__.py") if path.parent.name != "tests")
# What a real secret looks like, whatever its name: keys of clouds, tokens of services, private keys, passwords in URLs.
DETECTORS = [
    *("AWSKeyDetector", "AzureStorageKeyDetector", "BasicAuthDetector", "GitHubTokenDetector", "GitLabTokenDetector"),
    *("JwtTokenDetector", "NpmDetector", "PrivateKeyDetector", "PypiTokenDetector", "SendGridDetector"),
    *("SlackDetector", "StripeDetector", "TelegramBotTokenDetector", "TwilioKeyDetector"),
]
# How such things look is told to people.
HARMLESS = re.compile(
    "://(KEY:SECRET|USER:PASSWORD|a%2Fb:c%40d|key:secret|key:hidden|user:pw)@"
    "|not a private key in PEM|PEM formatidagi|не закрытый"
)


def test_bandit_finds_nothing():
    rooms = [str(ROOT / room) for room in ROOMS]
    command = [sys.executable, "-m", "bandit", "--quiet", "--recursive", *rooms, "--format", "json"]
    done = subprocess.run(
        [*command, "--configfile", str(ROOT / "pyproject.toml")], check=False, capture_output=True, text=True
    )
    found = json.loads(done.stdout)
    assert not found["errors"]
    assert len(found["metrics"]) > 300  # it has looked
    wrong = [f"{one['filename']}:{one['line_number']} {one['issue_text']}" for one in found["results"]]
    assert not wrong


def test_every_locked_package_has_its_hashes():
    locked = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    ours = [one for one in locked if "virtual" not in one["source"]]
    assert len(ours) > 50
    files = {one["name"]: one.get("wheels", []) + [one[kind] for kind in ("sdist",) if kind in one] for one in ours}
    assert [name for name, all_of_it in files.items() if not all(file["hash"] for file in all_of_it)] == []


def secrets_in(lines):
    with transient_settings({"plugins_used": [{"name": name} for name in DETECTORS]}):
        return [line.strip()[:120] for line in lines if not HARMLESS.search(line) and any(scan_line(line))]


def test_a_secret_would_be_found():
    assert secrets_in(
        ['key = "AKIA' + "QWERTYUIOPASDFGH" + '"', "-----BEGIN RSA " + "PRIVATE KEY-----", "password = x"]
    ) == [
        'key = "AKIA' + "QWERTYUIOPASDFGH" + '"',
        "-----BEGIN RSA " + "PRIVATE KEY-----",
    ]


def test_no_secret_was_ever_committed():
    shown = subprocess.run(
        ["git", "log", "--all", "--patch", "--unified=0", "--no-color", "--no-textconv", "--", ":!static", ":!uv.lock"],
        check=False, capture_output=True, cwd=ROOT,
    )  # fmt: skip
    added = {line[1:] for line in shown.stdout.decode("utf-8", "replace").splitlines() if line.startswith("+")}
    if not added:
        pytest.skip("not a checkout of git")
    assert secrets_in(sorted(added)) == []
