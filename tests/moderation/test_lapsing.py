"""An approval stands for some days, and as long as whoever gave it may decide; then its campaign waits for another."""

from datetime import timedelta

import pytest
from django.core import mail
from django.db import IntegrityError
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from audit.models import Entry
from campaigns.models import Campaign
from campaigns.statuses import Mode, Status
from delivery import due
from moderation import decisions, lapsing
from moderation.models import Decision, Verdict
from notices import reading, telling
from notices.models import Notice
from tests import factories
from tests.moderation.test_guards import update
from tests.pages import signed_in, text_of


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def judge(workspace):
    return factories.member(workspace, Role.MODERATOR)


def scheduled(workspace, now, judge, *, approved_at=None, **given):
    campaign = factories.in_review(workspace, mode=Mode.SCHEDULED, send_at=now + timedelta(hours=1), **given)
    return decisions.approve_campaign(campaign.pk, by=judge, now=approved_at or now)


def status_of(campaign):
    return Campaign.objects.get(pk=campaign.pk).status


def demote(user):
    user.memberships.update(role=Role.AUTHOR)


def switch_off(user):
    User.objects.filter(pk=user.pk).update(is_active=False)


def put_out(user):
    user.memberships.all().delete()


def test_an_approval_that_is_out_of_date_is_missed_and_says_why(workspace, judge, now):
    campaign = scheduled(workspace, now, judge, approved_at=now - timedelta(days=14))
    fresh = scheduled(workspace, now, judge, approved_at=now - timedelta(days=13, hours=23))
    lapsing.lapse(now=now)
    campaign.refresh_from_db()
    assert (campaign.status, campaign.stopped_because) == (Status.MISSED, lapsing.EXPIRED)
    assert Entry.objects.about(campaign).filter(action="campaign.missed", note=lapsing.EXPIRED).count() == 1
    assert status_of(fresh) == Status.APPROVED
    page = signed_in(judge, workspace)
    assert lapsing.EXPIRED in text_of(page.get(f"/campaigns/{campaign.pk}/"))
    assert lapsing.EXPIRED in text_of(page.get("/"))
    lapsing.lapse(now=now)
    assert Entry.objects.about(campaign).filter(action="campaign.missed").count() == 1


def test_its_author_is_told_why_it_does_not_begin(workspace, judge, now):
    campaign = scheduled(workspace, now, judge, approved_at=now - timedelta(days=14))
    reading.look(now=now)
    Notice.objects.all().delete()
    lapsing.lapse(now=now)
    reading.look(now=now)
    for notice in Notice.objects.filter(sent_at=None):
        telling.tell(notice.pk, now=now)
    (letter,) = mail.outbox
    assert (letter.to, letter.subject) == ([campaign.created_by.email], f"“{campaign}” has to be approved again")
    assert lapsing.EXPIRED in letter.body


def test_a_moderator_approves_it_again_with_a_decision_of_its_own(workspace, judge, now):
    campaign = scheduled(workspace, now, judge, approved_at=now - timedelta(days=20))
    lapsing.lapse(now=now)
    after = decisions.reschedule(campaign.pk, send_at=now + timedelta(hours=2), by=judge, now=now)
    assert (after.status, after.stopped_because) == (Status.APPROVED, "")
    assert Decision.objects.about(campaign.pk).last().verdict == Verdict.RESCHEDULED
    lapsing.lapse(now=now)
    assert status_of(campaign) == Status.APPROVED


@pytest.mark.parametrize(("days", "stands"), [(None, True), (30, True), (10, False)])
def test_the_workspace_says_how_long_an_approval_stands(workspace, judge, now, days, stands):
    campaign = scheduled(workspace, now, judge, approved_at=now - timedelta(days=20))
    workspace.approval_days = days
    workspace.save()
    lapsing.lapse(now=now)
    assert (status_of(campaign) == Status.APPROVED) == stands


@pytest.mark.parametrize("fate", [demote, switch_off, put_out])
def test_an_approver_who_may_not_decide_any_more_takes_the_approval_along(workspace, judge, now, fate):
    campaign = scheduled(workspace, now, judge)
    fate(judge)
    lapsing.lapse(now=now)
    campaign.refresh_from_db()
    assert (campaign.status, campaign.stopped_because) == (Status.MISSED, lapsing.APPROVER_GONE)


@pytest.mark.parametrize("fate", [demote, switch_off, put_out])
def test_the_clock_starts_nothing_whose_approver_is_gone(workspace, judge, now, fate):
    gone, other = factories.in_review(workspace), factories.in_review(workspace)
    decisions.approve_campaign(gone.pk, by=judge, now=now)
    decisions.approve_campaign(other.pk, by=factories.member(workspace, Role.MODERATOR), now=now)
    fate(judge)
    due.start_due(now=now)
    assert (status_of(gone), status_of(other)) == (Status.APPROVED, Status.SENDING)
    lapsing.lapse(now=now)
    assert status_of(gone) == Status.MISSED


def test_an_approver_who_is_let_in_again_does_not_bring_a_missed_campaign_back(workspace, judge, now):
    campaign = scheduled(workspace, now, judge)
    demote(judge)
    lapsing.lapse(now=now)
    judge.memberships.update(role=Role.MODERATOR)
    lapsing.lapse(now=now)
    assert status_of(campaign) == Status.MISSED


def test_sql_does_not_start_what_does_not_stand(workspace, judge, now):
    old = scheduled(workspace, now, judge, approved_at=now - timedelta(days=15))
    with pytest.raises(IntegrityError, match="does not stand: expired"):
        update(old, status=Status.SENDING, started_at=now)
    gone = scheduled(workspace, now, judge)
    demote(judge)
    with pytest.raises(IntegrityError, match="does not stand: approver"):
        update(gone, status=Status.SENDING, started_at=now)


def test_what_was_started_goes_on_when_its_approver_leaves(workspace, now):
    campaign = factories.paused(workspace)
    for decision in Decision.objects.about(campaign.pk):
        demote(decision.by)
    update(campaign, status=Status.SENDING)
    assert status_of(campaign) == Status.SENDING


def test_of_two_who_approved_both_must_stay(workspace, judge, now):
    workspace.second_approver_above = 2
    workspace.save()
    second = factories.member(workspace, Role.MODERATOR)
    campaign = factories.in_review(workspace, mode=Mode.SCHEDULED, send_at=now + timedelta(hours=1))
    for by in (second, judge):
        decisions.approve_campaign(campaign.pk, by=by, now=now)
    demote(second)
    lapsing.lapse(now=now)
    campaign.refresh_from_db()
    assert (campaign.status, campaign.stopped_because) == (Status.MISSED, lapsing.ONE_MISSING)


def test_of_two_the_older_approval_ends_the_sooner(workspace, judge, now):
    workspace.second_approver_above = 2
    workspace.save()
    second = factories.member(workspace, Role.MODERATOR)
    campaign = factories.in_review(workspace, mode=Mode.SCHEDULED, send_at=now + timedelta(hours=1))
    decisions.approve_campaign(campaign.pk, by=second, now=now - timedelta(days=13))
    decisions.approve_campaign(campaign.pk, by=judge, now=now)
    lapsing.lapse(now=now)
    assert status_of(campaign) == Status.APPROVED
    lapsing.lapse(now=now + timedelta(days=1))
    assert Campaign.objects.get(pk=campaign.pk).stopped_because == lapsing.ONE_MISSING


def test_the_desk_warns_of_an_approval_that_would_be_out_of_date_before_the_start(workspace, now):
    staff = factories.member(workspace, Role.MODERATOR, user=factories.user(is_staff=True))
    campaign = factories.in_review(workspace, mode=Mode.SCHEDULED, send_at=now + timedelta(days=20))
    page = signed_in(staff, workspace)
    shown = text_of(page.get(f"/admin/moderation/campaigninreview/{campaign.pk}/change/"))
    assert "An approval stands for 14 days here: this one will be out of date before it begins." in shown
