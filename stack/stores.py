"""The three stores: each is the one that the environment names, or an embedded one."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from stack.failure import Failure
from stack.keyring import Keyring
from stack.postgres import Postgres
from stack.seaweed import Seaweed
from stack.valkey import Valkey

OWNER_URL = "DATABASE_OWNER_URL"  # the database again, for `manage.py migrate`, and for nobody who serves anybody
URLS = ("DATABASE_URL", OWNER_URL, "REDIS_URL", "STORAGE_URL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    urls: dict[str, str]  # by the names of URLS
    pids: dict[str, int]  # of the embedded servers: postgres, valkey, seaweed


@contextmanager
def opened(data: Path, *, throwaway: bool = False, s3: bool = False) -> Iterator[Stores]:
    """Start what the environment does not name; stop it again, PostgreSQL last.

    With `s3` the objects are in an embedded S3 instead of a folder.
    """
    keyring = Keyring(data / "keys.json")
    logs = data / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    urls = {name: os.environ[name] for name in URLS if os.environ.get(name)}
    pids: dict[str, int] = {}
    with ExitStack() as stack:
        if "DATABASE_URL" not in urls:
            postgres = Postgres(data / "postgres", keyring=keyring, log=logs / "postgres.log", throwaway=throwaway)
            stack.callback(postgres.stop)
            urls[OWNER_URL] = postgres.start()
            urls["DATABASE_URL"] = postgres.runtime_url
            pids["postgres"] = postgres.pid
        if "REDIS_URL" not in urls:
            valkey = Valkey(data / "valkey", keyring=keyring, log=logs / "valkey.log")
            stack.callback(valkey.stop)
            urls["REDIS_URL"] = valkey.start()
            pids["valkey"] = valkey.pid
        if "STORAGE_URL" not in urls and s3:
            _check_not_elsewhere(data / "objects", "in a folder, and --s3 would not see them")
            seaweed = Seaweed(data / "seaweed", keyring=keyring, log=logs / "seaweed.log")
            stack.callback(seaweed.stop)
            urls["STORAGE_URL"] = seaweed.start()
            pids["seaweed"] = seaweed.pid
        elif "STORAGE_URL" not in urls:
            _check_not_elsewhere(data / "seaweed", "in the embedded S3: start with --s3")
            (data / "objects").mkdir(exist_ok=True)
            urls["STORAGE_URL"] = f"file:{quote(str(data / 'objects'))}"
        yield Stores(urls=urls, pids=pids)


def _check_not_elsewhere(folder: Path, where: str) -> None:
    """The database names objects: they are where they were written."""
    if folder.exists() and any(folder.iterdir()):
        raise Failure(f"The files of {folder.parent} are {where}. Or choose another folder with --data.")


@contextmanager
def held(data: Path) -> Iterator[None]:
    """Two runs on the same data would fight over it: the second is told who is first."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        file = (data / "lock").open("a+")
    except OSError as error:
        raise Failure(f"The data folder {data} cannot be used: {error.strerror}.") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise Failure(f"{data} is in use by {file.read().strip()}. Choose another folder with --data.") from None
        file.truncate(0)
        file.write(f"process {os.getpid()}, started {datetime.now().astimezone():%Y-%m-%d %H:%M:%S}\n")
        file.flush()
        yield
