"""A ledger in trouble."""

import pytest

from tests import owner


@pytest.fixture
def ledger_that_fails():
    """Whoever owns the database has made it refuse entries."""
    with owner.at_work() as cursor:
        cursor.execute(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE 'no room' USING ERRCODE = '53100'; END $$;"
            " CREATE TRIGGER fails BEFORE INSERT ON audit_entry FOR EACH ROW EXECUTE FUNCTION fail()"
        )
    yield
    with owner.at_work() as cursor:
        cursor.execute("DROP TRIGGER fails ON audit_entry; DROP FUNCTION fail()")
