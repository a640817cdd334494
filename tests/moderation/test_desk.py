from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from accounts.models import Workspace
from accounts.roles import Role
from campaigns import drafts, transitions
from campaigns.models import Campaign
from campaigns.statuses import Mode, Status
from moderation.models import Decision, Verdict
from senders import transitions as sender_transitions
from senders.models import Revision
from senders.statuses import RevisionStatus
from tests import factories
from tests.pages import signed_in, text_of

QUEUE = "/admin/moderation/campaigninreview/"
REVISIONS = "/admin/moderation/revisioninreview/"


@pytest.fixture
def judge(workspace):
    return factories.member(workspace, Role.MODERATOR, user=factories.user(is_staff=True))


@pytest.fixture
def desk(judge):
    return signed_in(judge)


def at(campaign, path="change"):
    return f"{QUEUE}{campaign.pk}/{path if path == 'change' else f'decide/{path}'}/"


def test_the_queue_shows_what_waits_in_the_moderators_workspaces(desk, workspace):
    waiting, missed = factories.in_review(workspace), factories.missed(workspace)
    draft, foreign = factories.draft(workspace), factories.in_review(factories.workspace())
    shown = text_of(desk.get(QUEUE))
    assert waiting.name in shown and missed.name in shown
    assert draft.name not in shown and foreign.name not in shown
    assert foreign.workspace.name not in shown


def test_a_super_admin_has_the_campaigns_of_every_workspace_on_the_desk(db):
    waiting = [factories.in_review(factories.workspace()) for _ in range(2)]
    shown = text_of(signed_in(factories.user(is_superuser=True, is_staff=True)).get(QUEUE))
    assert all(campaign.name in shown for campaign in waiting)


@pytest.mark.parametrize("role", [Role.AUTHOR])
def test_who_judges_nothing_has_no_desk(workspace, role):
    staff = factories.member(workspace, role, user=factories.user(is_staff=True))
    assert signed_in(staff).get(QUEUE).status_code == 403


def test_an_author_with_the_moderators_flag_has_a_desk(workspace):
    staff = factories.member(workspace, Role.AUTHOR, user=factories.user(is_staff=True), is_moderator=True)
    assert signed_in(staff).get(QUEUE).status_code == 200


@pytest.mark.parametrize("path", ["change", "approve", "reject"])
def test_a_strangers_campaign_is_on_nobodys_desk(desk, path):
    foreign = factories.in_review(factories.workspace())
    assert desk.get(at(foreign, path)).status_code == 404
    assert desk.post(at(foreign, path), {"round": 1, "reason": "No."}).status_code in {403, 404}
    foreign.refresh_from_db()
    assert foreign.status == Status.IN_REVIEW


def test_the_page_to_judge_on_shows_everything_that_is_sealed(desk, workspace):
    Workspace.objects.filter(pk=workspace.pk).update(time_zone="Asia/Tashkent")
    workspace.refresh_from_db()
    campaign = factories.in_review(
        workspace,
        text="Half price — only today",
        list=factories.ready_list(workspace, numbers=[31612345678], invalid=2),
        mode=Mode.SCHEDULED,
        send_at=datetime(2099, 7, 1, 10, tzinfo=UTC),
    )
    shown = text_of(desk.get(at(campaign)))
    for fact in (
        "Half price — only today",
        "Unicode because of “—”",
        "+3161•••5678",
        "3 rows: 2 invalid",
        campaign.list.digest,
        campaign.revision.saddr,
        "TON 5, NPI 0",
        "1 Jul 2099, 15:00",
        "1 Jul 2099, 10:00",
        str(campaign.created_by),
        str(campaign.channel),
    ):
        assert fact in shown
    assert "31612345678" not in shown


def test_approval_is_confirmed_and_then_seals_the_campaign(desk, judge, workspace):
    campaign = factories.in_review(workspace)
    assert 'name="round" value="1"' in text_of(desk.get(at(campaign, "approve")))
    campaign.refresh_from_db()
    assert campaign.status == Status.IN_REVIEW
    response = desk.post(at(campaign, "approve"), {"round": 1, "reason": "Fine."}, follow=True)
    assert f"{campaign}: approved." in text_of(response)
    campaign.refresh_from_db()
    decision = Decision.objects.get(campaign=campaign)
    assert (campaign.status, campaign.seal) == (Status.APPROVED, decision.seal)
    assert (decision.by, decision.verdict, decision.reason) == (judge, Verdict.APPROVED, "Fine.")


def test_a_rejection_needs_a_reason(desk, workspace):
    campaign = factories.in_review(workspace)
    response = desk.post(at(campaign, "reject"), {"round": 1, "reason": " "})
    assert response.status_code == 400 and "This field is required." in text_of(response)
    desk.post(at(campaign, "reject"), {"round": 1, "reason": "Name the shop."})
    campaign.refresh_from_db()
    assert (campaign.status, campaign.rejection_reason) == (Status.REJECTED, "Name the shop.")


def test_content_that_changed_behind_the_moderators_back_is_not_approved(desk, workspace):
    campaign = factories.in_review(workspace, text="Half price.")
    author = campaign.created_by
    transitions.withdraw(campaign.pk, by=author)
    content = drafts.content_of(Campaign.objects.get(pk=campaign.pk))
    changed = drafts.Content(**{name: getattr(content, name) for name in content.__slots__} | {"text": "Full price."})
    drafts.edit(campaign.pk, changed, by=author, now=timezone.now())
    transitions.submit(campaign.pk, by=author, now=timezone.now())
    for verb in ("approve", "reject"):
        response = desk.post(at(campaign, verb), {"round": 1, "reason": "Seen."})
        assert response.status_code == 400 and "was changed since you looked at it" in text_of(response)
    campaign.refresh_from_db()
    assert campaign.status == Status.IN_REVIEW


def test_the_second_of_two_moderators_is_told_that_it_is_decided(desk, workspace):
    campaign = factories.in_review(workspace)
    desk.post(at(campaign, "approve"), {"round": 1})
    response = desk.post(at(campaign, "reject"), {"round": 1, "reason": "No."}, follow=True)
    assert "does not wait for that decision any more" in text_of(response)
    assert Decision.objects.count() == 1


def test_the_author_does_not_judge_their_own(workspace):
    staff = factories.user(is_staff=True)
    factories.membership(workspace, Role.ADMIN, user=staff)
    campaign = factories.in_review(workspace, by=staff)
    desk = signed_in(staff)
    assert "You wrote or last edited this campaign" in text_of(desk.get(at(campaign)))
    response = desk.post(at(campaign, "approve"), {"round": 1})
    assert response.status_code == 400 and "Somebody other than the author" in text_of(response)


def test_a_campaign_approved_too_late_is_missed_and_the_page_warned(desk, workspace):
    send_at = timezone.now() + timedelta(minutes=1)
    campaign = factories.in_review(workspace, mode=Mode.SCHEDULED, send_at=send_at)
    assert "It starts in less than a quarter of an hour." in text_of(desk.get(at(campaign)))
    with time_machine.travel(send_at + timedelta(seconds=1)):
        assert "Its time has passed." in text_of(desk.get(at(campaign)))
        desk.post(at(campaign, "approve"), {"round": 1})
    campaign.refresh_from_db()
    assert campaign.status == Status.MISSED


def test_a_missed_campaign_gets_another_time_in_the_zone_of_its_workspace(desk, workspace):
    Workspace.objects.filter(pk=workspace.pk).update(time_zone="Asia/Tashkent")
    campaign = factories.missed(workspace)
    assert "Nothing was sent" in text_of(desk.get(at(campaign)))
    response = desk.post(at(campaign, "reschedule"), {"round": 1, "send_at": "2001-01-01T00:00"})
    assert response.status_code == 400 and "in the past" in text_of(response)
    desk.post(at(campaign, "reschedule"), {"round": 1, "send_at": "2099-07-01T15:00"})
    campaign.refresh_from_db()
    assert campaign.status == Status.APPROVED
    assert campaign.send_at.isoformat() == "2099-07-01T10:00:00+00:00"


def test_a_missed_campaign_can_be_sent_now(desk, workspace):
    campaign = factories.missed(workspace)
    desk.post(at(campaign, "send-now"), {"round": 1})
    campaign.refresh_from_db()
    assert campaign.status == Status.APPROVED and campaign.send_at <= timezone.now()


def test_a_list_that_is_damaged_in_storage_is_not_hidden(desk, workspace, objects):
    campaign = factories.in_review(workspace, list=factories.ready_list(workspace, 20))
    (chunk,) = (objects / "lists" / str(campaign.list_id)).rglob("00000")
    chunk.write_bytes(b"something else")
    assert "Do not approve this." in text_of(desk.get(at(campaign)))


def test_what_does_not_wait_cannot_be_decided(desk, workspace):
    draft = factories.draft(workspace)
    assert "does not wait" in text_of(desk.post(at(draft, "approve"), {"round": 0}, follow=True))
    assert not Decision.objects.filter(campaign=draft).exists()


def test_a_revision_is_approved_on_its_own_desk(desk, judge, workspace):
    revision = factories.revision(factories.sender(workspace, approved=False), "WebShop", approved=False)
    assert "WebShop" in text_of(desk.get(REVISIONS))
    assert "Our brand." in text_of(desk.get(f"{REVISIONS}{revision.pk}/change/"))
    desk.post(f"{REVISIONS}{revision.pk}/decide/approve/", {"round": revision.number})
    revision.refresh_from_db()
    assert (revision.status, revision.decided_by) == (RevisionStatus.APPROVED, judge)
    queue = desk.get(REVISIONS)
    assert "Sender revisions to judge: 0" in text_of(queue)


def test_a_revision_is_rejected_with_a_reason(desk, workspace):
    revision = factories.revision(factories.sender(workspace, approved=False), approved=False)
    path = f"{REVISIONS}{revision.pk}/decide/reject/"
    assert desk.post(path, {"round": revision.number}).status_code == 400
    desk.post(path, {"round": revision.number, "reason": "Not your brand."})
    revision.refresh_from_db()
    assert (revision.status, revision.decision_reason) == (RevisionStatus.REJECTED, "Not your brand.")


def test_nobody_judges_a_revision_that_they_submitted(desk, judge, workspace):
    sender = factories.sender(workspace, approved=False)
    revision = sender_transitions.submit_revision(sender.pk, saddr="Mine", by=judge)
    response = desk.post(f"{REVISIONS}{revision.pk}/decide/approve/", {"round": 1})
    assert response.status_code == 400
    assert Revision.objects.get(pk=revision.pk).status == RevisionStatus.PENDING


@pytest.mark.parametrize("model", ["campaigns_campaign", "senders_sender", "moderation_decision", "audit_entry"])
def test_what_the_staff_looks_at_cannot_be_edited_by_hand(workspace, model):
    factories.approved(workspace)
    page = signed_in(factories.user(is_superuser=True, is_staff=True))
    row = {
        "campaigns_campaign": Campaign.objects,
        "senders_sender": Campaign.objects.select_related("sender"),
        "moderation_decision": Decision.objects,
        "audit_entry": Campaign.objects,
    }[model].first()
    pk = row.sender_id if model == "senders_sender" else row.pk
    assert page.get(reverse(f"admin:{model}_add")).status_code == 403
    if model != "audit_entry":
        assert page.post(reverse(f"admin:{model}_change", args=[pk]), {"status": "sending"}).status_code == 403
        assert page.get(reverse(f"admin:{model}_delete", args=[pk])).status_code == 403


def test_the_queue_asks_the_database_as_often_for_many_as_for_one(desk, workspace, django_assert_max_num_queries):
    for _ in range(8):
        factories.in_review(workspace)
    with django_assert_max_num_queries(14):
        assert text_of(desk.get(QUEUE)).count("Spring sale") >= 8
