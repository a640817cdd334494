"""The drills of the runbook, with the very commands that stand there."""

import shutil
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import connection

from accounts.models import User
from audit import heads
from audit.management.commands.verify_audit import BROKEN
from campaigns.models import Campaign
from campaigns.statuses import Status
from delivery import halting
from tests import factories, owner
from tests.journeys.runbook import blocks

pytestmark = [pytest.mark.live, pytest.mark.slow]


def lost(live) -> None:
    """The machine with the database and the objects is gone, and another one has an empty database."""
    live.end_all()
    connection.close()
    database = urlsplit(live.database).path.lstrip("/")
    with psycopg.connect(owner.url_of("postgres"), autocommit=True) as server:
        server.execute(f"DROP DATABASE {database}")
        server.execute(f"CREATE DATABASE {database}")
    for folder in live.objects.iterdir():
        if folder.name != "audit":  # the heads lie in a bucket that nobody may delete from
            shutil.rmtree(folder)


def test_what_was_backed_up_comes_back_frozen_says_what_it_lacks_and_is_let_go(live, workspace, operator):
    sending = factories.campaign(workspace, Status.SENDING, list=factories.ready_list(workspace, 50))
    heads.keep()
    (backup,) = blocks("Backup")
    operator(backup)
    later = factories.approved(workspace)
    heads.keep()
    lost(live)

    restore, look, release = blocks("Restore")
    operator(restore)
    assert not Campaign.objects.filter(pk=later.pk).exists()
    assert halting.in_force()
    sending.refresh_from_db()
    assert sending.status == Status.PAUSED
    assert (live.objects / sending.list.manifest_key).exists()
    said = operator(look, status=BROKEN)
    assert f"chain {workspace.pk}: entry" in said and "is missing" in said
    operator(release)
    assert not halting.in_force()


def test_the_first_person_is_made_as_the_guide_says(live, operator):
    operator(
        "python manage.py createsuperuser --no-input --email first@example.com",
        DJANGO_SUPERUSER_PASSWORD="a long and odd one",
    )
    assert User.objects.get(email="first@example.com").is_superuser
