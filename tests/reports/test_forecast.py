"""What the steps of a campaign say of its end."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from campaigns.statuses import Mode
from recipients.models import RecipientList
from tests import factories
from tests.pages import signed_in, text_of

AT = datetime(2099, 7, 1, 10, tzinfo=UTC)


@pytest.fixture
def page(author):
    return signed_in(author)


def huge(workspace, accepted):
    """A list that says so many, whatever its chunks hold."""
    made = factories.ready_list(workspace)
    RecipientList.objects.filter(pk=made.pk).update(accepted=accepted, rows=accepted)
    made.refresh_from_db()
    return made


def told(page, draft, **given):
    return text_of(page.get(f"/campaigns/{draft.pk}/forecast/", given, HTTP_HX_REQUEST="true"))


def test_it_says_when_the_campaign_would_be_done(page, workspace):
    factories.channel(tps=100)
    draft = factories.draft(workspace, mode=Mode.SCHEDULED, send_at=AT, list=huge(workspace, 612_000))
    assert "Done at 1 Jul 2099, 11:42." in told(page, draft)


def test_what_stands_in_the_form_counts_before_it_is_kept(page, workspace):
    factories.channel(tps=100)
    draft = factories.draft(workspace, mode=Mode.SCHEDULED, send_at=AT, list=huge(workspace, 740_000))
    given = {"send_at": "2099-07-01T10:00", "not_after": "2099-07-01T11:00", "carrier": "", "daily_from": "09:00"}
    assert "380,000 recipients will not be reached by 1 Jul 2099, 11:00." in told(page, draft, **given)


def test_campaigns_that_are_approved_on_the_channel_take_their_share(page, workspace):
    factories.channel(tps=100)
    listed = huge(workspace, 360_000)
    draft = factories.draft(workspace, mode=Mode.SCHEDULED, send_at=AT, list=listed)
    factories.draft(workspace, mode=Mode.SCHEDULED, send_at=AT, list=listed)
    assert "Done at 1 Jul 2099, 11:00." in told(page, draft)
    factories.approved(factories.workspace(), mode=Mode.SCHEDULED, send_at=AT, list=None)
    factories.approved(workspace, mode=Mode.SCHEDULED, send_at=AT, list=listed)
    shown = told(page, draft)
    assert "Done at 1 Jul 2099, 12:00." in shown and "2 other campaigns share the channel." in shown


def test_a_channel_without_a_limit_is_as_fast_as_it_was(page, workspace):
    factories.channel()
    draft = factories.draft(workspace, mode=Mode.SCHEDULED, send_at=AT, list=huge(workspace, 7_200))
    assert "As fast as the carrier takes it" in told(page, draft)
    done = factories.done(workspace, list=huge(workspace, 3_600))
    now = timezone.now()
    type(done).objects.filter(pk=done.pk).update(started_at=now - timedelta(hours=1), finished_at=now)
    assert "Done at 1 Jul 2099, 12:00." in told(page, draft)


def test_a_draft_without_a_list_has_no_forecast_and_a_strangers_is_not_there(page, workspace, author):
    draft = factories.draft(workspace)
    type(draft).objects.filter(pk=draft.pk).update(list=None)
    assert "Choose a list first" in told(page, draft)
    assert "<h1" in text_of(page.get(f"/campaigns/{draft.pk}/forecast/"))
    foreign = factories.draft(factories.workspace())
    assert page.get(f"/campaigns/{foreign.pk}/forecast/").status_code == 404


def test_a_forecast_costs_as_many_queries_whatever_is_under_way(page, workspace, django_assert_max_num_queries):
    factories.channel(tps=100)
    draft = factories.draft(workspace, mode=Mode.SCHEDULED, send_at=AT, list=huge(workspace, 1000))
    for _ in range(4):
        factories.approved(workspace, mode=Mode.SCHEDULED, send_at=AT, list=draft.list)
    with django_assert_max_num_queries(12):
        told(page, draft)
