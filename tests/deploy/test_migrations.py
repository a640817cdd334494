"""A migration is run while processes of the release before go on (docs/runbook.md, Upgrade)."""

import re
from collections.abc import Iterable, Iterator

import pytest
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import models
from django.db.migrations import operations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation

from stack import ROOT

# Tables that have a row for each message, entry or number: what locks one of these stops the platform.
BIG = {
    *("audit_entry", "campaigns_campaign", "delivery_carrierid", "delivery_chunk", "delivery_doubt"),
    *("delivery_inbound", "delivery_inbox", "delivery_intent", "delivery_message", "delivery_push"),
    *("delivery_receipt", "delivery_tally", "recipients_suppression", "webhooks_delivery"),
}
GONE = (operations.RemoveField, operations.RenameField, operations.DeleteModel, operations.RenameModel)
INDEX = r"\bCREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY)[^;]*?\bON (?:ONLY )?(\w+)"
CHANGED = r"\bALTER TABLE (?:ONLY )?(\w+)([^;]*)"
SCANS = r"ALTER COLUMN \w+ (?:SET DATA )?TYPE|SET NOT NULL|ADD (?:CONSTRAINT \w+ )?(?:CHECK|FOREIGN KEY|UNIQUE|PRIMARY)"
OURS = {path.parent.parent.name for path in ROOT.glob("*/migrations/__init__.py")}

# Of before there was a release: nobody upgrades over them with processes running. What is new here is wrong.
BEFORE = frozenset(
    {
        "audit.0006_find_entries",
        "campaigns.0005_add_hours_limits_and_routes",
        "campaigns.0007_let_drafts_be_incomplete",
        "campaigns.0008_keep_trials",
        "campaigns.0011_link_within_a_workspace",
        "campaigns.0015_add_triggers",
        "delivery.0005_try_receipts_again_later",
        "delivery.0006_find_waiting_bells",
        "delivery.0009_quarantine_and_freeze_chunks",
        "delivery.0025_wall_off_messages_taken_on",
        "delivery.0027_link_who_pushed",
        "recipients.0004_keep_breakdown_of_lists",
        "reports.0002_keep_totals_of_exports",
        "reports.0007_choose_columns_of_exports",
        "reports.0019_choose_numbers_of_standing_exports",
        "webhooks.0002_wall_off_workspaces",
    }
)


def dangers(operation: Operation, *, app: str, new: Iterable[str] = ()) -> Iterator[str]:
    """What an operation does to processes that go on; tables that are as `new` as it is are nobody's yet."""
    if isinstance(operation, operations.SeparateDatabaseAndState):
        for one in operation.database_operations:
            yield from dangers(one, app=app, new=new)
    elif isinstance(operation, operations.RunSQL):
        yield from of_sql(operation.sql, new=new)
    elif isinstance(operation, GONE):
        yield f"{type(operation).__name__}: the old code asks for it"
    else:
        table = f"{app}_{getattr(operation, 'model_name', '')}".lower()
        if table not in new:
            yield from of_table(operation, table)


def of_table(operation: Operation, table: str) -> Iterator[str]:
    if isinstance(operation, operations.AddField):
        field = operation.field
        stays = isinstance(field, models.ManyToManyField)
        if not stays and not field.null and field.db_default is models.NOT_PROVIDED:
            yield f"{table}.{operation.name} is not null without db_default: the old code inserts none"
    elif isinstance(operation, AddIndexConcurrently):
        return
    elif table in BIG and isinstance(operation, (operations.AddIndex, operations.AddConstraint)):
        yield f"{type(operation).__name__} reads all of {table} under its lock"


def of_sql(sql, *, new: Iterable[str] = ()) -> Iterator[str]:
    text = sql if isinstance(sql, str) else " ; ".join(one if isinstance(one, str) else one[0] for one in sql)
    for table in re.findall(INDEX, text, re.IGNORECASE):
        if table in BIG and table not in new:
            yield f"CREATE INDEX on {table} without CONCURRENTLY"
    for table, change in re.findall(CHANGED, text, re.IGNORECASE):
        if table in new:
            continue
        if re.search(r"\bDROP COLUMN\b|\bRENAME\b", change, re.IGNORECASE):
            yield f"{table} loses a column: the old code asks for it"
        if re.search(r"\bADD COLUMN\b(?=.*NOT NULL)(?!.*DEFAULT)", change, re.IGNORECASE):
            yield f"{table} has a column that the old code does not fill"
        if table in BIG and re.search(SCANS, change, re.IGNORECASE) and "NOT VALID" not in change.upper():
            yield f"ALTER TABLE {table} reads all of it under its lock"


def made_by(migration) -> set[str]:
    created = {
        f"{migration.app_label}_{one.name}".lower()
        for one in migration.operations
        if isinstance(one, operations.CreateModel)
    }
    sql = " ".join(str(one.sql) for one in migration.operations if isinstance(one, operations.RunSQL))
    return created | set(re.findall(r"\bCREATE TABLE (?:IF NOT EXISTS )?(\w+)", sql, re.IGNORECASE))


def found() -> set[tuple[str, str]]:
    loader = MigrationLoader(None)
    ours = [migration for (app, _), migration in sorted(loader.disk_migrations.items()) if app in OURS]
    return {
        (f"{migration.app_label}.{migration.name}", danger)
        for migration in ours
        for operation in migration.operations
        for danger in dangers(operation, app=migration.app_label, new=made_by(migration))
    }


def test_no_migration_locks_a_big_table_or_takes_from_the_old_code_what_it_asks_for():
    names = {name for name, _ in found()}
    assert {one for one in found() if one[0] not in BEFORE} == set()
    assert names >= BEFORE, "listed, and not dangerous"


TEXT = models.TextField()


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        (operations.RemoveField("campaign", "text"), "the old code asks for it"),
        (operations.RenameField("campaign", "text", "words"), "the old code asks for it"),
        (operations.DeleteModel("campaign"), "the old code asks for it"),
        (operations.AddField("sender", "motto", TEXT), "without db_default"),
        (operations.AddIndex("chunk", models.Index(fields=["status"], name="slow")), "under its lock"),
        (operations.RunSQL("CREATE INDEX slow ON delivery_message (phone)"), "without CONCURRENTLY"),
        (operations.RunSQL("ALTER TABLE delivery_message ALTER COLUMN parts TYPE int"), "under its lock"),
        (operations.RunSQL("ALTER TABLE delivery_message ADD CONSTRAINT known CHECK (parts > 0)"), "under its lock"),
        (operations.RunSQL("ALTER TABLE senders_sender DROP COLUMN name"), "loses a column"),
        (operations.RunSQL([("ALTER TABLE senders_sender ADD COLUMN motto text NOT NULL", None)]), "does not fill"),
        (
            operations.SeparateDatabaseAndState(
                database_operations=[operations.RunSQL("ALTER TABLE delivery_chunk ALTER COLUMN key SET NOT NULL")]
            ),
            "under its lock",
        ),
    ],
)
def test_what_is_dangerous_is_seen(operation, said):
    app = "senders" if getattr(operation, "model_name", "") == "sender" else "delivery"
    (danger,) = dangers(operation, app=app)
    assert said in danger


@pytest.mark.parametrize(
    "operation",
    [
        operations.AddField("sender", "motto", models.TextField(null=True)),
        operations.AddField("sender", "motto", models.TextField(db_default="")),
        operations.AddIndex("sender", models.Index(fields=["name"], name="small")),
        AddIndexConcurrently("chunk", models.Index(fields=["status"], name="quick")),
        operations.RunSQL("CREATE INDEX CONCURRENTLY quick ON delivery_chunk (status)"),
        operations.RunSQL("ALTER TABLE delivery_message ADD CONSTRAINT known CHECK (parts > 0) NOT VALID"),
        operations.RunSQL("ALTER TABLE delivery_message ADD COLUMN kept boolean NOT NULL DEFAULT false"),
        operations.CreateModel("Motto", [("text", TEXT)]),
    ],
)
def test_what_is_safe_passes(operation):
    app = "senders" if getattr(operation, "model_name", "") == "sender" else "delivery"
    assert list(dangers(operation, app=app)) == []


def test_what_a_migration_makes_itself_is_nobodys_yet():
    index = operations.AddIndex("chunk", models.Index(fields=["status"], name="quick"))
    assert list(dangers(index, app="delivery", new={"delivery_chunk"})) == []
