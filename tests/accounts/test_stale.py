"""Somebody else saves while a page is open: it overwrites nothing, says so, and may be sent again."""

import re

import pytest

from accounts import keeping, limits, members, rules
from accounts.models import Workspace
from accounts.roles import Role
from campaigns import saved_texts
from campaigns.models import SavedText
from tests import factories
from tests.pages import signed_in, text_of
from webhooks import endpoints
from webhooks.models import Endpoint

NOTICE = "load the page anew to see it. Somebody was faster than this page."


def text(workspace, by):
    row = factories.saved_text(workspace, "Spring", text="Old.")
    return (
        f"/campaigns/texts/{row.pk}/",
        {"name": "Spring", "text": "Mine."},
        lambda: saved_texts.change(row.pk, {"name": "Spring", "text": "Theirs."}, by=by),
        lambda: SavedText.objects.get(pk=row.pk).text == "Mine.",
    )


def webhook(workspace, by):
    row = factories.endpoint(workspace, by=by)
    given = {"url": row.url, "description": "Mine", "events": list(row.events)}
    return (
        f"/webhooks/{row.pk}/edit/",
        given,
        lambda: endpoints.change(row.pk, **{**given, "description": "Theirs"}, by=by),
        lambda: Endpoint.objects.get(pk=row.pk).description == "Mine",
    )


def member(workspace, by):
    row = factories.membership(workspace, Role.AUTHOR)

    def theirs():
        members.change(row.pk, role=Role.AUTHOR, is_moderator=True, by=by, now=factories.timezone.now())

    def is_mine():
        row.refresh_from_db()
        return row.role == Role.ADMIN

    return f"/members/{row.pk}/", {"role": "admin"}, theirs, is_mine


def setting(path, given, change, name):
    def of(workspace, by):
        return path, given, lambda: change(workspace.pk, by=by), lambda: _now(workspace, name) == int(given[name])

    return of


def _now(workspace, name):
    return getattr(Workspace.objects.get(pk=workspace.pk), name)


RULES = setting(
    "/members/rules/", {"approval_days": "3"}, lambda pk, by: rules.rule(pk, approval_days=9, by=by), "approval_days"
)
LIMITS = setting(
    "/limits/",
    {"parts_per_day": "100"},
    lambda pk, by: limits.limit(pk, parts_per_day=900, parts_per_month=None, destinations=(), by=by),
    "parts_per_day",
)
DAYS = setting(
    "/retention/",
    {"lists_kept_days": "3"},
    lambda pk, by: keeping.keep(pk, lists_kept_days=9, by=by),
    "lists_kept_days",
)


@pytest.mark.parametrize("make", [text, webhook, member, RULES, LIMITS, DAYS])
def test_a_form_that_somebody_overtook_changes_nothing_and_says_so(workspace, admin, make):
    page = signed_in(admin, workspace)
    path, given, theirs, is_mine = make(workspace, admin)
    seen = mark(page.get(path))
    theirs()
    refused = page.post(path, {**given, "mark": seen})
    assert refused.status_code == 400 and NOTICE in text_of(refused)
    assert not is_mine()
    assert page.post(path, {**given, "mark": mark(refused)}).status_code == 302
    assert is_mine()


def mark(shown):
    return re.search(r'name="mark" value="(\w+)"', shown.content.decode())[1]
