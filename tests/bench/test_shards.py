"""What would have to change before the database is spread over several servers is known, table by table."""

import pytest
from django.db import connection

from bench import shards


@pytest.fixture
def found(db):
    connection.ensure_connection()
    return shards.placed(connection.connection)


def test_the_page_says_of_all_but_local_tables_what_the_schema_says(found):
    said = shards.REPORT.read_text().splitlines()
    elsewhere = [one for one in found if one.kind != "local"]
    assert set(shards.page(elsewhere).splitlines()) <= set(said), "python -m bench shards"


def test_whatever_grows_with_messages_is_distributed(found):
    kinds = {one.table: one.kind for one in found}
    assert shards.DISTRIBUTED.keys() <= kinds.keys()
    assert {one.table for one in found if one.notes and one.notes[0].startswith("partitioned")} <= set(
        shards.DISTRIBUTED
    )


def test_a_rule_that_is_broken_is_named(found):
    obstacles = {one.table: " ".join(one.obstacles) for one in found}
    assert "it has no campaign_id" in obstacles["delivery_intent"]
    assert "delivery_inbox_append_only" in obstacles["delivery_inbox"]
    assert obstacles["delivery_message"] == ""
