import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts import registry
from accounts.models import Membership, User, Workspace
from accounts.roles import Role
from audit.models import Entry
from audit.refusal import Refused
from tests import factories
from tests.pages import signed_in, text_of


@pytest.fixture
def page(db):
    return signed_in(factories.user(is_superuser=True, is_staff=True))


@pytest.mark.parametrize("model", ["user", "workspace", "membership", "invitation", "joinrequest", "apikey"])
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
    shape = {
        "name": "Acme",
        "slug": "acme",
        "time_zone": "Europe/Amsterdam",
        "country": "NL",
        "four_eyes": "on",
        "approval_days": "14",
    }
    assert page.post("/admin/accounts/workspace/add/", shape).status_code == 302
    person = {"email": "eva@acme.example", "name": "Eva"}
    password = {"password1": factories.PASSWORD, "password2": factories.PASSWORD}
    assert page.post("/admin/accounts/user/add/", person | password).status_code == 302
    workspace, user = Workspace.objects.get(slug="acme"), User.objects.get(email="eva@acme.example")
    assert user.check_password(factories.PASSWORD)
    member = {"workspace": workspace.pk, "user": user.pk, "role": "author"}
    assert page.post("/admin/accounts/membership/add/", member).status_code == 302
    actions = Entry.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["workspace.created", "user.created", "membership.created"]
    assert factories.PASSWORD not in str(Entry.objects.values())


def test_switching_four_eyes_off_is_in_the_ledger(page, workspace):
    shape = {
        "name": workspace.name,
        "slug": workspace.slug,
        "time_zone": "UTC",
        "country": "NL",
        "takes_requests": "on",
        "approval_days": "14",
    }
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
    assert Entry.objects.of(workspace).get(action="membership.removed").before["user"] == author.pk


def test_nobody_deletes_a_person_or_a_workspace(page, workspace, author):
    assert page.get(f"/admin/accounts/user/{author.pk}/delete/").status_code == 403
    assert page.get(f"/admin/accounts/workspace/{workspace.pk}/delete/").status_code == 403


def test_a_role_is_changed_in_the_admin_by_the_verb_of_the_pages(page, workspace, author, admin):
    member, boss = Membership.objects.get(user=author), Membership.objects.get(user=admin)
    page.post(f"/admin/accounts/membership/{member.pk}/change/", {"role": "moderator", "user": admin.pk})
    page.post(f"/admin/accounts/membership/{boss.pk}/change/", {"role": "author"})
    assert Membership.objects.get(pk=member.pk).user == author
    assert Membership.objects.get(pk=member.pk).role == "moderator"
    assert Membership.objects.get(pk=boss.pk).role == "admin"
    assert Entry.objects.of(workspace).filter(action="membership.changed").count() == 1
    page.post("/admin/accounts/membership/", {"action": "delete_selected", "_selected_action": boss.pk, "post": "yes"})
    assert Membership.objects.filter(pk=boss.pk).exists()


def test_nobody_changes_another_super_admin(page):
    other = factories.user(is_superuser=True, is_staff=True)
    assert page.get(f"/admin/accounts/user/{other.pk}/change/").status_code == 200  # to look at
    given = {"email": other.email, "name": "", "is_staff": ""}
    assert page.post(f"/admin/accounts/user/{other.pk}/change/", given).status_code == 403
    assert page.get(f"/admin/accounts/user/{other.pk}/password/").status_code == 403
    with pytest.raises(Refused) as refused:
        registry.save(other, by=factories.user(is_superuser=True), changed=["is_active"], now=timezone.now())
    assert refused.value.code == "super_admin"


def test_nobody_changes_what_they_may_themselves(page):
    me = User.objects.get()
    page.post(f"/admin/accounts/user/{me.pk}/change/", {"email": "me@acme.example", "name": "Me"})
    me.refresh_from_db()
    assert (me.name, me.is_superuser, me.is_staff, me.is_active) == ("Me", True, True, True)
    me.is_superuser = False
    with pytest.raises(Refused) as refused:
        registry.save(me, by=me, changed=["is_superuser"], now=timezone.now())
    assert refused.value.code == "own_membership"


def test_who_is_switched_off_is_out_at_the_next_request_with_every_key(page, workspace, admin):
    browser = signed_in(admin, workspace)
    secrets = [factories.token(workspace, admin), factories.api_key(workspace, by=admin)[1]]
    assert browser.get("/members/").status_code == 200
    given = {"email": admin.email, "name": ""}
    assert page.post(f"/admin/accounts/user/{admin.pk}/change/", given).status_code == 302
    assert browser.get("/members/").url.startswith("/login/")
    assert [factories.bearer(secret).get("/api/v1/lists/").status_code for secret in secrets] == [401, 401]
    page.post(f"/admin/accounts/user/{admin.pk}/change/", {**given, "is_active": "on"})
    assert [factories.bearer(secret).get("/api/v1/lists/").status_code for secret in secrets] == [401, 401]
    assert Entry.objects.of(workspace).filter(action="apikey.revoked").count() == 2


def test_invitations_and_requests_are_looked_at_and_pressed(page, workspace):
    invited, asked = factories.invitation(workspace), factories.join_request(workspace)
    for model, row in (("invitation", invited), ("joinrequest", asked)):
        assert str(row) in text_of(page.get(f"/admin/accounts/{model}/"))
        assert page.get(f"/admin/accounts/{model}/add/").status_code == 403
        assert page.post(f"/admin/accounts/{model}/{row.pk}/change/", {}).status_code == 403
    again = {"action": "send_again", "_selected_action": invited.pk}
    assert "wait a minute" in text_of(page.post("/admin/accounts/invitation/", again, follow=True))
    page.post("/admin/accounts/invitation/", {"action": "revoke", "_selected_action": invited.pk})
    page.post("/admin/accounts/joinrequest/", {"action": "refuse", "_selected_action": asked.pk})
    invited.refresh_from_db()
    asked.refresh_from_db()
    assert (invited.status, asked.status) == ("revoked", "refused")
    assert {"invitation.revoked", "joinrequest.refused"} <= set(Entry.objects.values_list("action", flat=True))
    other = factories.join_request(workspace)
    page.post("/admin/accounts/joinrequest/", {"action": "grant", "_selected_action": other.pk})
    assert Membership.objects.get(user=other.user).role == "author"


def test_a_super_admin_is_made_and_withdrawn_where_there_is_a_shell(workspace, author):
    call_command("super_admin", author.email.upper())
    author.refresh_from_db()
    assert (author.is_superuser, author.is_staff) == (True, True)
    elsewhere = factories.workspace()
    secrets = [factories.token(elsewhere, author), factories.token(workspace, author)]
    call_command("super_admin", author.email, "--withdraw")
    assert [factories.bearer(secret).get("/api/v1/lists/").status_code for secret in secrets] == [401, 200]
    call_command("super_admin", author.email, "--withdraw", "--switch-off")
    author.refresh_from_db()
    assert (author.is_superuser, author.is_active) == (False, False)
    assert factories.bearer(secrets[1]).get("/api/v1/lists/").status_code == 401
    told = Entry.objects.filter(action="user.changed", actor=None, subject_id=author.pk)
    assert told.count() == 3
    for wrong in (["nobody@acme.example"], [author.email, "--switch-off"]):
        with pytest.raises(CommandError):
            call_command("super_admin", *wrong)


def test_somebody_elses_password_is_set_by_the_verb_and_ones_own_with_the_old_one(page, author):
    theirs, me = signed_in(author), User.objects.get(is_superuser=True)
    given = {"password1": "a better horse battery", "password2": "a better horse battery", "usable_password": "true"}
    path = f"/admin/accounts/user/{author.pk}/password/"
    assert page.post(path, {**given, "set-password": "1"}).status_code == 302
    author.refresh_from_db()
    assert author.check_password(given["password1"])
    assert theirs.get("/profile/").status_code == 302
    assert page.post(path, {"usable_password": "false", "unset-password": "1"}).status_code == 302
    author.refresh_from_db()
    assert not author.has_usable_password()
    entries = Entry.objects.filter(action="user.password_set", actor=me, subject_id=str(author.pk)).order_by("seq")
    assert [entry.after for entry in entries] == [{"has_password": True}, {"has_password": False}]
    assert page.post(f"/admin/accounts/user/{me.pk}/password/", given).url == "/profile/password/"
    assert page.get("/admin/").status_code == 200
