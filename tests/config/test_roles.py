"""Every address of the API, by every role."""

import pytest
from django.db import transaction
from rest_framework import serializers
from rest_framework.test import APIClient

from accounts.inputs import Input
from accounts.roles import Role
from tests import factories
from tests.config import everything
from tests.config.test_tenancy import WITH_ID, WITHOUT_ID, address, body_for, methods_of, routes

pytestmark = pytest.mark.timeout(300)  # walks, on machines that are busy
WORKSPACE = ["key", "author", "moderator", "admin", "super admin"]
EVERYBODY, WRITERS = set(WORKSPACE), {"key", "author", "admin", "super admin"}
DECIDERS, CREATORS = {"moderator", "admin", "super admin"}, {"key", "admin", "super admin"}
UNSUPPRESSORS = ADMINS = {"admin", "super admin"}
PROVERS = {"moderator", "admin", "super admin"}
CALLERS = [*WORKSPACE, "stranger", "nobody"]

# Who may, and what they are answered about a campaign that is done: the others of the workspace are answered 403.
MATRIX = {
    ("lists", "get"): (EVERYBODY, 200),
    ("lists", "post"): (WRITERS, 400),
    ("list", "get"): (EVERYBODY, 200),
    ("list-file", "put"): (WRITERS, 409),
    ("list-file-named", "put"): (WRITERS, 409),
    ("list-file", "patch"): (WRITERS, 412),
    ("list-file", "delete"): (WRITERS, 412),
    ("list-file-named", "patch"): (WRITERS, 412),
    ("list-file-named", "delete"): (WRITERS, 412),
    ("uploads", "post"): (WRITERS, 412),
    ("list-rejected", "get"): (EVERYBODY, 409),
    ("list", "patch"): (WRITERS, 400),
    ("list", "delete"): (WRITERS, 409),
    ("list-duplicates", "get"): (EVERYBODY, 409),
    ("list-cancel", "post"): (WRITERS, 409),
    ("list-archive", "post"): (WRITERS, 200),
    ("list-restore", "post"): (WRITERS, 200),
    ("suppressions", "get"): (EVERYBODY, 200),
    ("suppressions", "post"): (WRITERS, 400),
    ("suppression", "get"): (EVERYBODY, 200),
    ("suppression", "delete"): (UNSUPPRESSORS, 204),
    ("suppressions-export", "get"): (EVERYBODY, 200),
    ("suppression-stop-words", "get"): (EVERYBODY, 200),
    ("suppression-stop-words", "put"): (UNSUPPRESSORS, 400),
    ("inbound", "get"): (EVERYBODY, 200),
    ("suppression-imports", "get"): (EVERYBODY, 200),
    ("suppression-imports", "post"): (WRITERS, 400),
    ("suppression-import", "get"): (EVERYBODY, 200),
    ("suppression-import-file", "put"): (WRITERS, 202),
    ("suppression-import-file-named", "put"): (WRITERS, 202),
    ("suppression-import-rejected", "get"): (EVERYBODY, 409),
    ("senders", "get"): (EVERYBODY, 200),
    ("senders", "post"): (CREATORS, 400),
    ("sender", "get"): (EVERYBODY, 200),
    ("revisions", "post"): (EVERYBODY, 201),
    ("revision-approve", "post"): (DECIDERS, 409),
    ("revision-reject", "post"): (DECIDERS, 409),
    ("templates", "get"): (EVERYBODY, 200),
    ("templates", "post"): (WRITERS, 400),
    ("template", "get"): (EVERYBODY, 200),
    ("template", "patch"): (WRITERS, 200),
    ("template", "delete"): (WRITERS, 204),
    ("campaigns", "get"): (EVERYBODY, 200),
    ("campaigns", "post"): (WRITERS, 400),
    ("campaign", "get"): (EVERYBODY, 200),
    ("campaign", "patch"): (WRITERS, 409),
    ("campaign-submit", "post"): (WRITERS, 409),
    ("campaign-withdraw", "post"): (WRITERS, 409),
    ("campaign-revise", "post"): (WRITERS, 409),
    ("campaign-pause", "post"): (WRITERS, 409),
    ("campaign-resume", "post"): (WRITERS, 409),
    ("campaign-cancel", "post"): (WRITERS, 409),
    ("campaign-archive", "post"): (WRITERS, 200),
    ("campaign-restore", "post"): (WRITERS, 200),
    ("campaign-clone", "post"): (WRITERS, 201),
    ("campaign-decisions", "get"): (EVERYBODY, 200),
    ("campaign-approve", "post"): (DECIDERS, 409),
    ("campaign-reject", "post"): (DECIDERS, 409),
    ("campaign-reschedule", "post"): (DECIDERS, 409),
    ("campaign-send-now", "post"): (DECIDERS, 409),
    ("campaign-recipients", "get"): (EVERYBODY, 200),
    ("campaign-errors", "get"): (EVERYBODY, 200),
    ("campaign-messages", "post"): (WRITERS, 400),
    ("campaign-message", "get"): (EVERYBODY, 200),
    ("statistics", "get"): (EVERYBODY, 200),
    ("statistics-export", "get"): (EVERYBODY, 200),
    ("limits", "get"): (EVERYBODY, 200),
    ("erasures", "post"): (ADMINS, 400),
    ("erasure", "get"): (ADMINS, 200),
    ("limits", "put"): (UNSUPPRESSORS, 400),
    ("rules", "get"): (EVERYBODY, 200),
    ("rules", "patch"): (ADMINS, 200),
    ("campaign-trials", "get"): (EVERYBODY, 200),
    ("campaign-trials", "post"): (WRITERS, 409),
    ("campaign-exports", "get"): (EVERYBODY, 200),
    ("campaign-exports", "post"): (EVERYBODY, 201),
    ("inquiries", "post"): (PROVERS, 400),
    ("inquiry", "get"): (PROVERS, 200),
    ("inquiry-file", "get"): (PROVERS, 409),
    ("export", "get"): (EVERYBODY, 200),
    ("export-file", "get"): (EVERYBODY, 409),
    ("standing-exports", "get"): (ADMINS, 200),
    ("standing-exports", "post"): (ADMINS, 400),
    ("standing-export", "get"): (ADMINS, 200),
    ("standing-export", "delete"): (ADMINS, 204),
    ("channels", "get"): (EVERYBODY, 200),
    ("routes", "get"): (EVERYBODY, 200),
    ("audit", "get"): (EVERYBODY, 200),
    ("audit-export", "get"): (EVERYBODY, 200),
    ("keys", "get"): (ADMINS, 200),
    ("key", "get"): (ADMINS, 200),
    ("key", "delete"): (ADMINS, 204),
    ("webhooks", "get"): (ADMINS, 200),
    ("webhooks", "post"): (ADMINS, 400),
    ("webhook", "get"): (ADMINS, 200),
    ("webhook", "patch"): (ADMINS, 200),
    ("webhook", "delete"): (ADMINS, 204),
    ("webhook-rotate", "post"): (ADMINS, 200),
    ("webhook-enable", "post"): (ADMINS, 200),
    ("webhook-disable", "post"): (ADMINS, 200),
    ("webhook-test", "post"): (ADMINS, 201),
    ("webhook-deliveries", "get"): (ADMINS, 200),
    ("webhook-delivery", "get"): (ADMINS, 200),
    ("webhook-redeliver", "post"): (ADMINS, 200),
    ("members", "get"): (EVERYBODY, 200),
    ("member", "get"): (EVERYBODY, 200),
    ("member", "patch"): (ADMINS, 200),
    ("member", "delete"): (ADMINS, 204),
    ("invitations", "get"): (ADMINS, 200),
    ("invitations", "post"): (ADMINS, 400),
    ("invitation", "get"): (ADMINS, 200),
    ("invitation", "delete"): (ADMINS, 204),
    ("invitation-resend", "post"): (ADMINS, 409),
    ("join-requests", "get"): (ADMINS, 200),
    ("join-request", "get"): (ADMINS, 200),
    ("join-request-grant", "post"): (ADMINS, 201),
    ("join-request-refuse", "post"): (ADMINS, 200),
}
# Bodies that are bytes of a file: they name nothing.
TAKES_A_FILE = {"uploads", "list-file", "list-file-named", "suppression-import-file", "suppression-import-file-named"}
READS_NOTHING = {
    ("list", "delete"),
    ("member", "delete"),
    ("invitation", "delete"),
    ("key", "delete"),
    ("webhook", "delete"),
    ("standing-export", "delete"),
}
TUS = {name: {"options"} for name in ("uploads", "list-file", "list-file-named")}  # tus describes itself by OPTIONS
# What rows have and nobody says of them: whose they are, how far they are, what was decided and what they cost.
FORBIDDEN = {
    **{"id": 1, "workspace": 1, "workspace_id": 1, "tenant": 1, "owner": 1, "user": 1, "created_by": 1, "edited_by": 1},
    **{"status": "approved", "state": "approved", "approved_by": 1, "decided_by": 1, "submitted_by": 1, "round": 9},
    **{"seal": "0" * 64, "digest": "0" * 64, "accepted": 9, "rows": 9, "delivered": 9, "cost": 0, "parts": 1},
    **{"is_superuser": True, "is_staff": True, "permissions": ["manage"], "started_at": "2027-01-01T00:00:00Z"},
}
FOR_ANYBODY = {"schema", "schema-ui", "nowhere"}


@pytest.fixture
def callers(workspace):
    elsewhere = factories.workspace(tokens_may_decide=True)
    tokens = {
        **{role: factories.token(workspace, factories.member(workspace, Role(role))) for role in Role},
        "super admin": factories.token(workspace, factories.user(is_superuser=True)),
        "stranger": factories.token(elsewhere, factories.member(elsewhere, Role.ADMIN)),
        "key": factories.api_key(workspace)[1],
    }
    return {"nobody": APIClient(), **{str(name): factories.bearer(secret) for name, secret in tokens.items()}}


def asked(client, name, method, ids, body=None):
    """What is answered, and nothing of it stays."""
    with transaction.atomic():
        answer = getattr(client, method)(address(name, ids), body or body_for(method, name))
        transaction.set_rollback(True)
    return answer


def expected(caller, name, who, answer):
    if caller == "nobody":
        return 401
    if caller == "stranger":  # an admin elsewhere: what has no id is of that workspace
        return answer if name in WITHOUT_ID else 404
    return answer if caller in who else 403


def test_each_role_may_what_the_matrix_says_and_nothing_else(callers, workspace):
    own = everything.things(workspace)
    answered = {
        (name, method, caller): asked(callers[caller], name, method, own).status_code
        for name, method in MATRIX
        for caller in CALLERS
    }
    wanted = {(*key, caller): expected(caller, key[0], *MATRIX[key]) for key in MATRIX for caller in CALLERS}
    assert {key: code for key, code in answered.items() if code != wanted[key]} == {}


def test_a_strangers_thing_and_a_missing_one_are_the_same_404_for_every_role(callers, workspace):
    """And a role that may not is told so before anybody looks for the thing."""
    foreign = everything.things(factories.workspace())
    missing = everything.missing(foreign)
    wrong = {}
    for name, method in WITH_ID:
        for caller in WORKSPACE:
            answers = [asked(callers[caller], name, method, ids) for ids in (foreign, missing)]
            code = 404 if caller in MATRIX[name, method][0] else 403
            if [answer.status_code for answer in answers] != [code] * 2 or answers[0].content != answers[1].content:
                wrong[name, method, caller] = [answer.status_code for answer in answers]
    assert wrong == {}


def test_every_address_and_method_is_in_the_matrix():
    walked = {(name, method) for name, pattern in routes().items() for method in methods_of(pattern)}
    assert set(MATRIX) == {(name, method) for name, method in walked if name not in FOR_ANYBODY}
    assert len(WITH_ID) >= 21


# --- What else an address could be asked for --------------------------------------------------------------------------


def test_a_method_that_is_not_in_the_matrix_is_405_for_whoever_has_a_key(callers, workspace):
    """OPTIONS is one of them: it describes nothing, and no address has a page of its own."""
    own = everything.things(workspace)
    wrong = {}
    for name in {name for name, _ in MATRIX}:
        has = {method for other, method in MATRIX if other == name}
        for method in {"get", "post", "put", "patch", "delete", "options", "trace"} - has - TUS.get(name, set()):
            answer = callers["admin"].generic(method.upper(), address(name, own))
            if answer.status_code != 405 or answer.json()["error"]["code"] != "method_not_allowed":
                wrong[name, method] = answer.status_code
            if callers["nobody"].generic(method.upper(), address(name, own)).status_code != 401:
                wrong[name, method, "nobody"] = True
    assert wrong == {}


def test_no_address_has_another_spelling(callers, workspace):
    """Without its slash, with a suffix or twice the slash there is nothing; a suffix chooses no other form."""
    own, client = everything.things(workspace), callers["admin"]
    wrong = {}
    for name in {name for name, method in MATRIX if method == "get"}:
        there = address(name, own)
        for spelt in (there.rstrip("/"), f"{there.rstrip('/')}.json", f"{there}/", f"/api/v1/{there[8:].upper()}"):
            answer = client.get(spelt)
            if answer.status_code != 404 or answer.json()["error"]["code"] != "not_found":
                wrong[spelt] = answer.status_code
    assert wrong == {}


def test_nobody_gets_a_page_for_browsing_the_api(callers, workspace):
    own, client = everything.things(workspace), callers["admin"]
    for name in {name for name, method in MATRIX if method == "get"}:
        for answer in (client.get(address(name, own), {"format": "api"}), client.get(address(name, own))):
            assert "text/html" not in answer.headers.get("Content-Type", "")
        assert "text/html" not in client.get(address(name, own), HTTP_ACCEPT="text/html").headers.get(
            "Content-Type", ""
        )


# --- Mass assignment --------------------------------------------------------------------------------------------------


def test_what_is_not_a_callers_to_say_is_refused_by_its_name_wherever_a_body_is_read(callers, workspace):
    own, client = everything.things(workspace), callers["super admin"]
    taken = {}
    for name, method in MATRIX:
        if method == "get" or name in TAKES_A_FILE or (name, method) in READS_NOTHING:
            continue
        answer = asked(client, name, method, own, {**(body_for(method, name) or {}), **FORBIDDEN})
        refused = answer.json()["error"].get("fields", {}) if answer.status_code == 400 else {}
        if unsaid := set(FORBIDDEN) - set(refused):
            taken[name, method, answer.status_code] = unsaid
    assert taken == {}


def test_no_input_of_the_api_names_what_is_not_a_callers_to_say():
    assert {kind.__name__ for kind in inputs() if set(kind().fields) & set(FORBIDDEN)} == set()
    assert len(inputs()) > 15
    assert all(not issubclass(kind, serializers.ModelSerializer) for kind in inputs())


def inputs(kind=Input):
    return {below for child in kind.__subclasses__() for below in {child, *inputs(child)}}
