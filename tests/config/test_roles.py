"""Every address of the API, by every role."""

import pytest
from django.db import transaction
from rest_framework.test import APIClient

from accounts.roles import Role
from recipients import suppressions
from reports.models import Export
from tests import factories
from tests.config.test_tenancy import WITHOUT_ID, address, body_for, methods_of, routes

WORKSPACE = ["key", "author", "moderator", "admin", "super admin"]
EVERYBODY, WRITERS = set(WORKSPACE), {"key", "author", "admin", "super admin"}
DECIDERS, CREATORS = {"moderator", "admin", "super admin"}, {"key", "admin", "super admin"}
UNSUPPRESSORS = {"admin", "super admin"}
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
    ("campaign-approve", "post"): (DECIDERS, 409),
    ("campaign-reject", "post"): (DECIDERS, 409),
    ("campaign-reschedule", "post"): (DECIDERS, 409),
    ("campaign-send-now", "post"): (DECIDERS, 409),
    ("campaign-recipients", "get"): (EVERYBODY, 200),
    ("campaign-errors", "get"): (EVERYBODY, 200),
    ("limits", "get"): (EVERYBODY, 200),
    ("limits", "put"): (UNSUPPRESSORS, 400),
    ("campaign-trials", "get"): (EVERYBODY, 200),
    ("campaign-trials", "post"): (WRITERS, 409),
    ("campaign-exports", "post"): (EVERYBODY, 201),
    ("export", "get"): (EVERYBODY, 200),
    ("export-file", "get"): (EVERYBODY, 409),
    ("keys", "get"): (UNSUPPRESSORS, 200),
    ("key", "get"): (UNSUPPRESSORS, 200),
    ("key", "delete"): (UNSUPPRESSORS, 204),
    ("channels", "get"): (EVERYBODY, 200),
    ("routes", "get"): (EVERYBODY, 200),
    ("audit", "get"): (EVERYBODY, 200),
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


@pytest.fixture
def things(workspace):
    """One of each, and one export that is not ready."""
    campaign = factories.done(workspace)
    export = Export.objects.create(workspace=workspace, campaign=campaign, requested_by=campaign.created_by)
    return {
        "lists": campaign.list_id,
        "senders": campaign.sender_id,
        "campaigns": campaign.pk,
        "exports": export.pk,
        "keys": factories.api_key(workspace)[0].pk,
        "suppressions": suppressions.opt_out(workspace, factories.FIRST_NUMBER).pk,
        "suppressions/imports": factories.suppression_import(workspace).pk,
    }


def call(client, things, name, method):
    return getattr(client, method)(address(name, things), body_for(method, name))


def expected(caller, name, who, answer):
    if caller == "nobody":
        return 401
    if caller == "stranger":  # an admin elsewhere: what has no id is of that workspace
        return answer if name in WITHOUT_ID else 404
    return answer if caller in who else 403


@pytest.mark.parametrize(("name", "method"), MATRIX)
def test_each_role_may_what_the_matrix_says_and_nothing_else(callers, things, name, method):
    answered = {}
    for caller in CALLERS:
        with transaction.atomic():
            answered[caller] = call(callers[caller], things, name, method).status_code
            transaction.set_rollback(True)
    assert answered == {caller: expected(caller, name, *MATRIX[name, method]) for caller in CALLERS}


def test_every_address_and_method_is_in_the_matrix():
    walked = {(name, method) for name, pattern in routes().items() for method in methods_of(pattern)}
    assert set(MATRIX) == {(name, method) for name, method in walked if name not in FOR_ANYBODY}
