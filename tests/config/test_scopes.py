"""Every address of the API needs one scope of a key, whatever else the key and its person may."""

import pytest

from accounts import keys
from accounts.models import ApiKey
from accounts.roles import Role
from accounts.scopes import OF_TOKENS, Scope, offered
from audit.refusal import Refused
from tests import factories
from tests.config import everything
from tests.config.test_roles import MATRIX, asked

S = Scope
SCOPES = {
    S.CAMPAIGNS_READ: {
        ("campaigns", "get"),
        ("campaign", "get"),
        ("campaign-trials", "get"),
        ("campaign-decisions", "get"),
        *(("templates", "get"), ("template", "get")),
    },
    S.CAMPAIGNS_WRITE: {
        *((name, "post") for name in ("campaigns", "campaign-trials", "campaign-submit", "campaign-withdraw")),
        *((f"campaign-{verb}", "post") for verb in ("revise", "pause", "resume", "cancel", "archive")),
        *(("templates", "post"), ("template", "patch"), ("template", "delete")),
        *(("campaign", "patch"), ("campaign-restore", "post"), ("campaign-clone", "post")),
    },
    S.MESSAGES: {("campaign-messages", "post"), ("campaign-message", "get")},
    S.LISTS_READ: {(name, "get") for name in ("lists", "list", "list-rejected", "list-duplicates")},
    S.LISTS_WRITE: {
        *(("lists", "post"), ("list", "patch"), ("list", "delete"), ("uploads", "post")),
        *((name, method) for name in ("list-file", "list-file-named") for method in ("put", "patch", "delete")),
        *((f"list-{verb}", "post") for verb in ("cancel", "archive", "restore")),
    },
    S.SUPPRESSIONS_READ: {
        *(("suppressions", "get"), ("suppression", "get"), ("suppression-stop-words", "get")),
        *((f"suppression-{name}", "get") for name in ("imports", "import", "import-rejected")),
    },
    S.SUPPRESSIONS_WRITE: {
        *(("suppressions", "post"), ("suppression", "delete"), ("suppression-stop-words", "put")),
        *(
            ("suppression-imports", "post"),
            ("suppression-import-file", "put"),
            ("suppression-import-file-named", "put"),
        ),
    },
    S.SENDERS_READ: {("senders", "get"), ("sender", "get")},
    S.SENDERS_WRITE: {("senders", "post"), ("revisions", "post")},
    S.REPORTS_READ: {
        *(("campaign-recipients", "get"), ("campaign-errors", "get")),
        *(("statistics", "get"), ("statistics-export", "get")),
    },
    S.EXPORTS: {
        *(("campaign-exports", "get"), ("campaign-exports", "post"), ("export", "get"), ("export-file", "get")),
        ("suppressions-export", "get"),
    },
    S.INBOUND_READ: {("inbound", "get")},
    S.CHANNELS_READ: {("channels", "get"), ("routes", "get")},
    S.AUDIT_READ: {("audit", "get"), ("audit-export", "get")},
    S.MEMBERS_READ: {
        (name, "get") for name in ("members", "member", "invitations", "invitation", "join-requests", "join-request")
    },
    S.MEMBERS_WRITE: {
        *(("member", "patch"), ("member", "delete"), ("invitations", "post"), ("invitation", "delete")),
        *((name, "post") for name in ("invitation-resend", "join-request-grant", "join-request-refuse")),
    },
    S.WORKSPACE_READ: {
        *(("limits", "get"), ("rules", "get"), ("keys", "get"), ("key", "get")),
        *(("webhooks", "get"), ("webhook", "get"), ("webhook-deliveries", "get"), ("webhook-delivery", "get")),
        *(("standing-exports", "get"), ("standing-export", "get")),
    },
    S.WORKSPACE_WRITE: {
        *(("limits", "put"), ("rules", "patch"), ("key", "delete")),
        *(("webhooks", "post"), ("webhook", "patch"), ("webhook", "delete")),
        *(("standing-exports", "post"), ("standing-export", "delete")),
        *((f"webhook-{verb}", "post") for verb in ("rotate", "enable", "disable", "test", "redeliver")),
    },
    S.ERASURES: {("erasures", "post"), ("erasure", "get")},
    S.INQUIRIES: {("inquiries", "post"), ("inquiry", "get"), ("inquiry-file", "get")},
    S.DECIDE: {
        *((f"campaign-{verb}", "post") for verb in ("approve", "reject", "reschedule", "send-now")),
        *(("revision-approve", "post"), ("revision-reject", "post")),
    },
}


def test_every_address_and_method_needs_a_scope_and_every_scope_opens_something():
    assert {one for calls in SCOPES.values() for one in calls} == set(MATRIX)
    assert sum(map(len, SCOPES.values())) == len(MATRIX)
    assert set(SCOPES) | {S.NUMBERS} == set(Scope)  # that one says how numbers look in the answers


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_opens_its_addresses_and_no_other(workspace, admin, scope):
    own = everything.things(workspace)
    with_it = factories.bearer(factories.token(workspace, admin, scopes=[scope]))
    without = factories.bearer(factories.token(workspace, admin, scopes=set(Scope) - {scope}))
    for name, method in SCOPES[scope]:
        for client, wanted in ((with_it, MATRIX[name, method][1]), (without, 403)):
            answer = asked(client, name, method, own)
            assert answer.status_code == wanted, (name, method)
        assert answer.json()["error"]["code"] == "scope_missing"
        assert str(scope) in answer.json()["error"]["message"]


def test_no_scope_gives_a_key_of_the_workspace_more_than_it_may(workspace):
    _, secret = factories.api_key(workspace)
    ApiKey.objects.filter(digest=keys.digest_of(secret)).update(scopes=list(Scope))  # as no verb would
    own = everything.things(workspace)
    for name, method in SCOPES[S.DECIDE] | SCOPES[S.WORKSPACE_WRITE] | SCOPES[S.MEMBERS_WRITE]:
        assert asked(factories.bearer(secret), name, method, own).status_code == 403, (name, method)


@pytest.mark.parametrize(
    "scopes", [["decide"], ["workspace:write"], ["members:write"], ["campaigns:read", "nonsense"], []]
)
def test_a_key_of_the_workspace_is_not_made_for_what_it_never_may(workspace, scopes):
    with pytest.raises(Refused) as refused:
        factories.api_key(workspace, scopes=scopes)
    assert refused.value.code == "unknown_scope"
    assert not ApiKey.objects.exists()


def test_a_moderators_token_needs_the_scope_the_role_and_the_workspaces_leave(workspace, moderator):
    campaign = factories.in_review(workspace)
    address = f"/api/v1/campaigns/{campaign.pk}/approve/"
    narrow = factories.bearer(factories.token(workspace, moderator, scopes=["campaigns:read"]))
    deciding = factories.bearer(factories.token(workspace, moderator, scopes=["decide"]))
    authors = factories.bearer(factories.token(workspace, factories.member(workspace, Role.AUTHOR), scopes=["decide"]))
    assert [client.post(address).status_code for client in (narrow, authors)] == [403, 403]
    workspace.tokens_may_decide = False
    workspace.save()
    assert deciding.post(address).status_code == 403
    workspace.tokens_may_decide = True
    workspace.save()
    assert deciding.post(address).json()["status"] == "approved"


def test_a_key_without_scopes_may_nothing(workspace):
    _, secret = factories.api_key(workspace)
    ApiKey.objects.update(scopes=[])
    for name, method in [("campaigns", "get"), ("lists", "post")]:
        assert asked(factories.bearer(secret), name, method, everything.things(workspace)).status_code == 403


def test_a_key_is_offered_all_scopes_but_those_of_tokens():
    assert set(offered(to_token=True)) - set(offered(to_token=False)) == OF_TOKENS
