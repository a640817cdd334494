"""A real copy of the database: a server that follows another one by streaming replication."""

import os
import time
from datetime import timedelta
from types import SimpleNamespace
from urllib.parse import urlsplit

import dj_database_url
import psycopg
import pytest
from django.utils import timezone

from audit import walls
from campaigns.models import Campaign
from reports import exports, replica
from reports.models import Format
from reports.statuses import Status
from stack import environment
from stack.keyring import Keyring
from stack.postgres import Postgres
from stack.stores import OWNER_URL
from tests import evidence, factories
from tests.live import ADDRESS, on_database, wait_for
from tests.replica import Follower, connected

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def superuser(url, keyring):
    parts = urlsplit(url)
    netloc = f"postgres:{keyring['postgres superuser']}@{parts.netloc.rpartition('@')[2]}"
    return parts._replace(netloc=netloc).geturl()


@pytest.fixture(scope="module")
def servers(tmp_path_factory, django_db_setup, django_db_blocker):
    """The first is where everybody writes; reports have the other one."""
    folder = tmp_path_factory.mktemp("following")
    keyring = Keyring(folder / "keys.json")
    leader = Postgres(folder / "leader", keyring=keyring, log=folder / "leader.log", throwaway=True)
    owner = leader.start()
    here = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    environment.manage("migrate", "--no-input", env={**here, "DATABASE_URL": leader.runtime_url, OWNER_URL: owner})
    follower = Follower(
        folder / "follower", leader=superuser(owner, keyring), keyring=keyring, log=folder / "follower.log"
    )
    try:
        follower.start()
        there = dj_database_url.parse(follower.runtime_url)
        with (
            django_db_blocker.unblock(),
            on_database(leader.runtime_url),
            connected(**{key: there[key] for key in ADDRESS}),
        ):
            yield SimpleNamespace(follower=follower, superuser=superuser(follower.runtime_url, keyring))
    finally:
        follower.stop()
        leader.stop()


def replay(servers, verb):
    with psycopg.connect(servers.superuser, autocommit=True) as server:
        server.execute(f"SELECT pg_wal_replay_{verb}()")


def read(campaign, *, now=None):
    """Its number as it is found, and as of when."""
    replica._Copy.away_until = 0.0
    return replica.read_of(campaign, lambda it: it.pk, now=now or timezone.now())


def test_what_is_written_is_read_from_the_copy_a_moment_later(servers):
    workspace = factories.workspace()
    campaign = factories.sending(workspace, list=factories.ready_list(workspace, 30, chunk_size=10))
    evidence.dispatched(campaign, evidence.DELIVERED)
    written_at = timezone.now()
    replica.mark(now=written_at)
    wait_for(lambda: read(campaign, now=written_at)[1] == written_at)
    with walls.nothing():
        assert replica.read(lambda: list(Campaign.objects.all()), now=written_at) == ([], written_at)

    export = exports.request(campaign.pk, format=Format.CSV, by=campaign.created_by)
    exports.write(export.pk, clock=timezone.now)
    export.refresh_from_db()
    assert (export.status, export.rows, export.totals["delivered"]) == (Status.READY, 30, 30)


def test_a_copy_whose_replay_has_stopped_is_not_shown_once_it_is_too_far_behind(servers):
    marked_at = timezone.now()
    replica.mark(now=marked_at)
    workspace = factories.workspace()
    campaign = factories.sending(workspace, list=factories.ready_list(workspace))
    wait_for(lambda: read(campaign, now=marked_at)[1] == marked_at)
    replay(servers, "pause")
    try:
        later = factories.sending(workspace, list=factories.ready_list(workspace))
        replica.mark(now=marked_at + timedelta(seconds=1))
        assert read(campaign, now=marked_at + timedelta(seconds=9))[1] == marked_at
        assert read(later, now=marked_at + timedelta(seconds=9)) == (later.pk, None)  # it is not there yet
        assert read(campaign, now=marked_at + timedelta(seconds=11))[1] is None
    finally:
        replay(servers, "resume")
    wait_for(lambda: read(later, now=marked_at)[1] == marked_at + timedelta(seconds=1))


def test_without_the_copy_everything_is_read_where_it_is_written(servers):
    workspace = factories.workspace()
    campaign = factories.sending(workspace, list=factories.ready_list(workspace))
    marked_at = timezone.now()
    replica.mark(now=marked_at)
    wait_for(lambda: read(campaign, now=marked_at)[1])
    servers.follower.stop()
    try:
        began = time.monotonic()
        assert read(campaign) == (campaign.pk, None)
        assert time.monotonic() - began < 60
    finally:
        servers.follower.start()
