"""The whole way, as somebody sees it who types ./run."""

import json
import subprocess
import sys

import pytest

from stack import ROOT
from tests.stack.test_command import at_work_in

STAGES = {"install", "start", "migrate", "seed", "upload", "prepare", "approve", "send", "receipts"}


@pytest.fixture(autouse=True)
def own_settings(monkeypatch):
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "stack", "run", *arguments]
    return subprocess.run(words, check=False, cwd=ROOT, capture_output=True, text=True, timeout=540)


@pytest.mark.live
@pytest.mark.timeout(600)
def test_the_demo_goes_from_the_upload_to_the_last_receipt_and_balances(data):
    done = run("--demo-only", "--json", "--messages", "1000", "--data", str(data))
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    totals = report["totals"]
    assert report["balanced"]
    assert set(report["stages"]) == STAGES
    assert (totals["rows"], totals["invalid"], totals["duplicate"], totals["delivered"]) == (1000, 10, 20, 970)
    assert "970 accepted = 970 delivered + 0 failed" in done.stderr
    assert at_work_in(data) == []


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_demo_balances_with_its_files_in_an_s3(data):
    done = run("--s3", "--demo-only", "--json", "--messages", "1000", "--data", str(data))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["balanced"]
    assert (data / "seaweed").is_dir() and not (data / "objects").exists()
    assert at_work_in(data) == []


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_process_that_cannot_start_ends_the_run_with_its_last_words(data, monkeypatch):
    monkeypatch.setenv("FLOWER_INSPECT_TIMEOUT", "soon")
    done = run("--no-demo", "--data", str(data))
    assert done.returncode == 1
    assert "The process flower ended" in done.stderr
    assert "ValueError" in done.stderr
    assert at_work_in(data) == []


def test_a_demo_and_no_demo_exclude_each_other():
    assert run("--demo-only", "--no-demo").returncode == 2
