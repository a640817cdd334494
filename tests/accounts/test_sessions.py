"""How long one stays signed in, where, and how that ends."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.sessions.backends.base import UpdateError
from django.test import Client
from django.utils import timezone

from accounts import people, sessions
from accounts.models import Session, User
from accounts.sessions import BEGAN, SessionStore
from audit.models import Entry
from tests import factories
from tests.pages import signed_in, text_of


def browser_of(person, device="Firefox", address="203.0.113.7"):
    browser = Client(REMOTE_ADDR=address, headers={"User-Agent": device})
    assert browser.post("/login/", {"username": person.email, "password": factories.PASSWORD}).status_code == 302
    return browser


def is_in(browser):
    return browser.get("/profile/").status_code == 200


def handle_of(browser):
    return Session.objects.get(session_key=browser.session.session_key).handle


def test_a_key_that_somebody_planted_is_worth_nothing_after_signing_in(author):
    victim, attacker = Client(), Client()
    attacker.get("/invitation/planted/")  # it has a session, of nobody
    planted = attacker.cookies["sessionid"].value
    victim.cookies["sessionid"] = planted
    victim.post("/login/", {"username": author.email, "password": factories.PASSWORD})
    assert victim.cookies["sessionid"].value != planted
    assert is_in(victim) and not is_in(attacker)


def test_the_key_changes_with_each_sign_in_and_sign_out_ends_it(author):
    browser = browser_of(author)
    first = browser.cookies["sessionid"].value
    thief = Client()
    thief.cookies["sessionid"] = first
    assert is_in(thief)
    browser.post("/logout/")
    assert not is_in(thief) and not is_in(browser)
    assert browser_of(author).cookies["sessionid"].value != first


def test_two_hours_without_a_page_end_it_and_each_page_begins_them_anew(author):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        browser, away = browser_of(author), browser_of(author)
        for _ in range(3):
            clock.shift(timedelta(minutes=119))
            assert is_in(browser)
        assert not is_in(away)
        clock.shift(timedelta(minutes=120))
        assert not is_in(browser)


def test_a_page_that_refreshes_itself_is_nobody(author, workspace):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        browser = browser_of(author)
        for _ in range(4):
            clock.shift(timedelta(minutes=30))
            browser.get("/live/", headers={"HX-Request": "true"})
        assert not is_in(browser)


def test_a_day_after_signing_in_it_is_over_whatever_happens(author):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        browser = browser_of(author)
        for _ in range(23):
            clock.shift(timedelta(hours=1))
            assert is_in(browser)
        clock.shift(timedelta(hours=1))
        assert not is_in(browser)


def test_a_visit_is_written_once_a_minute(author, django_assert_num_queries):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        browser = browser_of(author)
        began = Session.objects.get(user=author).seen_at
        clock.shift(timedelta(seconds=59))
        browser.get("/profile/")
        assert Session.objects.get(user=author).seen_at == began
        clock.shift(timedelta(seconds=1))
        browser.get("/profile/")
        assert Session.objects.get(user=author).seen_at == began + timedelta(minutes=1)


def test_one_sees_where_one_is_signed_in_and_ends_one(author, moderator):
    here, there = browser_of(author, "Firefox of the office"), browser_of(author, "Safari of the phone", "198.51.100.9")
    browser_of(moderator, "Somebody else's")
    shown = text_of(here.get("/profile/"))
    for text in ("Firefox of the office", "Safari of the phone", "203.0.113.7", "198.51.100.9", "This one"):
        assert text in shown
    assert "Somebody else" not in shown
    assert here.session.session_key not in shown and there.session.session_key not in shown
    assert here.post(f"/profile/sessions/{handle_of(there)}/end/").url == "/profile/"
    assert is_in(here) and not is_in(there)
    assert Entry.objects.filter(action="user.session_ended").get().after == {"device": "Safari of the phone"}


def test_nobody_ends_what_is_not_theirs(author, moderator):
    mine, theirs = browser_of(author), browser_of(moderator)
    foreign = mine.post(f"/profile/sessions/{handle_of(theirs)}/end/")
    missing = mine.post(f"/profile/sessions/{'0' * 32}/end/")
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert is_in(theirs)


def test_everywhere_is_everywhere(author, moderator):
    browsers, other = [browser_of(author) for _ in range(3)], browser_of(moderator)
    assert browsers[0].post("/profile/sessions/end/").url == "/login/"
    assert [is_in(browser) for browser in browsers] == [False] * 3
    assert is_in(other)
    assert Entry.objects.filter(action="user.signed_out_everywhere").get().actor == author


def test_a_new_password_ends_every_other_browser(author):
    here, there = browser_of(author), browser_of(author)
    new = "another horse, another battery"
    given = {"old_password": factories.PASSWORD, "new_password1": new, "new_password2": new}
    assert here.post("/profile/password/", given).status_code == 302
    assert is_in(here) and not is_in(there)
    assert Session.objects.filter(user=author).count() == 1
    people.change_password(author.pk, password=factories.PASSWORD, by=author)
    assert not is_in(here)


def test_who_is_switched_off_is_out_with_the_next_request(author):
    browser = browser_of(author)
    User.objects.filter(pk=author.pk).update(is_active=False)
    assert not is_in(browser)


def test_a_session_that_was_ended_is_not_brought_back_by_a_request_that_was_under_way(author):
    browser = signed_in(author)
    session = SessionStore(browser.session.session_key)
    assert session[BEGAN]
    sessions.end_all(author, by=author)
    session["late"] = True
    with pytest.raises(UpdateError):
        session.save()
    assert not Session.objects.filter(user=author).exists()


def test_sessions_that_are_over_are_forgotten(author):
    with time_machine.travel(timezone.now() - timedelta(hours=25)):
        browser_of(author)
    browser = browser_of(author)
    sessions.forget(now=timezone.now())
    assert Session.objects.get().session_key == browser.session.session_key
