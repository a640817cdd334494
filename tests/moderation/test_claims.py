from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.roles import Role
from audit.models import Entry
from audit.refusal import Refused
from campaigns.models import Campaign
from campaigns.statuses import Status
from moderation import claims, decisions
from moderation.models import Claim
from senders.models import Revision
from tests import factories
from tests.pages import signed_in, text_of
from tests.racing import race

QUEUE = "/admin/moderation/campaigninreview/"
REVISIONS = "/admin/moderation/revisioninreview/"


def judge_of(workspace, name=""):
    return factories.member(workspace, Role.MODERATOR, user=factories.user(is_staff=True, name=name))


@pytest.fixture
def anna(workspace):
    return judge_of(workspace, "Anna")


@pytest.fixture
def boris(workspace):
    return judge_of(workspace, "Boris")


@pytest.fixture
def campaign(workspace):
    return factories.in_review(workspace)


def page(campaign, path="change/"):
    return f"{QUEUE}{campaign.pk}/{path}"


def test_opening_a_page_claims_it_and_the_next_one_reads_who_has_it(anna, boris, campaign):
    assert "You are reading this" in text_of(signed_in(anna).get(page(campaign)))
    with time_machine.travel(timezone.now() + timedelta(minutes=3)):
        shown = text_of(signed_in(boris).get(page(campaign)))
        assert "Anna is reading this since 3 min." in shown and "Take it over" in shown
        assert "Anna" in text_of(signed_in(boris).get(QUEUE))
    assert Claim.objects.get().holder == anna


def test_what_somebody_else_reads_is_not_decided(anna, boris, campaign):
    signed_in(anna).get(page(campaign))
    response = signed_in(boris).post(page(campaign, "decide/approve/"), {"round": 1})
    assert response.status_code == 400 and "Anna is reading" in text_of(response)
    campaign.refresh_from_db()
    assert campaign.status == Status.IN_REVIEW
    signed_in(anna).post(page(campaign, "decide/approve/"), {"round": 1})
    campaign.refresh_from_db()
    assert campaign.status == Status.APPROVED
    assert not Claim.objects.exists()


@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_the_api_decides_what_is_free_and_not_what_somebody_reads(workspace, anna, boris, campaign, verb):
    workspace.tokens_may_decide = True
    workspace.save()
    claims.take(campaign, by=anna, now=timezone.now())
    client = factories.bearer(factories.token(workspace, boris))
    response = client.post(f"/api/v1/campaigns/{campaign.pk}/{verb}/", {"reason": "No."})
    assert (response.status_code, response.json()["error"]["code"]) == (409, "claimed")
    claims.release(campaign, by=anna)
    assert client.post(f"/api/v1/campaigns/{campaign.pk}/{verb}/", {"reason": "No."}).status_code == 200


def test_taking_it_over_is_in_the_ledger_and_turns_the_claim_round(anna, boris, campaign):
    signed_in(anna).get(page(campaign))
    signed_in(boris).post(page(campaign, "take-over/"))
    entry = Entry.objects.about(campaign).get(action="campaign.taken_over")
    assert (entry.actor, entry.before, entry.after) == (boris, {"reader": anna.email}, {"reader": boris.email})
    with pytest.raises(Refused, match="Boris is reading"):
        decisions.approve_campaign(campaign.pk, by=anna, now=timezone.now())
    assert "Boris is reading this" in text_of(signed_in(anna).post(page(campaign, "claim/")))


def test_a_claim_ends_without_a_heartbeat_and_lasts_with_one(anna, boris, campaign):
    now = timezone.now()
    claims.take(campaign, by=anna, now=now)
    claims.take(campaign, by=anna, now=now + timedelta(minutes=4))
    late = now + timedelta(minutes=8)
    assert claims.take(campaign, by=boris, now=late).holder == anna
    assert claims.take(campaign, by=anna, now=late).since == now
    assert claims.take(campaign, by=boris, now=now + timedelta(minutes=20)).holder == boris


def test_leaving_releases_ones_own_claim_only(anna, boris, campaign):
    signed_in(anna).get(page(campaign))
    assert signed_in(boris).post(page(campaign, "release/")).status_code == 204
    assert Claim.objects.get().holder == anna
    signed_in(anna).post(page(campaign, "release/"))
    assert not Claim.objects.exists()


def test_who_may_not_judge_it_does_not_keep_others_from_it(workspace):
    staff = factories.user(is_staff=True)
    factories.membership(workspace, Role.ADMIN, user=staff)
    own = factories.in_review(workspace, by=staff)
    shown = text_of(signed_in(staff).get(page(own)))
    assert "Nobody reads it." in shown and not Claim.objects.exists()


def test_a_stranger_claims_nothing(campaign):
    other = judge_of(factories.workspace())
    for path in ("claim/", "release/", "take-over/", "note/"):
        assert signed_in(other).post(page(campaign, path)).status_code == 404
    assert not Claim.objects.exists()


def test_a_revision_is_claimed_the_same(workspace, anna, boris):
    revision = factories.revision(factories.sender(workspace, approved=False), approved=False)
    signed_in(anna).get(f"{REVISIONS}{revision.pk}/change/")
    response = signed_in(boris).post(f"{REVISIONS}{revision.pk}/decide/approve/", {"round": 1})
    assert "Anna is reading" in text_of(response)
    signed_in(boris).post(f"{REVISIONS}{revision.pk}/take-over/")
    signed_in(boris).post(f"{REVISIONS}{revision.pk}/decide/approve/", {"round": 1})
    assert Revision.objects.get(pk=revision.pk).decided_by == boris
    assert not Claim.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_who_open_it_at_once_one_has_it(transactional_db):
    workspace = factories.workspace()
    campaign = factories.in_review(workspace)
    both = [judge_of(workspace), judge_of(workspace)]
    now = timezone.now()
    first, second = race(*[lambda by=by: claims.take(campaign, by=by, now=now) for by in both])
    assert first.holder_id == second.holder_id == Claim.objects.get().holder_id


@pytest.mark.django_db(transaction=True)
def test_of_a_decision_and_a_taking_over_at_once_no_decision_is_made_behind_a_claim(transactional_db):
    workspace = factories.workspace()
    anna, boris = judge_of(workspace), judge_of(workspace)
    for _ in range(5):
        campaign = factories.in_review(workspace)
        now = timezone.now()
        claims.take(campaign, by=anna, now=now)
        decided, taken = race(
            lambda pk=campaign.pk, now=now: decisions.approve_campaign(pk, by=anna, now=now),
            lambda row=campaign, now=now: claims.take_over(row, by=boris, now=now),
        )
        if isinstance(decided, Campaign):
            assert isinstance(taken, Refused) and taken.code == "wrong_status"
            assert not Claim.objects.filter(campaign=campaign).exists()
        else:
            assert decided.code == "claimed" and taken.holder == boris
