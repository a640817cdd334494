"""What belongs to another workspace does not exist: not in lists, filters, bodies, files and errors.

`test_roles` walks every address with it.
"""

import base64

import pytest
from django.urls import get_resolver

from accounts.models import Invitation, Membership
from accounts.roles import Role
from recipients import suppressions
from recipients.models import RecipientList
from senders.models import Sender
from tests import factories
from tests.config import everything
from tests.pages import signed_in, text_of

METHODS = ("get", "post", "put", "patch", "delete")
BODIES = {
    **{"reason": "No.", "send_at": "2099-01-01T00:00:00Z", "saddr": "Acme", "format": "csv"},
    **{"to": ["+31612345678"], "role": "author"},
}
# Addresses without an id: what they show is asked below, one by one.
WITHOUT_ID = {
    *("lists", "uploads", "senders", "campaigns", "channels", "routes", "audit", "schema", "schema-ui", "nowhere"),
    *("audit-export", "rules"),
    *("suppressions", "suppressions-export", "suppression-imports", "suppression-stop-words", "inbound", "limits"),
    *("statistics", "statistics-export", "templates", "inquiries"),
    *("members", "invitations", "join-requests", "keys", "erasures", "webhooks", "standing-exports"),
}


def routes():
    (api,) = [entry for entry in get_resolver().url_patterns if "api/v1/" in str(entry.pattern)]
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
    "webhooks": factories.endpoint,
    "standing-exports": factories.standing_export,
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


def test_a_filter_by_a_strangers_thing_finds_what_one_by_nothing_finds(as_admin, workspace, strangers):
    factories.draft(workspace)
    pks = (strangers["lists"], everything.MISSING)
    answers = [as_admin.get("/api/v1/campaigns/", {"list": pk}) for pk in pks]
    assert answers[0].json() == answers[1].json() == {"results": [], "next": None}


@pytest.mark.parametrize("query", ["sender", "author", "list"])
def test_a_filter_of_a_page_by_a_strangers_thing_tells_nothing(workspace, admin, strangers, query):
    factories.draft(workspace)
    foreign = Sender.objects.get(pk=strangers["senders"])
    pk = {"sender": foreign.pk, "author": foreign.created_by_id, "list": strangers["lists"]}[query]
    page = signed_in(admin, workspace)
    answers = [page.get("/campaigns/", {query: wanted}) for wanted in (pk, everything.MISSING)]
    assert answers[0].status_code == answers[1].status_code
    shown = text_of(page.get("/campaigns/"))
    assert foreign.name not in shown and foreign.created_by.email not in shown


def test_a_cursor_that_comes_from_elsewhere_shows_only_ours(as_admin, workspace, strangers):
    """A cursor is a place in the order of all rows, and says nothing but where to go on."""
    ours = factories.draft(workspace)
    cursor = base64.urlsafe_b64encode(str(everything.MISSING).encode()).decode()
    rows = as_admin.get("/api/v1/campaigns/", {"cursor": cursor}).json()["results"]
    assert [row["id"] for row in rows] == [ours.pk]


def test_what_is_ours_alone_may_have_the_name_of_a_strangers_thing(as_admin, workspace, strangers):
    """No error of a unique constraint tells what there is elsewhere."""
    foreign = Sender.objects.get(pk=strangers["senders"])
    made = as_admin.post("/api/v1/senders/", {"name": foreign.name})
    assert made.status_code == 201
    listed = RecipientList.objects.get(pk=strangers["lists"])
    wanted = {"name": listed.name, "filename": "numbers.txt"}
    assert as_admin.post("/api/v1/lists/", wanted).status_code == 201
    member = Membership.objects.get(pk=strangers["members"]).user
    invited = as_admin.post("/api/v1/invitations/", {"email": member.email, "role": "author"})
    assert invited.status_code == 201
    other = Invitation.objects.get(pk=strangers["invitations"])
    assert as_admin.post("/api/v1/invitations/", {"email": other.email, "role": "author"}).status_code == 201


def test_a_key_of_another_workspace_repeats_no_answer_of_ours(as_admin, workspace):
    """The same Idempotency-Key, in two workspaces, is two calls."""
    elsewhere = factories.workspace()
    stranger = factories.bearer(factories.token(elsewhere, factories.member(elsewhere, Role.ADMIN)))
    calls = [who.post("/api/v1/senders/", {"name": "Shop"}, HTTP_IDEMPOTENCY_KEY="k") for who in (as_admin, stranger)]
    assert [call.status_code for call in calls] == [201, 201]
    assert calls[0].json()["id"] != calls[1].json()["id"]


def test_an_export_is_reached_by_its_own_campaign_only(workspace, admin):
    """Nested addresses: a thing of ours behind another thing of ours is no thing either."""
    own = everything.things(workspace)
    other = factories.done(workspace)
    page = signed_in(admin, workspace)
    assert page.get(f"/campaigns/{other.pk}/exports/{own['exports']}/file/").status_code == 404


def test_counts_and_sums_of_a_page_are_of_our_rows(workspace, admin, strangers):
    factories.draft(workspace)
    shown = text_of(signed_in(admin, workspace).get("/campaigns/"))
    assert "<dt>Campaigns</dt><dd>1</dd>" in shown and "<dt>Done</dt><dd>0</dd>" in shown
    assert "<b>0</b><span>Numbers</span>" in text_of(signed_in(admin, workspace).get("/lists/suppressed/"))


@pytest.mark.parametrize("url", ["/members/", "/senders/", "/lists/", "/campaigns/", "/", "/lists/test-phones/"])
def test_no_page_names_anything_of_a_stranger(workspace, admin, strangers, url):
    shown = text_of(signed_in(admin, workspace).get(url))
    foreign = Membership.objects.get(pk=strangers["members"])
    names = {
        foreign.workspace.name,
        foreign.user.email,
        Sender.objects.get(pk=strangers["senders"]).name,
        RecipientList.objects.get(pk=strangers["lists"]).name,
        Invitation.objects.get(pk=strangers["invitations"]).email,
    }
    assert {name for name in names if f">{name}<" in shown} == set()
