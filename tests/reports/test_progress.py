import itertools
from datetime import time, timedelta

import pytest
from django.utils import timezone

from accounts.models import Workspace
from campaigns.statuses import Mode, Status
from delivery.models import Chunk, Intent
from delivery.statuses import ACCEPTED
from reports.progress import progress
from tests import evidence, factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def half_way(workspace):
    campaign = factories.sending(workspace, list=factories.ready_list(workspace, 8, chunk_size=4))
    outcomes = [evidence.DELIVERED, evidence.PENDING, evidence.REFUSED, evidence.UNANSWERED]
    evidence.dispatched(campaign, lambda recipient: outcomes[recipient % 4], handed_over=[4, 0])
    return campaign


def test_progress_counts_whoever_was_handed_over(half_way):
    shown = progress(half_way, now=timezone.now())
    assert shown.percent == 50
    assert shown.totals.balanced
    assert (shown.totals.delivered, shown.totals.waiting) == (1, 4)


def test_the_shares_lie_end_to_end_and_fill_the_bar(half_way):
    shares = progress(half_way, now=timezone.now()).shares
    assert [share.term for share in shares] == list(ACCEPTED)
    assert sum(share.count for share in shares) == 8
    assert all(a.begin + a.percent == pytest.approx(b.begin) for a, b in itertools.pairwise(shares))
    assert shares[-1].begin + shares[-1].percent == pytest.approx(100)


def test_the_rate_is_of_the_last_minute(workspace):
    campaign = factories.sending(workspace, list=factories.ready_list(workspace, 100, chunk_size=50))
    now = timezone.now()
    campaign.started_at = now - timedelta(minutes=3)
    evidence.dispatched(campaign, handed_over=[50, 0], at=now - timedelta(seconds=61))
    assert (progress(campaign, now=now).rate, progress(campaign, now=now).is_still) == (0, True)
    chunk = Chunk.objects.get(campaign=campaign, number=1)
    Chunk.objects.filter(pk=chunk.pk).update(owner="worker")
    for seconds in (1, 20, 30):
        at = now - timedelta(seconds=seconds)
        Intent.objects.create(chunk=chunk, epoch=1, owner="worker", first=0, count=10, at=at)
    assert progress(campaign, now=now).rate == pytest.approx(1)


def test_a_campaign_that_does_not_send_has_no_rate_and_no_end(workspace):
    for made in (factories.approved, factories.paused, factories.done):
        shown = progress(made(workspace), now=timezone.now())
        assert (shown.rate, shown.eta) == (None, None)


def test_a_spread_campaign_shows_the_rate_of_its_line_and_ends_with_its_window(workspace):
    begin = timezone.now() + timedelta(minutes=1)
    end = begin + timedelta(minutes=2)
    campaign = factories.sending(
        workspace, mode=Mode.SPREAD, date_from=begin, date_to=end, list=factories.ready_list(workspace, 60)
    )
    shown = progress(campaign, now=begin)
    assert shown.planned_rate == pytest.approx(0.5)
    assert shown.eta == end


@pytest.mark.parametrize(
    ("made", "seconds"),
    [(factories.sending, 2), (factories.approved, 10), (factories.paused, 10), (factories.draft, None)],
)
def test_it_is_looked_at_again_as_long_as_something_may_happen(workspace, made, seconds):
    assert progress(made(workspace), now=timezone.now()).seconds_to_next == seconds


def test_a_finished_campaign_is_looked_at_until_its_receipts_are_in(workspace):
    awaiting, settled = factories.done(workspace), factories.done(workspace)
    evidence.dispatched(awaiting, evidence.PENDING)
    evidence.dispatched(settled, evidence.DELIVERED)
    assert progress(awaiting, now=timezone.now()).seconds_to_next == 10
    assert progress(settled, now=timezone.now()).seconds_to_next is None


def test_a_cancelled_campaign_is_looked_at_often_until_every_answer_is_in(workspace):
    campaign = factories.called_off(workspace, list=factories.ready_list(workspace, 10))
    evidence.dispatched(campaign, handed_over=[4])
    evidence.intended(campaign, 0, 2)
    assert progress(campaign, now=timezone.now()).seconds_to_next == 2


def test_in_its_closed_hours_it_says_until_when_it_waits(workspace):
    Workspace.objects.filter(pk=workspace.pk).update(time_zone="UTC")
    workspace.refresh_from_db()
    campaign = factories.sending(workspace, daily_from=time(9), daily_to=time(18))
    tomorrow = (timezone.now() + timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
    assert progress(campaign, now=tomorrow.replace(hour=8)).opens_at == tomorrow.replace(hour=9)
    assert progress(campaign, now=tomorrow.replace(hour=9)).opens_at is None


def test_the_planned_rate_is_that_of_the_open_hours(workspace):
    Workspace.objects.filter(pk=workspace.pk).update(time_zone="UTC")
    workspace.refresh_from_db()
    begin = (timezone.now() + timedelta(days=1)).replace(hour=9, minute=0, second=0, microsecond=0)
    campaign = factories.sending(
        workspace,
        mode=Mode.SPREAD,
        date_from=begin,
        date_to=begin + timedelta(days=2),
        daily_from=time(9),
        daily_to=time(10),
        list=factories.ready_list(workspace, 7200),
    )
    assert progress(campaign, now=begin).planned_rate == pytest.approx(1.0)


def test_why_it_stopped_is_said(workspace):
    shown = progress(factories.failed(workspace, reason="The seal does not match."), now=timezone.now())
    assert shown.status == Status.FAILED
    assert shown.stopped_because == "The seal does not match."


def test_progress_costs_two_queries_however_many_chunks(half_way, django_assert_num_queries):
    with django_assert_num_queries(2):
        progress(half_way, now=timezone.now())
