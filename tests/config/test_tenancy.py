"""What belongs to another workspace does not exist: not in lists, filters, bodies, files and errors.

`test_roles` walks every address with it.
"""

import pytest
from django.urls import get_resolver

from recipients import suppressions
from tests import factories
from tests.config import everything

METHODS = ("get", "post", "put", "patch", "delete")
BODIES = {
    **{"reason": "No.", "send_at": "2099-01-01T00:00:00Z", "saddr": "Acme", "format": "csv"},
    **{"to": ["+31612345678"], "role": "author"},
}
# Addresses without an id: what they show is asked below, one by one.
WITHOUT_ID = {
    *("lists", "uploads", "senders", "campaigns", "channels", "routes", "audit", "schema", "schema-ui", "nowhere"),
    *("suppressions", "suppressions-export", "suppression-imports", "suppression-stop-words", "inbound", "limits"),
    *("members", "invitations", "join-requests", "keys"),
}


def routes():
    (api,) = [entry for entry in get_resolver().url_patterns if "api/v1" in str(entry.pattern)]
    return {pattern.name: pattern for pattern in api.url_patterns}


def methods_of(pattern):
    return [method for method in METHODS if hasattr(pattern.callback.cls, method)]


WITH_ID = [
    (name, method) for name, pattern in routes().items() if name not in WITHOUT_ID for method in methods_of(pattern)
]


def address(name, strangers):
    pattern = str(routes()[name].pattern)
    pk = strangers.get(pattern.partition("/<int:pk>")[0], "")
    return "/api/v1/" + pattern.replace("<int:pk>", str(pk)).replace("<int:number>", "1").replace(
        "<str:filename>", "a.txt"
    )


def body_for(method, name):
    """A body that the address would take, so that only the id can be what is wrong."""
    wanted = {
        "campaign-reschedule": ["send_at"],
        "campaign-reject": ["reason"],
        "revision-reject": ["reason"],
        "revisions": ["saddr"],
        "campaign-exports": ["format"],
        "campaign-trials": ["to"],
        "suppression": ["reason"],
        "join-request-grant": ["role"],
    }
    return None if method == "get" or name == "uploads" else {key: BODIES[key] for key in wanted.get(name, [])}


@pytest.fixture
def strangers(db):
    """One of each, of a workspace that the caller knows nothing of."""
    return everything.things(factories.workspace())


OURS = {
    "lists": factories.uploading_list,
    "senders": factories.sender,
    "campaigns": factories.draft,
    "suppressions": lambda workspace: suppressions.opt_out(workspace, factories.FIRST_NUMBER),
    "suppressions/imports": factories.suppression_import,
    "keys": lambda workspace: factories.api_key(workspace)[0],
    "members": factories.membership,
    "invitations": factories.invitation,
    "join-requests": factories.join_request,
}


@pytest.mark.parametrize("kind", OURS)
def test_pages_show_only_what_is_ours(as_admin, workspace, strangers, kind):
    ours = OURS[kind](workspace)
    assert strangers[kind] not in [row["id"] for row in as_admin.get(f"/api/v1/{kind}/").json()["results"]]
    assert ours.pk in [row["id"] for row in as_admin.get(f"/api/v1/{kind}/").json()["results"]]


def test_what_others_suppress_is_nobody_elses_business(as_admin, strangers):
    """Not in a look-up, not in the list taken along, not as a number that is there already."""
    number = f"+{factories.FIRST_NUMBER}"
    assert as_admin.get("/api/v1/suppressions/", {"to": number}).json()["results"] == []
    assert b"".join(as_admin.get("/api/v1/suppressions/export/").streaming_content).count(b"\n") == 1
    assert as_admin.post("/api/v1/suppressions/", {"to": number, "reason": "She asked."}).status_code == 201


def test_the_audit_shows_only_our_chain(as_admin, workspace, strangers):
    page = as_admin.get(f"/api/v1/audit/?subject=campaign:{strangers['campaigns']}").json()
    assert page["results"] == []


@pytest.mark.parametrize("field", ["sender", "list"])
def test_a_strangers_thing_in_a_body_does_not_exist(as_admin, workspace, strangers, field):
    body = {"name": "a", "mode": "on_approval", "text": "a", "sender": factories.sender(workspace).pk}
    answers = [as_admin.post("/api/v1/campaigns/", {**body, field: pk}) for pk in (strangers[f"{field}s"], 10**12)]
    assert [answer.status_code for answer in answers] == [400, 400]
    texts = [answer.json()["error"]["fields"][field][0] for answer in answers]
    assert texts[0].replace(str(strangers[f"{field}s"]), "") == texts[1].replace(str(10**12), "")
