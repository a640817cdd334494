"""A session that has ended: one signs in, and is back where one was."""

import pytest
from django.test import Client

from tests import factories

HTMX = {"HX-Request": "true"}


@pytest.mark.parametrize(
    ("method", "path", "headers", "back"),
    [
        ("get", "/lists/?status=ready", {}, "/lists/%3Fstatus%3Dready"),
        ("post", "/members/invite/", {"Referer": "http://testserver/members/?q=a"}, "/members/%3Fq%3Da"),
        ("post", "/members/invite/", {}, "/"),
        ("post", "/members/invite/", {"Referer": "https://evil.example/"}, "/"),
        ("post", "/members/invite/", {"Referer": "http://testserver.evil.example/lists/"}, "/"),
    ],
)
def test_the_sign_in_page_knows_where_somebody_was(db, method, path, headers, back):
    assert getattr(Client(), method)(path, headers=headers).url == f"/login/?next={back}"


@pytest.mark.parametrize(
    ("current", "back"),
    [("http://testserver/lists/7/", "/lists/7/"), ("https://evil.example/lists/7/", "/"), ("", "/")],
)
def test_htmx_is_told_to_leave_with_the_whole_page(db, current, back):
    answer = Client().get("/lists/7/sample/", headers={**HTMX, "HX-Current-URL": current})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer["HX-Redirect"] == f"/login/?next={back}"


@pytest.mark.parametrize(
    ("given", "went"), [("/lists/?page=2", "/lists/?page=2"), ("https://evil.example/", "/"), ("//evil.example", "/")]
)
def test_after_signing_in_one_is_where_one_was_and_nowhere_else(client, workspace, author, given, went):
    entered = {"username": author.email, "password": factories.PASSWORD, "next": given}
    assert client.post("/login/", entered).url == went
