"""A forgotten password: a letter, a link that is good once and for an hour, and nobody learns who has an account."""

import re
import time
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts import resets
from accounts.models import ApiKey, Session, User
from audit.models import Entry
from audit.refusal import Refused
from notices import reading, telling
from notices.models import Notice
from tests import factories
from tests.pages import signed_in, text_of
from tests.racing import race

NEW = "another horse, another battery"
TWICE = {"new_password1": NEW, "new_password2": NEW}
HERE, ELSEWHERE, NOBODY = "203.0.113.7", "198.51.100.9", "nobody.at.all@acme.example"


def asked(email, address=HERE):
    return Client(REMOTE_ADDR=address).post("/password/", {"email": email})


def letters():
    """What leaves for notices that have not left yet."""
    del mail.outbox[:]
    reading.look(now=timezone.now())
    for notice in Notice.objects.filter(sent_at=None).order_by("pk"):
        telling.tell(notice.pk, now=timezone.now())
    return list(mail.outbox)


def link():
    """The path in the only letter that leaves."""
    (letter,) = letters()
    return re.search(r"http://[^/]+(/password/link/\S+/)", letter.body)[1]


def token_of(person):
    return resets.token_of(person, asked_at=timezone.now())


def found(token):
    return resets.find(token, now=timezone.now())


def said(answer):
    return answer.status_code, re.sub(r'[0-9A-Za-z]{32,}|value="[^"]*"', "", text_of(answer))


def test_by_the_link_of_the_letter_one_chooses_a_password_and_signs_in_with_it(author):
    User.objects.filter(pk=author.pk).update(wants_mail=False)
    there, browser = signed_in(author), Client()
    assert asked(author.email.upper()).status_code == 200
    path = link()
    opened = browser.get(path)
    assert (opened.url, opened["Referrer-Policy"]) == ("/password/new/", "no-referrer")
    shown = browser.get("/password/new/")
    # A browser that may say nothing of where it comes from sends no form of ours: its Origin is null.
    assert shown["Referrer-Policy"] == "same-origin" and path.split("/")[3] not in text_of(shown)
    assert "Your password is changed." in text_of(browser.post("/password/new/", TWICE))
    assert browser.get("/profile/").url.startswith("/login/")  # nobody is signed in by a link
    assert there.get("/profile/").status_code == 302
    assert Client().get(path, follow=True).status_code == 410
    assert browser.post("/password/new/", TWICE).status_code == 410
    (letter,) = letters()
    assert (letter.to, letter.subject) == ([author.email], "Your password for Message Center is changed")
    assert "have to sign in again" in letter.body and NEW not in letter.body
    assert browser.post("/login/", {"username": author.email, "password": NEW}).status_code == 302
    entries = Entry.objects.filter(action__startswith="user.").order_by("pk")
    actions = [(entry.action, entry.actor_id, entry.subject_id) for entry in entries]
    mine = str(author.pk)
    assert actions == [
        ("user.reset_asked", None, mine),
        ("user.password_reset", author.pk, mine),
        ("user.signed_in", author.pk, mine),
    ]
    assert entries[0].after == {"address": HERE}


def test_the_token_is_in_no_row(author):
    asked(author.email)
    proof = link().split("/")[3].rpartition("-")[2]
    rows = [*Entry.objects.values(), *Notice.objects.values(), *Session.objects.values()]
    assert proof not in str(rows)


def test_a_link_is_good_for_an_hour(author):
    now = timezone.now()
    token = resets.token_of(author, asked_at=now)
    assert resets.find(token, now=now + timedelta(minutes=59, seconds=58)) == author
    assert resets.find(token, now=now + timedelta(hours=1, seconds=2)) is None


def test_a_link_is_bound_to_its_person_their_password_and_the_time(author, moderator):
    token = token_of(author)
    pk, stamp, proof = token.split("-")
    forged = [f"{moderator.pk}-{stamp}-{proof}", f"{pk}-zzzzzz-{proof}", f"{pk}-{stamp}-{'0' * 64}", f"{token}x"]
    for text in (*forged, "", "-", "--", pk, f"{'9' * 40}-{stamp}-{proof}", f"²-{stamp}-{proof}", token.upper()):
        assert found(text) is None, text
        assert Client().get(f"/password/link/{text or 'x'}/", follow=True).status_code == 410
    for change in ({"email": "other@acme.example"}, {"password": "md5$x$y"}, {"is_active": False}):
        token = token_of(author)
        assert found(token) == author
        User.objects.filter(pk=author.pk).update(**change)
        assert found(token) is None, change
        author.save()


def test_signing_in_ends_a_link(author):
    token = token_of(author)
    Client().post("/login/", {"username": author.email, "password": factories.PASSWORD})
    assert found(token) is None


@pytest.mark.django_db(transaction=True)
def test_of_those_who_come_with_one_link_at_once_all_but_one_are_refused():
    token = token_of(factories.user())
    answers = race(*[lambda: resets.reset(token, password=NEW, now=timezone.now())] * 4)
    assert sorted(type(answer) is Refused for answer in answers) == [False, True, True, True]
    assert Entry.objects.filter(action="user.password_reset").count() == 1


def test_nobody_learns_who_has_an_account(author, moderator):
    User.objects.filter(pk=moderator.pk).update(is_active=False)
    answers = {said(asked(email)) for email in (author.email, NOBODY, moderator.email)}
    assert len(answers) == 1 and answers.pop()[0] == 200
    assert [letter.to for letter in letters()] == [[author.email]]
    rows = Entry.objects.filter(action="user.reset_asked").order_by("seq")
    names = [entry.subject_name for entry in rows]
    assert names == [author.email, "somebody unknown", "somebody unknown"]
    assert NOBODY not in str(list(rows.values()))


def test_who_is_known_and_who_is_not_wait_as_long(author, monkeypatch):
    """What is reckoned counts, whoever else is at work on the machine."""
    monkeypatch.setattr(resets, "AT_ACCOUNT", 1000)
    monkeypatch.setattr(resets, "AT_ADDRESS", 1000)
    took = {author.email: [], NOBODY: []}
    for _ in range(12):
        for email, times in took.items():
            began = time.process_time()
            asked(email)
            times.append(time.process_time() - began)
    known, unknown = (min(times) for times in took.values())
    assert 0.6 < known / unknown < 1.6


def test_nobody_is_drowned_in_letters_and_an_address_that_goes_on_asking_waits(author, moderator):
    """By an account the silence is told to nobody: the answer is the same, and the links that left are good."""
    answers = {said(asked(author.email, f"198.51.100.{number}")) for number in range(5)}
    assert len(answers) == 1
    assert len(letters()) == resets.AT_ACCOUNT
    codes = [asked(f"{number}@acme.example").status_code for number in range(resets.AT_ADDRESS + 1)]
    assert codes == [200] * resets.AT_ADDRESS + [429]
    refused = asked(moderator.email)
    assert refused["Retry-After"] == "900" and "Too many questions." in text_of(refused)
    assert asked(moderator.email, ELSEWHERE).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(minutes=15)):
        assert asked(author.email).status_code == 200
        assert len(letters()) == 2


def test_whoever_is_locked_out_may_choose_another_password(author):
    browser = Client(REMOTE_ADDR=HERE)
    for _ in range(6):
        browser.post("/login/", {"username": author.email, "password": "wrong"})
    asked(author.email)
    browser.get(link())
    assert browser.post("/password/new/", TWICE).status_code == 200
    # The lock is of this address, whatever the password is: it ends by itself, and elsewhere there is none.
    assert browser.post("/login/", {"username": author.email, "password": NEW}).status_code == 429
    there = Client(REMOTE_ADDR=ELSEWHERE)
    assert there.post("/login/", {"username": author.email, "password": NEW}).status_code == 302


def test_whoever_never_had_a_password_here_gets_no_letter(author):
    author.set_unusable_password()
    author.save()
    assert asked(author.email).status_code == 200
    assert letters() == []


def test_a_weak_password_is_refused_and_the_link_stays_good(author):
    browser = Client()
    browser.get(f"/password/link/{token_of(author)}/")
    weak = browser.post("/password/new/", {"new_password1": "short", "new_password2": "short"})
    assert weak.status_code == 400 and "at least 12 characters" in text_of(weak)
    assert browser.post("/password/new/", TWICE).status_code == 200


def test_whoever_is_signed_in_is_signed_out_and_keeps_their_tokens(workspace, author):
    factories.token(workspace, author)
    browser = signed_in(author)
    browser.get(f"/password/link/{token_of(author)}/")
    assert browser.post("/password/new/", TWICE).status_code == 200
    assert browser.get("/profile/").status_code == 302
    assert ApiKey.objects.get(user=author).revoked_at is None  # the letter says so


def test_the_pages_by_which_one_signs_in_lead_there(client, db):
    for door in ("/login/", "/admin/login/?next=/admin/"):
        assert 'href="/password/"' in text_of(client.get(door, follow=True))


def test_no_page_of_others_asks_or_chooses(author):
    browser = Client(enforce_csrf_checks=True)
    browser.get(f"/password/link/{token_of(author)}/")
    evil = {"Origin": "https://evil.example"}
    assert browser.post("/password/", {"email": author.email}, headers=evil).status_code == 403
    assert browser.post("/password/new/", TWICE, headers=evil).status_code == 403


def test_a_link_from_before_the_secret_key_was_changed_is_good_while_the_old_one_is_named(author, settings):
    token = token_of(author)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another" * 8, [settings.SECRET_KEY]
    assert found(token) == found(token_of(author)) == author
    settings.SECRET_KEY_FALLBACKS = []
    assert found(token) is None
