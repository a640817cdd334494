"""An emergency stop: nobody's intent is written while it is in force."""

import io
import os
import subprocess
import sys
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from audit.models import Entry
from audit.refusal import Refused
from campaigns.models import Campaign
from campaigns.statuses import Mode, Status
from delivery import due, halting
from delivery.models import Chunk, Halt, Intent
from delivery.statuses import HaltKind
from tests import factories
from tests.delivery.ground import choose_retries, claim, intend, send, under_way
from tests.pages import signed_in, text_of

pytestmark = pytest.mark.django_db

THROTTLED = (0x58, b"")


@pytest.fixture
def desk():
    return signed_in(factories.user(is_superuser=True, is_staff=True))


def emergency_stop(*arguments):
    out = io.StringIO()
    call_command("emergency_stop", *arguments, stdout=out)
    return out.getvalue()


def stop():
    return halting.stop(HaltKind.EMERGENCY, reason="Wrong list.", by=None, now=timezone.now())


def release():
    return halting.release(HaltKind.EMERGENCY, reason="It was the right one.", by=None, now=timezone.now())


def test_while_everything_is_stopped_no_intent_is_written_and_after_it_they_are_again(workspace):
    _, [chunk] = under_way(workspace, 4)
    mine = claim(chunk)
    stop()
    assert intend(mine, 2) is None
    assert not Intent.objects.exists()
    release()
    assert intend(mine, 2) == range(2)


def test_nobody_is_tried_again_either(workspace):
    _, [chunk] = under_way(workspace, 2)
    mine = claim(chunk)
    send(mine, [THROTTLED, THROTTLED])
    later = timezone.now() + timedelta(hours=1)
    stop()
    assert choose_retries(mine, 10, now=later) == []
    release()
    assert len(choose_retries(mine, 10, now=later)) == 2


def test_the_clock_rings_for_no_chunk_and_starts_no_campaign_until_it_is_released(workspace, rung):
    now = timezone.now()
    _, [chunk] = under_way(workspace, 4)
    waiting = factories.approved(workspace)
    Chunk.objects.update(rung_at=None)
    rung.clear()
    stop()
    due.tick(now=now + timedelta(minutes=1))
    assert rung == []
    assert Campaign.objects.get(pk=waiting.pk).status == Status.APPROVED
    release()
    due.tick(now=now + timedelta(minutes=2))
    assert ("delivery.tasks.dispatch", (chunk.pk,)) in rung
    assert Campaign.objects.get(pk=waiting.pk).status == Status.SENDING


def test_whose_time_passed_meanwhile_is_missed_not_sent_late(workspace, settings):
    send_at = timezone.now() + timedelta(hours=1)
    campaign = factories.approved(workspace, mode=Mode.SCHEDULED, send_at=send_at)
    stop()
    due.tick(now=send_at)
    release()
    due.tick(now=send_at + settings.START_GRACE + timedelta(seconds=1))
    assert Campaign.objects.get(pk=campaign.pk).status == Status.MISSED


def test_what_is_left_of_a_spread_campaign_goes_evenly_into_the_rest_of_its_window(workspace):
    begin = timezone.now()
    window = {"date_from": begin + timedelta(minutes=1), "date_to": begin + timedelta(minutes=61)}
    campaign = factories.approved(workspace, mode=Mode.SPREAD, **window)
    due.tick(now=window["date_from"])
    stop()
    half_past = window["date_from"] + timedelta(minutes=30)
    halting.release(HaltKind.EMERGENCY, reason="Checked.", by=None, now=half_past)
    due.tick(now=half_past)
    chunk = Chunk.objects.get(campaign=campaign)
    assert (chunk.plan_from, chunk.plan_first) == (half_past, 0)


def test_what_is_in_doubt_is_settled_all_the_same(workspace, rung):
    now = timezone.now()
    _, [chunk] = under_way(workspace, 4)
    intend(claim(chunk), 2)
    Chunk.objects.update(rung_at=None)
    rung.clear()
    stop()
    due.tick(now=now + timedelta(hours=1))  # its owner is dead
    assert rung == [("delivery.tasks.dispatch", (chunk.pk,))]
    due.tick(now=now + timedelta(hours=1, seconds=1))
    assert len(rung) == 1  # not rung again and again


def test_the_command_stops_and_releases_and_the_ledger_says_so():
    assert "Stopped" in emergency_stop("--reason", "Wrong list.")
    with pytest.raises(CommandError, match="stands still already"):
        emergency_stop()
    assert [str(halt) for halt in halting.in_force()] == ["Emergency stop"]
    assert "sending goes on" in emergency_stop("--release", "--reason", "Checked.")
    with pytest.raises(CommandError, match="no such halt"):
        emergency_stop("--release")
    entries = Entry.objects.filter(chain=0, subject_type="halt").order_by("seq").values_list("action", "note")
    assert list(entries) == [("halt.begun", "Wrong list."), ("halt.released", "Checked.")]


@pytest.mark.django_db(transaction=True)
def test_it_stops_with_nothing_but_the_database_there():
    """In a process of its own, without a web server, without Redis and without the object storage."""
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    away = {"REDIS_URL": "redis://127.0.0.1:1/0", "STORAGE_URL": "s3://key:secret@127.0.0.1:1/none"}
    command = [sys.executable, "manage.py", "emergency_stop", "--reason", "Everything else is away."]
    done = subprocess.run(
        command,
        cwd=settings.ROOT,
        env={**os.environ, **away, "DATABASE_URL": database, "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert (done.returncode, done.stdout[:8]) == (0, "Stopped:"), done.stderr
    assert [halt.reason for halt in halting.in_force()] == ["Everything else is away."]


def test_a_release_of_one_kind_leaves_the_other_in_force():
    stop()
    halting.stop(HaltKind.RESTORE, reason="Restored.", by=None, now=timezone.now())
    assert "still in force: restored database" in emergency_stop("--release")
    assert [halt.kind for halt in halting.in_force()] == [HaltKind.RESTORE]


def test_a_halt_without_a_reason_is_refused():
    with pytest.raises(Refused):
        halting.stop(HaltKind.EMERGENCY, reason=" ", by=None, now=timezone.now())


def test_a_super_admin_stops_everything_with_a_reason_and_every_page_of_the_desk_says_so(desk):
    form = desk.get("/admin/delivery/halt/add/")
    assert "Stop all sending" in text_of(form)
    assert not Halt.objects.exists()  # looking stops nothing
    assert desk.post("/admin/delivery/halt/add/", {"reason": ""}).status_code == 400
    desk.post("/admin/delivery/halt/add/", {"reason": "Wrong list."})
    [halt] = halting.in_force()
    assert (halt.reason, halt.by.is_superuser) == ("Wrong list.", True)
    assert "Nothing is sent: Emergency stop" in text_of(desk.get("/admin/"))
    again = desk.post("/admin/delivery/halt/add/", {"reason": "Once more."})
    assert (again.status_code, "stands still already" in text_of(again)) == (400, True)


def test_nobody_else_of_the_staff_may(workspace, moderator):
    moderator.is_staff = True
    moderator.save()
    page = signed_in(moderator)
    assert page.post("/admin/delivery/halt/add/", {"reason": "No."}).status_code == 404
    assert not Halt.objects.exists()


def test_whoever_watches_a_campaign_sees_that_all_sending_is_stopped(workspace, author):
    campaign, _ = under_way(workspace, 4)
    page = signed_in(author)
    assert "All sending is stopped" not in text_of(page.get(f"/campaigns/{campaign.pk}/progress/"))
    stop()
    assert "All sending is stopped" in text_of(page.get(f"/campaigns/{campaign.pk}/progress/"))
