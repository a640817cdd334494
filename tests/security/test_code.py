"""What scanners find in our code and in what was ever committed."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from detect_secrets.core.scan import get_plugins, scan_line
from detect_secrets.settings import transient_settings

ROOT = Path(__file__).parents[2]
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


def test_every_locked_package_has_its_hashes():
    locked = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    ours = [one for one in locked if "virtual" not in one["source"]]
    assert len(ours) > 50
    files = {one["name"]: one.get("wheels", []) + [one[kind] for kind in ("sdist",) if kind in one] for one in ours}
    assert [name for name, all_of_it in files.items() if not all(file["hash"] for file in all_of_it)] == []


def secrets_in(lines):
    """A scan of each line would take a minute: only those are scanned in which an expression of a detector is found."""
    text = "\n".join([*lines, ""])
    with transient_settings({"plugins_used": [{"name": name} for name in DETECTORS]}):
        looks = [look for detector in get_plugins() for look in detector.denylist]
        likely = {_line_at(text, found.start()) for look in looks for found in look.finditer(text)}
        return [line.strip()[:120] for line in sorted(likely) if not HARMLESS.search(line) and any(scan_line(line))]


def _line_at(text, position):
    return text[text.rfind("\n", 0, position) + 1 : text.find("\n", position)]


def test_a_secret_would_be_found():
    secrets = ["-----BEGIN RSA " + "PRIVATE KEY-----", 'key = "AKIA' + "QWERTYUIOPASDFGH" + '"']
    assert secrets_in([*secrets, "password = x"]) == secrets


def test_no_secret_was_ever_committed():
    shown = subprocess.run(
        ["git", "log", "--all", "--patch", "--unified=0", "--no-color", "--no-textconv", "--", ":!static", ":!uv.lock"],
        check=False, capture_output=True, cwd=ROOT,
    )  # fmt: skip
    added = {line[1:] for line in shown.stdout.decode("utf-8", "replace").splitlines() if line.startswith("+")}
    if not added:
        pytest.skip("not a checkout of git")
    assert secrets_in(sorted(added)) == []
