"""Django's migrate, as the owner of the database; it does not queue for a lock for long."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dj_database_url
from django.conf import settings
from django.core.management import CommandError
from django.core.management.commands import migrate
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from config import runtime

LOCK_TIMEOUT = "10s"
ADDRESS = ("NAME", "USER", "PASSWORD", "HOST", "PORT")  # of a database, in Django's settings


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        role = str(connection.settings_dict["USER"])
        with _owning(connection):
            self._migrate(connection, *args, **options)
            if settings.DATABASE_OWNER_URL and role != connection.settings_dict["USER"]:
                self._grant(connection, role)
        self._say_what_is_wrong(connection, role)

    def _migrate(self, connection: BaseDatabaseWrapper, *args: Any, **options: Any) -> None:
        # Whoever waits for a table's lock makes everybody wait who comes later: better to fail, and to be run again.
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        try:
            super().handle(*args, **options)
        finally:
            with connection.cursor() as cursor:
                cursor.execute("RESET lock_timeout")

    def _grant(self, connection: BaseDatabaseWrapper, role: str) -> None:
        if runtime.standing(connection, role) is None:
            raise CommandError(f"There is no role “{role}”, which DATABASE_URL names. CREATE ROLE it, with LOGIN.")
        with connection.cursor() as cursor:
            runtime.grant(cursor, role)

    def _say_what_is_wrong(self, connection: BaseDatabaseWrapper, role: str) -> None:
        found = runtime.standing(connection, role)
        if found is not None and found.wrong:
            self.stderr.write(
                self.style.WARNING(
                    f"The role “{role}” of DATABASE_URL {' and '.join(found.wrong)}: whoever gets hold of a process may"
                    " change the ledger. Give the processes a role of their own, and migrate with DATABASE_OWNER_URL."
                )
            )


@contextmanager
def _owning(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Connected as DATABASE_OWNER_URL says, if it says anything."""
    if not settings.DATABASE_OWNER_URL:
        yield
        return
    given = dj_database_url.parse(settings.DATABASE_OWNER_URL)
    address: dict[str, Any] = connection.settings_dict
    before = {key: address[key] for key in ADDRESS}
    connection.close()
    address.update({key: given.get(key, "") for key in ADDRESS})
    try:
        yield
    finally:
        connection.close()
        address.update(before)
