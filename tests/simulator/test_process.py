"""The simulator as a process: its options, its first line, its end."""

import argparse
import os
import signal
import subprocess
import sys

import pytest

from simulator import knobs
from tests.simulator.client import Esme

COMMANDS = [["-m", "simulator"], ["manage.py", "simulate_smsc"]]
ENVIRON = {
    **os.environ,
    "DJANGO_SETTINGS_MODULE": "tests.settings",
    "THROTTLE_EVERY": "2",
    "SYSTEM_ID": "from-environ",
}


def read(*options: str, **environ: str) -> knobs.Knobs:
    parser = argparse.ArgumentParser(exit_on_error=False)
    knobs.add_arguments(parser, environ)
    return knobs.of(vars(parser.parse_args(options)))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_listens_obeys_its_options_and_ends_cleanly(command, ending, pytestconfig):
    process = subprocess.Popen(
        [sys.executable, *command, "--port", "0", "--system-id", "shop"],
        cwd=pytestconfig.rootpath,
        env=ENVIRON,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        host, _, port = process.stdout.readline().removeprefix("listening on ").strip().rpartition(":")
        with Esme(int(port)) as client:
            assert (host, client.bind()) == ("127.0.0.1", 0)
            client.submit_many(2)
            client.wait(lambda: len(client.answers) == 2)
            assert client.statuses == [0, 0x58]
            process.send_signal(ending)
            output, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert (process.returncode, output, errors) == (0, "", "")


def test_a_port_that_is_taken_is_named(pytestconfig, simulate):
    port = simulate().port
    command = [sys.executable, "-m", "simulator", "--port", str(port)]

    ended = subprocess.run(command, cwd=pytestconfig.rootpath, capture_output=True, text=True, timeout=60, check=False)

    assert ended.returncode == 1
    assert ended.stderr.startswith("cannot listen: ")
    assert f"'127.0.0.1', {port}" in ended.stderr


def test_without_options_everything_is_as_the_knobs_say():
    assert read() == knobs.Knobs()


def test_an_option_wins_over_the_environment():
    assert read("--tps", "5", TPS="7", DLR_DUP="2") == knobs.Knobs(tps=5, dlr_dup=2)


@pytest.mark.parametrize("options", [["--reorder", "x"], ["--id-dlr", "octal"], ["--split-writes", "perhaps"]])
def test_a_wrong_value_is_refused(options):
    with pytest.raises(argparse.ArgumentError):
        read(*options)


@pytest.mark.parametrize(("value", "meant"), [("1", True), ("0", False), ("True", True), ("False", False)])
def test_a_switch_is_one_or_zero(value, meant):
    assert read(MUTE_ELINK=value).mute_elink is meant
    assert read("--mute-elink", value).mute_elink is meant


def test_a_switch_alone_is_on():
    assert read("--dlr-other-bind").dlr_other_bind


def test_a_choice_from_the_environment_that_is_none_is_named():
    process = subprocess.run(
        [sys.executable, "-m", "simulator"],
        env={**os.environ, "ID_RESP": "octal"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert process.returncode == 2
    assert "argument --id-resp: 'octal' is none of dec, hex" in process.stderr
