"""The database of an earlier release, with a campaign under way in it, becomes that of today."""

import shutil
from urllib.parse import urlsplit

import psycopg
import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from audit import heads
from delivery import witness
from tests import owner
from tests.journeys.runbook import blocks
from tests.live import SENDING, campaign_of, check, ended, on_database, totals_of

pytestmark = [pytest.mark.live, pytest.mark.slow, pytest.mark.timeout(600)]

# The schema of 25 November 2026: before the second wall, webhooks, triggers, erasures and standing exports.
RELEASE = {
    "accounts": "0009_rule_approvals",
    "audit": "0005_salt_entries",
    "campaigns": "0009_guard_trials",
    "channels": "0006_keep_states_of_links",
    "delivery": "0020_forget_inbound",
    "moderation": "0010_hold_approvals_to_their_rules",
    "notices": "0001_keep_notices",
    "recipients": "0011_guard_test_phones",
    "reports": "0003_let_exports_go",
    "senders": "0003_guard_revisions",
    "sessions": "0001_initial",
}
EVERYTHING = "-c message_center.scope=all"
TABLES = """
SELECT c.relname, array_agg(quote_ident(a.attname) ORDER BY a.attnum)
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND c.relname <> 'django_migrations'
GROUP BY c.relname ORDER BY c.relname
"""


def turned_back(live) -> dict[str, int]:
    """The database of the installation has the schema of RELEASE, and of its rows what that has a place for: how many
    in each table."""
    name = urlsplit(live.database).path.lstrip("/")
    connection.close()
    with psycopg.connect(owner.url_of("postgres"), autocommit=True) as server:
        server.execute(f"ALTER DATABASE {name} RENAME TO {name}_later")
        server.execute(f"CREATE DATABASE {name}")
        with on_database(owner.url_of(name)), owner.at_work():
            MigrationExecutor(connection).migrate([*RELEASE.items()])
        with (
            psycopg.connect(owner.url_of(f"{name}_later"), options=EVERYTHING) as later,
            psycopg.connect(owner.url_of(name)) as then,
        ):
            moved = taken_along(later, then)
        server.execute(f"DROP DATABASE {name}_later")
    for key in witness.KEYS:  # of the database with another name: it would be taken for a restored one
        default_storage.delete(key)
    return moved


def taken_along(later: psycopg.Connection, then: psycopg.Connection) -> dict[str, int]:
    then.execute("SET session_replication_role = replica")
    columns, places = dict(later.execute(TABLES).fetchall()), dict(then.execute(TABLES).fetchall())
    then.execute(f"TRUNCATE {', '.join(places)}")
    moved = {}
    for table, names in places.items():
        assert set(names) <= set(columns[table]), f"the release of today has no place for all of {table}"
        both = ", ".join(names)
        with (
            later.cursor().copy(f"COPY (SELECT {both} FROM {table}) TO STDOUT") as rows,
            then.cursor() as cursor,
        ):
            with cursor.copy(f"COPY {table} ({both}) FROM STDIN") as into:
                for block in rows:
                    into.write(block)
            moved[table] = cursor.rowcount
    sequences = "SELECT sequencename, last_value FROM pg_sequences WHERE last_value IS NOT NULL"
    known = {name for (name,) in then.execute("SELECT sequencename FROM pg_sequences")}
    for name, value in later.execute(sequences).fetchall():
        if name in known:
            then.execute("SELECT setval(%s::regclass, %s)", [name, value])
    return moved


def test_a_database_of_an_earlier_release_is_migrated_and_its_campaign_goes_on(live, workspace, operator):
    live.start(*SENDING)
    with live.carrier() as first, live.carrier(window=20, resp_delay_ms=100) as carrier:
        over = campaign_of(workspace, first, 300)
        assert ended(over).delivered == 300
        campaign = campaign_of(workspace, carrier, 3000, chunk_size=500)
        carrier.wait_for_submits(600)
        live.end_all()
        shutil.rmtree(live.objects / heads.FOLDER, ignore_errors=True)  # of chains that a restore has cut off
        heads.keep()
        before = totals_of(campaign)
        assert before.waiting > 500, "too late to tell anything"

        moved = turned_back(live)
        assert moved["delivery_message"] >= 900 and moved["audit_entry"] > 10 and moved["delivery_chunk"] >= 7
        (upgrade,) = blocks("Upgrade")
        operator(upgrade)
        assert totals_of(campaign).waiting == before.waiting and totals_of(over).delivered == 300
        with psycopg.connect(owner.url_of(urlsplit(live.database).path.lstrip("/")), options=EVERYTHING) as now:
            kept = {table: now.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in moved}
        grown = {table for table, count in kept.items() if count != moved[table]}
        assert grown <= {"auth_permission", "django_content_type", "audit_check"}  # made after it, and by verify_audit

        live.start(*SENDING)
        totals = ended(campaign, seconds=120)
        assert (totals.delivered, totals.uncertain) == (3000, 0)
        check(campaign, carrier)
        check(over, first)
