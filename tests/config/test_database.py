"""Nobody waits for ever for a database."""

import socket
import time

import pytest
from django.core.management import call_command
from django.db import ConnectionHandler, OperationalError, connection
from django.db.models.signals import pre_migrate

from config.env import patience
from config.management.commands.migrate import LOCK_TIMEOUT


def shown(setting):
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {setting}")
        return cursor.fetchone()[0]


@pytest.mark.django_db
def test_a_server_that_is_there_and_says_nothing_is_given_up(settings):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        mute = {**settings.DATABASES["default"], "HOST": "127.0.0.1", "PORT": port}
        begun = time.monotonic()
        with pytest.raises(OperationalError):
            ConnectionHandler({"default": mute})["default"].ensure_connection()
        assert time.monotonic() - begun < 60


def test_either_end_takes_a_silent_one_for_gone_and_what_the_address_says_goes_before():
    found = patience(gone_after=30, idle_in_transaction=60, given={"keepalives_idle": 5, "options": "-c work_mem=8MB"})
    assert found["keepalives_idle"] == 5
    assert found["tcp_user_timeout"] == 30_000
    assert found["options"].split("-c ")[1:] == [
        "tcp_keepalives_idle=15 ",
        "tcp_keepalives_interval=5 ",
        "tcp_keepalives_count=3 ",
        "tcp_user_timeout=30000 ",
        "idle_in_transaction_session_timeout=60000 ",
        "work_mem=8MB",
    ]


@pytest.mark.django_db
def test_a_transaction_in_which_nothing_happens_is_ended_with_its_locks():
    assert shown("idle_in_transaction_session_timeout") == "2min"


@pytest.mark.django_db
def test_a_migration_does_not_queue_for_a_lock_for_long():
    seen = []

    def look(**given):
        seen.append(shown("lock_timeout"))

    before = shown("lock_timeout")
    pre_migrate.connect(look)
    try:
        call_command("migrate", verbosity=0)
    finally:
        pre_migrate.disconnect(look)
    assert set(seen) == {LOCK_TIMEOUT}
    assert shown("lock_timeout") == before
