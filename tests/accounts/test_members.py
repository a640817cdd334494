"""Who belongs to a workspace, and as what."""

import pytest

from accounts import members
from accounts.models import Membership
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


def test_an_admin_adds_somebody_by_email_in_any_case(page, workspace, admin):
    newcomer = factories.user("newcomer@acme.example")
    sent = page.post("/members/add/", {"email": "Newcomer@Acme.example", "role": "author", "is_moderator": "on"})
    assert sent.url == "/members/"
    made = membership_of(newcomer)
    assert (made.workspace, made.role, made.is_moderator) == (workspace, "author", True)
    entry = Entry.objects.get(action="membership.created", subject_id=made.pk)
    assert (entry.actor, entry.after["role"]) == (admin, "author")


def test_who_decides_is_let_into_the_desk(page, workspace):
    newcomer = factories.user()
    page.post("/members/add/", {"email": newcomer.email, "role": "moderator"})
    newcomer.refresh_from_db()
    assert newcomer.is_staff
    assert Entry.objects.filter(action="user.changed", subject_id=newcomer.pk).exists()
    assert signed_in(newcomer).get("/admin/").status_code == 200


@pytest.mark.parametrize("email", ["nobody@acme.example", "switched-off@acme.example"])
def test_only_somebody_with_an_account_is_added_and_what_was_typed_stays(page, email):
    factories.user("switched-off@acme.example", is_active=False)
    answer = page.post("/members/add/", {"email": email, "role": "moderator"})
    assert answer.status_code == 400
    shown = text_of(answer)
    assert f"Nobody here has the email “{email}”." in shown and f'value="{email}"' in shown


def test_nobody_is_added_twice(page, author):
    answer = page.post("/members/add/", {"email": author.email, "role": "admin"})
    assert "is a member already" in text_of(answer)
    assert membership_of(author).role == Role.AUTHOR


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
    assert token.get("/api/v1/campaigns/").status_code == 403
    assert Entry.objects.filter(action="membership.removed").count() == 1


def test_nobody_changes_their_own_place(workspace, admin):
    factories.membership(workspace, Role.ADMIN)
    own = membership_of(admin)
    for verb in (lambda: members.change(own.pk, role=Role.AUTHOR, by=admin), lambda: members.remove(own.pk, by=admin)):
        with pytest.raises(Refused) as refused:
            verb()
        assert refused.value.code == "own_membership"


def test_nobody_touches_a_super_admin(workspace, admin):
    place = factories.membership(workspace, Role.AUTHOR, user=factories.user(is_superuser=True))
    with pytest.raises(Refused) as refused:
        members.remove(place.pk, by=admin)
    assert refused.value.code == "super_admin"


def test_the_last_admin_stays_whoever_asks(workspace, admin):
    boss = factories.user(is_superuser=True)
    with pytest.raises(Refused) as refused:
        members.change(membership_of(admin).pk, role=Role.AUTHOR, by=boss)
    assert refused.value.code == "last_admin"
    factories.membership(workspace, Role.ADMIN, user=factories.user(is_active=False))  # who cannot sign in is none
    with pytest.raises(Refused):
        members.remove(membership_of(admin).pk, by=boss)
    factories.membership(workspace, Role.ADMIN)
    members.remove(membership_of(admin).pk, by=boss)


@pytest.mark.django_db(transaction=True)
def test_two_admins_cannot_take_each_others_place():
    workspace = factories.workspace()
    one, other = (factories.member(workspace, Role.ADMIN) for _ in range(2))
    places = {user: membership_of(user).pk for user in (one, other)}
    race(
        lambda: members.change(places[other], role=Role.AUTHOR, by=one),
        lambda: members.change(places[one], role=Role.AUTHOR, by=other),
    )
    assert Membership.objects.of(workspace).filter(role=Role.ADMIN).count() == 1


@pytest.mark.parametrize("role", [Role.AUTHOR, Role.MODERATOR])
def test_others_look_and_change_nothing(workspace, author, admin, role):
    somebody = signed_in(factories.member(workspace, role), workspace)
    shown = text_of(somebody.get("/members/"))
    assert author.email in shown and "Last sign-in" not in shown and "Add somebody" not in shown
    place = membership_of(author).pk
    answers = [
        somebody.post("/members/add/", {"email": "a@b.example", "role": "author"}),
        somebody.get(f"/members/{place}/"),
        somebody.post(f"/members/{place}/", {"role": "admin"}),
        somebody.post(f"/members/{place}/remove/"),
    ]
    assert [answer.status_code for answer in answers] == [403] * 4


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
    with django_assert_max_num_queries(9):
        assert page.get("/members/").status_code == 200
