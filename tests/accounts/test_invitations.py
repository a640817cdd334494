"""Somebody is invited by email, and accepts."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts import invitations, members
from accounts.models import Invitation, Membership, User
from accounts.roles import Role
from audit.models import Entry
from audit.refusal import Refused
from notices import reading, telling
from notices.models import Notice
from tests import factories
from tests.pages import signed_in, text_of
from tests.racing import race

GUEST = "guest@elsewhere.example"


@pytest.fixture
def page(workspace, admin):
    return signed_in(admin, workspace)


def letters():
    """What leaves for notices that have not left yet."""
    del mail.outbox[:]
    reading.look(now=timezone.now())
    for notice in Notice.objects.filter(sent_at=None).order_by("pk"):
        telling.tell(notice.pk, now=timezone.now())
    return list(mail.outbox)


def link():
    """The path of the link in the letter to the guest."""
    (letter,) = [letter for letter in letters() if letter.to == [GUEST]]
    return re.search(r"http://[^/]+(/invitation/[0-9a-f]{64}/)", letter.body)[1]


def invited(page, **fields):
    answer = page.post("/members/invite/", {"email": GUEST, "role": "author", **fields})
    assert answer.url == "/members/"
    return Invitation.objects.get(email=GUEST)


def opened(path, client=None):
    client = client or Client()
    assert client.get(path).url == "/invitation/"
    return client


def test_somebody_new_comes_by_the_link_sets_a_password_and_signs_in(page, workspace, admin):
    made = invited(page, is_moderator="on")
    guest = opened(link())
    shown = text_of(guest.get("/invitation/"))
    assert workspace.name in shown and GUEST in shown and admin.email in shown
    answer = guest.post(
        "/invitation/", {"name": "Guest", "password1": factories.PASSWORD, "password2": factories.PASSWORD}
    )
    assert "Your account is made" in text_of(answer)
    assert "_auth_user_id" not in guest.session  # signing in is its own door, with all that it asks for
    user = User.objects.get(email=GUEST)
    place = Membership.objects.get(user=user)
    assert (user.name, user.is_superuser, place.workspace, place.role) == ("Guest", False, workspace, "author")
    assert place.is_moderator and user.is_staff
    made.refresh_from_db()
    assert (made.status, made.accepted_by) == ("accepted", user)
    assert guest.post("/login/", {"username": GUEST, "password": factories.PASSWORD}).url == "/"
    actions = set(Entry.objects.of(workspace).values_list("action", flat=True))
    assert {"invitation.created", "invitation.accepted", "membership.created"} <= actions
    assert Entry.objects.get(action="membership.created", subject_id=place.pk).after["granted_by"] == admin.pk


def test_somebody_with_the_account_of_this_address_accepts_signed_in(page, workspace):
    user = factories.user(GUEST)
    invited(page, role="moderator")
    path = link()
    stranger = opened(path)
    assert "sign in with it" in text_of(stranger.get("/invitation/"))
    stranger.post("/login/", {"username": GUEST, "password": factories.PASSWORD})
    assert "Accept" in text_of(stranger.get("/invitation/"))  # signing in did not lose the link
    assert stranger.post("/invitation/").url == "/"
    assert Membership.objects.get(user=user).role == "moderator"
    assert workspace.name in text_of(stranger.get("/"))


def test_who_is_somebody_else_does_not_accept(page, workspace, author):
    invited(page)
    path = link()
    somebody = opened(path, signed_in(factories.user()))
    assert "Sign out, and open the link" in text_of(somebody.get("/invitation/"))
    somebody.post("/invitation/")
    assert Membership.objects.of(workspace).count() == 2
    with pytest.raises(Refused) as refused:
        invitations.accept(path.split("/")[2], by=author, now=timezone.now())
    assert refused.value.code == "somebody_else"


def test_the_token_is_kept_as_a_digest_only_and_is_in_no_address_after_the_first(page):
    made = invited(page)
    path = link()
    token = path.split("/")[2]
    assert token not in str(Invitation.objects.values()) + str(Entry.objects.values()) + str(Notice.objects.values())
    assert made.digest != token and invitations.find(token) == made
    client = opened(path)
    assert token not in client.get("/invitation/").content.decode()
    assert client.get(path)["Cache-Control"].count("no-store") == 1


def test_a_weak_password_is_refused_beside_its_field_and_makes_nothing(page):
    invited(page)
    guest = opened(link())
    answer = guest.post("/invitation/", {"name": "G", "password1": "short", "password2": "short"})
    assert answer.status_code == 400 and "too short" in text_of(answer)
    answer = guest.post("/invitation/", {"name": "G", "password1": GUEST, "password2": GUEST})
    assert answer.status_code == 400 and "too similar" in text_of(answer)
    assert not User.objects.filter(email=GUEST).exists()


def test_an_unknown_link_opens_nothing(client, db):
    client.get(f"/invitation/{'0' * 64}/")
    assert client.get("/invitation/").status_code == 404
    assert Client().get("/invitation/").status_code == 404


def test_a_link_opens_the_door_once(page, workspace):
    invited(page)
    path = link()
    given = {"name": "", "password1": factories.PASSWORD, "password2": factories.PASSWORD}
    opened(path).post("/invitation/", given)
    again = opened(path)
    answer = again.post("/invitation/", given)
    assert answer.status_code == 410 and "accepted already" in text_of(answer)
    assert Membership.objects.of(workspace).filter(user__email=GUEST).count() == 1


def test_a_revoked_link_opens_nothing(page, workspace):
    made = invited(page)
    path = link()
    page.post(f"/members/invitations/{made.pk}/revoke/")
    assert opened(path).get("/invitation/").status_code == 410
    assert "Open invitations" not in text_of(page.get("/members/"))
    assert Entry.objects.of(workspace).filter(action="invitation.revoked").exists()


def test_a_revoked_invitation_is_not_mailed_any_more(page):
    made = invited(page)
    page.post(f"/members/invitations/{made.pk}/revoke/")
    assert letters() == []


def test_a_link_is_good_for_its_days(page, settings):
    invited(page)
    path = link()
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    answer = opened(path).get("/invitation/")
    assert answer.status_code == 410 and "out of date" in text_of(answer)
    assert "Out of date" in text_of(page.get("/members/"))


def test_sent_again_it_has_a_new_link_and_new_days_and_the_old_one_is_dead(page, workspace):
    made = invited(page)
    old = link()
    page.post(f"/members/invitations/{made.pk}/resend/")  # too soon
    assert letters() == []
    Invitation.objects.update(sent_at=timezone.now() - timedelta(minutes=2), expires_at=timezone.now())
    page.post(f"/members/invitations/{made.pk}/resend/")
    new = link()
    assert new != old
    assert opened(old).get("/invitation/").status_code == 404
    assert opened(new).get("/invitation/").status_code == 200
    assert Entry.objects.of(workspace).filter(action="invitation.resent").count() == 1


def test_two_letters_that_wait_are_one_with_the_newest_link(page):
    made = invited(page)
    Invitation.objects.update(sent_at=timezone.now() - timedelta(minutes=2))
    page.post(f"/members/invitations/{made.pk}/resend/")
    assert len(letters()) == 1


def test_the_letter_is_in_the_language_of_whoever_invites_and_in_the_guests_own_where_it_is_known(
    page, admin, workspace
):
    admin.language = "ru"
    admin.save()
    invited(page)
    (letter,) = letters()
    assert re.search("[а-я]", letter.subject)
    factories.user("known@acme.example", language="en", wants_mail=False)
    factories.invitation(workspace, "known@acme.example", by=admin)
    (letter,) = letters()
    assert letter.subject == f"You are invited into {workspace.name}"


def test_an_invitation_by_somebody_who_may_not_invite_any_more_opens_nothing(page, workspace, admin):
    invited(page)
    path = link()
    factories.membership(workspace, Role.ADMIN)
    boss = factories.user(is_superuser=True)
    members.change(Membership.objects.get(user=admin).pk, role=Role.AUTHOR, by=boss, now=timezone.now())
    answer = opened(path).get("/invitation/")
    assert answer.status_code == 410 and "may not do so any more" in text_of(answer)


@pytest.mark.parametrize(
    ("email", "said"),
    [
        ("member", "is a member already"),
        ("invited", "is invited already"),
        ("me", "is a member already"),
        ("x@", "valid"),
    ],
)
def test_what_cannot_be_invited_is_said_beside_the_field_and_what_was_typed_stays(page, workspace, admin, email, said):
    emails = {
        "member": factories.member(workspace).email.upper(),
        "invited": factories.invitation(workspace).email.title(),
        "me": admin.email,
    }
    before = Invitation.objects.count()
    answer = page.post("/members/invite/", {"email": emails.get(email, email), "role": "author"})
    assert answer.status_code == 400 and said in text_of(answer)
    assert f'value="{emails.get(email, email)}"' in text_of(answer)
    assert Invitation.objects.count() == before


def test_inviting_says_nothing_of_who_has_an_account_here(page):
    factories.user("known@acme.example")
    answers = [
        text_of(page.post("/members/invite/", {"email": email, "role": "author"}, follow=True)).count("gets an email")
        for email in ("known@acme.example", "unknown@acme.example")
    ]
    assert answers == [1, 1]


def test_a_super_admin_does_not_invite_themselves(workspace):
    boss = factories.user("boss@acme.example", is_superuser=True)
    with pytest.raises(Refused) as refused:
        factories.invitation(workspace, "Boss@acme.example", by=boss)
    assert refused.value.code == "own_membership"


def test_there_is_an_end_to_open_invitations(workspace, admin, monkeypatch):
    monkeypatch.setattr(invitations, "MOST_PENDING", 2)
    made = [factories.invitation(workspace, by=admin) for _ in range(2)]
    with pytest.raises(Refused) as refused:
        factories.invitation(workspace, by=admin)
    assert refused.value.code == "too_many"
    invitations.revoke(made[0].pk, by=admin, now=timezone.now())
    factories.invitation(workspace, by=admin)


def test_what_is_over_is_neither_revoked_nor_sent_again(workspace, admin):
    made = factories.invitation(workspace, by=admin)
    invitations.revoke(made.pk, by=admin, now=timezone.now())
    for verb in (invitations.revoke, invitations.resend):
        with pytest.raises(Refused) as refused:
            verb(made.pk, by=admin, now=timezone.now())
        assert refused.value.code == "wrong_status"


@pytest.mark.parametrize("verb", ["resend", "revoke"])
def test_a_strangers_invitation_does_not_exist(page, verb):
    foreign = factories.invitation(factories.workspace())
    assert page.post(f"/members/invitations/{foreign.pk}/{verb}/").status_code == 404
    foreign.refresh_from_db()
    assert foreign.status == "pending"


@pytest.mark.django_db(transaction=True)
def test_one_link_makes_one_account_however_often_it_is_used_at_once():
    workspace = factories.workspace()
    token = invitations.token_of(factories.invitation(workspace, GUEST))
    results = race(
        *[
            lambda: invitations.accept_as_newcomer(token, name="", password=factories.PASSWORD, now=timezone.now())
            for _ in range(3)
        ]
    )
    assert [isinstance(result, Membership) for result in results].count(True) == 1
    assert all(isinstance(result, Membership | Refused) for result in results)


@pytest.mark.django_db(transaction=True)
def test_either_it_is_accepted_or_revoked():
    workspace = factories.workspace()
    user, admin = factories.user(GUEST), factories.member(workspace, Role.ADMIN)
    made = factories.invitation(workspace, GUEST, by=admin)
    token = invitations.token_of(made)
    results = race(
        lambda: invitations.accept(token, by=user, now=timezone.now()),
        lambda: invitations.revoke(made.pk, by=admin, now=timezone.now()),
    )
    made.refresh_from_db()
    assert [isinstance(result, Refused) for result in results].count(True) == 1
    assert Membership.objects.filter(user=user).exists() == (made.status == "accepted")


@pytest.mark.django_db(transaction=True)
def test_nobody_is_invited_twice_at_once():
    workspace = factories.workspace()
    admins = [factories.member(workspace, Role.ADMIN) for _ in range(2)]
    race(*[lambda by=by: factories.invitation(workspace, GUEST, by=by) for by in admins])
    assert Invitation.objects.of(workspace).pending().count() == 1


def test_a_letter_that_leaves_after_the_secret_key_was_changed_has_the_link_of_the_invitation(page, settings):
    invited(page)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another" * 8, [settings.SECRET_KEY]
    assert opened(link()).get("/invitation/").status_code == 200
