"""The tests do what the processes do as the role of the processes, who owns nothing; a few need the owner."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

from django.db import connection, transaction

from audit import walls

URL = os.environ.get("DATABASE_OWNER_URL") or os.environ["DATABASE_URL"]
RUNTIME = unquote(urlsplit(os.environ["DATABASE_URL"]).username or "")


def url_of(database: str) -> str:
    """For the owner."""
    return urlsplit(URL)._replace(path=f"/{database}").geturl()


def step_down(connection) -> None:
    """Be the role of the processes, on a connection that the owner has opened: Django's, or the driver's."""
    if urlsplit(URL).username != RUNTIME:
        with connection.cursor() as cursor:
            cursor.execute(f'SET ROLE "{RUNTIME}"')


@contextmanager
def at_work() -> Iterator[Any]:
    """Past what holds the processes: triggers made, or switched off."""
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
        try:
            yield cursor
        finally:
            if not connection.needs_rollback:
                step_down(connection)


def tamper(sql: str, *values: Any) -> None:
    """As somebody who switches the triggers off."""
    with transaction.atomic(), at_work() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql, values)
        cursor.execute("SET LOCAL session_replication_role = origin")


# What was ever written to, but for what `migrate` writes. A partition is a table, too.
_EMPTY = """
DO $$ DECLARE one regclass; BEGIN
    FOR one IN
        SELECT oid FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0
        AND relname NOT IN ('django_migrations', 'django_content_type', 'auth_permission')
    LOOP
        EXECUTE format('DELETE FROM %s', one);
    END LOOP;
END $$
"""


def empty() -> None:
    """Take away what a test has committed."""
    with transaction.atomic(), walls.everything(), at_work() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(_EMPTY)
        cursor.execute("SET LOCAL session_replication_role = origin")


_GIVEN = "SELECT format('%I.%I', schemaname, sequencename), last_value FROM pg_sequences WHERE schemaname = 'public'"
_GIVE_AGAIN = """
SELECT setval(name::regclass, coalesce(last, 1), last IS NOT NULL)
FROM unnest(%s::text[], %s::bigint[]) AS one(name, last)
"""


def ids_given() -> dict[str, int | None]:
    """The last id of each table."""
    with at_work() as cursor:
        cursor.execute(_GIVEN)
        return dict(cursor.fetchall())


def give_ids_again(given: dict[str, int | None]) -> None:
    """Those after them: what is rolled back gives its ids back only then."""
    with at_work() as cursor:
        cursor.execute(_GIVE_AGAIN, [list(given), list(given.values())])


def today() -> date:
    return datetime.now(tz=UTC).date()
