"""The Master view, in which a super admin looks at every workspace and changes none; and the Archive."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Membership, Workspace
from accounts.roles import Role
from audit.models import Entry
from campaigns import transitions
from campaigns.models import Campaign
from tests import factories
from tests.pages import signed_in, text_of


@pytest.fixture
def boss(db):
    return factories.user(is_superuser=True, is_staff=True)


@pytest.fixture
def page(boss):
    return signed_in(boss)


def archived(workspace, **given):
    made = factories.draft(workspace, **given)
    return transitions.archive(made.pk, by=made.created_by, now=timezone.now())


def test_every_workspace_is_there_with_what_goes_on_in_it(page):
    one, other = factories.workspace("One"), factories.workspace("Other")
    factories.in_review(one)
    factories.sending(one)
    factories.draft(other)
    shown = text_of(page.get("/master/"))
    assert "One" in shown and "Other" in shown
    place = shown[shown.index("One<br><small") : shown.index("Other<br><small")]
    assert [f">{n}<" in place for n in (2, 1)] == [True, True]
    assert "Other<br><small" not in text_of(page.get("/master/?q=one"))
    assert "None found" in text_of(page.get("/master/?q=nowhere"))


def test_the_page_costs_the_same_few_queries_for_many(page, django_assert_max_num_queries):
    for _ in range(8):
        factories.draft(factories.workspace())
    for url, most in (("/master/", 8), ("/master/campaigns/", 11), ("/archive/", 9)):
        with django_assert_max_num_queries(most):
            assert page.get(url).status_code == 200


def test_campaigns_of_all_workspaces_stand_in_one_list_and_are_narrowed(page):
    made = [factories.draft(factories.workspace(name), name=f"Sale of {name}") for name in ("One", "Other")]
    away = archived(factories.workspace("Third"), name="Put away")
    shown = text_of(page.get("/master/campaigns/"))
    assert all(campaign.name in shown for campaign in made) and away.name not in shown
    only = text_of(page.get("/master/campaigns/", {"workspace": made[0].workspace_id}))
    assert made[0].name in only and made[1].name not in only
    assert away.name in text_of(page.get("/master/campaigns/?archived=on"))
    assert "None found" in text_of(page.get("/master/campaigns/?status=done"))
    assert page.get("/master/campaigns/?status=nonsense&workspace=999999&page=x").status_code == 200


@pytest.mark.parametrize("role", Role)
def test_nobody_but_a_super_admin_knows_of_it(workspace, role):
    member = signed_in(factories.member(workspace, role), workspace)
    assert [member.get(url).status_code for url in ("/master/", "/master/campaigns/")] == [404, 404]
    assert member.post(f"/workspaces/{workspace.pk}/look/").status_code == 404
    assert "Master view" not in text_of(member.get("/"))


def test_whoever_looks_sees_the_pages_of_the_workspace_without_their_buttons(page, workspace):
    campaign = factories.draft(workspace)
    looked = page.post(f"/workspaces/{workspace.pk}/look/", {"next": f"/campaigns/{campaign.pk}/"})
    assert looked.url == f"/campaigns/{campaign.pk}/"
    shown = text_of(page.get(looked.url))
    assert campaign.name in shown and "You are only looking" in shown
    assert "Submit for review" not in shown and "New campaign" not in text_of(page.get("/campaigns/"))
    assert page.get("/campaigns/new/").status_code == 403


def test_any_write_through_it_is_refused_on_pages_desk_and_api(page, workspace):
    campaign, asked = factories.in_review(workspace), factories.join_request(workspace)
    member = factories.membership(workspace)
    away = archived(workspace)
    page.post(f"/workspaces/{workspace.pk}/look/")
    entries = Entry.objects.count()
    in_page = {"HTTP_X_WORKSPACE": str(workspace.pk)}
    answers = [
        page.post(f"/campaigns/{campaign.pk}/withdraw/"),
        page.post(f"/campaigns/{campaign.pk}/exports/", {"format": "csv"}),
        page.post(f"/archive/{away.pk}/restore/"),
        page.post(f"/members/{member.pk}/remove/"),
        page.post("/members/invite/", {"email": "a@b.example", "role": "admin"}),
        page.post(f"/members/requests/{asked.pk}/grant/", {"role": "admin"}),
        page.post("/profile/", {"name": "Other"}),
        page.post(f"/admin/accounts/workspace/{workspace.pk}/change/", {"name": "Other"}),
        page.post(f"/admin/moderation/campaigninreview/{campaign.pk}/approve/"),
        page.post("/api/v1/uploads/", **in_page),
        page.put(f"/api/v1/lists/{campaign.list_id}/file/", **in_page),
        page.delete(f"/api/v1/lists/{campaign.list_id}/", **in_page),
    ]
    assert [answer.status_code for answer in answers] == [403] * len(answers)
    assert "only looking" in text_of(answers[0]) and answers[-1].json()["error"]["code"] == "permission_denied"
    assert Entry.objects.exclude(action="access.denied").count() == entries


def test_a_search_by_number_writes_nothing_and_is_open(page, workspace):
    campaign = factories.done(workspace)
    page.post(f"/workspaces/{workspace.pk}/look/")
    assert page.post(f"/campaigns/{campaign.pk}/recipients/", {"to": "+31600000001"}).status_code == 200
    assert page.post("/preferences/", {"theme": "dark"}).status_code == 302


def test_who_goes_in_to_work_may_again_what_a_super_admin_may(page, workspace):
    page.post(f"/workspaces/{workspace.pk}/look/")
    assert page.post(f"/workspaces/{workspace.pk}/enter/", {"next": "/members/"}).url == "/members/"
    assert "only looking" not in text_of(page.get("/members/"))
    page.post("/members/requests/taking/", {})
    workspace.refresh_from_db()
    assert not workspace.takes_requests


def test_signing_out_is_no_write(page, workspace):
    page.post(f"/workspaces/{workspace.pk}/look/")
    assert page.post("/logout/").status_code == 302


def test_who_is_no_super_admin_any_more_looks_no_longer(page, boss, workspace):
    factories.membership(workspace, Role.ADMIN, user=boss)
    page.post(f"/workspaces/{workspace.pk}/look/")
    boss.is_superuser = False
    boss.save()
    assert page.get("/master/").status_code == 404
    assert "only looking" not in text_of(page.get("/members/"))


def test_nobody_is_sent_to_another_site(page, workspace):
    for verb in ("look", "enter"):
        assert page.post(f"/workspaces/{workspace.pk}/{verb}/", {"next": "https://evil.example/"}).url == "/"


# --- The Archive ------------------------------------------------------------------------------------------------------


def test_the_archive_holds_what_is_put_away_in_all_workspaces_of_a_person_and_nobody_elses(workspace, author):
    second, foreign = factories.workspace("Second"), factories.workspace("Foreign")
    factories.membership(second, Role.AUTHOR, user=author)
    ours, others = archived(workspace, name="Ours"), archived(second, name="Theirs")
    archived(foreign, name="Strangers")
    live = factories.draft(workspace, name="Alive")
    shown = text_of(signed_in(author, workspace).get("/archive/"))
    assert ours.name in shown and others.name in shown
    assert "Strangers" not in shown and live.name not in shown
    found = text_of(signed_in(author, workspace).get("/archive/?q=theirs"))
    assert "Theirs" in found and ">Ours<" not in found


def test_a_campaign_of_another_workspace_of_mine_comes_back_and_the_ledger_has_the_role_there(workspace, author):
    second = factories.workspace()
    Membership.objects.create(workspace=second, user=author, role=Role.ADMIN)
    away = archived(second)
    assert signed_in(author, workspace).post(f"/archive/{away.pk}/restore/").url == "/archive/"
    away.refresh_from_db()
    assert away.archived_at is None
    entry = Entry.objects.of(second).get(action="campaign.restored")
    assert (entry.actor, entry.role) == (author, "admin")


def test_who_only_judges_has_no_archive_and_restores_nothing(workspace, author):
    moderator = factories.member(workspace, Role.MODERATOR)
    away = archived(workspace)
    browser = signed_in(moderator, workspace)
    assert browser.get("/archive/").status_code == 403
    assert browser.post(f"/archive/{away.pk}/restore/").status_code == 403
    factories.membership(factories.workspace(), Role.AUTHOR, user=moderator)
    shown = text_of(browser.get("/archive/"))
    assert away.name in shown and f"/archive/{away.pk}/restore/" not in shown


def test_what_a_stranger_put_away_and_what_is_not_put_away_do_not_exist(author, workspace):
    foreign, live = archived(factories.workspace()), factories.draft(workspace)
    browser = signed_in(author, workspace)
    pks = (foreign.pk, live.pk, 10**12)
    assert [browser.post(f"/archive/{pk}/restore/").status_code for pk in pks] == [404] * 3
    assert Campaign.objects.get(pk=foreign.pk).archived_at


def test_a_super_admin_finds_what_everybody_put_away(page):
    away = archived(factories.workspace())
    assert away.name in text_of(page.get("/archive/"))
    assert Workspace.objects.count() == 1


def test_the_newest_comes_first(author, workspace):
    older, newer = archived(workspace, name="Older"), archived(workspace, name="Newer")
    Campaign.objects.filter(pk=older.pk).update(archived_at=newer.archived_at - timedelta(days=1))
    shown = text_of(signed_in(author, workspace).get("/archive/"))
    assert shown.index("Newer") < shown.index("Older")
