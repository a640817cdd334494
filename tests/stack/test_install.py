import hashlib
import subprocess

import pytest

from stack import ROOT, install


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with a lock; what would be run is only noted."""
    (tmp_path / "uv.lock").write_text("locked")
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to("/bin/true")
    monkeypatch.setattr(install, "ROOT", tmp_path)
    monkeypatch.setattr(install, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(install, "PYTHON", python)
    monkeypatch.setattr(install, "STAMP", tmp_path / ".venv" / "installed")
    return tmp_path


@pytest.fixture
def ran(monkeypatch):
    commands = []
    monkeypatch.setattr(install, "_run", lambda *command, **environment: commands.append(" ".join(map(str, command))))
    return commands


def test_the_first_start_makes_the_environment_and_the_second_finds_it(checkout, ran):
    install.ensure(set())
    assert "uv sync --quiet --locked" in ran[-1]
    ran.clear()
    install.ensure(set())
    assert ran == []


def test_a_new_lock_renews_it(checkout, ran):
    install.ensure(set())
    ran.clear()
    (checkout / "uv.lock").write_text("locked anew")
    install.ensure(set())
    assert ran


def test_the_extras_of_the_tests_come_when_asked_for_and_stay(checkout, ran):
    install.ensure(set())
    install.ensure({"test"})
    assert ran[-1].endswith("--extra=test")
    (checkout / "uv.lock").write_text("locked anew")
    install.ensure(set())
    assert ran[-1].endswith("--extra=test")


def test_an_installation_that_was_interrupted_is_not_taken_for_whole(checkout, monkeypatch):
    def fail(*command, **environment):
        raise subprocess.CalledProcessError(1, command)

    digest = hashlib.sha256(b"locked before").hexdigest()
    (checkout / ".venv" / "installed").write_text(digest)
    monkeypatch.setattr(install, "_run", fail)
    with pytest.raises(subprocess.CalledProcessError):
        install.ensure(set())
    assert install._installed() == ("", set())


def test_a_python_too_old_is_told_in_a_sentence(tmp_path):
    for name in ("python3.11", "python3.12", "python3.13", "python3", "python"):
        old = tmp_path / name
        old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2\nexit 1\n')
        old.chmod(0o755)
    run = subprocess.run(
        ["bash", ROOT / "run"], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert "Python 3.11 or newer is needed" in run.stderr
    assert "3.9.2" in run.stderr


@pytest.mark.parametrize(
    ("command", "arguments", "extras"),
    [
        ("run", (), set()),
        ("run", ("--s3",), {"s3"}),
        ("test", (), {"otel", "s3", "sentry", "test"}),
        ("stores", ("--s3",), {"s3"}),
    ],
)
def test_an_s3_is_installed_for_those_who_want_one(command, arguments, extras):
    assert install._extras(command, arguments) == extras
