"""What an approval is about, in the form in which it was approved: for ever."""

import hashlib
import json
from datetime import UTC, datetime, time

import pytest
from django.db import connection, transaction

from accounts.models import Workspace
from campaigns import seal, transitions
from campaigns.models import Campaign
from campaigns.statuses import Mode, Status
from delivery.transitions import what_differs
from moderation import decisions
from tests import factories, owner

NOW = datetime(2026, 7, 1, 8, tzinfo=UTC)


def reread(campaign):
    return Campaign.objects.get(pk=campaign.pk)


def written_before(campaign, **fields):
    """As the program left it that knew only the first version: by SQL, past the triggers."""
    names = ", ".join(f"{name} = %s" for name in fields)
    with transaction.atomic(), owner.at_work() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(f"UPDATE campaigns_campaign SET {names} WHERE id = %s", [*fields.values(), campaign.pk])


def test_a_campaign_with_nothing_new_is_sealed_as_it_always_was(workspace):
    campaign = factories.approved(
        workspace, text="Half price.", mode=Mode.SCHEDULED, send_at=datetime(2099, 7, 1, 10, tzinfo=UTC)
    )
    first = {
        "v": 1,
        "campaign": campaign.pk,
        "workspace": workspace.pk,
        "mode": "scheduled",
        "text": "Half price.",
        "sender": {"id": campaign.sender_id, "revision": 1, "saddr": "Acme", "ton": 5, "npi": 0},
        "list": {"id": campaign.list_id, "digest": campaign.list.digest, "accepted": 3},
        "channel": campaign.channel_id,
        "send_at": "2099-07-01T10:00:00+00:00",
        "date_from": None,
        "date_to": None,
        "not_after": None,
    }
    canonical = json.dumps(first, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert campaign.seal == hashlib.sha256(canonical.encode()).hexdigest()
    assert what_differs(reread(campaign)) == ""


@pytest.mark.parametrize(
    ("given", "sealed"),
    [
        ({"text": "Dear {name|friend}"}, {"text": "Dear {name|friend}"}),
        ({"text": "{{}}"}, {"text": "{{}}"}),
        (
            {"daily_from": time(20), "daily_to": time(2, 30)},
            {"daily": {"from": "20:00:00", "to": "02:30:00", "zone": "Europe/Berlin"}},
        ),
        ({"parts_per_second": 50}, {"parts_per_second": 50}),
    ],
)
def test_what_is_new_is_sealed_in_the_second_version(workspace, given, sealed):
    Workspace.objects.filter(pk=workspace.pk).update(time_zone="Europe/Berlin")
    workspace.refresh_from_db()
    listed = factories.ready_list(workspace, columns=["Name"], cells=[["Ann"]] * 3)
    campaign = reread(factories.approved(workspace, list=listed, **given))
    content = seal.content(campaign)
    nothing = {"route": None, "daily": None, "parts_per_second": None}
    assert {name: content[name] for name in ("v", *nothing, "text")} == {
        **{"v": 2, **nothing, "text": campaign.text},
        **sealed,
    }
    assert campaign.seal == seal.digest(content)
    assert what_differs(campaign) == ""


def test_a_route_is_sealed_with_its_first_channel(workspace):
    campaign = reread(factories.approved(workspace, route=factories.route("both", {factories.channel(): 1})))
    content = seal.content(campaign)
    assert (content["v"], content["route"], content["channel"]) == (2, campaign.route_id, campaign.channel_id)
    assert what_differs(campaign) == ""


@pytest.mark.parametrize(
    "fields",
    [
        {"daily_from": "08:00"},
        {"daily_zone": "Asia/Tashkent"},
        {"parts_per_second": 51},
        {"route_id": None},
        {"text": "Dear {name}"},
        {"content_version": 1, "route_id": None, "parts_per_second": None}
        | dict.fromkeys(["daily_from", "daily_to"])
        | {"daily_zone": ""},
    ],
)
def test_whatever_changes_after_the_approval_is_seen(workspace, fields):
    listed = factories.ready_list(workspace, columns=["name"], cells=[["Ann"]] * 3)
    campaign = factories.approved(
        workspace,
        text="Dear {name|friend}",
        list=listed,
        route=factories.route("both", {factories.channel(): 1}),
        daily_from=time(9),
        daily_to=time(20),
        parts_per_second=50,
    )
    written_before(campaign, **fields)
    assert what_differs(reread(campaign)) == "Its content differs from what was approved."


@pytest.mark.parametrize("status", [Status.IN_REVIEW, Status.APPROVED, Status.SENDING])
def test_braces_that_were_approved_as_braces_stay_braces(workspace, moderator, status):
    campaign = factories.in_review(workspace)
    written_before(campaign, text="Look {here} :}", content_version=1)
    if status != Status.IN_REVIEW:
        decisions.approve_campaign(campaign.pk, by=moderator, now=NOW)
    campaign = reread(campaign)
    assert (campaign.template.is_plain, campaign.template.plain) == (True, "Look {here} :}")
    assert status == Status.IN_REVIEW or what_differs(campaign) == ""


def test_a_draft_with_braces_is_read_anew_when_it_is_submitted(workspace):
    listed = factories.ready_list(workspace, columns=["here"], cells=[["up"]] * 3)
    draft = factories.draft(workspace, list=listed)
    written_before(draft, text="Look {here}", content_version=1)
    transitions.submit(draft.pk, by=draft.created_by, now=NOW)
    assert reread(draft).template.names == ("here",)


def test_a_program_that_knows_nothing_of_versions_writes_the_first(workspace):
    draft = factories.draft(workspace)
    new = {"id", "route_id", "daily_from", "daily_to", "daily_zone", "parts_per_second", "content_version"}
    columns = [field.column for field in Campaign._meta.concrete_fields if field.column not in new]
    picked = ", ".join("gen_random_uuid()" if name == "public_id" else f'"{name}"' for name in columns)
    listed = ", ".join(f'"{name}"' for name in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO campaigns_campaign ({listed}) SELECT {picked} FROM campaigns_campaign WHERE id = %s",
            [draft.pk],
        )
    made = Campaign.objects.latest("pk")
    assert (made.content_version, made.daily_zone, made.hours.is_always_open) == (1, "", True)


def test_the_window_keeps_the_zone_in_which_it_was_submitted(workspace):
    def move_to(zone):
        Workspace.objects.filter(pk=workspace.pk).update(time_zone=zone)

    draft = factories.draft(workspace, daily_from=time(9), daily_to=time(20))
    assert draft.daily_zone == "UTC"
    move_to("Asia/Tashkent")
    transitions.submit(draft.pk, by=draft.created_by, now=NOW)
    approved = decisions.approve_campaign(draft.pk, by=factories.somebody(workspace, "moderator"), now=NOW)
    move_to("Europe/Berlin")
    kept = reread(approved)
    assert (kept.daily_zone, str(kept.hours.zone)) == ("Asia/Tashkent", "Asia/Tashkent")
    assert what_differs(kept) == ""
