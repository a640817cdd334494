"""Who belongs to a workspace, and as what."""

import pytest
from django.utils import timezone

from accounts import keys, members
from accounts.models import ApiKey, Membership
from accounts.roles import Role
from audit.models import Entry
from audit.refusal import Refused
from tests import factories
from tests.pages import signed_in, text_of
from tests.racing import race


@pytest.fixture
def page(workspace, admin):
    return signed_in(admin, workspace)


def membership_of(user):
    return Membership.objects.get(user=user)


def test_a_super_admin_adds_somebody_without_asking_and_nobody_else_does(workspace, admin):
    newcomer, boss = factories.user(), factories.user(is_superuser=True)
    with pytest.raises(Refused) as refused:
        members.add(workspace.pk, user=newcomer, role=Role.AUTHOR, by=admin)
    assert refused.value.code == "not_a_super_admin"
    made = members.add(workspace.pk, user=newcomer, role=Role.AUTHOR, is_moderator=True, by=boss)
    assert (made.workspace, made.role, made.is_moderator) == (workspace, "author", True)
    entry = Entry.objects.get(action="membership.created", subject_id=made.pk)
    assert (entry.actor, entry.after["role"]) == (boss, "author")


@pytest.mark.parametrize(("fields", "code"), [({"is_active": False}, "switched_off"), ({}, "already_member")])
def test_who_is_switched_off_or_there_already_is_not_added(workspace, fields, code):
    boss, person = factories.user(is_superuser=True), factories.user(**fields)
    if not fields:
        factories.membership(workspace, user=person)
    with pytest.raises(Refused) as refused:
        members.add(workspace.pk, user=person, role=Role.AUTHOR, by=boss)
    assert refused.value.code == code


def test_who_decides_is_let_into_the_desk(page, author):
    page.post(f"/members/{membership_of(author).pk}/", {"role": "moderator"})
    author.refresh_from_db()
    assert author.is_staff
    assert Entry.objects.filter(action="user.changed", subject_id=author.pk).exists()
    assert signed_in(author).get("/admin/").status_code == 200


def test_a_role_that_is_none_is_refused(page, author, workspace, admin):
    answer = page.post(f"/members/{membership_of(author).pk}/", {"role": "owner"})
    assert answer.status_code == 400 and "owner is not one of the available choices" in text_of(answer)
    with pytest.raises(Refused) as refused:
        members.change(membership_of(author).pk, role="owner", by=admin, now=timezone.now())
    assert refused.value.code == "unknown_role"


def test_a_role_is_changed_and_the_ledger_says_from_what(page, author, admin):
    answer = page.post(f"/members/{membership_of(author).pk}/", {"role": "moderator", "is_moderator": "on"})
    assert answer.url == "/members/"
    changed = membership_of(author)
    assert (changed.role, changed.is_moderator) == ("moderator", False)  # the flag is an author's
    entry = Entry.objects.get(action="membership.changed")
    assert (entry.before["role"], entry.after["role"], entry.actor) == ("author", "moderator", admin)


def test_a_change_that_changes_nothing_leaves_no_entry(page, author):
    page.post(f"/members/{membership_of(author).pk}/", {"role": "author"})
    assert not Entry.objects.filter(action="membership.changed").exists()


def test_a_removed_member_sees_nothing_any_more_and_neither_does_their_token(page, workspace, author):
    token = factories.bearer(factories.token(workspace, author))
    assert token.get("/api/v1/campaigns/").status_code == 200
    assert page.post(f"/members/{membership_of(author).pk}/remove/").url == "/members/"
    assert signed_in(author).get("/").status_code == 404
    assert token.get("/api/v1/campaigns/").status_code == 401
    assert Entry.objects.filter(action="membership.removed").count() == 1


def test_nobody_changes_their_own_place(workspace, admin):
    factories.membership(workspace, Role.ADMIN)
    own = membership_of(admin)
    for verb in (
        lambda: members.change(own.pk, role=Role.AUTHOR, by=admin, now=timezone.now()),
        lambda: members.remove(own.pk, by=admin, now=timezone.now()),
    ):
        with pytest.raises(Refused) as refused:
            verb()
        assert refused.value.code == "own_membership"


def test_nobody_touches_a_super_admin(workspace, admin):
    place = factories.membership(workspace, Role.AUTHOR, user=factories.user(is_superuser=True))
    with pytest.raises(Refused) as refused:
        members.remove(place.pk, by=admin, now=timezone.now())
    assert refused.value.code == "super_admin"


def test_the_last_admin_stays_whoever_asks(workspace, admin):
    boss = factories.user(is_superuser=True)
    with pytest.raises(Refused) as refused:
        members.change(membership_of(admin).pk, role=Role.AUTHOR, by=boss, now=timezone.now())
    assert refused.value.code == "last_admin"
    factories.membership(workspace, Role.ADMIN, user=factories.user(is_active=False))  # who cannot sign in is none
    with pytest.raises(Refused):
        members.remove(membership_of(admin).pk, by=boss, now=timezone.now())
    factories.membership(workspace, Role.ADMIN)
    members.remove(membership_of(admin).pk, by=boss, now=timezone.now())


def test_whoever_wants_to_leave_leaves_but_the_last_admin(page, workspace, author, admin):
    assert signed_in(author, workspace).post("/members/leave/").url == "/profile/"
    assert not Membership.objects.filter(user=author).exists()
    assert Entry.objects.of(workspace).get(action="membership.left").actor == author
    page.post("/members/leave/")
    assert membership_of(admin).role == Role.ADMIN
    assert "needs an admin" in text_of(page.get("/members/"))


def test_who_is_no_member_has_nothing_to_leave(workspace):
    with pytest.raises(Refused) as refused:
        members.leave(workspace.pk, by=factories.user(), now=timezone.now())
    assert refused.value.code == "not_a_member"


@pytest.mark.django_db(transaction=True)
def test_two_admins_cannot_both_leave():
    workspace = factories.workspace()
    one, other = (factories.member(workspace, Role.ADMIN) for _ in range(2))
    results = race(*[lambda by=by: members.leave(workspace.pk, by=by, now=timezone.now()) for by in (one, other)])
    assert sorted(type(result).__name__ for result in results) == ["NoneType", "Refused"]
    assert Membership.objects.of(workspace).admins().count() == 1


# --- What takes effect at once ----------------------------------------------------------------------------------------


def test_another_role_holds_from_the_next_request_on(page, workspace, author):
    token, browser = factories.bearer(factories.token(workspace, author)), signed_in(author, workspace)
    assert token.post("/api/v1/campaigns/", {}).status_code == 400
    assert browser.get("/campaigns/new/").status_code == 200
    page.post(f"/members/{membership_of(author).pk}/", {"role": "moderator"})
    assert token.post("/api/v1/campaigns/", {}).status_code == 403
    assert token.get("/api/v1/campaigns/").status_code == 200
    assert browser.get("/campaigns/new/").status_code == 403


@pytest.mark.parametrize("verb", ["demoted", "removed", "left"])
def test_an_admin_who_is_none_any_more_leaves_no_key_of_the_workspace_behind(workspace, admin, verb):
    other = factories.member(workspace, Role.ADMIN)
    key, secret = factories.api_key(workspace, by=other)
    kept = factories.api_key(workspace, by=admin)[0]
    elsewhere = factories.api_key(factories.workspace())[0]
    place = membership_of(other).pk
    {
        "demoted": lambda: members.change(place, role=Role.AUTHOR, by=admin, now=timezone.now()),
        "removed": lambda: members.remove(place, by=admin, now=timezone.now()),
        "left": lambda: members.leave(workspace.pk, by=other, now=timezone.now()),
    }[verb]()
    assert factories.bearer(secret).get("/api/v1/campaigns/").status_code == 401
    assert Entry.objects.of(workspace).get(action="apikey.revoked").subject_id == str(key.pk)
    assert set(ApiKey.objects.usable(timezone.now()).values_list("pk", flat=True)) == {kept.pk, elsewhere.pk}


def test_who_comes_back_finds_no_token_alive(workspace, admin, author):
    secret = factories.token(workspace, author)
    members.remove(membership_of(author).pk, by=admin, now=timezone.now())
    factories.membership(workspace, user=author)
    assert keys.find(secret, now=timezone.now()) is None


@pytest.mark.django_db(transaction=True)
def test_two_admins_cannot_take_each_others_place():
    workspace = factories.workspace()
    one, other = (factories.member(workspace, Role.ADMIN) for _ in range(2))
    places = {user: membership_of(user).pk for user in (one, other)}
    race(
        lambda: members.change(places[other], role=Role.AUTHOR, by=one, now=timezone.now()),
        lambda: members.change(places[one], role=Role.AUTHOR, by=other, now=timezone.now()),
    )
    assert Membership.objects.of(workspace).filter(role=Role.ADMIN).count() == 1


@pytest.mark.parametrize("role", [Role.AUTHOR, Role.MODERATOR])
def test_others_look_and_change_nothing(workspace, author, admin, role):
    somebody = signed_in(factories.member(workspace, role), workspace)
    shown = text_of(somebody.get("/members/"))
    assert author.email in shown and "Last sign-in" not in shown and "Invite somebody" not in shown
    place = membership_of(author).pk
    answers = [
        somebody.post("/members/invite/", {"email": "a@b.example", "role": "author"}),
        somebody.post("/members/requests/taking/", {}),
        somebody.get(f"/members/{place}/"),
        somebody.post(f"/members/{place}/", {"role": "admin"}),
        somebody.post(f"/members/{place}/remove/"),
    ]
    assert [answer.status_code for answer in answers] == [403] * 5


def test_a_strangers_member_does_not_exist(page):
    foreign = factories.membership(factories.workspace())
    answers = [page.get(f"/members/{foreign.pk}/"), page.post(f"/members/{foreign.pk}/remove/")]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert foreign.user.email not in text_of(page.get("/members/"))


def test_members_are_found_by_name_and_by_email(page, workspace):
    factories.membership(workspace, user=factories.user("x@acme.example", name="Zuzana Dvořáková"))
    shown = text_of(page.get("/members/?q=dvoř"))
    assert "x@acme.example" in shown
    assert "Nobody fits" in text_of(page.get("/members/?q=nobody-like-this"))


def test_the_page_costs_the_same_few_queries_for_many(page, workspace, django_assert_max_num_queries):
    for _ in range(12):
        factories.membership(workspace)
    with django_assert_max_num_queries(11):
        assert page.get("/members/").status_code == 200
