"""A RabbitMQ from the system's packages, started by hand: a broker for hosts that are given one by URL."""

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from kombu import Connection

from stack import children
from stack.failure import Failure, tail
from stack.keyring import Keyring

SCRIPTS = Path("/usr/lib/rabbitmq/bin")  # what the package's own wrapper calls, as its own user
PORT = 5672
START = 120  # seconds
USER = "message-center"


def why_not() -> str:
    """In a sentence, why there is none here; empty when there is one."""
    if not (SCRIPTS / "rabbitmq-server").exists() or shutil.which("erl") is None:
        return "there is no RabbitMQ here (apt-get install rabbitmq-server)"
    return ""


class RabbitMQ:
    def __init__(self, home: Path, *, keyring: Keyring, log: Path, address: str) -> None:
        self._home, self._log, self._address = home, log, address
        self._password = keyring["rabbitmq"]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"amqp://{USER}:{self._password}@{self._address}:{PORT}//"

    def start(self) -> str:
        self._home.mkdir(exist_ok=True)
        settings = self._home / "rabbitmq.conf"
        settings.touch(mode=0o600)
        settings.write_text(
            f"listeners.tcp.1 = {self._address}:{PORT}\ndefault_user = {USER}\ndefault_pass = {self._password}\n"
            "log.console = true\nlog.file = false\n"
        )
        (self._home / "plugins").write_text("[].\n")
        with self._log.open("ab") as log:
            self._process = children.spawn(
                [str(SCRIPTS / "rabbitmq-server")], log=log, parting=signal.SIGTERM, env=self._env(), cwd=self._home
            )
        self._wait_until_ready()
        return self.url

    def stop(self) -> None:
        if self._process is not None:
            children.end(self._process, first=signal.SIGTERM, patience=60)
            self._process = None
            subprocess.run(["epmd", "-kill"], check=False, capture_output=True, env=self._env())

    def _env(self) -> dict[str, str]:
        home = str(self._home)
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": home,
            "LANG": "C.UTF-8",
            "RABBITMQ_NODENAME": "message-center@localhost",
            "RABBITMQ_CONFIG_FILE": f"{home}/rabbitmq.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{home}/plugins",
            "RABBITMQ_MNESIA_BASE": f"{home}/mnesia",
            "RABBITMQ_LOG_BASE": home,
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START
        while True:
            with suppress(OSError, socket.timeout), Connection(self.url, connect_timeout=2) as connection:
                connection.connect()
                return
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise Failure(f"RabbitMQ did not start.{tail(self._log)}")
            time.sleep(0.5)
