"""Each call of the API that changes something is one entry of the ledger, and what is refused is none but its refusal.

Whoever adds an address says here what the ledger has of it; the walk fails until then.
"""

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.roles import Role
from audit.models import Entry
from campaigns import transitions
from tests import factories
from tests.config import everything
from tests.config.test_roles import MATRIX
from tests.config.test_tenancy import address, body_for

pytestmark = pytest.mark.timeout(300)  # walks, on machines that are busy
NUMBER, WHY = "+31612345678", {"reason": "She asked."}
NEW = {"name": "New", "text": "Half price."}
FILE = b"+31612345678\n"


def thing(name, made):
    """Instead of that of `everything`, one in the state that the call is for."""
    return lambda workspace: {name: made(workspace).pk}


def campaign(status):
    return thing("campaigns", getattr(factories, status))


def archived(workspace):
    made = factories.draft(workspace)
    return transitions.archive(made.pk, by=made.created_by, now=timezone.now()) or made


def pending(workspace):
    return {"senders": factories.revision(factories.sender(workspace, approved=False), approved=False).sender_id}


DRAFT, IN_REVIEW, MISSED = (campaign(status) for status in ("draft", "in_review", "missed"))
UPLOADING = thing("lists", factories.uploading_list)
LATER = {"send_at": "2099-01-01T00:00:00Z"}
HOOK = {"url": "https://hooks.example.com/other", "events": ["campaign.sending"]}

# What is written, in which state of things (as `everything` has it, for None), and what is said.
CALLS = {
    ("lists", "post"): ("recipientlist.created", None, {"name": "Spring", "filename": "a.csv"}),
    ("list-file", "put"): ("recipientlist.preparing", UPLOADING, FILE),
    ("list-file-named", "put"): ("recipientlist.preparing", UPLOADING, FILE),
    ("list", "patch"): ("recipientlist.renamed", None, {"name": "Renamed"}),
    ("list", "delete"): ("recipientlist.deleted", thing("lists", factories.ready_list), None),
    ("list-cancel", "post"): ("recipientlist.cancelled", UPLOADING, None),
    ("list-archive", "post"): ("recipientlist.archived", thing("lists", factories.ready_list), None),
    ("suppressions", "post"): ("suppression.added", None, {"to": NUMBER, **WHY}),
    ("suppression", "delete"): ("suppression.removed", None, WHY),
    ("suppression-stop-words", "put"): ("stopwords.changed", None, {"words": ["HALT"]}),
    ("suppression-imports", "post"): ("suppressionimport.created", None, {"filename": "a.txt", **WHY}),
    ("suppression-import-file", "put"): ("suppressionimport.importing", None, FILE),
    ("suppression-import-file-named", "put"): ("suppressionimport.importing", None, FILE),
    ("senders", "post"): ("sender.created", None, {"name": "Another"}),
    ("revisions", "post"): ("revision.submitted", None, {"saddr": "Acme2", **WHY}),
    ("templates", "post"): ("savedtext.kept", None, NEW),
    ("template", "patch"): ("savedtext.changed", None, {"text": "Other."}),
    ("template", "delete"): ("savedtext.removed", None, None),
    ("campaign", "patch"): ("campaign.edited", DRAFT, {"text": "Other."}),
    ("campaign-submit", "post"): ("campaign.in_review", DRAFT, None),
    ("campaign-withdraw", "post"): ("campaign.draft", IN_REVIEW, None),
    ("campaign-revise", "post"): ("campaign.draft", campaign("rejected"), None),
    ("campaign-pause", "post"): ("campaign.paused", campaign("sending"), None),
    ("campaign-resume", "post"): ("campaign.sending", campaign("paused"), None),
    ("campaign-cancel", "post"): ("campaign.cancelled", DRAFT, None),
    ("campaign-archive", "post"): ("campaign.archived", None, None),
    ("campaign-restore", "post"): ("campaign.restored", thing("campaigns", archived), None),
    ("campaign-clone", "post"): ("campaign.cloned", None, None),
    ("campaign-approve", "post"): ("campaign.approved", IN_REVIEW, None),
    ("campaign-reject", "post"): ("campaign.rejected", IN_REVIEW, WHY),
    ("campaign-reschedule", "post"): ("campaign.approved", MISSED, LATER),
    ("campaign-send-now", "post"): ("campaign.approved", MISSED, None),
    ("campaign-exports", "post"): ("export.requested", None, {"format": "csv"}),
    ("limits", "put"): (
        "workspace.limited",
        None,
        {"parts_per_day": 1000, "parts_per_month": None, "destinations": ["+31"]},
    ),
    ("rules", "patch"): ("workspace.ruled", None, {"approval_days": 3}),
    ("standing-exports", "post"): ("standingexport.created", None, {"format": "csv", "hours_after_end": 1}),
    ("standing-export", "delete"): ("standingexport.ended", None, None),
    ("erasures", "post"): ("erasure.asked", None, {"to": NUMBER, **WHY}),
    ("inquiries", "post"): ("inquiry.asked", None, {"to": NUMBER, **WHY}),
    ("key", "delete"): ("apikey.revoked", None, None),
    ("webhooks", "post"): ("endpoint.created", None, HOOK),
    ("webhook", "patch"): ("endpoint.changed", None, {"events": ["campaign.sending"]}),
    ("webhook", "delete"): ("endpoint.deleted", None, None),
    ("webhook-rotate", "post"): ("endpoint.rotated", None, None),
    ("webhook-disable", "post"): ("endpoint.disabled", None, None),
    ("webhook-test", "post"): ("endpoint.tested", None, None),
    ("webhook-redeliver", "post"): ("endpoint.redelivered", None, None),
    ("member", "delete"): ("membership.removed", None, None),
    ("invitations", "post"): ("invitation.created", None, {"email": "new@acme.example", "role": "author"}),
    ("invitation", "delete"): ("invitation.revoked", None, None),
    ("join-request-refuse", "post"): ("joinrequest.refused", None, None),
}
# What somebody did, and what the platform did because of it: each is an entry.
MORE = {
    ("member", "patch"): (["membership.changed", "user.changed"], None, {"role": "moderator"}),  # the desk opens
    ("revision-approve", "post"): (["revision.approved", "sender.approved"], pending, None),  # its first one
    ("revision-reject", "post"): (["revision.rejected", "sender.rejected"], pending, WHY),
    ("join-request-grant", "post"): (["joinrequest.granted", "membership.created"], None, {"role": "author"}),
}
# Not asked here, with the reason.
NOT_ASKED = {
    ("uploads", "post"): "tus: the list was an entry when it was made, the bytes are none",
    ("list-file", "patch"): "tus: the bytes of a part are no entry; the last one is that of PUT",
    ("list-file-named", "patch"): "tus",
    ("list-file", "delete"): "tus: what was sent so far is forgotten, the list awaits its file as before",
    ("list-file-named", "delete"): "tus",
    ("campaign-messages", "post"): "messages are counted in millions; each has its own row, with who pushed it",
    ("campaigns", "post"): "in test_ledger",
    ("campaign-trials", "post"): "in tests/campaigns/test_trials.py: it makes a campaign of its own, with its entries",
    ("list-restore", "post"): "below, after its archiving",
    ("webhook-enable", "post"): "below, after its disabling",
    ("invitation-resend", "post"): "one a minute: in tests/accounts/test_invitations.py",
}


@pytest.fixture
def clients(workspace):
    people = {
        **{role: factories.token(workspace, factories.member(workspace, Role(role))) for role in Role},
        "super admin": factories.token(workspace, factories.user(is_superuser=True)),
        "key": factories.api_key(workspace)[1],
    }
    return {str(name): factories.bearer(secret) for name, secret in people.items()}


def written(client, name, method, ids, body):
    """The answer, and what is in the ledger of it; nothing stays."""
    with transaction.atomic():
        before = set(Entry.objects.values_list("pk", flat=True))
        call = getattr(client, method)
        given = {"content_type": "application/octet-stream"} if isinstance(body, bytes) else {}
        answer = call(address(name, ids), body, **given)
        found = list(Entry.objects.exclude(pk__in=before).order_by("pk").values_list("action", flat=True))
        transaction.set_rollback(True)
    return answer, found


def test_each_call_that_changes_something_is_one_entry(clients, workspace):
    own = everything.things(workspace)
    wrong = {}
    for (name, method), (action, state, body) in {**CALLS, **MORE}.items():
        caller = "moderator" if "revision-" in name else "admin"
        with transaction.atomic():
            ids = own | (state(workspace) if state else {})
            answer, found = written(clients[caller], name, method, ids, body)
            transaction.set_rollback(True)
        wanted = action if isinstance(action, list) else [action]
        if answer.status_code >= 300 or found != wanted:
            wrong[name, method] = (answer.status_code, found, answer.content[:200])
    assert wrong == {}


def test_what_is_refused_is_no_entry_but_its_refusal(clients, workspace):
    """Whether by role, by the state of things, or by what was said."""
    own = everything.things(workspace)
    wrong = {}
    for (name, method), (who, code) in MATRIX.items():
        for caller, client in clients.items():
            if method != "get" and (caller not in who or code >= 400):
                answer, found = written(client, name, method, own, body_for(method, name))
                if found != (["access.denied"] if answer.status_code == 403 else []) or answer.status_code < 400:
                    wrong[name, method, caller] = (answer.status_code, found)
    assert wrong == {}


def test_reading_is_no_entry_but_for_what_is_taken_along(clients, workspace):
    own = everything.things(workspace)
    taken = {"suppressions-export": "suppressions.exported", "audit-export": "ledger.exported"}
    taken |= {"statistics-export": "file.downloaded"}
    # Numbers are read: told once in half an hour, by whichever of them is first.
    read = ("suppressions", "suppression", "inbound", "campaign-recipients", "campaign-message", "campaign-trials")
    wrong = {}
    for name, method in MATRIX:
        if method == "get":
            answer, found = written(clients["super admin"], name, method, own, None)
            told = [action for action in found if name not in read or not action.endswith(".numbers_read")]
            if told != ([taken[name]] if name in taken else []):
                wrong[name] = (answer.status_code, found)
    assert wrong == {}


def test_what_is_switched_off_and_on_is_an_entry_each(clients, workspace):
    own = everything.things(workspace)
    listed = {"lists": factories.ready_list(workspace).pk}
    pairs = [("list-archive", "list-restore", listed), ("webhook-disable", "webhook-enable", own)]
    for names in pairs:
        for name in names[:2]:
            before = Entry.objects.count()
            assert clients["admin"].post(address(name, names[2])).status_code == 200
            assert Entry.objects.count() == before + 1


def test_every_call_that_may_change_something_is_asked_for_its_entry():
    assert {key for key in MATRIX if key[1] != "get"} == {*CALLS, *MORE, *NOT_ASKED}
    assert len(CALLS) > 45
