"""Nobody approves their own, and nothing is sent but what was approved: at every door, also for several at once."""

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import limits
from accounts.roles import Role
from audit.models import Entry
from audit.refusal import Refused
from campaigns import drafts, transitions
from campaigns.models import Campaign
from campaigns.statuses import Mode, Status
from delivery import dispatching, due, reasons
from delivery.models import Incident, Intent
from delivery.statuses import IncidentKind
from moderation import decisions
from moderation.models import Decision
from recipients import suppressions
from tests import factories
from tests.campaigns.test_seal import written_before
from tests.delivery import ground
from tests.moderation.test_guards import decision, update
from tests.pages import signed_in, text_of
from tests.racing import race


def status_of(campaign):
    return Campaign.objects.get(pk=campaign.pk).status


# --- Whose own it is: the author, and whoever edited it last ----------------------------------------------------------


def written_by(workspace, user):
    return factories.in_review(workspace, by=user)


def last_edited_by(workspace, user):
    draft = factories.draft(workspace)
    drafts.amend(draft.pk, {"text": "Edited."}, by=user, now=timezone.now())
    return transitions.submit(draft.pk, by=draft.created_by, now=timezone.now())


def by_the_verb(campaign, user):
    with pytest.raises(Refused) as refused:
        decisions.approve_campaign(campaign.pk, by=user, now=timezone.now())
    assert refused.value.code == "four_eyes"


def by_the_api(campaign, user):
    client = factories.bearer(factories.token(campaign.workspace, user))
    answer = client.post(f"/api/v1/campaigns/{campaign.pk}/approve/")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "four_eyes")


def by_a_key_they_made(campaign, user):
    client = factories.bearer(factories.api_key(campaign.workspace)[1])
    assert client.post(f"/api/v1/campaigns/{campaign.pk}/approve/").status_code == 403


def at_the_desk(campaign, user):
    page = signed_in(user, campaign.workspace)
    answer = page.post(f"/admin/moderation/campaigninreview/{campaign.pk}/decide/approve/", {"round": campaign.round})
    assert answer.status_code == 400
    assert "Somebody other than the author and the last editor must decide." in text_of(answer)


def in_the_register_of_the_admin(campaign, user):
    page = signed_in(user, campaign.workspace)
    for method in (page.get, page.post):
        assert method("/admin/moderation/decision/add/", {"campaign": campaign.pk}).status_code == 403
    assert page.post(f"/admin/campaigns/campaign/{campaign.pk}/change/", {"status": "approved"}).status_code == 403


def by_sql(campaign, user):
    with pytest.raises(IntegrityError, match="four eyes"), transaction.atomic():
        decision(campaign, user)
    with pytest.raises(IntegrityError, match="has no approval of this content"):
        update(campaign, status=Status.APPROVED, seal="0" * 64)


DOORS = [by_the_verb, by_the_api, by_a_key_they_made, at_the_desk, in_the_register_of_the_admin, by_sql]


@pytest.mark.parametrize("who", ["moderator with a flag", "admin", "super admin"])
@pytest.mark.parametrize("how", [written_by, last_edited_by])
@pytest.mark.parametrize("door", DOORS)
def test_whoever_wrote_or_last_edited_it_approves_it_by_no_door(workspace, door, how, who):
    staff = factories.user(is_staff=True, is_superuser=who == "super admin")
    if who != "super admin":
        role = Role.ADMIN if who == "admin" else Role.AUTHOR
        factories.member(workspace, role, user=staff, is_moderator=role == Role.AUTHOR)
    campaign = how(workspace, staff)
    door(campaign, staff)
    assert status_of(campaign) == Status.IN_REVIEW
    assert not Decision.objects.exists()


def test_an_approval_that_is_sent_twice_is_one_decision_and_one_entry(as_moderator, workspace):
    campaign = factories.in_review(workspace)
    address = f"/api/v1/campaigns/{campaign.pk}/approve/"
    with_its_key = [as_moderator.post(address, HTTP_IDEMPOTENCY_KEY="once") for _ in range(3)]
    assert [answer.status_code for answer in with_its_key] == [200, 200, 200]
    assert ["Idempotent-Replayed" in answer for answer in with_its_key] == [False, True, True]
    assert as_moderator.post(address).status_code == 409
    assert Decision.objects.count() == 1
    assert Entry.objects.about(campaign).filter(action="campaign.approved").count() == 1


# --- What an approval covers ------------------------------------------------------------------------------------------

AS_APPROVED = {
    "text": "Something else.",
    "send_at": timezone.now() + timedelta(days=2),
    "not_after": timezone.now() + timedelta(days=3),
    "parts_per_second": 1,
    "daily_from": "09:00",
    "mode": Mode.ON_APPROVAL,
}


@pytest.mark.parametrize("field", AS_APPROVED)
@pytest.mark.parametrize("status", [Status.IN_REVIEW, Status.APPROVED, Status.SENDING, Status.PAUSED])
def test_nothing_of_it_changes_by_any_verb_once_it_is_submitted(workspace, field, status):
    campaign = factories.campaign(workspace, status)
    with pytest.raises(Refused) as refused:
        drafts.amend(campaign.pk, {field: AS_APPROVED[field]}, by=campaign.created_by, now=timezone.now())
    assert refused.value.code == "wrong_status"


def test_a_withdrawal_ends_the_round_and_what_was_approved_before_is_worth_nothing(workspace, moderator):
    campaign = factories.in_review(workspace)
    transitions.withdraw(campaign.pk, by=campaign.created_by)
    with pytest.raises(Refused):
        decisions.approve_campaign(campaign.pk, by=moderator, now=timezone.now(), seen_round=1)
    drafts.amend(campaign.pk, {"text": "Edited."}, by=campaign.created_by, now=timezone.now())
    transitions.submit(campaign.pk, by=campaign.created_by, now=timezone.now())
    with pytest.raises(Refused) as refused:  # the page that they had open
        decisions.approve_campaign(campaign.pk, by=moderator, now=timezone.now(), seen_round=1)
    assert refused.value.code == "changed_meanwhile"
    assert decisions.approve_campaign(campaign.pk, by=moderator, now=timezone.now(), seen_round=2).seal


def _put(key, data):
    default_storage.delete(key)
    assert default_storage.save(key, ContentFile(data)) == key


def replaced_manifest(campaign):
    other = factories.ready_list(campaign.workspace, count=4)
    with default_storage.open(other.manifest_key) as manifest:
        _put(campaign.list.manifest_key, manifest.read())


def damaged_manifest(campaign):
    _put(campaign.list.manifest_key, b"{}")


def sender_withdrawn(campaign):
    from senders.models import Sender

    Sender.objects.filter(pk=campaign.sender_id).update(status="archived")


@pytest.mark.parametrize(
    ("change", "why"),
    [(replaced_manifest, None), (damaged_manifest, None), (sender_withdrawn, reasons.SENDER_NOT_APPROVED)],
)
def test_what_was_replaced_after_the_approval_is_not_started(workspace, change, why):
    campaign = factories.approved(workspace)
    change(campaign)
    due.start_due(now=timezone.now())
    campaign.refresh_from_db()
    assert campaign.status == Status.FAILED
    assert campaign.stopped_because
    if why:
        assert campaign.stopped_because == why % {"sender": campaign.sender}


def test_no_chunk_is_worked_on_once_the_content_is_another(workspace):
    campaign, [chunk] = ground.under_way(workspace)
    written_before(campaign, text="Something else.")
    dispatching.work_on(chunk.pk, clock=timezone.now)
    campaign.refresh_from_db()
    assert (campaign.status, campaign.stopped_because) == (Status.FAILED, reasons.CONTENT_DIFFERS)
    assert Incident.objects.filter(campaign=campaign, kind=IncidentKind.SEAL_BROKEN).exists()
    assert not Intent.objects.exists()


def test_no_intent_is_written_for_another_seal_than_the_campaigns(workspace):
    _, [chunk] = ground.under_way(workspace)
    mine = ground.claim(chunk)
    assert ground.intend(mine, 2, seal="0" * 64) is None
    assert ground.intend(mine, 2) is not None
    assert Intent.objects.count() == 1


def test_what_is_suppressed_or_limited_later_takes_away_and_adds_nobody(workspace, admin):
    """The seal does not have it, and need not: docs/adr/0060."""
    gone = suppressions.opt_out(workspace, factories.FIRST_NUMBER)
    campaign = factories.approved(workspace, list=factories.ready_list(workspace, numbers=[factories.FIRST_NUMBER + 1]))
    sealed, digest = campaign.seal, campaign.list.digest
    suppressions.remove(gone.pk, by=admin, reason="They asked.")
    wanted = {"parts_per_day": 1, "parts_per_month": None, "destinations": []}
    limits.limit(workspace.pk, **wanted, by=admin)
    campaign = Campaign.objects.get(pk=campaign.pk)
    assert (campaign.status, campaign.seal, campaign.list.digest) == (Status.APPROVED, sealed, digest)
    assert campaign.list.accepted == 1
    due.start_due(now=timezone.now())
    assert status_of(campaign) == Status.SENDING


# --- At once ----------------------------------------------------------------------------------------------------------


def edit_against_approval(rounds):
    """Real threads: the author withdraws, edits and submits while two moderators approve what they see."""
    workspace = factories.workspace()
    judges = [factories.member(workspace, Role.MODERATOR) for _ in range(2)]
    ended = {Status.APPROVED: 0, Status.IN_REVIEW: 0}
    for number in range(rounds):
        campaign, now = factories.in_review(workspace), timezone.now()
        text = f"Edited {number}."

        def edit(campaign=campaign, now=now, text=text):
            transitions.withdraw(campaign.pk, by=campaign.created_by)
            drafts.amend(campaign.pk, {"text": text}, by=campaign.created_by, now=now)
            return transitions.submit(campaign.pk, by=campaign.created_by, now=now)

        def approve(by, pk=campaign.pk, now=now):
            return decisions.approve_campaign(pk, by=by, now=now, seen_round=1)

        outcomes = race(edit, *[lambda by=by: approve(by) for by in judges])
        assert all(isinstance(outcome, Campaign | Refused) for outcome in outcomes), outcomes
        after, made = Campaign.objects.get(pk=campaign.pk), Decision.objects.filter(campaign=campaign)
        ended[Status(after.status)] += 1
        if after.status == Status.APPROVED:
            assert (after.text, after.round, made.get().content["text"]) == (campaign.text, 1, campaign.text)
        else:
            assert (after.text, after.round, made.count()) == (text, 2, 0)
        approved = Entry.objects.about(campaign).filter(action="campaign.approved").count()
        assert approved == made.count()
    return ended


@pytest.mark.django_db(transaction=True)
def test_an_edit_and_an_approval_at_once_never_approve_what_nobody_saw(transactional_db):
    assert sum(edit_against_approval(10).values()) == 10


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.django_db(transaction=True)
def test_a_hundred_edits_against_approvals(transactional_db):
    ended = edit_against_approval(100)
    assert sum(ended.values()) == 100
    assert min(ended.values()) > 0  # both sides win some: it was a race


@pytest.mark.django_db(transaction=True)
def test_a_start_and_a_demotion_at_once_send_nothing_that_does_not_stand(transactional_db):
    workspace = factories.workspace()
    for _ in range(10):
        judge = factories.member(workspace, Role.MODERATOR)
        campaign = factories.in_review(workspace)
        decisions.approve_campaign(campaign.pk, by=judge, now=timezone.now())
        demoted = []

        def demote(judge=judge, demoted=demoted):
            judge.memberships.update(role=Role.AUTHOR)
            demoted.append(timezone.now())

        race(lambda: due.start_due(now=timezone.now()), demote)
        due.start_due(now=timezone.now())
        campaign.refresh_from_db()
        assert campaign.status in {Status.APPROVED, Status.SENDING}
        if campaign.status == Status.SENDING:
            assert campaign.started_at <= demoted[0]
