"""Above a size, two moderators approve: neither of them wrote it, and the first approval waits for the second."""

from datetime import timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role
from audit.models import Entry
from audit.refusal import Refused
from campaigns import seal, transitions
from campaigns.models import Campaign
from campaigns.statuses import Mode, Status
from moderation import decisions, rescheduling
from moderation.models import Decision, Verdict
from notices import reading, telling
from notices.models import Notice
from tests import factories
from tests.moderation.test_guards import decision, update
from tests.pages import signed_in, text_of
from tests.racing import race


@pytest.fixture
def workspace(db):
    return factories.workspace(tokens_may_decide=True, second_approver_above=2)


@pytest.fixture
def second(workspace):
    return factories.member(workspace, Role.MODERATOR)


def approve(campaign, by, **words):
    return decisions.approve_campaign(campaign.pk, by=by, now=timezone.now(), **words)


def verdicts(campaign):
    return list(Decision.objects.about(campaign.pk).values_list("verdict", "by"))


def code_of(refused):
    return refused.value.code


def test_the_first_approval_is_recorded_and_the_second_one_seals(workspace, moderator, second):
    campaign = factories.in_review(workspace)
    assert approve(campaign, moderator).status == Status.IN_REVIEW
    assert Campaign.objects.get(pk=campaign.pk).seal == ""
    after = approve(campaign, second, reason="Fine.")
    assert after.status == Status.APPROVED
    assert after.seal == seal.of(after)
    assert verdicts(campaign) == [(Verdict.VOTED, moderator.pk), (Verdict.APPROVED, second.pk)]
    actions = Entry.objects.about(campaign).values_list("action", flat=True)
    assert [action for action in actions if action in {"campaign.voted", "campaign.approved"}] == [
        *("campaign.voted", "campaign.approved")
    ]


@pytest.mark.parametrize(("above", "after"), [(2, Status.IN_REVIEW), (3, Status.APPROVED), (None, Status.APPROVED)])
def test_one_is_enough_up_to_the_size(workspace, moderator, above, after):
    workspace.second_approver_above = above
    workspace.save()
    assert approve(factories.in_review(workspace), moderator).status == after  # to three recipients


def test_the_same_moderator_is_not_two(workspace, moderator, second):
    campaign = factories.in_review(workspace)
    approve(campaign, moderator)
    with pytest.raises(Refused) as refused:
        approve(campaign, moderator)
    assert code_of(refused) == "second_approver"
    assert verdicts(campaign) == [(Verdict.VOTED, moderator.pk)]
    assert Entry.objects.about(campaign).filter(action="campaign.voted").count() == 1


@pytest.mark.parametrize("four_eyes", [True, False])
def test_whoever_wrote_it_is_none_of_the_two_even_where_self_review_is_allowed(workspace, moderator, admin, four_eyes):
    workspace.four_eyes = four_eyes
    workspace.save()
    campaign = factories.in_review(workspace, by=admin)
    with pytest.raises(Refused) as refused:
        approve(campaign, admin)
    assert code_of(refused) == "four_eyes"
    approve(campaign, moderator)
    with pytest.raises(Refused):
        approve(campaign, admin)
    assert verdicts(campaign) == [(Verdict.VOTED, moderator.pk)]


def test_either_may_reject_after_the_first_has_approved(workspace, moderator, second):
    for by in (moderator, second):
        campaign = factories.in_review(workspace)
        approve(campaign, moderator)
        after = decisions.reject_campaign(campaign.pk, by=by, now=timezone.now(), reason="No.")
        assert after.status == Status.REJECTED


def test_a_withdrawal_takes_the_first_approval_along(workspace, moderator, second):
    campaign = factories.in_review(workspace)
    approve(campaign, moderator)
    transitions.withdraw(campaign.pk, by=campaign.created_by)
    transitions.submit(campaign.pk, by=campaign.created_by, now=timezone.now())
    assert approve(campaign, second).status == Status.IN_REVIEW
    assert approve(campaign, moderator).status == Status.APPROVED


@pytest.mark.parametrize("what", ["demoted", "switched off", "left"])
def test_an_approval_of_somebody_who_may_not_decide_any_more_does_not_count(workspace, moderator, second, what):
    campaign = factories.in_review(workspace)
    approve(campaign, moderator)
    if what == "demoted":
        moderator.memberships.update(role=Role.AUTHOR)
    elif what == "left":
        moderator.memberships.all().delete()
    else:
        User.objects.filter(pk=moderator.pk).update(is_active=False)
    assert approve(campaign, second).status == Status.IN_REVIEW
    with pytest.raises(Refused):
        approve(campaign, second)


def test_an_approval_that_is_too_old_does_not_count(workspace, moderator, second):
    campaign, now = factories.in_review(workspace), timezone.now()
    decisions.approve_campaign(campaign.pk, by=moderator, now=now - timedelta(days=15))
    assert approve(campaign, second).status == Status.IN_REVIEW
    assert approve(campaign, moderator).status == Status.APPROVED


def test_a_missed_campaign_gets_another_time_from_one_of_two_who_approved_it(workspace, moderator, second):
    campaign = _missed(workspace, moderator, second)
    assert decisions.send_now(campaign.pk, by=moderator, now=timezone.now()).status == Status.APPROVED


def test_a_missed_campaign_that_only_one_approved_needs_another(workspace, moderator, second):
    workspace.second_approver_above = None
    workspace.save()
    send_at = timezone.now() + timedelta(minutes=1)
    campaign = factories.in_review(workspace, mode=Mode.SCHEDULED, send_at=send_at)
    decisions.approve_campaign(campaign.pk, by=moderator, now=send_at + timedelta(minutes=1))
    workspace.second_approver_above = 2
    workspace.save()
    with pytest.raises(Refused) as refused:
        decisions.send_now(campaign.pk, by=moderator, now=timezone.now())
    assert code_of(refused) == "second_approver"
    assert decisions.send_now(campaign.pk, by=second, now=timezone.now()).status == Status.APPROVED


def test_an_approved_campaign_that_gets_another_time_keeps_both(workspace, moderator, second):
    send_at = timezone.now() + timedelta(days=1)
    campaign = factories.in_review(workspace, mode=Mode.SCHEDULED, send_at=send_at)
    approve(campaign, moderator)
    approve(campaign, second)
    later = send_at + timedelta(days=1)
    after = rescheduling.reschedule(campaign.pk, send_at=later, by=second, now=timezone.now())
    assert (after.status, after.send_at) == (Status.APPROVED, later)


def test_sql_does_not_approve_with_one_of_two(workspace, moderator, second):
    campaign = factories.in_review(workspace)
    with pytest.raises(IntegrityError, match="needs the approval of two moderators"), transaction.atomic():
        decision(campaign, moderator, wants_two=True)
    with pytest.raises(IntegrityError, match="notes whether its campaign needs two"), transaction.atomic():
        decision(campaign, moderator, wants_two=False)
    decision(campaign, moderator, wants_two=True, verdict=Verdict.VOTED)
    with pytest.raises(IntegrityError, match="needs the approval of two moderators"), transaction.atomic():
        decision(campaign, moderator, wants_two=True)
    with pytest.raises(IntegrityError, match="has no approval of this content"):
        update(campaign, status=Status.APPROVED, seal=seal.of(campaign))
    decision(campaign, second, wants_two=True)
    update(campaign, status=Status.APPROVED, seal=seal.of(campaign), approved_at=timezone.now())


def test_sql_does_not_count_a_vote_on_other_content(workspace, moderator, second):
    campaign = factories.in_review(workspace)
    other = {**seal.content(campaign), "text": "Something else."}
    decision(campaign, moderator, wants_two=True, verdict=Verdict.VOTED, content=other, seal=seal.digest(other))
    with pytest.raises(IntegrityError, match="needs the approval of two moderators"), transaction.atomic():
        decision(campaign, second, wants_two=True)


def test_there_is_no_vote_where_one_is_enough(workspace, moderator):
    workspace.second_approver_above = None
    workspace.save()
    campaign = factories.in_review(workspace)
    with pytest.raises(IntegrityError, match="needs one moderator"), transaction.atomic():
        decision(campaign, moderator, verdict=Verdict.VOTED)


@pytest.mark.django_db(transaction=True)
def test_two_who_approve_at_once_are_a_first_and_a_second(transactional_db):
    workspace = factories.workspace(second_approver_above=2)
    judges = [factories.member(workspace, Role.MODERATOR) for _ in range(3)]
    campaign = factories.in_review(workspace)
    outcomes = race(*[lambda by=by: approve(campaign, by) for by in judges])
    assert sorted(str(getattr(outcome, "status", "refused")) for outcome in outcomes) == [
        *("approved", "in_review", "refused")
    ]
    assert [verdict for verdict, _ in verdicts(campaign)] == [Verdict.VOTED, Verdict.APPROVED]


@pytest.mark.django_db(transaction=True)
def test_one_who_approves_twice_at_once_is_one(transactional_db):
    workspace = factories.workspace(second_approver_above=2)
    judge = factories.member(workspace, Role.MODERATOR)
    campaign = factories.in_review(workspace)
    race(*[lambda: approve(campaign, judge) for _ in range(4)])
    assert verdicts(campaign) == [(Verdict.VOTED, judge.pk)]


# --- Where it is seen -------------------------------------------------------------------------------------------------


def test_the_desk_says_that_two_are_needed_and_who_was_first(workspace, second):
    first = factories.member(workspace, Role.MODERATOR, user=factories.user(name="Ann First", is_staff=True))
    second.is_staff = True
    second.save()
    campaign = factories.in_review(workspace)
    desk = f"/admin/moderation/campaigninreview/{campaign.pk}"
    page = signed_in(first, workspace)
    assert "needs two" in text_of(page.get("/admin/moderation/campaigninreview/"))
    assert "You are the first." in text_of(page.get(f"{desk}/change/"))
    answer = page.post(f"{desk}/decide/approve/", {"round": 1}, follow=True)
    assert "your approval is recorded. Another moderator must approve it, too." in text_of(answer)
    assert "You have approved it: now another moderator must, too." in text_of(page.get(f"{desk}/change/"))
    assert "now another moderator must" in text_of(page.post(f"{desk}/decide/approve/", {"round": 1}))
    other = signed_in(second, workspace)
    assert "one of two has approved" in text_of(other.get("/admin/moderation/campaigninreview/"))
    assert "Ann First has. With your approval it is approved." in text_of(other.get(f"{desk}/change/"))
    other.post(f"{desk}/decide/approve/", {"round": 1})
    assert Campaign.objects.get(pk=campaign.pk).status == Status.APPROVED


def test_the_api_and_the_page_of_the_campaign_show_both(workspace, as_moderator, moderator, second):
    campaign = factories.in_review(workspace)
    address = f"/api/v1/campaigns/{campaign.pk}"
    assert as_moderator.post(f"{address}/approve/").json()["status"] == "in_review"
    assert as_moderator.post(f"{address}/approve/").json()["error"]["code"] == "second_approver"
    (shown,) = as_moderator.get(f"{address}/decisions/").json()["results"]
    assert (shown["verdict"], shown["by"], shown["wants_two"]) == ("voted", moderator.email, True)
    page = text_of(signed_in(second, workspace).get(f"/campaigns/{campaign.pk}/decisions/"))
    assert "Approved, as the first of two" in page
    assert "Two moderators were needed" in page


def test_the_other_moderators_are_told_of_the_first_approval(workspace, moderator, second):
    campaign = factories.in_review(workspace)
    reading.look(now=timezone.now())
    Notice.objects.all().delete()
    approve(campaign, moderator)
    reading.look(now=timezone.now())
    for notice in Notice.objects.filter(sent_at=None):
        telling.tell(notice.pk, now=timezone.now())
    told = {letter.to[0]: letter.subject for letter in mail.outbox}
    assert told[second.email] == f"“{campaign}” waits for a second approval"
    assert moderator.email not in told


def _missed(workspace, *judges):
    send_at = timezone.now() + timedelta(minutes=1)
    campaign = factories.in_review(workspace, mode=Mode.SCHEDULED, send_at=send_at)
    for by in judges:
        campaign = decisions.approve_campaign(campaign.pk, by=by, now=send_at + timedelta(minutes=1))
    assert campaign.status == Status.MISSED
    return campaign
