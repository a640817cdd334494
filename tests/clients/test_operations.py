"""Every method asks what the description of the API has, as it has it, and gives back what comes."""

import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml
from message_center_client import Client

from stack import ROOT

DESCRIPTION = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())
FILE = b"to,status\n"
TAG = '"17-1"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    name: str
    method: str
    path: str
    said: dict[str, Any]

    @property
    def answer(self) -> httpx.Response:
        """Its example, and of a list the only page."""
        [status] = [status for status in self.said["responses"] if status.startswith("2")]
        content = self.said["responses"][status].get("content", {})
        if "application/json" not in content:
            return httpx.Response(int(status), content=FILE if content else b"")
        body = content["application/json"]["example"]
        if "next" in body:
            body = {**body, "next": None}
        return httpx.Response(int(status), json=body, headers={"ETag": TAG})

    def check(self, request: httpx.Request) -> None:
        assert re.fullmatch(re.sub(r"{\w+}", "[0-9]+", self.path), request.url.path)
        documented = {parameter["name"] for parameter in self.said.get("parameters", ())}
        assert set(request.url.params) <= documented
        assert (self.method == "POST") == ("Idempotency-Key" in request.headers)
        assert ("If-Match" in documented) == ("If-Match" in request.headers)
        body = self.said.get("requestBody", {}).get("content", {}).get("application/json")
        sent = json.loads(request.content) if request.content else {}
        if body is None:
            assert not sent
        else:
            jsonschema.validate(sent, {**body["schema"], "components": DESCRIPTION["components"]})


OPERATIONS = {
    said["operationId"]: Operation(name=said["operationId"], method=method.upper(), path=path, said=said)
    for path, methods in DESCRIPTION["paths"].items()
    for method, said in methods.items()
}

Ask = Callable[[Client, Path], Any]
ASKED: dict[str, Ask] = {
    "lists_list": lambda it, to: it.lists.all(status="ready", archived=False, search="Spring"),
    "lists_retrieve": lambda it, to: it.lists.get(1),
    "lists_partial_update": lambda it, to: it.lists.rename(1, "Summer", if_match=TAG),
    "lists_destroy": lambda it, to: it.lists.delete(1, if_match=TAG),
    "lists_archive": lambda it, to: it.lists.archive(1, if_match=TAG),
    "lists_restore": lambda it, to: it.lists.restore(1, if_match=TAG),
    "lists_cancel": lambda it, to: it.lists.cancel(1, "The wrong file.", if_match=TAG),
    "lists_rejected_retrieve": lambda it, to: it.lists.save_rejected(1, to),
    "lists_duplicates_retrieve": lambda it, to: it.lists.save_duplicates(1, to),
    "suppressions_list": lambda it, to: it.suppressions.all(
        source=["hand", "opt_out"], added_after=datetime(2027, 3, 1, 9, tzinfo=UTC)
    ),
    "suppressions_create": lambda it, to: it.suppressions.add("+31612345678", reason="Asked by phone."),
    "suppressions_retrieve": lambda it, to: it.suppressions.get(1),
    "suppressions_destroy": lambda it, to: it.suppressions.lift(1, reason="Came back.", if_match=TAG),
    "suppressions_export_retrieve": lambda it, to: it.suppressions.save(to),
    "suppressions_imports_list": lambda it, to: it.suppressions.imports(),
    "suppressions_imports_retrieve": lambda it, to: it.suppressions.get_import(1),
    "suppressions_imports_rejected_retrieve": lambda it, to: it.suppressions.save_rejected(1, to),
    "suppressions_stop_words_retrieve": lambda it, to: it.suppressions.stop_words(),
    "suppressions_stop_words_update": lambda it, to: it.suppressions.set_stop_words("STOP", "UIT", if_match=TAG),
    "senders_list": lambda it, to: it.senders.all(),
    "senders_retrieve": lambda it, to: it.senders.get(1),
    "senders_create": lambda it, to: it.senders.create("Shop"),
    "senders_revisions_create": lambda it, to: it.senders.submit(
        1, saddr="SHOP", reason="The name of our shop.", if_match=TAG
    ),
    "templates_list": lambda it, to: it.templates.all(),
    "templates_retrieve": lambda it, to: it.templates.get(1),
    "templates_create": lambda it, to: it.templates.create("Sale", "Half price."),
    "templates_partial_update": lambda it, to: it.templates.change(1, text="Half price, {name}.", if_match=TAG),
    "templates_destroy": lambda it, to: it.templates.delete(1, if_match=TAG),
    "campaigns_list": lambda it, to: it.campaigns.all(status="done", archived=True, list=1),
    "campaigns_create": lambda it, to: it.campaigns.create(
        name="Sale", mode="scheduled", text="Half price.", sender=1, list=2, send_at="2027-03-01T09:00:00+01:00"
    ),
    "campaigns_retrieve": lambda it, to: it.campaigns.get(1),
    "campaigns_partial_update": lambda it, to: it.campaigns.change(1, name="Sale", if_match=TAG),
    "campaigns_clone": lambda it, to: it.campaigns.clone(1, if_match=TAG),
    "campaigns_submit": lambda it, to: it.campaigns.submit(1, if_match=TAG),
    "campaigns_withdraw": lambda it, to: it.campaigns.withdraw(1, if_match=TAG),
    "campaigns_revise": lambda it, to: it.campaigns.revise(1, if_match=TAG),
    "campaigns_pause": lambda it, to: it.campaigns.pause(1, "A typo.", if_match=TAG),
    "campaigns_resume": lambda it, to: it.campaigns.resume(1, if_match=TAG),
    "campaigns_cancel": lambda it, to: it.campaigns.cancel(1, if_match=TAG),
    "campaigns_archive": lambda it, to: it.campaigns.archive(1, if_match=TAG),
    "campaigns_restore": lambda it, to: it.campaigns.restore(1, if_match=TAG),
    "campaigns_approve": lambda it, to: it.campaigns.approve(1, if_match=TAG),
    "campaigns_reject": lambda it, to: it.campaigns.reject(1, "Name the shop.", if_match=TAG),
    "campaigns_reschedule": lambda it, to: it.campaigns.reschedule(1, "2027-03-01T09:00:00+01:00", if_match=TAG),
    "campaigns_send_now": lambda it, to: it.campaigns.send_now(1, if_match=TAG),
    "campaigns_decisions_list": lambda it, to: it.campaigns.decisions(1),
    "campaigns_recipients_retrieve": lambda it, to: it.campaigns.recipients(1, status="failed", page_size=1000),
    "campaigns_errors_retrieve": lambda it, to: it.campaigns.errors(1, kind="throttled"),
    "campaigns_trials_create": lambda it, to: it.campaigns.try_out(1, "+31612345678", params={"name": "Ann"}),
    "campaigns_trials_retrieve": lambda it, to: it.campaigns.trials(1),
    "campaigns_messages_create": lambda it, to: it.messages.push(1, to="+31612345678", key="order 9"),
    "campaigns_messages_retrieve": lambda it, to: it.messages.get(1, 2),
    "campaigns_exports_create": lambda it, to: it.exports.request(1, format="parquet", columns=["to", "list.name"]),
    "campaigns_exports_list": lambda it, to: it.exports.all(1),
    "exports_retrieve": lambda it, to: it.exports.get(1),
    "exports_file_retrieve": lambda it, to: it.exports.download(1, to),
    "standing_exports_create": lambda it, to: it.standing_exports.create(format="csv.gz", hours_after_end=24),
    "standing_exports_list": lambda it, to: it.standing_exports.all(),
    "standing_exports_retrieve": lambda it, to: it.standing_exports.get(1),
    "standing_exports_destroy": lambda it, to: it.standing_exports.end(1, if_match=TAG),
    "statistics_retrieve": lambda it, to: it.statistics.get(by="channel", since=date(2027, 3, 1), sender=1),
    "statistics_export_retrieve": lambda it, to: it.statistics.save(to, by="error", until=date(2027, 3, 1), channel=1),
    "inquiries_create": lambda it, to: it.inquiries.ask("+31612345678", reason="They asked."),
    "inquiries_retrieve": lambda it, to: it.inquiries.get(1),
    "inquiries_file_retrieve": lambda it, to: it.inquiries.download(1, to),
    "erasures_create": lambda it, to: it.erasures.ask("+31612345678", reason="They asked."),
    "erasures_retrieve": lambda it, to: it.erasures.get(1),
    "webhooks_create": lambda it, to: it.webhooks.create(
        url="https://shop.example.com/hooks", events=["messages.settled"], with_numbers=True
    ),
    "webhooks_list": lambda it, to: it.webhooks.all(),
    "webhooks_retrieve": lambda it, to: it.webhooks.get(1),
    "webhooks_partial_update": lambda it, to: it.webhooks.change(1, events=["campaign.done"], if_match=TAG),
    "webhooks_destroy": lambda it, to: it.webhooks.delete(1, if_match=TAG),
    "webhooks_rotate": lambda it, to: it.webhooks.rotate(1, if_match=TAG),
    "webhooks_enable": lambda it, to: it.webhooks.enable(1, if_match=TAG),
    "webhooks_disable": lambda it, to: it.webhooks.disable(1, if_match=TAG),
    "webhooks_test": lambda it, to: it.webhooks.test(1, if_match=TAG),
    "webhooks_deliveries_list": lambda it, to: it.webhooks.deliveries(1, state="failed"),
    "webhooks_deliveries_retrieve": lambda it, to: it.webhooks.delivery(1),
    "webhooks_deliveries_redeliver": lambda it, to: it.webhooks.redeliver(1, if_match=TAG),
    "senders_revisions_approve": lambda it, to: it.senders.approve(1, 2, if_match=TAG),
    "senders_revisions_reject": lambda it, to: it.senders.reject(1, 2, "Name the shop.", if_match=TAG),
    "members_retrieve": lambda it, to: it.members.get(1),
    "members_partial_update": lambda it, to: it.members.change(1, role="moderator", if_match=TAG),
    "members_destroy": lambda it, to: it.members.remove(1, if_match=TAG),
    "invitations_list": lambda it, to: it.invitations.all(status="pending"),
    "invitations_create": lambda it, to: it.invitations.create(email="bob@example.com", role="author"),
    "invitations_retrieve": lambda it, to: it.invitations.get(1),
    "invitations_destroy": lambda it, to: it.invitations.revoke(1, if_match=TAG),
    "invitations_resend": lambda it, to: it.invitations.resend(1, if_match=TAG),
    "join_requests_list": lambda it, to: it.join_requests.all(status="pending"),
    "join_requests_retrieve": lambda it, to: it.join_requests.get(1),
    "join_requests_grant": lambda it, to: it.join_requests.grant(1, role="author", if_match=TAG),
    "join_requests_refuse": lambda it, to: it.join_requests.refuse(1, "Who are you?", if_match=TAG),
    "keys_list": lambda it, to: it.keys.all(),
    "keys_retrieve": lambda it, to: it.keys.get(1),
    "keys_destroy": lambda it, to: it.keys.revoke(1, if_match=TAG),
    "limits_retrieve": lambda it, to: it.limits.get(),
    "limits_update": lambda it, to: it.limits.set(
        parts_per_day=9, parts_per_month=None, destinations=["+31"], if_match=TAG
    ),
    "rules_retrieve": lambda it, to: it.rules.get(),
    "rules_partial_update": lambda it, to: it.rules.change(four_eyes=True, if_match=TAG),
    "inbound_list": lambda it, to: it.inbound(),
    "channels_list": lambda it, to: it.channels(),
    "routes_list": lambda it, to: it.routes(),
    "members_list": lambda it, to: it.members.all(role="moderator", search="ann"),
    "audit_list": lambda it, to: it.audit(actor="ann@example.com", since="2027-03-01T09:00:00Z"),
}
# A part of a file that is sent, in test_with_the_api.
SENT = {
    *("lists_create", "lists_file_partial_update"),
    *("suppressions_imports_create", "suppressions_imports_file_update"),
}
# Other ways of sending a list, and what is for a person's eyes: `center.calls` reaches them, too.
LEFT = {"uploads_create", "lists_file_update", "lists_file_destroy", "audit_export_retrieve"}


@pytest.mark.parametrize("name", ASKED)
def test_it_asks_as_it_is_described_and_gives_back_what_comes(name: str, tmp_path: Path) -> None:
    operation, asked = OPERATIONS[name], list[httpx.Request]()

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return operation.answer

    center = Client("http://testserver", key="mc_key", transport=httpx.MockTransport(answer))
    found = ASKED[name](center, tmp_path / "file")
    found = list(found) if isinstance(found, Iterator) else found
    [request] = asked
    assert request.method == operation.method
    operation.check(request)
    assert request.headers["Authorization"] == "Bearer mc_key"
    match operation.answer.content:
        case b"":
            assert found is None
        case content if content == FILE:
            assert (found, (tmp_path / "file").read_bytes()) == (len(FILE), FILE)
        case content:
            said = json.loads(content)
            assert found == (said["results"] if "next" in said and name != "campaigns_errors_retrieve" else said)


def test_every_operation_has_a_method_or_is_left_to_calls() -> None:
    assert set(OPERATIONS) == set(ASKED) | SENT | LEFT


def test_what_has_no_method_can_be_asked_for_all_the_same() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"asked": f"{request.method} {request.url.path}"})

    calls = Client("http://testserver", key="mc_key", transport=httpx.MockTransport(answer)).calls
    assert calls.get(dict[str, str], "news/") == {"asked": "GET /api/v1/news/"}
    assert calls.put(dict[str, str], "news/", {"kinds": []}) == {"asked": "PUT /api/v1/news/"}
    assert calls.post(dict[str, str], "news/1/read/") == {"asked": "POST /api/v1/news/1/read/"}
    assert calls.patch(dict[str, str], "news/1/", {}) == {"asked": "PATCH /api/v1/news/1/"}


def test_a_file_that_is_open_stays_open_and_one_that_is_named_lends_its_name() -> None:
    said = []

    def answer(request: httpx.Request) -> httpx.Response:
        said.append((request.method, request.read()))
        return httpx.Response(200, json={"id": 1}, headers={"Upload-Offset": "3" if request.method == "PATCH" else "0"})

    center = Client("http://testserver", key="mc_key", transport=httpx.MockTransport(answer))
    file = io.BytesIO(b"+31")
    center.lists.send(file, name="Spring", filename="people.txt")
    assert not file.closed
    assert [method for method, _ in said] == ["POST", "HEAD", "PATCH", "GET"]
    assert said[2][1] == b"+31"
