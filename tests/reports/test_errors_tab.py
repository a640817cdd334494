from datetime import timedelta

import pytest
from django.utils import timezone

from channels.models import Channel
from delivery import incidents as noting
from delivery.statuses import IncidentKind
from reports.errors_tab import incidents, reasons
from tests import evidence, factories

pytestmark = pytest.mark.django_db

LOST = IncidentKind.LINK_LOST


@pytest.fixture
def campaign(workspace):
    return factories.sending(workspace)


def note(at=None, *, kind=LOST, channel=None, campaign=None, count=1, sample="cut"):
    noting.note(
        kind,
        at=at or timezone.now(),
        sample=sample,
        channel_id=(channel or Channel.objects.default()).pk,
        campaign_id=campaign and campaign.pk,
        count=count,
    )


def test_incidents_of_many_minutes_are_one_line_with_their_sum_their_span_and_the_last_sample(campaign):
    first, last = campaign.started_at + timedelta(minutes=1), campaign.started_at + timedelta(minutes=5)
    note(first, count=2, sample="cut early")
    note(last, count=3, sample="cut late")
    (group,) = incidents(campaign)
    assert (group.kind, group.channel, group.count, group.sample) == (LOST, "main", 5, "cut late")
    assert (group.first_at, group.last_at) == (first, last)


def test_kinds_and_channels_are_apart_and_the_latest_comes_first(campaign):
    at = campaign.started_at
    note(at + timedelta(minutes=1), kind=IncidentKind.THROTTLED)
    note(at + timedelta(minutes=2), kind=LOST)
    note(at + timedelta(minutes=3), kind=LOST, campaign=campaign, channel=factories.channel("other", is_default=False))
    assert [(group.kind, group.channel) for group in incidents(campaign)] == [
        (LOST, "other"),
        (LOST, "main"),
        (IncidentKind.THROTTLED, "main"),
    ]


def test_another_campaigns_incidents_on_the_same_channel_are_not_shown(campaign):
    note(campaign=factories.sending(factories.workspace()))
    assert incidents(campaign) == []


def test_another_channels_incidents_are_not_shown(campaign):
    note(channel=factories.channel("other", is_default=False))
    assert incidents(campaign) == []


def test_what_the_channel_suffered_before_or_after_the_campaign_is_not_its_trouble(workspace):
    campaign = factories.done(workspace)
    note(campaign.started_at - timedelta(minutes=2))
    note(campaign.finished_at + timedelta(minutes=2))
    assert incidents(campaign) == []


def test_a_campaign_that_has_not_started_has_only_incidents_of_its_own(workspace):
    campaign = factories.approved(workspace)
    note()
    assert incidents(campaign) == []
    note(campaign=campaign, kind=IncidentKind.STORAGE)
    assert [group.kind for group in incidents(campaign)] == [IncidentKind.STORAGE]


def test_reasons_are_counted_with_their_share_of_the_failed(workspace):
    campaign = factories.done(workspace, list=factories.ready_list(workspace, 8))
    outcomes = [evidence.REFUSED] * 3 + [evidence.UNDELIVERABLE] + [evidence.DELIVERED] * 4
    evidence.dispatched(campaign, lambda recipient: outcomes[recipient])
    assert [(reason.error.name, reason.count, reason.share) for reason in reasons(campaign)] == [
        ("ESME_RINVDSTADR", 3, 0.75),
        ("UNDELIV", 1, 0.25),
    ]


def test_without_failures_no_message_is_read(workspace, django_assert_num_queries):
    campaign = factories.done(workspace)
    evidence.dispatched(campaign, evidence.DELIVERED)
    with django_assert_num_queries(1):
        assert reasons(campaign) == []
