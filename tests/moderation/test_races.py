import pytest
from django.utils import timezone

from accounts.roles import Role
from audit.models import Entry
from audit.refusal import Refused
from campaigns import drafts, transitions
from campaigns.models import Campaign
from campaigns.statuses import Status
from moderation import decisions
from moderation.models import Decision
from tests import factories
from tests.racing import race

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def workspace(transactional_db):
    return factories.workspace()


@pytest.fixture
def judges(workspace):
    return [factories.member(workspace, Role.MODERATOR) for _ in range(2)]


def winners(outcomes):
    assert all(isinstance(outcome, Campaign | Refused) for outcome in outcomes), outcomes
    return [outcome for outcome in outcomes if isinstance(outcome, Campaign)]


def test_of_two_moderators_who_approve_at_once_one_wins(workspace, judges):
    campaign = factories.in_review(workspace)
    now = timezone.now()
    outcomes = race(*[lambda by=by: decisions.approve_campaign(campaign.pk, by=by, now=now) for by in judges])
    assert len(winners(outcomes)) == 1
    assert Decision.objects.count() == 1
    assert Entry.objects.about(campaign).filter(action="campaign.approved").count() == 1


def test_an_approval_and_a_rejection_at_once_are_one_decision(workspace, judges):
    campaign = factories.in_review(workspace)
    now = timezone.now()
    outcomes = race(
        lambda: decisions.approve_campaign(campaign.pk, by=judges[0], now=now),
        lambda: decisions.reject_campaign(campaign.pk, by=judges[1], now=now, reason="No."),
    )
    (winner,) = winners(outcomes)
    assert Campaign.objects.get(pk=campaign.pk).status == winner.status
    assert Decision.objects.get().verdict == winner.status


def test_an_edit_never_slips_in_under_an_approval(workspace, judges):
    for _ in range(5):
        campaign = factories.in_review(workspace)
        now = timezone.now()

        def edit(campaign=campaign, now=now):
            transitions.withdraw(campaign.pk, by=campaign.created_by)
            return drafts.amend(campaign.pk, {"text": "Edited."}, by=campaign.created_by, now=now)

        race(lambda pk=campaign.pk, now=now: decisions.approve_campaign(pk, by=judges[0], now=now), edit)
        after = Campaign.objects.get(pk=campaign.pk)
        if after.status == Status.APPROVED:
            assert after.text == campaign.text
        else:
            assert (after.status, after.text) == (Status.DRAFT, "Edited.")
