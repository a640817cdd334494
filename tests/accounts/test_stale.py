"""Somebody else saves while a page is open: it overwrites nothing, says so, and may be sent again."""

import re

import pytest
from django.urls import reverse

from accounts import keeping, limits, members, rules
from accounts.models import Workspace
from accounts.roles import Role
from campaigns import saved_texts
from campaigns.models import SavedText
from channels import accounts
from moderation.models import BlockedTerm, CannedReason
from recipients import stop_words
from tests import factories
from tests.pages import form_of, signed_in, text_of
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


def test_whoever_is_overtaken_is_told_so_whatever_else_is_wrong(workspace, admin):
    page = signed_in(admin, workspace)
    path, given, theirs, is_mine = RULES(workspace, admin)
    seen = mark(page.get(path))
    theirs()
    refused = page.post(path, {"approval_days": "many", "mark": seen})
    assert NOTICE in text_of(refused) and "Enter a whole number." in text_of(refused)
    assert page.post(path, {**given, "mark": mark(refused)}).status_code == 302
    assert is_mine()


def test_stop_words_that_somebody_else_has_changed_are_not_overwritten(workspace, admin):
    page = signed_in(admin, workspace)
    shown, keep = reverse("recipients:suppressed"), reverse("recipients:keep_stop_words")
    seen = mark(page.get(shown))
    stop_words.save(workspace, ["THEIRS"], by=admin)
    refused = page.post(keep, {"words": "MINE", "mark": seen})
    assert refused.status_code == 400 and NOTICE in text_of(refused)
    assert stop_words.of(workspace) == ["THEIRS"]
    assert page.post(keep, {"words": "MINE", "mark": mark(refused)}).status_code == 302
    assert stop_words.of(workspace) == ["MINE"]


# --- The desk ---------------------------------------------------------------------------------------------------------


def on_the_desk(row, name, mine, theirs):
    """A row, a field of its form, what is written there, and how somebody else's is saved."""
    return row, name, mine, lambda: type(row).objects.filter(pk=row.pk).update(**{name: theirs})


def a_route(workspace):
    one, other = factories.channel("one"), factories.channel("other")
    row = factories.route("both", {one: 1, other: 1})
    return row, "members-0-weight", "5", lambda: row.members.filter(channel=other).update(weight=9)


def a_default_channel(workspace):
    factories.channel("main", is_default=True)
    row = factories.channel("other", is_default=False)
    return row, "window", "7", lambda: accounts.save("other", by=None, is_default=True)


OF_THE_DESK = {
    "channel": lambda workspace: on_the_desk(factories.channel(), "window", "7", 9),
    "default": a_default_channel,
    "route": a_route,
    "canned reason": lambda workspace: on_the_desk(
        CannedReason.objects.create(language="en", text="Shop?", workspace=workspace), "text", "Mine?", "Theirs?"
    ),
    "blocked term": lambda workspace: on_the_desk(
        BlockedTerm.objects.create(term="win", why="Shop?", workspace=workspace), "why", "Mine.", "Theirs."
    ),
    "membership": lambda workspace: on_the_desk(
        factories.membership(workspace, Role.AUTHOR), "role", "admin", "moderator"
    ),
    "workspace": lambda workspace: on_the_desk(workspace, "name", "Mine", "Theirs"),
    "person": lambda workspace: on_the_desk(factories.user(), "name", "Mine", "Theirs"),
}


@pytest.mark.parametrize("make", OF_THE_DESK.values(), ids=OF_THE_DESK)
def test_a_form_of_the_desk_that_somebody_overtook_changes_nothing_and_says_so(workspace, make):
    desk = signed_in(factories.user(is_staff=True, is_superuser=True), workspace)
    row, name, mine, theirs = make(workspace)
    path = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    shown = form_of(desk.get(path))
    theirs()
    now = form_of(desk.get(path))
    refused = desk.post(path, {**shown, name: mine})
    assert refused.status_code == 200 and NOTICE in text_of(refused)
    assert form_of(desk.get(path)) == now
    again = form_of(refused)
    assert again[name] == mine and again["mark"] == now["mark"]
    assert desk.post(path, again).status_code == 302
    assert form_of(desk.get(path))[name] == mine


def mark(shown):
    return re.search(r'name="mark" value="(\w+)"', shown.content.decode())[1]
