"""Django's migrate, which does not queue for a lock for long."""

from typing import Any

from django.core.management.commands import migrate
from django.db import connections

LOCK_TIMEOUT = "10s"


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        # Whoever waits for a table's lock makes everybody wait who comes later: better to fail, and to be run again.
        with connections[options["database"]].cursor() as cursor:
            cursor.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        try:
            super().handle(*args, **options)
        finally:
            with connections[options["database"]].cursor() as cursor:
                cursor.execute("RESET lock_timeout")
