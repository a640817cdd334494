"""clients/python against the real API, in this process; its patience against a server that misbehaves."""

import re
from collections.abc import Callable

import generate_models
import httpx
import pytest
import yaml
from django.utils import timezone
from message_center_client import ApiError, Client, NotReady, calls
from rest_framework.test import APIClient

from accounts.roles import Role
from recipients import preparation
from stack import ROOT
from tests import factories

CLIENT = ROOT / "clients" / "python"


@pytest.fixture
def speak(workspace):
    """A client with this key, or one of the workspace's."""

    def client(secret: str = "") -> Client:
        return Client("http://testserver", key=secret or factories.api_key(workspace)[1], transport=TRANSPORT)

    return client


def _ask_here(request: httpx.Request) -> httpx.Response:
    given = {name: value for name, value in request.headers.items() if name not in ("content-type", "content-length")}
    kind = request.headers.get("Content-Type", "application/octet-stream")
    path = request.url.raw_path.decode()
    answer = APIClient().generic(request.method, path, request.read(), kind, headers=given)
    return httpx.Response(answer.status_code, headers=dict(answer.items()), content=b"".join(answer))


TRANSPORT = httpx.MockTransport(_ask_here)


@pytest.fixture
def naps(monkeypatch) -> list[float]:
    taken: list[float] = []
    monkeypatch.setattr(calls.time, "sleep", taken.append)
    return taken


def scripted(answer: Callable[[httpx.Request], httpx.Response], **given) -> Client:
    return Client("http://elsewhere", key="mc_key", transport=httpx.MockTransport(answer), **given)


# --- With the real API ------------------------------------------------------------------------------------------------


def test_a_list_is_sent_from_a_file_and_a_campaign_is_written_approved_and_read(speak, workspace, tmp_path):
    moderator = factories.token(workspace, factories.member(workspace, Role.MODERATOR))
    center, judge = speak(), speak(moderator)
    factories.channel()
    file = tmp_path / "people.csv"
    file.write_text("number,name\n+31612345678,Ann\n+31687654321,Bob\n")
    listed = center.lists.send(file, name="Spring")
    preparation.prepare_list(listed["id"], now=timezone.now())
    assert center.lists.wait(listed["id"])["totals"]["accepted"] == 2

    content = {"name": "Sale", "mode": "on_approval", "text": "Dear {name}.", "list": listed["id"]}
    sender = factories.sender(workspace)
    assert [found["id"] for found in center.senders.approved()] == [sender.pk]
    made = center.campaigns.create({**content, "sender": sender.pk}, key="a wish")
    assert center.campaigns.create({**content, "sender": sender.pk}, key="a wish") == made
    center.campaigns.submit(made["id"])
    assert judge.campaigns.approve(made["id"])["status"] == "approved"
    assert [row["id"] for row in center.campaigns.all(status="approved")] == [made["id"]]
    assert [row["to"] for row in center.campaigns.recipients(made["id"])] == ["+31612345678", "+31687654321"]
    assert list(center.campaigns.errors(made["id"])) == []


def test_a_change_is_made_to_the_campaign_that_was_read(speak, workspace):
    center, campaign = speak(), factories.draft(workspace)
    _, tag = center.campaigns.read(campaign.pk)
    center.campaigns.change(campaign.pk, {"name": "First"}, if_match=tag)
    with pytest.raises(ApiError) as refused:
        center.campaigns.change(campaign.pk, {"name": "Second"}, if_match=tag)
    assert (refused.value.status, refused.value.code) == (412, "changed_since_read")


def test_messages_are_pushed_into_a_trigger_and_asked_about(speak, workspace):
    center, campaign = speak(), factories.trigger(workspace, text="Your code is {code}.")
    message = {"to": "+31612345678", "params": {"code": "17"}, "key": "order 1"}
    taken = center.messages.push(campaign.pk, message)
    assert center.messages.push(campaign.pk, message) == taken
    assert center.messages.get(campaign.pk, taken["id"])["status"] == "waiting"
    other, refused = center.messages.push_many(
        campaign.pk, [{"to": "+31687654321", "params": {"code": "18"}}, {"to": "12", "params": {"code": "19"}}]
    )
    assert (other["status"], "id" in refused, "to" in refused["error"]["fields"]) == ("waiting", False, True)


def test_pages_are_turned_as_somebody_reads_on(speak, workspace):
    for number in range(3):
        factories.draft(workspace, name=f"Sale {number}")
    rows = speak().calls.pages("campaigns/", page_size=1)
    assert [row["name"] for row in rows] == ["Sale 2", "Sale 1", "Sale 0"]


def test_what_the_api_refuses_is_an_error_with_its_code_and_fields(speak):
    with pytest.raises(ApiError) as refused:
        speak().campaigns.create({"name": "Sale"})
    assert (refused.value.status, refused.value.code) == (400, "invalid")
    assert "mode" in refused.value.fields
    with pytest.raises(ApiError) as unknown:
        speak("mc_nothing").campaigns.get(1)
    assert unknown.value.status == 401


def test_a_suppressed_number_is_kept_found_and_removed(speak, workspace, admin):
    center = speak(factories.token(workspace, admin))
    added = center.suppressions.add("+31600000009", reason="Asked by phone.")
    assert [row["id"] for row in center.suppressions.all(to="+31600000009")] == [added["id"]]
    center.suppressions.remove(added["id"], reason="Came back.")
    assert list(center.suppressions.all()) == []


# --- With a server that misbehaves ------------------------------------------------------------------------------------


def test_it_waits_as_long_as_it_is_told_and_sends_the_same_wish_again(naps):
    seen = []

    def answer(request):
        seen.append(request.headers["Idempotency-Key"])
        if len(seen) < 3:
            return httpx.Response(
                429, headers={"Retry-After": "7"}, json={"error": {"code": "throttled", "message": "?"}}
            )
        return httpx.Response(201, json={"id": 1})

    assert scripted(answer).campaigns.create({"name": "Sale"})["id"] == 1
    assert naps == [7.0, 7.0]
    assert len(set(seen)) == 1


def test_what_may_have_been_done_is_not_done_again(naps):
    seen = []

    def answer(request):
        seen.append(request.method)
        raise httpx.ReadTimeout("No answer.", request=request)

    with pytest.raises(httpx.ReadTimeout):
        scripted(answer).campaigns.cancel(1)
    assert seen == ["POST"]
    with pytest.raises(httpx.ReadTimeout):
        scripted(answer, attempts=3).campaigns.get(1)
    assert seen == ["POST", "GET", "GET", "GET"]


def test_a_campaign_is_waited_for_until_no_receipt_is_awaited(naps):
    def told(*answers):
        rest = [{"status": status, "totals": {"pending": pending, "waiting": 0}} for status, pending in answers]
        return scripted(lambda request: httpx.Response(200, json=rest.pop(0), headers={"ETag": '"1-1"'}))

    center = told(("sending", 2), ("done", 1), ("done", 0))
    assert center.campaigns.wait(1)["totals"]["pending"] == 0
    assert len(naps) == 2
    with pytest.raises(NotReady):
        told(("sending", 2)).campaigns.wait(1, seconds=0)


def test_an_answer_of_something_else_in_between_is_said_to_be_one(naps):
    with pytest.raises(ApiError) as refused:
        scripted(lambda request: httpx.Response(502, text="<html>Bad gateway"), attempts=1).campaigns.get(1)
    assert (refused.value.status, refused.value.code) == (502, "unexpected")


# --- What is written down ---------------------------------------------------------------------------------------------


def test_its_models_are_those_of_the_api():
    wanted = generate_models.models(yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text()))
    assert _bare(generate_models.MODELS.read_text()) == _bare(wanted), "Run python clients/python/generate_models.py"


def _bare(module: str) -> str:
    """However it is laid out."""
    return re.sub(r"[\s,()]", "", module).replace("'", '"')


def test_its_readme_is_python_that_names_what_is_there(speak):
    for block in re.findall(r"^```python\n(.*?)^```", (CLIENT / "README.md").read_text(), re.M | re.S):
        compile(block, "README.md", "exec")
        for noun, verb in re.findall(r"center\.(\w+)\.(\w+)\(", block):
            assert callable(getattr(getattr(speak(), noun), verb)), f"{noun}.{verb}"
