from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from campaigns.models import Campaign
from config import health
from delivery import halting
from delivery.statuses import HaltKind
from metrics import done, queues
from tests import factories

ALL_WELL = {"database": "ok", "redis": "ok", "storage": "ok", "sending": "ok"}
WORK = ["tick", "starts", "dispatch", "queues"]


def test_a_process_that_is_up_says_so_without_any_store():
    response = Client().get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok\n")


@pytest.fixture
def redis_answers(monkeypatch):
    monkeypatch.setitem(health.CHECKS, "redis", lambda: None)


@pytest.mark.django_db
@pytest.mark.usefixtures("redis_answers")
def test_a_process_that_reaches_its_stores_is_ready_and_leaves_nothing_there(objects):
    response = Client().get("/readyz")
    assert (response.status_code, response.json()) == (200, ALL_WELL)
    assert not [path for path in objects.rglob("*") if path.is_file()]


@pytest.mark.django_db
def test_a_store_that_is_gone_is_named(settings, tmp_path):
    settings.RATE_REDIS_URL = "redis://127.0.0.1:1/0"
    folder = tmp_path / "not-a-folder"
    folder.write_text("")
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {**settings.STORAGES["default"], "OPTIONS": {"location": folder}},
    }
    response = Client().get("/readyz")
    assert response.status_code == 503
    assert response.json() == ALL_WELL | {"redis": "unreachable", "storage": "unreachable"}


@pytest.mark.django_db
@pytest.mark.usefixtures("redis_answers")
def test_an_emergency_stop_is_shown_and_takes_no_process_out_of_service(objects):
    halting.stop(HaltKind.EMERGENCY, reason="Wrong list.", by=None, now=timezone.now())
    response = Client().get("/readyz")
    assert (response.status_code, response.json()) == (200, ALL_WELL | {"sending": "halted"})


@pytest.mark.django_db
def test_work_that_is_not_done_is_named(workspace, monkeypatch):
    """By the pages' role, who sees nothing of any workspace else."""
    now = timezone.now()
    monkeypatch.setattr(done, "last", lambda: {health.TICK: timezone.now().timestamp()})
    monkeypatch.setattr(queues, "waiting", lambda: [queues.Waiting(queue="lists", messages=0, since=None)])
    response = Client().get("/workz")
    assert (response.status_code, response.json()) == (200, dict.fromkeys(WORK, "ok"))

    old = queues.Waiting(queue="lists", messages=1, since=now.timestamp() - 121)
    monkeypatch.setattr(queues, "waiting", lambda: [old])
    late = factories.approved(workspace)  # and with its channel, of which no process speaks
    Campaign.objects.filter(pk=late.pk).update(approved_at=now - timedelta(seconds=90))
    monkeypatch.setattr(done, "last", lambda: {health.TICK: now.timestamp() - 16})
    response = Client().get("/workz")
    assert (response.status_code, response.json()) == (503, dict.fromkeys(WORK, "late"))

    halting.stop(HaltKind.EMERGENCY, reason="Wrong list.", by=None, now=now)
    assert Client().get("/workz").json()["starts"] == "ok"  # nothing starts, and on purpose


@pytest.mark.django_db
def test_whoever_cannot_tell_whether_work_is_done_says_so(settings):
    settings.RATE_REDIS_URL = "redis://127.0.0.1:1/0"
    response = Client().get("/workz")
    assert (response.status_code, response.json()["tick"]) == (503, "unknown")
