"""How fast a campaign goes and when it will be through: by the last minute, and by the plan of a spread one."""

from datetime import UTC, datetime, time, timedelta

import pytest
import time_machine
from django.utils import timezone

from campaigns.models import Campaign
from campaigns.statuses import Mode, Status
from delivery.counters import Totals
from delivery.models import Chunk, Intent
from reports import lately
from reports.headline import headline
from reports.lately import Lately
from reports.pace import pace
from reports.progress import progress
from tests import evidence, factories

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
SENT = Totals(rows=1000, accepted=1000, pending=400, waiting=600)


def ago(seconds):
    return NOW - timedelta(seconds=seconds)


def sending(**fields):
    return Campaign(status=Status.SENDING, mode=Mode.ON_APPROVAL, started_at=ago(36_000), **fields)


A_MINUTE_AGO = ago(60)


def told(campaign, count, *, since=A_MINUTE_AGO, parts=1, totals=SENT):
    return pace(campaign, totals, Lately(count=count, since=since), parts=parts, now=NOW)


def test_a_run_of_ten_hours_with_a_pause_in_it_ends_as_fast_as_it_goes_now():
    shown = told(sending(), 600)
    assert (shown.rate, shown.eta) == (10.0, NOW + timedelta(seconds=60))


def test_the_parts_of_a_text_change_the_rate_and_not_the_end():
    shown = told(sending(), 600, parts=3)
    assert (shown.rate, shown.eta) == (30.0, NOW + timedelta(seconds=60))


def test_in_its_first_seconds_nobody_can_say_how_fast_it_goes():
    shown = told(sending(), 3, since=ago(4))
    assert (shown.rate, shown.eta, shown.is_still) == (None, None, False)


def test_what_has_not_moved_for_a_minute_has_no_end():
    shown = told(sending(), 0)
    assert (shown.rate, shown.eta, shown.is_still) == (0.0, None, True)
    assert not told(sending(), 0, since=ago(20)).is_still


def test_closed_hours_are_time_that_it_does_not_send_in():
    hours = {"daily_from": time(9), "daily_to": time(12, 1), "daily_zone": "UTC"}
    shown = told(sending(**hours), 60)  # one a second: a minute is left today, the rest goes tomorrow
    assert shown.eta == datetime(2026, 11, 28, 9, 9, tzinfo=UTC)
    opened = told(sending(daily_from=time(11, 59, 50), daily_to=time(18), daily_zone="UTC"), 60)
    assert opened.rate == 6.0


def test_what_will_not_be_through_by_its_deadline_has_no_end():
    assert told(sending(not_after=NOW + timedelta(seconds=59)), 600).eta is None
    assert told(sending(not_after=NOW + timedelta(seconds=61)), 600).eta is not None


def test_a_spread_campaign_goes_by_its_plan_unless_it_stands_still():
    begin, end = ago(3600), NOW + timedelta(seconds=3600)
    spread = sending(date_from=begin, date_to=end)
    spread.mode = Mode.SPREAD
    assert told(spread, 1).rate == pytest.approx(1000 / 7200)
    assert told(spread, 1).eta == end
    assert (told(spread, 0).eta, told(spread, 0).is_still) == (None, True)
    few = Totals(rows=100, accepted=100, pending=40, waiting=60)
    assert (told(spread, 0, totals=few).eta, told(spread, 0, totals=few).is_still) == (end, False)


def test_a_trigger_is_never_through():
    trigger = sending()
    trigger.mode = Mode.TRIGGER
    assert told(trigger, 600).eta is None


def test_what_is_paused_has_neither_and_what_is_over_has_the_rate_of_its_run():
    paused = Campaign(status=Status.PAUSED, mode=Mode.ON_APPROVAL, started_at=ago(100))
    assert pace(paused, SENT, None, parts=1, now=NOW).rate is None
    done = Campaign(status=Status.DONE, mode=Mode.ON_APPROVAL, started_at=ago(100), finished_at=ago(60))
    shown = pace(done, SENT, None, parts=2, now=NOW)
    assert (shown.rate, shown.eta) == (20.0, None)


# --- From the intents -------------------------------------------------------------------------------------------------


@pytest.fixture
def campaign(workspace):
    """Of a moment that lasts as long as the test."""
    with time_machine.travel(timezone.now(), tick=False):
        yield sent_for_an_hour(workspace)


def sent_for_an_hour(workspace):
    made = factories.sending(workspace, list=factories.ready_list(workspace, 1000, chunk_size=500))
    evidence.dispatched(made, evidence.PENDING, handed_over=[0, 100], at=timezone.now() - timedelta(minutes=5))
    Campaign.objects.filter(pk=made.pk).update(started_at=timezone.now() - timedelta(hours=1))
    return Campaign.objects.get(pk=made.pk)


def handed_over(campaign, count, *, ago):
    chunk = Chunk.objects.get(campaign=campaign, number=1)
    Chunk.objects.filter(pk=chunk.pk).update(owner="worker")
    at = timezone.now() - timedelta(seconds=ago)
    Intent.objects.create(chunk=chunk, epoch=1, owner="worker", first=0, count=count, at=at)


def recent(campaign):
    return lately.handed_over([campaign], now=timezone.now()).get(campaign.pk)


@pytest.mark.django_db
def test_only_the_last_minute_counts_from_its_first_recipients_on(campaign):
    handed_over(campaign, 300, ago=70)
    assert recent(campaign).count == 0
    handed_over(campaign, 200, ago=20)
    handed_over(campaign, 10, ago=1)
    found = recent(campaign)
    assert found.count == 210 and timezone.now() - found.since == timedelta(seconds=20)


@pytest.mark.django_db
def test_what_went_before_a_pause_does_not_count(campaign):
    handed_over(campaign, 300, ago=30)
    campaign.resumed_at = timezone.now() - timedelta(seconds=10)
    campaign.save()
    found = recent(campaign)
    assert (found.count, found.since) == (0, campaign.resumed_at)


@pytest.mark.django_db
def test_campaigns_that_do_not_send_are_not_asked_about(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert lately.handed_over([Campaign(pk=1, status=Status.PAUSED)], now=NOW) == {}


@pytest.mark.django_db
def test_the_page_and_a_program_are_told_the_same_end(api, campaign):
    for seconds in (5, 15, 25, 35, 45):
        handed_over(campaign, 20, ago=seconds)
    shown = api.get(f"/api/v1/campaigns/{campaign.pk}/").json()
    now = timezone.now()
    found = progress(campaign, now=now)
    assert datetime.fromisoformat(shown["eta"]) == found.eta
    said = headline(campaign, found, is_halted=False, now=now)
    assert "100 of 1,000 handed over, 2.2 a second, done about" in said
    rows = api.get("/api/v1/campaigns/").json()["results"]
    assert datetime.fromisoformat(rows[0]["eta"]) == found.eta


@pytest.mark.django_db
def test_what_goes_slowly_is_told_by_the_minute_or_the_hour(workspace):
    begin = timezone.now() + timedelta(seconds=30)
    listed = factories.ready_list(workspace, 300, chunk_size=300)
    made = factories.sending(
        workspace, mode=Mode.SPREAD, date_from=begin, date_to=begin + timedelta(hours=10), list=listed
    )
    evidence.dispatched(made, handed_over=[3])
    now = timezone.now()
    assert "3 of 300 handed over, 30 an hour, done about" in headline(
        made, progress(made, now=now), is_halted=False, now=now
    )
