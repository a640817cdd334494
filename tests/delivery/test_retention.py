"""Months that have been kept long enough go; the totals of their campaigns stay."""

import io
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import connection

from audit.refusal import Refused
from campaigns.models import Campaign
from delivery import counters, housekeeping, retention
from delivery.models import Doubt, Message
from reports import exports, reconciliation
from tests import evidence, factories
from tests.delivery.test_housekeeping import partitions_of
from tests.pages import signed_in, text_of

pytestmark = pytest.mark.django_db

START = datetime(2024, 3, 15, 12, tzinfo=UTC)
MONTH = "2024_03"
TABLES = ("delivery_message", "delivery_carrierid", "delivery_receipt")


@pytest.fixture(autouse=True)
def month():
    housekeeping.prepare_partitions(today=START.date())  # March to May


def over(workspace, make=factories.done):
    """A campaign of that month: half delivered, half in doubt."""
    campaign = make(workspace, list=factories.ready_list(workspace, 4))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE campaigns_campaign SET started_at = %s WHERE id = %s", [START, campaign.pk])
    campaign = Campaign.objects.select_related("list").get(pk=campaign.pk)
    outcomes = [evidence.DELIVERED, evidence.UNANSWERED]
    evidence.dispatched(campaign, lambda recipient: outcomes[recipient % 2], at=START)
    return campaign


def months_of(table):
    return {name.removeprefix(f"{table}_") for name in partitions_of(table)}


def test_each_table_is_kept_for_its_days_after_the_end_of_the_month(settings):
    settings.MESSAGE_RETENTION_DAYS, settings.CARRIER_ID_RETENTION_DAYS = 400, 60
    ends = date(2024, 4, 1)
    retention.drop_old(today=ends + timedelta(days=59))
    assert all(MONTH in months_of(table) for table in TABLES)
    swept = retention.drop_old(today=ends + timedelta(days=60))
    assert (swept.dropped, swept.kept) == ([f"delivery_carrierid_{MONTH}"], [])
    assert MONTH in months_of("delivery_message") and MONTH in months_of("delivery_receipt")
    assert "2024_04" in months_of("delivery_carrierid")
    swept = retention.drop_old(today=ends + timedelta(days=400))
    assert f"delivery_message_{MONTH}" in swept.dropped and f"delivery_receipt_{MONTH}" in swept.dropped
    assert "2024_05" in months_of("delivery_message")


def drop_the_month():
    return retention.drop_old(today=date(2024, 4, 1) + timedelta(days=400))


def test_the_totals_stay_and_the_doubts_go(workspace):
    campaign = over(workspace)
    before = counters.totals(campaign)
    assert (before.delivered, before.uncertain, Doubt.objects.count()) == (2, 2, 2)
    drop_the_month()
    assert not Message.objects.filter(campaign=campaign).exists()
    assert counters.totals(campaign) == before
    assert not Doubt.objects.exists()


@pytest.mark.parametrize("make", [factories.sending, factories.paused])
def test_a_month_with_a_campaign_that_is_not_over_stays(workspace, make):
    campaign = over(workspace, make)
    swept = drop_the_month()
    assert swept.kept == [f"delivery_carrierid_{MONTH}", f"delivery_message_{MONTH}"]
    assert Message.objects.filter(campaign=campaign).count() == 4
    assert f"delivery_receipt_{MONTH}" in swept.dropped  # of the day on which they came


def test_pages_and_programs_are_told_that_the_details_are_no_longer_kept(workspace, author, api):
    campaign = over(workspace)
    page, path = signed_in(author), f"/campaigns/{campaign.pk}/"
    assert "no longer kept" not in text_of(page.get(f"{path}recipients/"))
    drop_the_month()
    assert "no longer kept" in text_of(page.get(f"{path}recipients/"))
    assert "no longer kept" in text_of(page.get(f"{path}errors/"))
    assert "balances" in text_of(page.get(f"{path}progress/"))
    answer = api.get(f"/api/v1/campaigns/{campaign.pk}/recipients/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_kept")
    totals = api.get(f"/api/v1/campaigns/{campaign.pk}/").json()["totals"]
    assert (totals["delivered"], totals["uncertain"]) == (2, 2)
    with pytest.raises(Refused, match="no longer kept"):
        exports.request(campaign.pk, format="csv", by=author)


def test_what_is_gone_is_not_compared_and_not_repaired(workspace):
    campaign = over(workspace)
    drop_the_month()
    assert reconciliation.check([campaign], receipts_since=START) == {}
    with pytest.raises(Refused):
        housekeeping.repair_tallies(campaign.pk)
    assert counters.totals(campaign).delivered == 2


def test_the_command_says_what_it_dropped_and_what_is_still_needed(workspace):
    over(workspace, factories.sending)
    out = io.StringIO()
    call_command("drop_old_partitions", stdout=out)
    assert f"delivery_receipt_{MONTH} is dropped." in out.getvalue()
    assert f"delivery_message_{MONTH} is still needed." in out.getvalue()
