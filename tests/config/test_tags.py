"""Whatever is read and changed at one address of the API is changed by whoever has read it."""

import re

import pytest
from django.db import transaction

from audit.models import Entry
from campaigns import saved_texts
from campaigns.models import SavedText
from recipients.models import RecipientList
from tests import factories
from tests.config import everything
from tests.config.test_once import POSTS, call
from tests.config.test_roles import MATRIX
from tests.config.test_schema import DESCRIPTION
from tests.config.test_tenancy import address, routes
from tests.racing import race

CHANGES = [
    (name, method) for name, method in MATRIX if method in {"patch", "put", "delete"} and (name, "get") in MATRIX
]
MADE = {"campaign-exports", "campaign-messages", "campaign-trials"}  # of a campaign, which stays as it is
VERBS = {name for name in POSTS if "<int:pk>" in str(routes()[name].pattern)} - MADE
SAID = {
    "campaign": {"name": "Autumn sale"},
    "list": {"name": "Autumn"},
    "template": {"name": "Autumn"},
    "webhook": {"description": "The other shop"},
    "member": {"role": "moderator"},
    "rules": {"four_eyes": True, "approval_days": 3},
    "limits": {"parts_per_day": 9, "parts_per_month": 99, "destinations": ["+31"]},
    "suppression-stop-words": {"words": ["HALT"]},
    "suppression": {"reason": "She asked."},
}
OTHER = '"0123456789abcdef"'


@pytest.fixture
def client(workspace):
    return factories.bearer(factories.token(workspace, factories.user(is_superuser=True)))


@pytest.fixture
def own(workspace):
    spare = factories.ready_list(workspace).pk  # a list that no campaign has can be deleted
    draft = factories.draft(workspace).pk
    return {**everything.things(workspace), "lists": spare, "campaigns": draft}


def content_of(answer):
    """The half of its tag that names what people write."""
    return answer["ETag"].strip('"').partition("-")[0]


def played(client, own, name, method):
    """What is answered to a reader, to whoever has read something else, and to whoever has read this."""
    there, body = address(name, own), {} if method == "delete" and name != "suppression" else SAID.get(name, {})
    change = getattr(client, method)
    with transaction.atomic():
        tag = client.get(there)["ETag"]
        seen = client.get(there, headers={"If-None-Match": tag})
        late = change(there, body, headers={"If-Match": OTHER})
        still = client.get(there)["ETag"]
        done = change(there, body, headers={"If-Match": tag})
        after = client.get(there)
        again = change(there, body, headers={"If-Match": tag})
        transaction.set_rollback(True)
    return {
        "nothing is new": (seen.status_code, seen.content, seen["ETag"]) == (304, b"", tag),
        "refused": late.status_code == 412 and late.json()["error"]["code"] == "changed_since_read" and still == tag,
        "done": done.status_code == (204 if method == "delete" else 200),
        "its tag is the next": method == "delete" or content_of(done) == content_of(after),
        "another one": after.headers.get("ETag") != tag,
        "not twice": again.status_code in {404, 412},
    }


def test_each_change_is_made_by_whoever_has_read_what_is_changed_and_by_nobody_else(client, own):
    found = {(name, method): played(client, own, name, method) for name, method in CHANGES}
    assert {
        one: wrong for one, tried in found.items() if (wrong := [it for it, held in tried.items() if not held])
    } == {}
    assert len(found) > 12


def verb_played(client, workspace, own, name):
    """What is answered to whoever has read something else, to whoever has read this, and to the same call again."""
    with transaction.atomic():
        post = call(client, workspace, own, name)
        entries = Entry.objects.count()
        late = post(headers={"If-Match": OTHER})
        there = re.match(r".*?/\d+/", late.wsgi_request.path)[0]
        read = client.get(there)
        untouched = Entry.objects.count() == entries
        done = post(headers={"If-Match": read["ETag"]})
        after = client.get(there)
        again = post(headers={"If-Match": read["ETag"]})
        transaction.set_rollback(True)
    is_of_it = "ETag" in done and done.json()["id"] == read.json()["id"]
    return {
        "refused": late.status_code == 412 and late.json()["error"]["code"] == "changed_since_read" and untouched,
        "done": done.status_code in {200, 201},
        "its tag is the next": not is_of_it or content_of(done) == content_of(after),
        "once": again.headers.get("Idempotent-Replayed") == "true",
    }


def test_each_verb_is_done_to_what_was_read_and_to_nothing_else(client, workspace, own):
    found = {name: verb_played(client, workspace, own, name) for name in VERBS}
    assert {
        one: wrong for one, tried in found.items() if (wrong := [it for it, held in tried.items() if not held])
    } == {}
    assert len(found) > 20


def test_the_description_offers_if_match_with_every_verb():
    told = {
        place
        for place, path in DESCRIPTION["paths"].items()
        if "post" in path and "If-Match" in {one["name"] for one in path["post"].get("parameters", ())}
    }
    patterns = {str(routes()[name].pattern) for name in VERBS}
    assert told == {
        "/api/v1/" + one.replace("<int:pk>", "{id}").replace("<int:number>", "{number}") for one in patterns
    }
    assert all("412" in DESCRIPTION["paths"][place]["post"]["responses"] for place in told)


def test_the_description_names_the_headers_wherever_they_are_taken():
    for place, path in DESCRIPTION["paths"].items():
        if "get" in path and {"patch", "put", "delete"} & set(path):
            for method, operation in path.items():
                named = {one["name"] for one in operation.get("parameters", ())}
                wanted = {"get": "If-None-Match", "post": "Idempotency-Key"}.get(method, "If-Match")
                assert wanted in named, (place, method)
                assert {"get": "304", "post": "422"}.get(method, "412") in operation["responses"], (place, method)


def test_what_moves_by_itself_is_news_and_in_nobodys_way(client, workspace):
    listed = factories.preparing_list(workspace)
    there = f"/api/v1/lists/{listed.pk}/"
    tag = client.get(there)["ETag"]
    RecipientList.objects.filter(pk=listed.pk).update(progress=40)
    assert client.get(there, headers={"If-None-Match": tag}).status_code == 200
    assert client.patch(there, {"name": "Autumn"}, headers={"If-Match": tag}).status_code == 200


def test_a_strangers_thing_is_not_there_whatever_the_tag(client):
    foreign = factories.saved_text(factories.workspace())
    assert client.patch(f"/api/v1/templates/{foreign.pk}/", {}, headers={"If-Match": "*"}).status_code == 404


def test_a_page_that_was_faster_is_not_written_over(client, workspace, author):
    text = factories.saved_text(workspace)
    tag = client.get(f"/api/v1/templates/{text.pk}/")["ETag"]
    saved_texts.change(text.pk, {"text": "By hand."}, by=author)
    late = client.patch(f"/api/v1/templates/{text.pk}/", {"text": "By a program."}, headers={"If-Match": tag})
    assert late.status_code == 412
    assert SavedText.objects.get(pk=text.pk).text == "By hand."


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["template", "rules"])
def test_of_changes_at_the_same_moment_one_is_made(name):
    workspace = factories.workspace()
    secret = factories.token(workspace, factories.user(is_superuser=True))
    there = address(name, {"templates": factories.saved_text(workspace).pk})
    tag = factories.bearer(secret).get(there)["ETag"]
    bodies = [{"name": f"Text {n}"} if name == "template" else {"approval_days": n + 1} for n in range(5)]
    answers = race(
        *[lambda body=body: factories.bearer(secret).patch(there, body, headers={"If-Match": tag}) for body in bodies]
    )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]
    made = next(answer.json() for answer in answers if answer.status_code == 200)
    assert factories.bearer(secret).get(there).json() == made


@pytest.mark.django_db(transaction=True)
def test_of_verbs_at_the_same_moment_one_is_done_to_what_was_read():
    workspace = factories.workspace()
    secret = factories.token(workspace, factories.user(is_superuser=True))
    there = address("webhook", {"webhooks": factories.endpoint(workspace).pk})
    tag = factories.bearer(secret).get(there)["ETag"]
    answers = race(*[lambda: factories.bearer(secret).post(f"{there}rotate/", headers={"If-Match": tag})] * 5)
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412, 412]
