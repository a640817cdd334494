"""Somebody asks to belong to a workspace, and an admin of it decides."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts import join_requests
from accounts.models import JoinRequest, Membership
from accounts.roles import Role
from audit.models import Entry
from audit.refusal import Refused
from notices import reading, telling
from notices.models import Notice
from tests import factories
from tests.pages import signed_in, text_of
from tests.racing import race


@pytest.fixture
def page(workspace, admin):
    return signed_in(admin, workspace)


@pytest.fixture
def somebody(db):
    return factories.user("somebody@elsewhere.example")


def letters():
    del mail.outbox[:]
    reading.look(now=timezone.now())
    for notice in Notice.objects.filter(sent_at=None).order_by("pk"):
        telling.tell(notice.pk, now=timezone.now())
    return {letter.to[0]: letter for letter in mail.outbox}


@pytest.mark.parametrize("by", ["code", "name", "code in another case"])
def test_who_knows_the_code_or_the_name_asks_and_is_let_in_with_a_role(page, workspace, somebody, admin, by):
    wanted = {"code": workspace.slug, "name": workspace.name.lower(), "code in another case": workspace.slug.upper()}[
        by
    ]
    asking = signed_in(somebody)
    assert asking.post("/join/", {"wanted": wanted, "message": "I am the new one."}).url == "/join/"
    assert admin.email in letters()
    asked = JoinRequest.objects.get()
    assert "somebody@elsewhere.example" in text_of(page.get("/members/"))
    assert "I am the new one." in text_of(page.get(f"/members/requests/{asked.pk}/"))
    answer = page.post(f"/members/requests/{asked.pk}/grant/", {"role": "author", "is_moderator": "on"})
    assert answer.url == "/members/"
    place = Membership.objects.get(user=somebody)
    assert (place.workspace, place.role, place.is_moderator) == (workspace, "author", True)
    assert letters()[somebody.email].subject == f"You belong to {workspace.name} now"
    actions = set(Entry.objects.of(workspace).values_list("action", flat=True))
    assert {"joinrequest.created", "joinrequest.granted", "membership.created"} <= actions


def test_the_page_tells_nobody_which_workspaces_there_are(workspace, somebody):
    closed = factories.workspace(takes_requests=False)
    mine = factories.membership(factories.workspace(), user=somebody).workspace
    shown = []
    for wanted in (workspace.slug, workspace.slug, "no-such-workspace", closed.slug, mine.slug):
        asking = signed_in(somebody, mine)
        asked = asking.post("/join/", {"wanted": wanted})
        assert (asked.status_code, asked.url) == (302, "/join/")
        asking.cookies["csrftoken"] = "x" * 32
        body = text_of(asking.get("/join/"))
        shown.append("If there is such a workspace, its admins have been asked." in body and wanted not in body)
    assert shown == [True] * 5
    assert list(JoinRequest.objects.values_list("workspace", "user")) == [(workspace.pk, somebody.pk)]
    own = Entry.objects.filter(action="user.asked_to_join")
    assert own.count() == 5 and workspace.slug not in str(own.values())


def test_the_limit_of_a_day_counts_every_question_alike(workspace, somebody):
    now = timezone.now()
    for _ in range(join_requests.A_DAY):
        join_requests.ask(somebody.pk, wanted="nothing", message="", now=now)
    answer = signed_in(somebody).post("/join/", {"wanted": workspace.slug})
    assert answer.status_code == 400 and "go on tomorrow" in text_of(answer)
    assert not JoinRequest.objects.exists()
    join_requests.ask(somebody.pk, wanted=workspace.slug, message="", now=now + timedelta(days=1, minutes=1))
    assert JoinRequest.objects.count() == 1


def test_a_name_that_two_have_is_nobodys(somebody):
    for _ in range(2):
        factories.workspace("Twin")
    join_requests.ask(somebody.pk, wanted="Twin", message="", now=timezone.now())
    assert not JoinRequest.objects.exists()


def test_a_refused_request_is_told_with_its_reason_and_may_be_made_again(page, workspace, somebody):
    asked = factories.join_request(workspace, somebody)
    letters()
    page.post(f"/members/requests/{asked.pk}/refuse/", {"reason": "Ask Eva first."})
    letter = letters()[somebody.email]
    assert "is refused" in letter.subject and "Ask Eva first." in letter.body
    assert not Membership.objects.filter(user=somebody).exists()
    entry = Entry.objects.of(workspace).get(action="joinrequest.refused")
    assert entry.note == "Ask Eva first."
    factories.join_request(workspace, somebody)


@pytest.mark.parametrize("verb", ["grant", "refuse"])
def test_what_is_decided_is_decided(page, workspace, admin, verb):
    asked = factories.join_request(workspace)
    join_requests.refuse(asked.pk, by=admin, now=timezone.now())
    answer = page.post(f"/members/requests/{asked.pk}/{verb}/", {"role": "author"})
    assert answer.status_code == 400 and "is refused" in text_of(answer)
    assert not Membership.objects.filter(user=asked.user).exists()


def test_who_was_switched_off_meanwhile_is_not_let_in(page, workspace):
    asked = factories.join_request(workspace)
    asked.user.is_active = False
    asked.user.save()
    answer = page.post(f"/members/requests/{asked.pk}/grant/", {"role": "author"})
    assert "switched off" in text_of(answer)
    asked.refresh_from_db()
    assert asked.status == "pending"


def test_an_admin_closes_the_door_and_opens_it(page, workspace, somebody):
    page.post("/members/requests/taking/", {})
    workspace.refresh_from_db()
    assert not workspace.takes_requests
    assert "by invitation only" in text_of(page.get("/members/"))
    page.post("/members/requests/taking/", {"takes": "on"})
    workspace.refresh_from_db()
    assert workspace.takes_requests
    assert Entry.objects.of(workspace).filter(action="workspace.changed").count() == 2


def test_a_strangers_request_does_not_exist(page):
    foreign = factories.join_request(factories.workspace())
    answers = [
        page.get(f"/members/requests/{foreign.pk}/"),
        page.post(f"/members/requests/{foreign.pk}/grant/", {"role": "author"}),
        page.post(f"/members/requests/{foreign.pk}/refuse/"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 3
    assert not Membership.objects.filter(user=foreign.user).exists()


@pytest.mark.parametrize("role", [Role.AUTHOR, Role.MODERATOR])
def test_who_is_no_admin_sees_no_requests_and_decides_none(workspace, role):
    asked = factories.join_request(workspace)
    other = signed_in(factories.member(workspace, role), workspace)
    assert asked.user.email not in text_of(other.get("/members/"))
    assert other.post(f"/members/requests/{asked.pk}/grant/", {"role": "author"}).status_code == 403
    with pytest.raises(Refused) as refused:
        join_requests.grant(asked.pk, role="admin", by=factories.member(workspace, role), now=timezone.now())
    assert refused.value.code == "not_an_admin"


@pytest.mark.django_db(transaction=True)
def test_two_equal_questions_at_once_are_one_request():
    workspace, somebody = factories.workspace(), factories.user()
    asks = [lambda: join_requests.ask(somebody.pk, wanted=workspace.slug, message="", now=timezone.now())] * 3
    assert race(*asks) == [None] * 3
    assert JoinRequest.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_admins_cannot_both_decide():
    workspace = factories.workspace()
    admins = [factories.member(workspace, Role.ADMIN) for _ in range(2)]
    asked = factories.join_request(workspace)
    granted, refused = race(
        lambda: join_requests.grant(asked.pk, role="author", by=admins[0], now=timezone.now()),
        lambda: join_requests.refuse(asked.pk, by=admins[1], now=timezone.now()),
    )
    assert isinstance(granted, Refused) != isinstance(refused, Refused)
    assert Membership.objects.filter(user=asked.user).exists() == isinstance(granted, Membership)
