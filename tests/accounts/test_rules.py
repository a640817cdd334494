"""What an approval needs: an admin says so on a page and the ledger says who did; self-review is seen where it was."""

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import rules
from accounts.roles import Role
from audit.models import Entry
from audit.refusal import Refused
from moderation import decisions
from moderation.models import Decision
from tests import factories
from tests.moderation.test_guards import decision
from tests.pages import signed_in, text_of


@pytest.fixture
def page(workspace, admin):
    return signed_in(admin, workspace)


def form(**fields):
    return {"four_eyes": "on", "second_approver_above": "", "approval_days": "14", "tokens_may_decide": "on", **fields}


def test_an_admin_sets_the_rules_and_the_ledger_has_what_changed(page, workspace, admin):
    workspace.tokens_may_decide = False
    workspace.save()
    assert (
        page.post("/members/rules/", form(second_approver_above="100000", approval_days="7")).url == "/members/rules/"
    )
    workspace.refresh_from_db()
    assert (workspace.second_approver_above, workspace.approval_days) == (100_000, 7)
    entry = Entry.objects.of(workspace).get(action="workspace.ruled")
    assert (entry.actor_id, entry.before) == (
        admin.pk,
        {"second_approver_above": None, "approval_days": 14, "tokens_may_decide": False},
    )
    assert entry.after == {"second_approver_above": 100_000, "approval_days": 7, "tokens_may_decide": True}
    shown = text_of(page.get("/members/rules/"))
    assert "Above 100,000 recipients" in shown
    assert "A moderator’s token may approve here." in shown


def test_the_same_rules_once_more_are_no_entry(page, workspace):
    page.post("/members/rules/", form())
    assert not Entry.objects.of(workspace).filter(action="workspace.ruled").exists()


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"approval_days": "0"}, "greater than or equal to 1"),
        ({"approval_days": "366"}, "less than or equal to 365"),
        ({"approval_days": "soon"}, "Enter a whole number."),
        ({"second_approver_above": "-1"}, "greater than or equal to 0"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_changes(page, workspace, fields, text):
    answer = page.post("/members/rules/", form(**fields))
    assert answer.status_code == 400
    assert text in text_of(answer)
    workspace.refresh_from_db()
    assert (workspace.approval_days, workspace.second_approver_above) == (14, None)


@pytest.mark.parametrize("role", [Role.AUTHOR, Role.MODERATOR])
def test_whoever_does_not_manage_looks_and_changes_nothing(workspace, role):
    member = factories.member(workspace, role)
    page = signed_in(member, workspace)
    assert 'name="approval_days"' not in text_of(page.get("/members/rules/"))
    assert page.post("/members/rules/", form(four_eyes="")).status_code == 403
    wanted = {name: getattr(workspace, name) for name in rules.RULES}
    with pytest.raises(Refused):
        rules.rule(workspace.pk, **{**wanted, "four_eyes": False}, by=member)
    workspace.refresh_from_db()
    assert workspace.four_eyes


@pytest.mark.parametrize("wrong", [{"approval_days": 0}, {"approval_days": 366}, {"second_approver_above": -1}])
def test_the_verb_refuses_what_the_form_would(workspace, admin, wrong):
    wanted = {name: getattr(workspace, name) for name in rules.RULES}
    with pytest.raises(Refused) as refused:
        rules.rule(workspace.pk, **{**wanted, **wrong}, by=admin)
    assert [refused.value.field] == list(wrong)


def test_a_program_of_an_admin_changes_what_it_names_and_any_reads_it(workspace, as_admin, api):
    address = "/api/v1/rules/"
    asked = api.get(address).json()
    assert asked == {name: getattr(workspace, name) for name in rules.RULES}
    answer = as_admin.patch(address, {"second_approver_above": 5000, "approval_days": None})
    assert answer.json() == api.get(address).json() == {**asked, "second_approver_above": 5000, "approval_days": None}
    entry = Entry.objects.of(workspace).get(action="workspace.ruled")
    assert (entry.before, entry.after) == (
        {"second_approver_above": None, "approval_days": 14},
        {"second_approver_above": 5000, "approval_days": None},
    )
    assert as_admin.patch(address, {}).json() == answer.json()
    for wrong in ({"approval_days": 0}, {"second_approver_above": -1}, {"four_eyes": None}, {"takes_requests": False}):
        assert as_admin.patch(address, wrong).status_code == 400
    assert api.patch(address, {"four_eyes": False}).status_code == 403
    assert Entry.objects.of(workspace).filter(action="workspace.ruled").count() == 1


def test_tokens_do_not_decide_in_a_new_workspace():
    assert factories.Workspace().tokens_may_decide is False
    assert factories.Workspace().four_eyes is True


def test_a_self_review_is_allowed_by_the_workspace_and_seen_on_the_page_the_desk_and_the_api(workspace, page, admin):
    page.post("/members/rules/", form(four_eyes=""))
    admin.is_staff = True
    admin.save()
    own = factories.in_review(workspace, by=admin)
    desk = f"/admin/moderation/campaigninreview/{own.pk}/change/"
    assert "You may judge it here, and the decision says so." in text_of(page.get(desk))
    decisions.approve_campaign(own.pk, by=admin, now=timezone.now())
    assert Decision.objects.get().is_self_review
    assert Entry.objects.about(own).get(action="campaign.approved").after["is_self_review"] is True
    said = "Self-review: whoever wrote it decided"
    assert said in text_of(page.get(f"/campaigns/{own.pk}/decisions/"))
    assert said in text_of(page.get(desk))
    assert "elf-review" in text_of(page.get("/admin/moderation/decision/"))
    lines = b"".join(page.get("/admin/moderation/decision/export/").streaming_content).decode().splitlines()
    assert lines[0].endswith("four_eyes,self_review,second_approver")
    assert lines[1].endswith("False,True,False")
    client = factories.bearer(factories.token(workspace, admin))
    (shown,) = client.get(f"/api/v1/campaigns/{own.pk}/decisions/").json()["results"]
    assert (shown["four_eyes"], shown["is_self_review"]) == (False, True)


def test_a_decision_of_somebody_else_is_none_though_it_was_allowed(workspace, moderator):
    workspace.four_eyes = False
    workspace.save()
    campaign = factories.in_review(workspace)
    decisions.approve_campaign(campaign.pk, by=moderator, now=timezone.now())
    assert not Decision.objects.get().is_self_review
    page = signed_in(moderator, workspace)
    assert "Self-review was allowed; somebody else decided" in text_of(page.get(f"/campaigns/{campaign.pk}/decisions/"))


def test_sql_does_not_hide_a_self_review(workspace, admin):
    workspace.four_eyes = False
    workspace.save()
    campaign = factories.in_review(workspace, by=admin)
    made = decision(campaign, admin, four_eyes=False, is_self_review=False)
    made.refresh_from_db()
    assert made.is_self_review


def test_an_approval_stands_for_a_day_at_least(workspace):
    workspace.approval_days = 0
    with pytest.raises(IntegrityError, match="workspace_approval_lasts_a_day"), transaction.atomic():
        workspace.save()
