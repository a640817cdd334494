"""`pytest -p tests.faults.recording`: what became of each test and what it noted, a line of JSON each, in a file."""

import json
import os
from pathlib import Path

import pytest

_noted: dict[str, dict[str, object]] = {}


@pytest.hookimpl
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    one = _noted.setdefault(report.nodeid, {"node": report.nodeid, "outcome": "passed", "seconds": 0.0, "said": ""})
    one["seconds"] = float(str(one["seconds"])) + report.duration
    if report.outcome != "passed":
        one["outcome"] = report.outcome
        one["said"] = _why(report)
    if report.when == "teardown":
        one["noted"] = dict(report.user_properties)
        with Path(os.environ["FAULT_RESULTS"]).open("a") as file:
            file.write(json.dumps(one) + "\n")


def _why(report: pytest.TestReport) -> str:
    if isinstance(report.longrepr, tuple):  # skipped: file, line and reason
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    lines = [line for line in report.longreprtext.splitlines() if line.startswith("E ")]
    return " ".join(line[1:].strip() for line in lines[:2])[:300]
