"""The command itself, in a process of its own, ended in every way there is."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from stack import ROOT


@pytest.fixture
def command(data):
    words = [sys.executable, "-m", "stack", "stores", "--throwaway", "--data", str(data)]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.communicate()
    wait_until_alone(data)


def at_work_in(data: Path) -> list[str]:
    return [entry.name for entry in Path("/proc").glob("[0-9]*") if folder_of(entry).startswith(str(data))]


def folder_of(process: Path) -> str:
    try:
        return os.readlink(process / "cwd")
    except OSError:  # it has ended meanwhile, or is not ours to look at
        return ""


def wait_until_alone(data: Path) -> None:
    deadline = time.monotonic() + 60
    while at_work_in(data):
        assert time.monotonic() < deadline, "something stays behind"
        time.sleep(0.05)


def test_it_prints_the_urls_it_serves(command):
    urls = dict(command.stdout.readline().strip().split("=", 1) for _ in range(4))
    psycopg.connect(urls["DATABASE_URL"]).close()
    assert set(urls) == {"DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "STORAGE_URL"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_before_it_returns(command, data, number):
    for _ in range(4):
        command.stdout.readline()
    command.send_signal(number)
    assert command.wait(60) == 128 + number
    assert at_work_in(data) == []


def test_a_kill_takes_the_servers_along(command, data):
    for _ in range(4):
        command.stdout.readline()
    assert at_work_in(data)
    command.kill()
    command.wait()
    wait_until_alone(data)


def test_a_failure_is_a_sentence_and_not_a_traceback(command, data):
    for _ in range(4):
        command.stdout.readline()
    words = [sys.executable, "-m", "stack", "stores", "--data", str(data)]
    second = subprocess.run(words, check=False, cwd=ROOT, capture_output=True, text=True)
    assert second.returncode == 1
    assert f"in use by process {command.pid}" in second.stderr
    assert "Traceback" not in second.stderr
