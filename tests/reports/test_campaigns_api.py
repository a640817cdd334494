from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from campaigns import transitions
from campaigns.models import Campaign
from campaigns.statuses import Mode, Status
from tests import evidence, factories

TERMS = ("delivered", "failed", "pending", "no_receipt", "expired", "cancelled", "uncertain", "waiting")


def get(client, campaign):
    return client.get(f"/api/v1/campaigns/{campaign.pk}/").json()


@pytest.mark.parametrize("status", Status)
def test_the_equation_holds_in_every_status(api, workspace, status):
    listed = factories.ready_list(workspace, 5, invalid=2, duplicate=1)
    campaign = factories.campaign(workspace, status, list=listed)
    shown = get(api, campaign)
    totals = shown["totals"]
    assert shown["balanced"] is True
    assert totals["rows"] == totals["invalid"] + totals["duplicate"] + totals["suppressed"] + totals["accepted"] == 8
    assert totals["accepted"] == sum(totals[term] for term in TERMS) == 5


def test_each_outcome_counts_towards_its_term(api, workspace):
    outcomes = [
        evidence.DELIVERED,
        evidence.REFUSED,
        evidence.PENDING,
        evidence.UNRECEIPTED,
        evidence.UNANSWERED,
        evidence.TO_RETRY,
    ]
    campaign = factories.sending(workspace, list=factories.ready_list(workspace, 8))
    evidence.dispatched(campaign, lambda recipient: outcomes[recipient], handed_over=[6])
    totals = get(api, campaign)["totals"]
    assert {term: totals[term] for term in TERMS if totals[term]} == {
        "delivered": 1,
        "failed": 1,
        "pending": 1,
        "no_receipt": 1,
        "uncertain": 1,
        "waiting": 3,
    }


def test_a_spread_campaign_shows_the_rate_that_its_window_asks_for(api, workspace):
    begins = timezone.now() + timedelta(hours=1)
    listed = factories.ready_list(workspace, 7200)
    campaign = factories.draft(
        workspace, mode=Mode.SPREAD, list=listed, date_from=begins, date_to=begins + timedelta(hours=2), text="я" * 71
    )
    assert get(api, campaign)["parts"] == 2
    assert get(api, campaign)["rate"] == pytest.approx(2.0)


def test_a_finished_campaign_shows_the_rate_of_its_run(api, workspace):
    campaign = factories.done(workspace, list=factories.ready_list(workspace, 30))
    evidence.dispatched(campaign)
    Campaign.objects.filter(pk=campaign.pk).update(finished_at=campaign.started_at + timedelta(seconds=10))
    shown = get(api, campaign)
    assert shown["rate"] == pytest.approx(3.0)
    assert shown["eta"] is None


def test_a_campaign_that_is_sending_says_when_it_will_be_through(api, workspace):
    campaign = factories.sending(workspace, list=factories.ready_list(workspace, 40))
    now = timezone.now()
    begin = now - timedelta(seconds=10)
    evidence.dispatched(campaign, handed_over=[10], at=begin)
    Campaign.objects.filter(pk=campaign.pk).update(started_at=begin - timedelta(hours=10))
    with time_machine.travel(now, tick=False):
        shown = get(api, campaign)
    assert shown["rate"] == pytest.approx(1.0)
    assert abs(datetime.fromisoformat(shown["eta"]) - now - timedelta(seconds=30)) < timedelta(seconds=1)


def test_a_campaign_that_has_not_begun_has_no_rate_and_no_end(api, workspace):
    shown = get(api, factories.in_review(workspace))
    assert (shown["rate"], shown["eta"], shown["started_at"]) == (None, None, None)


def test_a_list_of_campaigns_is_filtered_by_status(api, workspace):
    waiting = factories.in_review(workspace)
    factories.draft(workspace)
    page = api.get("/api/v1/campaigns/?status=in_review").json()["results"]
    assert [(row["id"], row["balanced"]) for row in page] == [(waiting.pk, True)]


def test_a_list_of_campaigns_is_narrowed_as_the_page_is(api, workspace):
    later = timezone.now() + timedelta(days=3)
    dutch = factories.draft(workspace, name="Tulips", mode=Mode.SCHEDULED, send_at=later)
    other = factories.paused(workspace, by=factories.member(workspace))
    away = transitions.archive(factories.done(workspace).pk, by=other.created_by, now=timezone.now())
    broken = factories.expired(workspace)
    wanted = {
        ("status", "active"): [other],
        ("status", "broken"): [broken],
        ("mode", "scheduled"): [dutch],
        ("sender", dutch.sender_id): [dutch],
        ("author", other.created_by_id): [other],
        ("list", away.list_id): [away],
        ("search", "tuli"): [dutch],
        ("search", other.list.name): [other],
        ("archived", "true"): [away],
        ("archived", "false"): [broken, other, dutch],
        ("since", later.astimezone(workspace.zone).date()): [dutch],
        ("until", broken.started_at.astimezone(workspace.zone).date()): [broken, other],
        ("created_since", later.isoformat()): [],
        ("created_since", other.created_at.isoformat()): [broken, other],
        ("created_before", other.created_at.isoformat()): [dutch],
    }
    for (name, value), found in wanted.items():
        page = api.get("/api/v1/campaigns/", {name: value}).json()["results"]
        assert [row["id"] for row in page] == [one.pk for one in found], (name, value)


def test_filters_narrow_together(api, workspace):
    factories.draft(workspace, name="Tulips")
    sent = factories.done(workspace, name="Tulips of May")
    page = api.get("/api/v1/campaigns/", {"search": "tulips", "status": "done"}).json()["results"]
    assert [row["id"] for row in page] == [sent.pk]


def test_the_days_of_a_filter_are_those_of_the_workspaces_clock(api, workspace):
    workspace.time_zone = "Pacific/Kiritimati"  # fourteen hours before UTC
    workspace.save()
    at = datetime(2099, 3, 1, 11, 0, tzinfo=UTC)
    factories.draft(workspace, mode=Mode.SCHEDULED, send_at=at)
    found = {
        day: len(api.get("/api/v1/campaigns/", {"since": day}).json()["results"])
        for day in ("2099-03-02", "2099-03-03")
    }
    assert found == {"2099-03-02": 1, "2099-03-03": 0}


def test_a_status_that_is_none_is_400(api):
    response = api.get("/api/v1/campaigns/?status=flying")
    assert list(response.json()["error"]["fields"]) == ["status"]
