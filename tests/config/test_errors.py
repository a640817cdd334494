"""When something cannot be done: a page of ours, that names the request."""

import logging
import re

import pytest
from django.test import Client

from accounts.roles import Role
from campaigns import transitions
from tests import factories
from tests.pages import signed_in, text_of

HTMX = {"HX-Request": "true"}


@pytest.fixture
def page(author):
    return signed_in(author)


def broken(monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("a bug")

    monkeypatch.setattr("recipients.views.charts_of", fail)


def test_nothing_here_is_said_in_the_frame(page):
    answer = page.get("/lists/10000/")
    assert answer.status_code == 404
    assert "<h1>Nothing here</h1>" in text_of(answer) and "Sign out" in text_of(answer)
    assert answer["X-Request-Id"] in text_of(answer)


def test_who_may_not_is_told_what(page):
    answer = page.get("/senders/new/")
    assert answer.status_code == 403
    assert "Your role does not let you create senders." in text_of(answer)
    assert answer["X-Request-Id"] in text_of(answer)


@pytest.mark.parametrize(("path", "status"), [("campaigninreview/999999/change/", 404), ("cannedreason/add/", 403)])
def test_the_desk_says_it_in_the_same_way(workspace, path, status):
    """An author on the staff who judges nothing has the desk, and nothing on it."""
    staff = factories.user(is_staff=True)
    factories.member(workspace, Role.MODERATOR if status == 404 else Role.AUTHOR, user=staff)
    answer = signed_in(staff).get(f"/admin/moderation/{path}")
    assert answer.status_code == status
    assert "app.css" in text_of(answer) and answer["X-Request-Id"] in text_of(answer)


def test_the_address_of_a_button_is_no_page_and_says_so(page, workspace):
    answer = page.get(f"/campaigns/{factories.draft(workspace).pk}/submit/")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert "belongs to a button" in text_of(answer) and answer["X-Request-Id"] in text_of(answer)


def test_a_bug_shows_a_page_in_the_design_and_its_request_in_the_log(author, workspace, monkeypatch, caplog):
    broken(monkeypatch)
    listed = factories.ready_list(workspace)
    page = Client(raise_request_exception=False)
    page.force_login(author)
    with caplog.at_level(logging.ERROR, logger="django.request"):
        answer = page.get(f"/lists/{listed.pk}/")
    assert answer.status_code == 500
    shown = text_of(answer)
    assert "Something broke here" in shown and answer["X-Request-Id"] in shown and "app.css" in shown
    assert "a bug" not in shown


def test_the_log_names_the_request(settings):
    from audit import circumstances
    from config.logs import RequestId

    line = settings.LOGGING["formatters"]["line"]["format"]
    record = logging.makeLogRecord({"msg": "something", "name": "root", "levelname": "INFO"})
    token = circumstances.set_current(circumstances.Circumstances(request_id="abc12345"))
    try:
        assert RequestId().filter(record)
    finally:
        circumstances.reset(token)
    assert logging.Formatter(line).format(record).endswith("INFO root [abc12345] something")


def test_too_large_a_form_is_413_and_a_page(page):
    answer = page.post("/lists/suppressed/add/", {"to": "0612345678", "reason": "x" * 3_000_000})
    assert answer.status_code == 413
    assert "That is too much at once" in text_of(answer)


def test_a_page_from_before_signing_in_again_is_too_old(author):
    page = Client(enforce_csrf_checks=True)
    page.force_login(author)
    answer = page.post("/preferences/", {"theme": "dark"})
    assert answer.status_code == 403
    assert "This page is too old" in text_of(answer) and answer["X-Request-Id"] in text_of(answer)


def test_htmx_gets_a_line_for_the_messages_and_no_page(page):
    answer = page.get("/lists/10000/sample/", headers=HTMX)
    assert answer.status_code == 404
    assert "<html" not in text_of(answer) and "Nothing here." in text_of(answer)
    assert (answer["HX-Retarget"], answer["HX-Reswap"]) == ("#messages", "innerHTML")


def test_the_api_keeps_its_envelope(as_author):
    answer = as_author.get("/api/v1/nowhere/")
    assert answer.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize("given", ["1f0e3dad99908345f7439f8ffabdffc4", "1f0e3dad-9990-8345-f743-9f8ffabdffc4"])
def test_the_request_keeps_the_id_that_a_proxy_gave_it(client, db, given):
    assert client.get("/login/", headers={"X-Request-Id": given})["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["", "short", "a" * 65, "with a blank", "<script>alert(1)</script>"])
def test_an_id_that_is_not_sane_is_replaced(client, db, given):
    assert re.fullmatch("[0-9a-f]{32}", client.get("/login/", headers={"X-Request-Id": given})["X-Request-Id"])


def test_a_page_that_somebody_else_overtook_says_so(page, workspace, author):
    campaign = factories.in_review(workspace)
    transitions.withdraw(campaign.pk, by=author)
    here = f"/campaigns/{campaign.pk}/"
    answer = page.post(f"{here}withdraw/", headers={"Referer": f"http://testserver{here}"}, follow=True)
    assert "Somebody was faster than this page." in text_of(answer)
    fragment = page.post(f"{here}withdraw/", headers=HTMX)
    assert fragment.status_code == 409 and "Load the page again" in text_of(fragment)
