import pytest

from accounts.models import Membership, User, Workspace
from accounts.roles import Role
from audit.models import Entry
from tests import factories
from tests.pages import signed_in, text_of


@pytest.fixture
def page(db):
    return signed_in(factories.user(is_superuser=True, is_staff=True))


@pytest.mark.parametrize("model", ["user", "workspace", "membership"])
@pytest.mark.parametrize("role", Role)
def test_people_and_workspaces_are_for_the_super_admin(workspace, model, role):
    staff = factories.member(workspace, role, user=factories.user(is_staff=True))
    assert signed_in(staff).get(f"/admin/accounts/{model}/").status_code == 403


def test_who_is_not_staff_does_not_enter_the_admin(author):
    assert signed_in(author).get("/admin/").url.startswith("/admin/login/")


def test_the_admin_lets_the_staff_in_by_its_own_door(workspace, client):
    staff = factories.member(workspace, Role.MODERATOR, user=factories.user(is_staff=True))
    door = client.get("/admin/", follow=True)
    assert door.status_code == 200
    given = {"username": staff.email, "password": factories.PASSWORD}
    desk = client.post(door.redirect_chain[-1][0], given, follow=True)
    assert desk.redirect_chain == [("/admin/", 302)]
    assert "/admin/moderation/campaigninreview/" in text_of(desk)


def test_a_workspace_and_its_people_are_made_in_the_admin_and_recorded(page):
    shape = {"name": "Acme", "slug": "acme", "time_zone": "Europe/Amsterdam", "country": "NL", "four_eyes": "on"}
    assert page.post("/admin/accounts/workspace/add/", shape).status_code == 302
    person = {"email": "eva@acme.example", "name": "Eva"}
    password = {"password1": factories.PASSWORD, "password2": factories.PASSWORD}
    assert page.post("/admin/accounts/user/add/", person | password).status_code == 302
    workspace, user = Workspace.objects.get(slug="acme"), User.objects.get(email="eva@acme.example")
    assert user.check_password(factories.PASSWORD)
    member = {"workspace": workspace.pk, "user": user.pk, "role": "moderator"}
    assert page.post("/admin/accounts/membership/add/", member).status_code == 302
    actions = Entry.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["workspace.created", "user.created", "membership.created"]
    assert factories.PASSWORD not in str(Entry.objects.values())


def test_switching_four_eyes_off_is_in_the_ledger(page, workspace):
    shape = {"name": workspace.name, "slug": workspace.slug, "time_zone": "UTC", "country": "NL"}
    page.post(f"/admin/accounts/workspace/{workspace.pk}/change/", {**shape, "tokens_may_decide": "on"})
    entry = Entry.objects.of(workspace).get(action="workspace.changed")
    assert (entry.before, entry.after) == ({"four_eyes": True}, {"four_eyes": False})


def test_an_unknown_time_zone_is_refused(page):
    shape = {"name": "Acme", "slug": "acme", "time_zone": "Mars/Olympus"}
    assert "is not a time zone" in text_of(page.post("/admin/accounts/workspace/add/", shape))


def test_leaving_a_workspace_is_in_the_ledger(page, workspace, author):
    membership = Membership.objects.get(user=author)
    page.post(f"/admin/accounts/membership/{membership.pk}/delete/", {"post": "yes"})
    assert not Membership.objects.filter(user=author).exists()
    assert Entry.objects.of(workspace).get(action="membership.removed").before["user"] == author.email


def test_nobody_deletes_a_person_or_a_workspace(page, workspace, author):
    assert page.get(f"/admin/accounts/user/{author.pk}/delete/").status_code == 403
    assert page.get(f"/admin/accounts/workspace/{workspace.pk}/delete/").status_code == 403
