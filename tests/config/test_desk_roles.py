"""Every register and button of the staff's desk, by every role, with rows of ours, of a stranger and of nobody."""

import re
from http.cookies import SimpleCookie

import pytest
from django.contrib import admin
from django.db import transaction
from django.urls import URLPattern, get_resolver

from accounts.roles import Role
from moderation.models import Decision
from tests import factories
from tests.config.desk import BUTTONS, FOR_STAFF, REGISTERS, STAFF
from tests.config.everything import MISSING
from tests.pages import signed_in

pytestmark = pytest.mark.timeout(300)
EVERY_REGISTER_HAS = ("changelist", "add", "history", "delete", "change")


@pytest.fixture
def browsers(workspace):
    people = {
        **{str(role): factories.member(workspace, role, user=factories.user(is_staff=True)) for role in Role},
        "flagged author": factories.membership(
            workspace, Role.AUTHOR, is_moderator=True, user=factories.user(is_staff=True)
        ).user,
        "super admin": factories.user(is_staff=True, is_superuser=True),
        "no staff": factories.member(workspace, Role.AUTHOR),
    }
    made = {role: signed_in(person, workspace) for role, person in people.items()}
    for browser in made.values():
        browser.raise_request_exception = False
        browser.kept = browser.cookies.output(header="", sep=";")
    return made


def rows_of(workspace):
    """The id of one row in each register that a workspace has rows in."""
    campaign, revision = factories.in_review(workspace), factories.revision(factories.sender(workspace), approved=False)
    done = factories.approved(workspace)
    return {
        "accounts.workspace": workspace.pk,
        "accounts.membership": factories.membership(workspace).pk,
        "accounts.invitation": factories.invitation(workspace).pk,
        "accounts.joinrequest": factories.join_request(workspace).pk,
        "accounts.apikey": factories.api_key(workspace)[0].pk,
        "senders.sender": revision.sender_id,
        "senders.revision": revision.pk,
        "campaigns.campaign": campaign.pk,
        "moderation.campaigninreview": campaign.pk,
        "moderation.revisioninreview": revision.pk,
        "moderation.decision": Decision.objects.get(campaign=done).pk,
    }


def asked(browser, method, address):
    browser.cookies = SimpleCookie(browser.kept)
    with transaction.atomic():
        answer = getattr(browser, method)(address)
        content = b"" if answer.streaming else answer.content
        transaction.set_rollback(True)
    return answer, content


def buttons():
    """The addresses that a register has beside the usual ones, by their name."""
    found = {}
    for entry in get_resolver("config.urls").url_patterns:
        if str(entry.pattern) == "admin/":
            for below in entry.url_patterns:
                patterns = [below] if isinstance(below, URLPattern) else below.url_patterns
                prefix = "" if isinstance(below, URLPattern) else str(below.pattern)
                found |= {one.name: prefix + str(one.pattern) for one in patterns if one.name}
    usual = {f"{label.replace('.', '_')}_{name}" for label in REGISTERS for name in EVERY_REGISTER_HAS}
    return {name: route for name, route in found.items() if name not in usual | FOR_STAFF}


def address(route, pk):
    return "/admin/" + re.sub(r"<(slug|str):\w+>", "approve", re.sub(r"<(int:\w+|id)>", str(pk), route))


def test_every_register_and_every_button_is_in_the_matrix():
    assert {model._meta.label_lower for model in admin.site._registry} == set(REGISTERS)
    assert set(buttons()) == set(BUTTONS)


def test_each_role_sees_the_registers_that_the_matrix_says_and_adds_to_no_other(browsers, unpainted):
    wrong = {}
    for label, (sees, adds) in REGISTERS.items():
        base = f"/admin/{label.replace('.', '/')}/"
        for role in STAFF:
            codes = [asked(browsers[role], "get", url)[0].status_code for url in (base, f"{base}add/")]
            if (codes[0] == 200, codes[1] == 200) != (role in sees, role in adds) or not {*codes} <= {200, 403, 404}:
                wrong[label, role] = codes
            refused = asked(browsers[role], "post", f"{base}add/")[0].status_code
            if role not in adds and refused not in (403, 404):
                wrong[label, role, "post"] = refused
    assert wrong == {}


def test_rows_are_there_for_whoever_sees_the_register_and_strangers_rows_are_as_missing_ones(browsers, workspace):
    own, foreign = rows_of(workspace), rows_of(factories.workspace())
    wrong = {}
    for label, ours in own.items():
        base, sees = f"/admin/{label.replace('.', '/')}/", REGISTERS[label][0]
        for role in STAFF:
            for view in ("change", "history", "delete"):
                answers = [
                    asked(browsers[role], "get", f"{base}{pk}/{view}/") for pk in (ours, foreign[label], MISSING)
                ]
                (mine, _), (others, theirs), (none, nothing) = answers
                if role not in sees:
                    if {mine.status_code, others.status_code, none.status_code} - {302, 403, 404}:
                        wrong[label, role, view] = [answer.status_code for answer, _ in answers]
                elif view != "delete" and mine.status_code not in (200, 302):
                    wrong[label, role, view, "own"] = mine.status_code
                elif role != "super admin" and (
                    others.status_code != none.status_code or plain(theirs, foreign[label]) != plain(nothing, MISSING)
                ):
                    wrong[label, role, view, "foreign"] = (others.status_code, none.status_code)
    assert wrong == {}


def plain(content, pk):
    """Without its own address, the request's id and the token of its form."""
    return re.sub(rb"[0-9A-Za-z]{32,}", b"", content.replace(f"/{pk}/".encode(), b"//"))


def test_each_role_presses_the_buttons_that_the_matrix_says_and_no_other(browsers, workspace, unpainted):
    own, foreign = rows_of(workspace), rows_of(factories.workspace())
    wrong = {}
    for name, route in buttons().items():
        label = ".".join(route.split("/")[:2])
        for role in STAFF:
            pks = (own.get(label, MISSING), foreign.get(label, MISSING), MISSING)
            for method in ("get", "post"):
                answers = [asked(browsers[role], method, address(route, pk)) for pk in pks]
                codes = [answer.status_code for answer, _ in answers]
                if role not in BUTTONS[name] and set(codes) - {403, 404, 405}:
                    wrong[name, role, method] = codes
                elif role in BUTTONS[name] and label in own and codes[0] == 403:
                    wrong[name, role, method, "own"] = codes
                elif "<" in route and role != "super admin" and codes[1] != codes[2]:
                    wrong[name, role, method, "foreign"] = codes
    assert wrong == {}


def test_who_is_no_staff_finds_no_desk(browsers):
    for label in REGISTERS:
        answer = asked(browsers["no staff"], "get", f"/admin/{label.replace('.', '/')}/")[0]
        assert answer.status_code == 302 and answer.url.startswith("/admin/login/"), label
    assert browsers["no staff"].get("/admin/autocomplete/").url.startswith("/admin/login/")


@pytest.mark.parametrize("field", ["user", "workspace"])
def test_nobody_but_a_super_admin_is_offered_people_or_workspaces_to_choose_from(browsers, field):
    asked_for = {"app_label": "accounts", "model_name": "membership", "field_name": field, "term": ""}
    codes = {role: browsers[role].get("/admin/autocomplete/", asked_for).status_code for role in STAFF}
    assert codes == {role: 200 if role == "super admin" else 403 for role in STAFF}
