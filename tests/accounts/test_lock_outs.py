"""Wrong passwords: how many, from where, and what nobody learns by trying."""

import hashlib
import logging
import re
import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_network

import pytest
import time_machine
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import timezone

from accounts import breaches, lock_outs
from accounts.models import Attempts, User
from audit.models import Entry
from audit.refusal import Refused
from tests import factories
from tests.pages import signed_in, text_of
from tests.racing import race

HERE, ELSEWHERE, PROXY = "203.0.113.7", "198.51.100.9", "10.0.0.5"
NOBODY = "nobody.at.all@acme.example"
DOORS = ["/login/", "/admin/login/?next=/admin/"]


def tried(email, password="wrong", address=HERE, door="/login/", **headers):
    """By the form that this door leads to."""
    client = Client(REMOTE_ADDR=address)
    shown = client.get(door, follow=True)
    path = shown.redirect_chain[-1][0] if shown.redirect_chain else door
    return client.post(path, {"username": email, "password": password}, headers=headers)


def said(answer):
    """Without what differs with every answer, and without what was typed."""
    words = re.sub(r'[0-9A-Za-z]{32,}|value="[^"]*"', "", text_of(answer))
    return answer.status_code, words


@pytest.mark.parametrize("door", DOORS)
def test_after_five_wrong_passwords_not_even_the_right_one_opens(author, door):
    assert [tried(author.email, door=door).status_code for _ in range(5)] == [400] * 5
    answer = tried(author.email, factories.PASSWORD, door=door)
    assert (answer.status_code, answer["Retry-After"]) == (429, "900")
    assert "Too many attempts." in text_of(answer)
    assert "sessionid" not in answer.cookies


def test_a_quarter_of_an_hour_later_it_opens_again_and_waiting_is_not_prolonged_by_trying(author):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        for _ in range(5):
            tried(author.email)
        clock.shift(timedelta(minutes=14))
        assert tried(author.email, factories.PASSWORD).status_code == 429
        clock.shift(timedelta(minutes=1))
        assert tried(author.email, factories.PASSWORD).status_code == 302


def test_nobody_is_shut_out_by_somebody_at_another_address(author, moderator):
    for _ in range(6):
        tried(author.email)
    assert tried(author.email, factories.PASSWORD, ELSEWHERE).status_code == 302
    assert tried(moderator.email, factories.PASSWORD).status_code == 302


def test_one_attacker_shuts_out_nobody_but_themselves(settings, workspace):
    settings.SIGN_IN_ATTEMPTS_OF_ADDRESS = 6
    people = [factories.member(workspace) for _ in range(4)]
    codes = [tried(person.email).status_code for person in people for _ in range(2)]
    assert codes == [400] * 6 + [429] * 2
    assert [tried(person.email, factories.PASSWORD, ELSEWHERE).status_code for person in people] == [302] * 4


def test_an_account_of_ones_own_buys_no_attempts_at_others(settings, author, moderator):
    settings.SIGN_IN_ATTEMPTS_OF_ADDRESS = 3
    codes = []
    for _ in range(4):
        codes += [tried(moderator.email).status_code, tried(author.email, factories.PASSWORD).status_code]
    assert codes == [400, 302, 400, 302, 400, 429, 429, 429]


def test_the_right_password_begins_anew(author):
    for _ in range(3):
        codes = [tried(author.email).status_code for _ in range(4)]
        assert [*codes, tried(author.email, factories.PASSWORD).status_code] == [400] * 4 + [302]


def test_case_and_spaces_make_no_other_account(author):
    for written in (author.email, author.email.upper(), f" {author.email}", author.email.title(), f"{author.email} "):
        tried(written)
    assert tried(author.email, factories.PASSWORD).status_code == 429


def test_an_address_that_is_only_said_counts_for_nothing(author):
    """Without a proxy of ours, X-Forwarded-For is what anybody writes."""
    for number in range(5):
        tried(author.email, **{"X-Forwarded-For": f"192.0.2.{number}"})
    assert tried(author.email, factories.PASSWORD, **{"X-Forwarded-For": "192.0.2.99"}).status_code == 429


@pytest.mark.parametrize(
    ("told", "believed"),
    [
        (HERE, HERE),
        (f"192.0.2.1, {HERE}", HERE),  # the first was said by whoever is at HERE
        (f"192.0.2.1, {HERE}, 10.9.9.9", HERE),  # by two proxies
        (f"{HERE}, rubbish", PROXY),
        ("", PROXY),
        ("fe80::1%eth0", PROXY),
        ("10.0.0.9, 10.0.0.8", "10.0.0.9"),
    ],
)
def test_a_proxy_of_ours_is_believed_and_nobody_before_it(settings, author, told, believed):
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    tried(author.email, address=PROXY, **{"X-Forwarded-For": told})
    assert Entry.objects.filter(action="user.sign_in_failed").get().after == {"address": believed}


def test_who_is_known_and_who_is_not_get_the_same_answer(author):
    author.is_active = False
    for email in (NOBODY, author.email):
        User.objects.filter(pk=author.pk).update(is_active=email == NOBODY)
        answers = [said(tried(email, address=f"203.0.113.{len(email)}")) for _ in range(6)]
        assert [status for status, _ in answers] == [400] * 5 + [429]
        assert len({words for _, words in answers[:5]}) == 1
    known, unknown = (said(tried(email, address=ELSEWHERE)) for email in (factories.user().email, NOBODY))
    assert known == unknown


def test_who_is_known_and_who_is_not_wait_as_long(settings, author):
    """With passwords that cost what they cost outside of the tests. What is reckoned counts, whoever else is at work on
    the machine."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    settings.SIGN_IN_ATTEMPTS = settings.SIGN_IN_ATTEMPTS_OF_ADDRESS = 1000
    author.set_password(factories.PASSWORD)
    author.save()
    assert author.password.startswith("argon2$argon2id$")
    took = {author.email: [], NOBODY: []}
    client = Client(REMOTE_ADDR=HERE)
    for _ in range(5):
        for email, times in took.items():
            began = time.process_time()
            client.post("/login/", {"username": email, "password": "wrong"})
            times.append(time.process_time() - began)
    known, unknown = (min(times) for times in took.values())
    assert 0.6 < known / unknown < 1.6  # without a hash for nobody it is more than three


@pytest.mark.django_db(transaction=True)
def test_attempts_that_come_at_once_are_counted_one_by_one():
    def attempt():
        return lock_outs.begin("a@acme.example", HERE, now=timezone.now())

    answers = race(*[attempt] * 12)
    assert sum(answer is None for answer in answers) == 5
    assert {answer.code for answer in answers if answer is not None} == {"locked_out"}


def test_the_ledger_has_each_and_no_secret(author):
    for _ in range(6):
        tried(author.email, "hunter2-of-the-user")
    tried("hunter2-in-the-wrong-field")
    client = Client(REMOTE_ADDR=HERE)
    client.post("/login/", {"username": author.email, "password": factories.PASSWORD}, REMOTE_ADDR=ELSEWHERE)
    client.post("/logout/")
    entries = list(Entry.objects.filter(chain=0).order_by("seq"))
    wanted = ["user.sign_in_failed"] * 4 + ["user.locked_out", "user.sign_in_failed", "user.signed_in"]
    assert [entry.action for entry in entries] == [*wanted, "user.signed_out"]
    assert [entry.subject_name for entry in entries] == [author.email] * 5 + ["somebody unknown"] + [author.email] * 2
    assert [entry.actor_id for entry in entries] == [None] * 6 + [author.pk] * 2
    written = str([vars(entry) for entry in entries]) + str(list(Attempts.objects.values()))
    assert "hunter2" not in written and factories.PASSWORD not in written


def test_the_desk_has_no_form_of_its_own(client, author):
    assert client.get("/admin/login/?next=/admin/audit/entry/").url == "/login/?next=/admin/audit/entry/"
    given = {"username": author.email, "password": factories.PASSWORD, "next": "/admin/"}
    assert client.post("/admin/login/", given).url.startswith("/login/")
    assert "sessionid" not in client.cookies
    assert signed_in(author).get("/admin/", follow=True).status_code == 403
    staff = signed_in(factories.user(is_staff=True))
    assert staff.get("/admin/password_change/").url == "/profile/password/"
    assert staff.post("/admin/logout/").url == "/login/"
    assert Entry.objects.filter(action="user.signed_out").count() == 1


def test_a_program_that_asks_for_a_password_stands_at_the_same_door(author):
    for _ in range(5):
        assert not Client().login(username=author.email, password="wrong")
    with pytest.raises(Refused):
        Client().login(username=author.email, password=factories.PASSWORD)


def test_attempts_are_forgotten(author):
    with time_machine.travel(timezone.now() - timedelta(hours=1)):
        tried(author.email)
    tried(author.email, address=ELSEWHERE)
    lock_outs.forget(now=timezone.now())
    assert Attempts.objects.count() == 2


@pytest.mark.parametrize("path", ["/login/", "/logout/", "/admin/logout/"])
def test_nobody_is_signed_in_or_out_by_a_page_of_others(author, path):
    client = Client(enforce_csrf_checks=True)
    client.force_login(author)
    given = {"username": author.email, "password": factories.PASSWORD}
    assert client.post(path, given, headers={"Origin": "https://evil.example"}).status_code == 403
    assert client.get("/profile/").status_code == 200


# --- What a password may be -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("eleven-chr1", "password_too_short"),
        ("1qaz2wsx3edc", "password_too_common"),
        ("sofia.lindqvist", "password_too_similar"),
        ("Sofia.Lindqvist!", "password_too_similar"),
    ],
)
def test_a_weak_password_is_refused(password, code):
    with pytest.raises(ValidationError) as refused:
        validate_password(password, User(email="sofia.lindqvist@acme.example", name="Sofia Lindqvist"))
    assert code in {error.code for error in refused.value.error_list}


@pytest.fixture
def range_api(settings, monkeypatch):
    """A service that knows one lost password; what it was asked."""
    digest = hashlib.sha1(b"a password that was lost").hexdigest().upper()
    asked = []

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append((self.path, self.headers["Add-Padding"]))
            padding = hashlib.sha1(b"nobody lost this one").hexdigest().upper()[5:]
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f"{'0' * 35}:3\r\n{digest[5:]}:42\r\n{padding}:0\r\n".encode())

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings.BREACHED_PASSWORDS_URL = f"http://127.0.0.1:{server.server_port}/range/"
    monkeypatch.setattr(breaches, "PATIENCE", 60.0)
    yield asked
    server.shutdown()
    server.server_close()


def test_a_password_that_others_lost_is_refused_and_only_the_beginning_of_its_hash_is_told(range_api):
    with pytest.raises(ValidationError) as refused:
        validate_password("a password that was lost")
    assert [error.code for error in refused.value.error_list] == ["password_breached"]
    validate_password("nobody lost this one")
    begins = [
        hashlib.sha1(text).hexdigest().upper()[:5] for text in (b"a password that was lost", b"nobody lost this one")
    ]
    assert range_api == [(f"/range/{begin}", "true") for begin in begins]


def test_a_service_that_does_not_answer_keeps_nobody_from_a_password(settings, caplog):
    settings.BREACHED_PASSWORDS_URL = "http://127.0.0.1:9/range"
    with caplog.at_level(logging.WARNING):
        validate_password("a password that was lost")
    assert "password.breaches_unknown" in caplog.text


def test_whoever_has_a_whole_network_of_ipv6_is_one_address(author):
    for last in range(5):
        tried(author.email, address=f"2001:db8:1:2::{last + 1}")
    assert tried(author.email, factories.PASSWORD, address="2001:db8:1:2:ffff::9").status_code == 429
    assert tried(author.email, factories.PASSWORD, address="2001:db8:1:3::1").status_code == 302
