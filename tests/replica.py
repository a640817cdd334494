"""A copy of the tests' database for reports, and a server that really follows another one."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from django.db import connections

from reports import replica
from stack import children
from stack.keyring import Keyring
from stack.postgres import Postgres
from tests import owner


@contextmanager
def connected(**given: Any) -> Iterator[None]:
    """Reports have a copy: the same database on a connection that writes nothing, but for what is given."""
    read_only = f"-c default_transaction_read_only=on -c role={owner.RUNTIME}"
    of_default = connections["default"].settings_dict
    options = {**of_default["OPTIONS"], "connect_timeout": 60, "options": read_only}
    mirror = {**of_default["TEST"], "MIRROR": "default"}
    connections.settings[replica.ALIAS] = {**of_default, "OPTIONS": options, "TEST": mirror, **given}
    try:
        yield
    finally:
        connections[replica.ALIAS].close()
        del connections[replica.ALIAS], connections.settings[replica.ALIAS]


class Follower(Postgres):
    """A server that follows another one by streaming replication, with its roles and passwords."""

    def __init__(self, home: Path, *, leader: str, keyring: Keyring, log: Path) -> None:
        """`leader` is the other one's address, for its superuser."""
        super().__init__(home, keyring=keyring, log=log)
        self._leader = leader

    def _create(self, cluster: Path, binaries: Path, account: children.Account | None) -> None:
        options = ["--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync"]
        command = [binaries / "pg_basebackup", f"--dbname={self._leader}", f"--pgdata={cluster}", *options]
        made = children.run_as(account, command)
        assert made.returncode == 0, made.stderr

    def _create_roles_and_database(self, connection: "psycopg.Connection[Any]") -> None:
        """They come from the other one."""
