import io
import time

import pytest

from stack.console import Console


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """It stands still, however busy the machine is."""
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)


@pytest.fixture
def console():
    return Console(io.StringIO())


def test_away_from_a_terminal_figures_that_change_are_not_a_line_each(console, capsys):
    for sent in range(100):
        console.progress(f"Sent {sent} of 100")
    assert capsys.readouterr().err == "Sent 0 of 100\n"


def test_a_new_stage_is_always_told(console, capsys):
    for line in ("Uploading 1", "Uploading 2", "Preparing 1"):
        console.progress(line)
    assert capsys.readouterr().err == "Uploading 1\nPreparing 1\n"


def test_after_a_while_the_figures_are_told_again(console, capsys, monkeypatch):
    console.progress("Sent 1")
    monkeypatch.setattr(time, "monotonic", lambda: 1060.0)
    console.progress("Sent 2")
    assert capsys.readouterr().err == "Sent 1\nSent 2\n"
