"""The role of the processes owns nothing: what the ledger refuses is not theirs to switch off."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, transaction
from psycopg.errors import UniqueViolation
from psycopg.types.json import Jsonb

from config import runtime
from config.management.commands import migrate
from delivery import housekeeping
from tests import factories, owner

pytestmark = pytest.mark.django_db

LEDGER = "audit_entry"


def one(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone()[0]


def append_only():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text FROM pg_trigger"
            " WHERE tgname LIKE '%%\\_append\\_only' AND tgparentid = 0 ORDER BY 1"
        )
        return [table for (table,) in cursor.fetchall()]


def refused(statement):
    with pytest.raises(ProgrammingError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    return str(caught.value)


def test_the_processes_are_a_role_that_owns_nothing_and_passes_nothing(db):
    assert one("SELECT current_user") == owner.RUNTIME
    assert runtime.standing(connection, owner.RUNTIME).wrong == []
    owned = one("SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole")
    functions = one("SELECT count(*) FROM pg_proc WHERE proowner = current_user::regrole")
    assert (owned, functions) == (0, 0)
    may = one("SELECT row(rolcreaterole, rolcreatedb, rolreplication)::text FROM pg_roles WHERE rolname = current_user")
    assert may == "(f,f,f)"


def test_what_is_appended_to_is_not_theirs_to_change_and_its_guards_are_not_theirs_to_lift(workspace):
    factories.done(workspace)
    assert LEDGER in append_only()
    for table in append_only():
        if one(f"SELECT EXISTS (SELECT FROM {table})"):
            column = one("SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum = 1", table)
            assert "append-only" in refused(f"UPDATE {table} SET {column} = {column}")
            assert "append-only" in refused(f"DELETE FROM {table}")
        assert "permission denied" in refused(f"TRUNCATE {table}")
        for change in (
            f"ALTER TABLE {table} DISABLE TRIGGER ALL",
            f"DROP TRIGGER {table}_append_only ON {table}",
            f"DROP TABLE {table}",
            f"CREATE RULE quietly AS ON INSERT TO {table} DO INSTEAD NOTHING",
            f"ALTER TABLE {table} RENAME TO something_else",
        ):
            assert "must be owner" in refused(change)
    assert "permission denied" in refused("SET session_replication_role = replica")


def test_no_copy_writes_over_an_entry(workspace):
    """A row that is there stays what it is: COPY only adds, and the same number once more is refused."""
    factories.done(workspace)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM audit_entry ORDER BY id LIMIT 1")
        before = cursor.fetchone()
        names = [column.name for column in cursor.description]
        row = [Jsonb(value) if isinstance(value, dict) else value for value in before]
        with pytest.raises(UniqueViolation), transaction.atomic(), cursor.copy("COPY audit_entry FROM STDIN") as copy:
            copy.write_row(row)
        cursor.execute("SELECT * FROM audit_entry WHERE id = %s", [before[names.index("id")]])
        assert cursor.fetchone() == before


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine ()",
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "DELETE FROM django_migrations",
        "ALTER ROLE CURRENT_USER BYPASSRLS",
        "CREATE ROLE another SUPERUSER",
    ],
)
def test_nothing_is_theirs_to_make_or_to_replace(statement):
    assert any(words in refused(statement) for words in ("permission denied", "must be owner", "must have"))


def test_partitions_that_are_made_for_them_are_theirs_to_write_and_not_to_drop(db):
    housekeeping.prepare_partitions(today=owner.today())
    name = f"delivery_message_{owner.today():%Y_%m}"
    assert one("SELECT has_table_privilege(%s, 'INSERT, UPDATE')", name)
    assert "must be owner" in refused(f"DROP TABLE {name}")
    assert "is not over" in refused(f"SELECT drop_partition('{name}')")


@pytest.mark.parametrize("table", ["audit_entry", "delivery_message", "nothing", "pg_class"])
def test_only_a_partition_is_dropped_for_them(table):
    with pytest.raises(ProgrammingError, match="is no partition"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT drop_partition(%s)", [table])


def test_what_is_dropped_for_them_is_looked_for_in_no_schema_of_theirs():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname, proconfig FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace"
        )
        found = dict(cursor.fetchall())
    assert set(found) == {
        *("prepare_partitions", "drop_partition", "forget_inbound", "erase_inbound", "erase_from_inbox"),
        "remove_sealed",
    }
    assert set(map(tuple, found.values())) == {("search_path=public, pg_temp",)}


# --- Migrating --------------------------------------------------------------------------------------------------------


def test_migrating_as_the_role_of_the_processes_is_possible_and_said_to_be_wrong(monkeypatch):
    everything = runtime.Standing(is_superuser=True, passes_policies=False, owns_tables=True)
    monkeypatch.setattr(runtime, "standing", lambda connection, role: everything)
    said = io.StringIO()
    call_command("migrate", verbosity=0, stderr=said)
    assert "is a superuser and owns tables" in said.getvalue() and "DATABASE_OWNER_URL" in said.getvalue()


def test_migrating_says_which_role_is_missing(monkeypatch):
    monkeypatch.setattr(runtime, "standing", lambda connection, role: None)
    with pytest.raises(CommandError, match="There is no role “app”"):
        migrate.Command()._grant(connection, "app")
