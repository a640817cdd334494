"""Every page, by every role, with things of the workspace, of another one and of nobody."""

import re
from http.cookies import SimpleCookie

import pytest
from django.db import transaction
from django.urls import URLPattern, get_resolver

from accounts.roles import Role
from tests import factories
from tests.config import everything
from tests.config.pages import CALLERS, HAS_NOTHING, MEMBERS, NOBODY, OUTSIDER, PAGES, ROLES, STRANGER, UNSEEN
from tests.pages import signed_in

pytestmark = pytest.mark.timeout(300)  # walks, on machines that are busy
WITHIN = {"author", "moderator", "admin"}  # for whom another workspace does not exist
METHODS = ("get", "post", "put", "patch", "delete", "options")
PLACE = re.compile(r"<\w+:(\w+)>")


def patterns(resolver=None, prefix="", names=()):
    """The address and the view of every page, by its name with its room's."""
    found = {}
    for entry in (resolver or get_resolver()).url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            found[":".join([*names, entry.name or route])] = route
        elif not route.startswith(("api/", "admin/")):
            room = getattr(entry, "namespace", None)
            found |= patterns(entry, route, (*names, room) if room else names)
    return found


NO_PAGES = {"healthz", "metrics", "readyz", "workz", "api/v1"}
ADDRESSES = {name: route for name, route in patterns().items() if name not in NO_PAGES}
WITH_ID = [name for name, route in ADDRESSES.items() if PLACE.search(route)]


def holes(name):
    """What stands in the address: (its name, under which `everything` has it)."""
    route = ADDRESSES[name]
    kinds = {"list_pk": "lists", "export_pk": "exports", "number": "", "token": "", "handle": ""}
    for hole in PLACE.finditer(route):
        before = route[: hole.start()].rstrip("/")
        own = "drafts" if name.startswith("campaigns:edit") and before == "campaigns" else before
        yield hole[1], kinds.get(hole[1], own)


def address(name, ids):
    route = ADDRESSES[name]
    for _hole, kind in holes(name):
        value = ids[kind] if kind else "1"
        route = PLACE.sub(str(value), route, count=1)
    return f"/{route}"


@pytest.fixture
def browsers(workspace):
    """One sign-in each, whose cookies are put back before every call."""
    people = {
        **{str(role): factories.member(workspace, role) for role in Role},
        "flagged author": factories.membership(workspace, Role.AUTHOR, is_moderator=True).user,
        "super admin": factories.user(is_superuser=True),
    }
    elsewhere = factories.workspace()
    made = {role: signed_in(person, workspace) for role, person in people.items()}
    made |= {
        STRANGER: signed_in(factories.member(elsewhere, Role.ADMIN), elsewhere),
        OUTSIDER: signed_in(factories.user()),
    }
    made[NOBODY] = type(made[STRANGER])()
    for browser in made.values():
        browser.raise_request_exception = False
        browser.kept = browser.cookies.output(header="", sep=";")
    return made


def asked(browser, name, method, ids):
    """What is answered, and nothing of it stays."""
    browser.cookies = SimpleCookie(browser.kept)
    with transaction.atomic():
        answer = getattr(browser, method)(address(name, ids))
        content = b"" if answer.streaming else answer.content
        transaction.set_rollback(True)
    return answer, content


def outcome(answer):
    """open, sign in, forbidden, nothing, not so, or broken."""
    if answer.status_code in (301, 302) and answer.url.startswith("/login/?next"):
        return "sign in"
    kinds = {401: "sign in", 403: "forbidden", 404: "nothing", 405: "not so"}
    return kinds.get(answer.status_code, "broken" if answer.status_code >= 500 else "open")


def expected(caller, name, who):
    if caller in who:
        return {"open", "nothing"} if name in HAS_NOTHING else {"open"}
    if caller == NOBODY:
        return {"sign in"}
    if name in UNSEEN or caller == OUTSIDER:
        return {"nothing", "forbidden"} if name == "reports:archive" else {"nothing"}
    if caller == STRANGER:  # an admin elsewhere: what has no id is of that workspace
        return {"nothing"} if name in WITH_ID else {"open", "nothing"}
    return {"forbidden"}


def test_each_role_opens_and_presses_what_the_matrix_says_and_nothing_else(browsers, workspace, unpainted):
    own = everything.things(workspace)
    wrong = {}
    for name, methods in PAGES.items():
        for method, who in methods.items():
            for caller in CALLERS:
                got = outcome(asked(browsers[caller], name, method, own)[0])
                if got not in expected(caller, name, who):
                    wrong[name, method, caller] = got
    assert wrong == {}


def test_a_strangers_thing_and_a_missing_one_are_the_same_404_in_every_place_of_every_address(browsers, workspace):
    """Also the second id of an address, behind one of ours."""
    own, foreign = everything.things(workspace), everything.things(factories.workspace())
    wrong = {}
    for name in WITH_ID:
        for kind in {kind for _, kind in holes(name) if kind}:
            for method, who in PAGES[name].items():
                for caller in who & WITHIN:
                    answers = [
                        asked(browsers[caller], name, method, {**own, kind: ids[kind]})
                        for ids in (foreign, everything.missing(own))
                    ]
                    codes = [answer.status_code for answer, _ in answers]
                    if codes != [404, 404] or plain(answers[0][1]) != plain(answers[1][1]):
                        wrong[name, method, kind, caller] = codes
    assert wrong == {}


def plain(content):
    """Without what differs from one answer to the next anyhow, and without the address itself."""
    text = re.sub(rb'value="[A-Za-z0-9]{64}"', b"", content)
    text = re.sub(rb'(name="next" value|href|hx-get)="[^"]*"', b"", text)
    return re.sub(rb"[0-9a-f]{32}", b"", text)


def test_every_page_is_in_the_matrix():
    assert set(ADDRESSES) == set(PAGES)
    assert all(who <= set(CALLERS) for methods in PAGES.values() for who in methods.values())
    assert set(ROLES) == MEMBERS


def test_a_method_that_is_not_in_the_matrix_is_405(browsers, workspace, unpainted):
    own = everything.things(workspace)
    wrong = {
        (name, method): answer.status_code
        for name, methods in PAGES.items()
        for method in METHODS
        if method not in methods
        if (answer := asked(browsers["super admin"], name, method, own)[0]).status_code != 405
    }
    assert wrong == {}


def test_without_its_slash_an_address_only_leads_to_itself(browsers, workspace):
    own = everything.things(workspace)
    for name, methods in PAGES.items():
        there = address(name, own)
        if "get" in methods and there != "/":
            browsers["admin"].cookies = SimpleCookie(browsers["admin"].kept)
            answer = browsers["admin"].get(there.rstrip("/"))
            assert (answer.status_code, answer.headers.get("Location")) == (301, there), name
            if name not in {"open_invitation", "open_reset"}:  # any text may be the token of a link
                assert browsers["admin"].get(f"{there.rstrip('/')}.json").status_code == 404, name
