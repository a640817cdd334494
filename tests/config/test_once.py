"""Every POST of the API, sent twice with one `Idempotency-Key`."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import IdempotentCall
from accounts.roles import Role
from audit.models import Entry
from campaigns import transitions
from campaigns.models import Campaign
from campaigns.statuses import Mode, Status
from tests import factories
from tests.config import everything
from tests.config.test_roles import MATRIX
from tests.config.test_schema import DESCRIPTION, OPERATIONS
from tests.config.test_tenancy import address
from tests.racing import race

POSTS = {name for name, method in MATRIX if method == "post"}
NUMBER = f"+{factories.FIRST_NUMBER + 77}"
NO = {"reason": "No."}
TUS = {"Tus-Resumable": "1.0.0", "Upload-Length": "14", "Upload-Metadata": "filename cGVvcGxlLnR4dA=="}


def of_campaign(make, **given):
    return lambda workspace: {"campaigns": make(workspace, **given).pk}


def waiting_revision(workspace):
    sender = factories.sender(workspace, approved=False)
    factories.revision(sender, approved=False)
    return {"senders": sender.pk}


def planned(workspace):
    at = timezone.now() + timedelta(days=1)
    return {"campaigns": factories.approved(workspace, mode=Mode.SCHEDULED, send_at=at).pk}


def old_invitation(workspace):
    made = factories.invitation(workspace)
    made.sent_at -= timedelta(days=1)
    made.save()
    return {"invitations": made.pk}


def put_away(workspace):
    made = factories.done(workspace)
    return {"campaigns": transitions.archive(made.pk, by=made.created_by, now=timezone.now()).pk}


# The thing that each is done to, where that of `everything` is past it.
THINGS = {
    "list-cancel": lambda workspace: {"lists": factories.preparing_list(workspace).pk},
    "revision-approve": waiting_revision,
    "revision-reject": waiting_revision,
    "campaign-submit": of_campaign(factories.draft),
    "campaign-withdraw": of_campaign(factories.in_review),
    "campaign-revise": of_campaign(factories.rejected),
    "campaign-pause": of_campaign(factories.sending),
    "campaign-resume": of_campaign(factories.paused),
    "campaign-cancel": of_campaign(factories.draft),
    "campaign-restore": put_away,
    "campaign-approve": of_campaign(factories.in_review),
    "campaign-reject": of_campaign(factories.in_review),
    "campaign-reschedule": planned,
    "campaign-send-now": of_campaign(factories.missed),
    "campaign-messages": of_campaign(factories.trigger),
    "campaign-trials": of_campaign(factories.draft),
    "invitation-resend": old_invitation,
}
SAID = {
    "lists": {"name": "Spring", "filename": "people.csv"},
    "suppressions": {"to": NUMBER, "reason": "She asked."},
    "suppression-imports": {"filename": "stop.csv", "reason": "The register of March"},
    "senders": {"name": "Shop of May"},
    "revisions": {"saddr": "Acme"},
    "revision-reject": NO,
    "templates": {"name": "Spring text", "text": "Half price."},
    "campaigns": lambda workspace: {
        "name": "Spring sale",
        "mode": "on_approval",
        "text": "Half price.",
        "sender": factories.sender(workspace).pk,
    },
    "campaign-reject": NO,
    "campaign-reschedule": {"send_at": "2099-01-01T00:00:00Z"},
    "campaign-messages": {"to": NUMBER},
    "campaign-trials": lambda workspace: {"to": [f"+{factories.trial_phone(workspace)}"]},
    "campaign-exports": {"format": "csv"},
    "erasures": {"to": NUMBER, "reason": "By letter."},
    "inquiries": {"to": NUMBER, "reason": "By letter."},
    "standing-exports": {"format": "csv", "hours_after_end": 1},
    "webhooks": {"url": "https://hooks.example.com/new", "events": ["campaign.done"]},
    "invitations": {"email": "new@example.com", "role": "author"},
    "join-request-grant": {"role": "author"},
}
COUNTED = {"RateLimit", "RateLimit-Policy", "X-Request-Id", "Idempotent-Replayed"}


@pytest.fixture
def client(workspace):
    return factories.bearer(factories.token(workspace, factories.user(is_superuser=True)))


@pytest.fixture
def own(workspace):
    return everything.things(workspace)


def call(client, workspace, own, name):
    """The address, what is said there, and the headers: a call that does something."""
    things = THINGS[name](workspace) if name in THINGS else {}
    said = SAID.get(name, {})
    body = said(workspace) if callable(said) else said
    headers = {"Idempotency-Key": "order-17", **(TUS if name == "uploads" else {})}
    return lambda **more: client.post(
        address(name, {**own, **things}),
        None if name == "uploads" else {**body, **more.pop("body", {})},
        headers={**headers, **more.pop("headers", {})},
    )


def twice(client, workspace, own, name):
    """Both answers, and how many entries of the ledger each has made; nothing of it stays."""
    with transaction.atomic():
        post, entries = call(client, workspace, own, name), []
        answers = []
        for _ in range(2):
            before = Entry.objects.count()
            answers.append(post())
            entries.append(Entry.objects.count() - before)
        kept = [str(call.body) for call in IdempotentCall.objects.all()]
        other = post(headers={"Upload-Length": "15"}) if name == "uploads" else post(body={"more": 1})
        transaction.set_rollback(True)
    return answers, entries, kept, other.status_code


def told(answer):
    return {name: value for name, value in answer.items() if name not in COUNTED}


def test_every_post_with_a_key_is_done_once_and_answers_the_same_again(client, workspace, own):
    wrong = {}
    for name in POSTS:
        (first, second), entries, _, with_other_body = twice(client, workspace, own, name)
        found = {
            "done": first.status_code in {200, 201, 202} and "Idempotent-Replayed" not in first,
            "replayed": second.headers.get("Idempotent-Replayed") == "true",
            "same": (first.status_code, first.json(), told(first)) == (second.status_code, second.json(), told(second)),
            "once": entries[1] == 0,
            "of its body": with_other_body == 422,
        }
        if not all(found.values()):
            wrong[name] = (found, first.status_code, first.content[:200])
    assert wrong == {}
    assert len(POSTS) > 40


def test_the_description_offers_the_key_with_every_post_and_with_nothing_else():
    offered = {
        name
        for name, operation in OPERATIONS
        if "Idempotency-Key" in {one["name"] for one in operation.get("parameters", ())}
    }
    assert offered == {name for name, _ in OPERATIONS if name.startswith("POST ")}
    assert len(offered) == len(POSTS)


def test_a_secret_is_said_again_and_is_nowhere_in_what_is_kept_for_it(client, workspace, own):
    for name in ("webhooks", "webhook-rotate"):
        (first, second), _, kept, _ = twice(client, workspace, own, name)
        secret = first.json()["secret"]
        assert second.json()["secret"] == secret
        assert second["Cache-Control"] == "no-store"
        assert len(kept) == 1 and secret not in kept[0]


def test_no_other_post_answers_with_a_secret():
    schemas = DESCRIPTION["components"]["schemas"]
    telling = {
        f"{name}.{field}"
        for name, schema in schemas.items()
        if not name.endswith("Request")
        for field in schema.get("properties", ())
        if any(word in field for word in ("secret", "token", "password"))
    }
    assert telling == {
        "NewWebhookOutput.secret",
        "WebhookOutput.old_secret_until",
        "NewWebhookOutput.old_secret_until",
    } | {"RulesOutput.tokens_may_decide"}


def test_without_a_key_a_post_costs_no_statement_more(client, workspace, own):
    post = call(client, workspace, own, "webhook-test")
    with CaptureQueriesContext(connection) as found:
        assert post(headers={"Idempotency-Key": None}).status_code == 201
    assert not [one for one in found if "idempotentcall" in one["sql"] or "pg_try_advisory" in one["sql"]]


def test_what_happened_meanwhile_is_not_undone_by_a_call_that_is_sent_again(as_author, workspace, author):
    campaign = factories.sending(workspace)
    pause = {"path": f"/api/v1/campaigns/{campaign.pk}/pause/", "headers": {"Idempotency-Key": "pause"}}
    assert as_author.post(**pause).json()["status"] == Status.PAUSED
    transitions.resume(campaign.pk, by=author, now=timezone.now())
    assert as_author.post(**pause).json()["status"] == Status.PAUSED  # what it answered
    assert Campaign.objects.get(pk=campaign.pk).status == Status.SENDING


def test_two_people_who_think_of_the_same_key_are_two(workspace, as_moderator):
    campaign = factories.in_review(workspace)
    other = factories.bearer(factories.token(workspace, factories.member(workspace, Role.MODERATOR)))
    approve = {"path": f"/api/v1/campaigns/{campaign.pk}/approve/", "headers": {"Idempotency-Key": f"{campaign.pk}"}}
    assert as_moderator.post(**approve).status_code == 200
    second = other.post(**approve)
    assert (second.status_code, second.json()["error"]["code"]) == (422, "idempotency_mismatch")


def test_another_key_of_the_workspace_repeats_the_call_of_the_one_before_it(workspace):
    first, second = (factories.bearer(factories.api_key(workspace)[1]) for _ in range(2))
    answers = [
        one.post("/api/v1/lists/", SAID["lists"], headers={"Idempotency-Key": "spring"}) for one in (first, second)
    ]
    assert answers[0].json() == answers[1].json()


@pytest.mark.django_db(transaction=True)
def test_of_verbs_at_the_same_moment_one_is_done_and_the_others_are_told_to_wait_or_what_it_answered():
    workspace = factories.workspace()
    campaign = factories.sending(workspace)
    secret = factories.token(workspace, campaign.created_by)

    def pause():
        path = f"/api/v1/campaigns/{campaign.pk}/pause/"
        return factories.bearer(secret).post(path, headers={"Idempotency-Key": "pause"})

    answers = race(*[pause] * 6)
    assert {answer.status_code for answer in answers} <= {200, 409}
    codes = {answer.json()["error"]["code"] for answer in answers if answer.status_code == 409}
    assert codes <= {"idempotency_in_progress"}
    assert len([answer for answer in answers if answer.status_code == 200 and "Idempotent-Replayed" not in answer]) == 1
    assert Entry.objects.filter(action="campaign.paused").count() == 1
