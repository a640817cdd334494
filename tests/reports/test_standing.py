"""Standing exports: asked for once each, at their time, while whoever made them may; and webhooks hear of the file."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.utils import timezone

from accounts import members
from accounts.roles import Permission, Role
from audit.models import Entry
from audit.refusal import Refused
from campaigns.models import Campaign
from campaigns.statuses import Status
from reports import exports, standing
from reports.models import Export, Numbers, StandingExport
from tests import factories
from tests.pages import signed_in, text_of
from webhooks import happenings
from webhooks.models import Delivery

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def admin(workspace):
    return factories.somebody(workspace, Role.ADMIN)


def ended(workspace, at):
    """A campaign that was done at that time."""
    made = factories.campaign(workspace, Status.DONE)
    Campaign.objects.filter(pk=made.pk).update(started_at=at - HOUR, finished_at=at)
    return made


def asked(of=None):
    return list(Export.objects.filter(standing=of).order_by("pk").values_list("campaign_id", flat=True))


def test_each_campaign_is_exported_once_so_long_after_its_end(workspace, admin):
    begun = timezone.now()
    made = factories.standing_export(workspace, hours_after_end=24, by=admin, now=begun)
    before, first, second = (ended(workspace, begun + after) for after in (-HOUR, HOUR, 3 * HOUR))
    factories.sending(workspace)
    standing.ask_due(now=begun + DAY)
    assert asked(made) == []
    for _ in range(3):
        standing.ask_due(now=begun + DAY + 2 * HOUR)
    assert asked(made) == [first.pk]
    standing.ask_due(now=begun + 2 * DAY)
    assert asked(made) == [first.pk, second.pk] and before.pk not in asked(made)
    export = Export.objects.get(campaign=first)
    assert (export.requested_by, export.format, export.numbers, export.columns) == (admin, "csv", "masked", [])


def test_every_day_at_its_time_whatever_was_under_way_is_exported(workspace, admin):
    made = factories.standing_export(workspace, daily_at=time(7, 30), by=admin)
    due = made.next_at
    going, late, long_ago = factories.sending(workspace), ended(workspace, due - HOUR), ended(workspace, due - 5 * DAY)
    Campaign.objects.filter(pk=going.pk).update(started_at=due - 3 * DAY)
    standing.ask_due(now=due - timedelta(seconds=1))
    assert asked(made) == []
    for seconds in (0, 30, 60):
        standing.ask_due(now=due + timedelta(seconds=seconds))
    assert asked(made) == [going.pk, late.pk] and long_ago.pk not in asked(made)
    standing.ask_due(now=due + DAY)
    assert asked(made) == [going.pk, late.pk, going.pk]


def test_the_time_of_the_day_is_that_on_the_wall(workspace, admin):
    zone = ZoneInfo("Europe/Amsterdam")
    workspace.time_zone = zone.key
    workspace.save()
    eve = datetime(2027, 3, 27, 22, 0, tzinfo=zone)  # the clocks go forward in the night after
    made = factories.standing_export(workspace, daily_at=time(7, 30), by=admin, now=eve - DAY)
    for day in (27, 28, 29):
        assert made.next_at == datetime(2027, 3, day, 7, 30, tzinfo=zone)
        standing.ask_due(now=made.next_at)
        made.refresh_from_db()


def test_a_day_on_which_nothing_ran_is_made_up_for_once(workspace, admin):
    made = factories.standing_export(workspace, daily_at=time(7, 30), by=admin)
    going = factories.sending(workspace)
    standing.ask_due(now=made.next_at + 3 * DAY + HOUR)
    standing.ask_due(now=made.next_at + 3 * DAY + 2 * HOUR)
    assert asked(made) == [going.pk]


def test_it_ends_when_whoever_made_it_may_not_ask_any_more(workspace, admin):
    made = factories.standing_export(workspace, hours_after_end=0, by=admin)
    boss = factories.member(workspace, Role.ADMIN)
    members.change(workspace.memberships.get(user=admin).pk, role=Role.AUTHOR, by=boss, now=timezone.now())
    ended(workspace, timezone.now())
    standing.ask_due(now=timezone.now() + HOUR)
    assert asked(made) == [] and not StandingExport.objects.of(workspace).exists()
    entry = Entry.objects.get(action="standingexport.ended")
    assert (entry.actor, entry.note) == (None, standing.NOT_THEIRS)


def test_what_cannot_be_exported_keeps_nothing_else_from_it(workspace, admin):
    made = factories.standing_export(workspace, hours_after_end=0, by=admin)
    gone, there = ended(workspace, timezone.now()), ended(workspace, timezone.now())
    type(gone.list).objects.filter(pk=gone.list_id).update(status="deleted")
    standing.ask_due(now=timezone.now() + HOUR)
    assert asked(made) == [there.pk]


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"hours_after_end": 1, "daily_at": time(7)}, "one_of_two"),
        ({}, "one_of_two"),
        ({"hours_after_end": 1, "columns": ["list.name"]}, "unknown_column"),
        ({"hours_after_end": 1, "columns": ["to", "to"]}, "double_column"),
    ],
)
def test_what_makes_no_sense_is_refused(workspace, admin, wanted, code):
    with pytest.raises(Refused) as refused:
        standing.create(
            workspace, format="csv", by=admin, permissions=frozenset(Permission), now=timezone.now(), **wanted
        )
    assert refused.value.code == code and not StandingExport.objects.exists()


def test_an_admin_begins_and_ends_one_on_the_page(workspace, admin):
    page = signed_in(admin, workspace)
    assert "No export is made by itself" in text_of(page.get("/exports/standing/"))
    both = page.post(
        "/exports/standing/", {"format": "csv", "numbers": "masked", "hours_after_end": "3", "daily_at": "07:00"}
    )
    assert both.status_code == 400 and "one of them" in text_of(both)
    page.post(
        "/exports/standing/",
        {"format": "parquet", "numbers": "whole", "daily_at": "07:00", "columns": ["to", "status"]},
    )
    made = StandingExport.objects.get()
    assert (made.format, made.numbers, made.columns) == ("parquet", "whole", ["to", "status"])
    assert "Every day at 07:00" in text_of(page.get("/exports/standing/"))
    page.post(f"/exports/standing/{made.pk}/end/")
    assert "No export is made by itself" in text_of(page.get("/exports/standing/"))
    assert [*Entry.objects.filter(subject_type="standingexport").order_by("seq").values_list("action", flat=True)] == [
        "standingexport.created",
        "standingexport.ended",
    ]


def test_a_program_begins_and_ends_one(as_admin, workspace):
    made = as_admin.post("/api/v1/standing-exports/", {"format": "csv.gz", "hours_after_end": 48}, format="json")
    assert made.status_code == 201 and made.json()["hours_after_end"] == 48
    (row,) = as_admin.get("/api/v1/standing-exports/").json()["results"]
    assert row == made.json()
    assert as_admin.delete(f"/api/v1/standing-exports/{row['id']}/").status_code == 204
    assert as_admin.get("/api/v1/standing-exports/").json()["results"] == []
    wrong = as_admin.post("/api/v1/standing-exports/", {"format": "csv", "daily_at": "7"}, format="json")
    assert wrong.status_code == 400 and "daily_at" in wrong.json()["error"]["fields"]


@pytest.mark.django_db(transaction=True)
def test_webhooks_are_told_where_the_file_is_and_the_address_alone_opens_nothing(workspace, admin, client, settings):
    settings.PUBLIC_URL = "https://sms.example.com"
    factories.endpoint(workspace, events=["export.ready", "export.failed"])
    made = factories.standing_export(workspace, hours_after_end=0, by=admin)
    campaign = ended(workspace, timezone.now())
    standing.ask_due(now=timezone.now() + HOUR)
    export = Export.objects.get(standing=made)
    exports.write(export.pk, clock=timezone.now)
    export.refresh_from_db()
    happenings.look(now=timezone.now())
    told = Delivery.objects.get().payload
    assert told["type"] == "export.ready"
    assert told["data"] == {
        "campaign": {"id": campaign.pk, "name": campaign.name},
        "export": {
            **{"id": export.pk, "format": "csv", "rows": export.rows, "bytes": export.bytes},
            "kept_until": export.kept_until.isoformat(),
            "url": f"https://sms.example.com/api/v1/exports/{export.pk}/file/",
        },
        "reason": "",
    }
    path = told["data"]["export"]["url"].removeprefix("https://sms.example.com")
    assert client.get(path).status_code == 401
    _, key = factories.api_key(workspace)
    answer = client.get(path, headers={"Authorization": f"Bearer {key}"})
    assert b"".join(answer.streaming_content).startswith(b"to,")
    answer.close()


def test_what_the_release_before_makes_has_its_numbers_masked(workspace, admin):
    """It knows nothing of them, and goes on while this one is rolled out."""
    columns = "workspace_id, created_by_id, format, columns, hours_after_end, created_at"
    values = "%s, %s, 'csv', '[]', 24, now()"
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO reports_standingexport ({columns}) VALUES ({values})", [workspace.pk, admin.pk])
    assert StandingExport.objects.get().numbers == Numbers.MASKED
