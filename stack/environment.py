"""What our processes find in their environment."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stack import ROOT, ports
from stack.failure import TAIL, Failure
from stack.keyring import Keyring

FLOWER_USER = "flower"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    web: int
    flower: int
    smsc: int


def pick_ports(wished: Ports) -> Ports:
    """Those wished for or, where one is taken, others; 0 means any."""
    web = ports.pick(wished=wished.web)
    flower = ports.pick(wished=wished.flower, taken=frozenset({web}))
    smsc = ports.pick(wished=wished.smsc, taken=frozenset({web, flower}))
    return Ports(web=web, flower=flower, smsc=smsc)


def build(data: Path, *, urls: Mapping[str, str], listen: Ports) -> dict[str, str]:
    """Our own environment (it wins where it names a setting), completed with what the embedded default needs."""
    keyring = Keyring(data / "keys.json")
    scratch = data / "scratch"
    scratch.mkdir(exist_ok=True)
    defaults = {
        "SECRET_KEY": keyring["django"],
        "STATIC_ROOT": str(data / "static"),
        "SCRATCH": str(scratch),
        "PUBLIC_URL": f"http://localhost:{listen.web}",  # a name: browsers make no passkey for a bare address
        "DEMO_FILE": str(data / "demo.json"),  # logins and tokens stay the same from run to run
        "FLOWER_BASIC_AUTH": f"{FLOWER_USER}:{keyring['flower']}",
    }
    ours = {
        "PATH": f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
        "DATA": str(data),
        "PORT": str(listen.web),
        "FLOWER_PORT": str(listen.flower),
        "SMSC_PORT": str(listen.smsc),
    }
    return defaults | dict(os.environ) | dict(urls) | ours


def manage(*arguments: str, env: Mapping[str, str]) -> str:
    """Run a command of manage.py to its end; what it printed."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        check=False,
        cwd=ROOT,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).splitlines()[-TAIL:]
        raise Failure("\n".join([f"“manage.py {' '.join(arguments)}” failed:", *said]))
    return done.stdout
