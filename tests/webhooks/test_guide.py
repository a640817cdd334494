"""docs/webhooks.md is true: its examples are what arrives, and its commands verify it."""

import io
import json
import os
import re
import subprocess

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.roles import Role
from campaigns import transitions
from recipients import suppression_imports, suppressions
from recipients.models import Suppression
from recipients.statuses import Source
from reports import exports
from tests import evidence, factories
from webhooks import deliveries, description, endpoints
from webhooks.statuses import Event

GUIDE = (settings.ROOT / "docs" / "webhooks.md").read_text()

# An export reads in a snapshot of its own, which a test's own transaction does not allow.
SNAPSHOT = pytest.mark.django_db(transaction=True)


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


def shape(value):
    """Names and kinds; of a text, nothing more."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in value.items()}
    return [shape(one) for one in value] if isinstance(value, list) else type(value).__name__


@pytest.fixture
def received(workspace, made, receiver, passed, admin):
    outcomes = [evidence.DELIVERED, evidence.UNDELIVERABLE]
    campaign = factories.sending(workspace, list=factories.ready_list(workspace, count=2), name="Spring sale")
    evidence.dispatched(campaign, lambda recipient: outcomes[recipient])
    transitions.pause(campaign.pk, by=admin, reason="A typo.")
    exports.write(exports.request(campaign.pk, format="evidence", by=admin).pk, clock=timezone.now)
    change_who_is_suppressed(workspace, admin)
    endpoints.try_out(made[0].pk, by=admin, now=timezone.now())
    passed()
    return {event["type"]: event for event in receiver.verified(made[1])}


def change_who_is_suppressed(workspace, admin):
    """As the example has it: one of before is taken off."""
    old = Suppression.objects.create(workspace=workspace, phone=31600000012, source=Source.HAND, reason="She asked.")
    suppressions.count(workspace.pk, Source.HAND, 1)
    suppressions.opt_out(workspace, 31600000017)
    imported = factories.suppression_import(workspace)
    suppression_imports.receive(imported.pk, io.BytesIO(b"+31600000018\n"), by=admin, length=13)
    suppression_imports.run(imported.pk, now=timezone.now())
    suppressions.remove(old.pk, reason="She wants them again.", by=admin)


@SNAPSHOT
def test_the_examples_are_what_arrives(received):
    examples = [json.loads(block) for block in blocks("json")]
    types = ["campaign.paused", "messages.settled", "suppressions.changed", "export.ready", "webhook.test"]
    assert [example["type"] for example in examples] == types
    for example in examples:
        assert shape(received[example["type"]]) == shape(example)
        assert example["timestamp"].endswith("Z") and received[example["type"]]["timestamp"].endswith("Z")
    told = received["messages.settled"]["data"]["messages"]
    shown = examples[1]["data"]["messages"]
    assert [(one["status"], one["error"]) for one in told] == [(one["status"], one["error"]) for one in shown]
    changes = received["suppressions.changed"]["data"]["changes"]
    shown = examples[2]["data"]["changes"]
    assert [(one["change"], one["source"], one["reason"]) for one in changes] == [
        (one["change"], one["source"], one["reason"]) for one in shown
    ]


def test_the_examples_are_those_of_the_description_of_the_api():
    for block in blocks("json"):
        example = json.loads(block)
        assert example == description.example_of(example["type"])


@SNAPSHOT
def test_the_commands_verify_what_arrives(received, made, receiver, tmp_path):
    _, headers, body = receiver.came[0]
    (tmp_path / "body").write_bytes(body)
    given = {"SECRET": made[1], "WEBHOOK_ID": headers["webhook-id"], "WEBHOOK_TIMESTAMP": headers["webhook-timestamp"]}
    [command] = blocks("sh")
    run = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env={**os.environ, **given}, capture_output=True, text=True, check=True
    )
    assert f"v1,{run.stdout.strip()}" == headers["webhook-signature"]
    [code] = blocks("python")
    known = {"secret": made[1], "body": body, "headers": dict(headers)}
    exec(code, known)
    assert known["event"]["type"] in received


def test_the_call_that_it_shows_makes_an_endpoint(workspace):
    as_admin = factories.bearer(factories.token(workspace, factories.member(workspace, Role.ADMIN)))
    call, body = blocks("http")[0].split("\n", 1)
    assert as_admin.post(call.split()[1], json.loads(body)).status_code == 201


def test_it_names_every_event_and_the_schedule():
    for event in Event.values:
        assert event in GUIDE or f"`.{event.removeprefix('campaign.')}`" in GUIDE
    seconds = [int(wait.total_seconds()) for wait in deliveries.SCHEDULE]
    assert seconds == [5, 30, 120, 600, 1800, 3600, 7200, 14400, 21600]
    assert "after 5 and 30\nseconds, 2, 10 and 30 minutes, 1, 2 and 4 hours, then every 6 hours" in GUIDE
