from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.roles import Role
from campaigns import seal
from campaigns.models import Campaign
from campaigns.statuses import Mode, Status
from moderation.models import Decision, Verdict
from tests import factories

VERBS = {"approve": {}, "reject": {"reason": "No."}, "reschedule": {"send_at": "2099-01-01T00:00:00Z"}, "send_now": {}}


def judge(client, campaign, verb, **words):
    return client.post(f"/api/v1/campaigns/{campaign.pk}/{verb}/", words)


def error_of(response):
    return response.json()["error"]


def test_an_approval_seals_the_content(as_moderator, moderator, workspace):
    campaign = factories.in_review(workspace)
    assert judge(as_moderator, campaign, "approve").json()["status"] == "approved"
    campaign.refresh_from_db()
    decision = Decision.objects.get()
    assert campaign.seal == seal.of(campaign) == decision.seal
    assert (decision.by, decision.verdict, decision.round) == (moderator, Verdict.APPROVED, 1)


@pytest.mark.parametrize("verb", VERBS)
def test_a_key_never_judges(api, workspace, verb):
    campaign = factories.in_review(workspace)
    response = judge(api, campaign, verb, **VERBS[verb])
    assert (response.status_code, error_of(response)["code"]) == (403, "permission_denied")
    assert not Decision.objects.exists()


@pytest.mark.parametrize("verb", VERBS)
def test_an_author_does_not_judge(as_author, workspace, verb):
    assert judge(as_author, factories.in_review(workspace), verb, **VERBS[verb]).status_code == 403


def test_an_author_with_the_moderators_flag_judges_only_what_others_wrote(workspace):
    author = factories.member(workspace, Role.AUTHOR, is_moderator=True)
    client = factories.bearer(factories.token(workspace, author))
    own = factories.in_review(workspace, by=author)
    others = factories.in_review(workspace, by=factories.member(workspace))
    response = judge(client, own, "approve")
    assert (response.status_code, error_of(response)["code"]) == (409, "four_eyes")
    assert Campaign.objects.get(pk=own.pk).status == Status.IN_REVIEW
    assert judge(client, others, "approve").status_code == 200


def test_an_admin_does_not_approve_their_own_campaign(as_admin, admin, workspace):
    response = judge(as_admin, factories.in_review(workspace, by=admin), "approve")
    assert error_of(response)["code"] == "four_eyes"


def test_whoever_edited_last_does_not_approve_either(as_admin, author, workspace):
    campaign = factories.draft(workspace, by=author)
    as_admin.patch(f"/api/v1/campaigns/{campaign.pk}/", {"text": "Edited."})
    as_admin.post(f"/api/v1/campaigns/{campaign.pk}/submit/")
    assert error_of(judge(as_admin, campaign, "approve"))["code"] == "four_eyes"


def test_four_eyes_can_be_switched_off_for_a_workspace(as_admin, admin, workspace):
    workspace.four_eyes = False
    workspace.save()
    assert judge(as_admin, factories.in_review(workspace, by=admin), "approve").status_code == 200


def test_tokens_judge_only_where_the_workspace_allows_it(as_moderator, workspace):
    campaign = factories.in_review(workspace)
    workspace.tokens_may_decide = False
    workspace.save()
    assert judge(as_moderator, campaign, "approve").status_code == 403


def test_a_second_approval_is_refused_and_leaves_one_decision(as_moderator, workspace):
    campaign = factories.in_review(workspace)
    judge(as_moderator, campaign, "approve")
    response = judge(as_moderator, campaign, "approve")
    assert (response.status_code, error_of(response)["code"]) == (409, "wrong_status")
    assert error_of(response)["message"] == f"{campaign.name} is approved, not in review."
    assert Decision.objects.count() == 1


@pytest.mark.parametrize("words", [{}, {"reason": ""}, {"reason": "   "}])
def test_a_rejection_needs_its_reason(as_moderator, workspace, words):
    campaign = factories.in_review(workspace)
    assert judge(as_moderator, campaign, "reject", **words).status_code == 400
    assert not Decision.objects.exists()


def test_the_author_reads_why_it_was_rejected(as_moderator, as_author, workspace):
    campaign = factories.in_review(workspace)
    judge(as_moderator, campaign, "reject", reason="Name the shop.")
    shown = as_author.get(f"/api/v1/campaigns/{campaign.pk}/").json()
    assert (shown["status"], shown["rejection_reason"]) == ("rejected", "Name the shop.")


def test_approved_after_its_time_it_is_missed_and_waits_for_a_moderator(as_moderator, workspace):
    now = timezone.now()
    send_at = now - timedelta(minutes=1)
    campaign = factories.in_review(workspace, mode=Mode.SCHEDULED, send_at=send_at, now=now - timedelta(hours=1))
    assert judge(as_moderator, campaign, "approve").json()["status"] == "missed"
    assert judge(as_moderator, campaign, "send_now").json()["status"] == "approved"
    verdicts = Decision.objects.order_by("pk").values_list("verdict", flat=True)
    assert list(verdicts) == [Verdict.APPROVED, Verdict.SENT_NOW]


def test_a_missed_campaign_gets_another_minute_and_another_seal(as_moderator, workspace):
    campaign = factories.missed(workspace)
    send_at = (timezone.now() + timedelta(days=1)).replace(microsecond=0)
    response = judge(as_moderator, campaign, "reschedule", send_at=send_at.isoformat())
    assert response.json()["status"] == "approved"
    moved = Campaign.objects.get(pk=campaign.pk)
    assert moved.send_at == send_at
    assert moved.seal != campaign.seal
    assert moved.seal == seal.of(moved)


def test_another_minute_lies_ahead(as_moderator, workspace):
    response = judge(as_moderator, factories.missed(workspace), "reschedule", send_at="2020-01-01T00:00:00Z")
    assert error_of(response)["code"] == "time_in_the_past"


@pytest.mark.parametrize("status", Status)
def test_only_what_is_in_review_is_judged_and_only_what_was_missed_gets_another_time(as_moderator, workspace, status):
    campaign = factories.campaign(workspace, status)
    allowed = {
        Status.IN_REVIEW: {"approve", "reject"},
        Status.APPROVED: {"reschedule"},
        Status.MISSED: {"reschedule", "send_now"},
    }
    for verb in set(VERBS) - allowed.get(status, set()):
        assert error_of(judge(as_moderator, campaign, verb, **VERBS[verb]))["code"] == "wrong_status"
    assert Campaign.objects.get(pk=campaign.pk).status == status
