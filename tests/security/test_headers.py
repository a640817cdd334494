"""What every answer tells the browser, whatever it is an answer to; and how cookies are set."""

import os
import subprocess
import sys
from ipaddress import ip_network
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts import people
from config.settings import MIDDLEWARE
from tests import factories
from tests.pages import signed_in

ROOT = Path(__file__).parents[2]
WANTED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
TLS = {"HTTP_X_FORWARDED_PROTO": "https"}  # as a proxy of ours says


@pytest.fixture
def https(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = settings.SECURE_SSL_REDIRECT = True
    settings.TRUSTED_PROXIES = [ip_network("127.0.0.1")]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_HSTS_SECONDS = 31_536_000
    # The tests have no static files but here: as outside of them.
    settings.MIDDLEWARE = MIDDLEWARE
    return settings


def lacking(answer):
    """What an answer over HTTPS does not say."""
    wrong = {name: answer.get(name) for name, value in WANTED.items() if answer.get(name) != value}
    policy = answer.get("Content-Security-Policy", "")
    for part in ("default-src 'self'", "script-src 'self';", "object-src 'none'", "frame-ancestors 'none'"):
        if part not in policy:
            wrong["Content-Security-Policy"] = policy
    if "camera=()" not in answer.get("Permissions-Policy", ""):
        wrong["Permissions-Policy"] = answer.get("Permissions-Policy")
    if answer.get("Strict-Transport-Security") != "max-age=31536000":
        wrong["Strict-Transport-Security"] = answer.get("Strict-Transport-Security")
    return wrong


def test_every_class_of_answer_has_them(https, workspace, author, admin, monkeypatch):
    campaign, listed = factories.done(workspace), factories.ready_list(workspace)
    signed, nobody, strict = signed_in(author), Client(**TLS), Client(enforce_csrf_checks=True, **TLS)
    signed.defaults |= TLS
    signed.raise_request_exception = False
    desk = signed_in(factories.user(is_staff=True, is_superuser=True), workspace)
    desk.defaults |= TLS
    program = factories.bearer(factories.token(workspace, admin))
    program.defaults |= TLS
    file = {"file": SimpleUploadedFile("list.csv", b"+31612345678\n")}
    answers = {
        "page": signed.get("/"),
        "page of a stranger": nobody.get("/login/"),
        "to the sign-in page": nobody.get("/lists/"),
        "form refused": nobody.post("/login/", {"username": "a@acme.example", "password": "wrong"}),
        "upload refused": signed.post("/lists/new/", file),
        "fragment": signed.get(f"/campaigns/{campaign.pk}/progress/", headers={"HX-Request": "true"}),
        "download": signed.get("/lists/suppressed/export/"),
        "not found": signed.get("/nothing/here/"),
        "not found for a stranger": nobody.get("/nothing/here/"),
        "forbidden": signed.post("/members/invite/", {"email": "a@acme.example"}),
        "no CSRF token": strict.post("/login/", {}),
        "wrong method": signed.put("/"),
        "NUL": nobody.get("/login/?next=%00"),
        "wrong host": nobody.get("/login/", headers={"Host": "evil.example"}),
        "health": nobody.get("/healthz"),
        "static": nobody.get("/static/app.css"),
        "static that is not there": nobody.get("/static/nothing.css"),
        "desk": desk.get("/admin/"),
        "register": desk.get("/admin/audit/entry/"),
        "desk's error": desk.get("/admin/nothing/here/"),
        "API": program.get(f"/api/v1/lists/{listed.pk}/"),
        "API without a key": nobody.get("/api/v1/lists/"),
        "API's error": program.post("/api/v1/lists/", {}),
        "API's nothing": program.get("/api/v1/nothing/"),
        "schema": nobody.get("/api/v1/schema/"),
        "schema's page": nobody.get("/api/v1/schema/ui/"),
        "schema's script": nobody.get("/api/v1/schema/ui/?script="),
    }

    def broken(*args, **kwargs):
        raise RuntimeError

    monkeypatch.setattr(people, "describe", broken)
    answers["broken"] = signed.post("/profile/", {"name": "A"})
    answers["static"].close()
    wanted = {
        **{"page": 200, "to the sign-in page": 302, "form refused": 400, "fragment": 200, "download": 200},
        **{"not found": 404, "forbidden": 403, "no CSRF token": 403, "wrong method": 405, "NUL": 400},
        **{"wrong host": 400, "static": 200, "desk": 200, "API": 200, "API without a key": 401, "broken": 500},
    }
    assert {name: answers[name].status_code for name in wanted} == wanted
    assert {name: wrong for name, answer in answers.items() if (wrong := lacking(answer))} == {}
    assert answers["download"]["Content-Disposition"].startswith("attachment")


def test_over_http_nothing_is_answered_but_that_we_are_there(https, db):
    answer = Client().get("/login/?next=/lists/")
    assert (answer.status_code, answer.url) == (301, "https://testserver/login/?next=/lists/")
    assert lacking(answer).keys() == {"Strict-Transport-Security"}  # RFC 6797 §7.2: not over HTTP
    assert Client().get("/healthz").status_code == 200


def test_cookies_are_for_our_pages_over_https_and_for_no_script(https, author):
    browser = Client(**TLS)
    browser.get("/login/")
    browser.post("/login/", {"username": author.email, "password": factories.PASSWORD})
    browser.post("/preferences/", {"theme": "dark", "language": "ru"})
    assert {"sessionid", "csrftoken", "theme", "last_visit"} <= set(browser.cookies)
    for name, cookie in browser.cookies.items():
        assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Lax"), name
        assert (cookie["path"], cookie["domain"]) == ("/", ""), name


def test_the_page_of_the_api_runs_no_script_of_its_own(db):
    shown = Client().get("/api/v1/schema/ui/")
    assert "<script>" not in shown.content.decode()
    assert "script-src 'self';" in shown["Content-Security-Policy"]
    assert Client().get("/api/v1/schema/ui/?script=")["Content-Type"].startswith("application/javascript")


def checked(**given):
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", **given}
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, env=env)


INSTALLED = {
    "HTTPS": "True",
    "SECRET_KEY": "".join(chr(33 + number) for number in range(60)),
    "ALLOWED_HOSTS": "sms.acme.example",
    "DEBUG": "False",
    "SECOND_STEP_REQUIRED_FOR": "moderator,admin,super admin",
}


def test_the_checks_for_an_installation_find_nothing():
    done = checked(**INSTALLED)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert "no issues" in done.stdout
    assert checked(HTTPS="False", SECRET_KEY="short", DEBUG="True").returncode == 1  # they would find something
    lacking = checked(**INSTALLED | {"SECOND_STEP_REQUIRED_FOR": ""})
    assert lacking.returncode == 1 and "accounts.W001" in lacking.stderr


@pytest.mark.parametrize(
    ("peer", "told", "is_secure"),
    [
        ("127.0.0.1", "https", True),
        ("127.0.0.1", "http", False),
        ("127.0.0.1", "https, http", False),  # by whom the first was said nobody knows
        ("203.0.113.7", "https", False),
        ("", "https", False),
    ],
)
def test_only_a_proxy_of_ours_is_believed_about_https(https, db, peer, told, is_secure):
    """Whoever forges it is sent to HTTPS as if they had said nothing, and gets no Secure cookie in clear."""
    answer = Client(REMOTE_ADDR=peer, HTTP_X_FORWARDED_PROTO=told).get("/login/")
    assert answer.status_code == (200 if is_secure else 301)
    assert ("Strict-Transport-Security" in answer, "csrftoken" in answer.cookies) == (is_secure, is_secure)
