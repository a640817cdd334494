"""Of every event the description of the API says what comes, and that is what comes."""

import copy

import jsonschema
import pytest
from django.utils import timezone

from campaigns.statuses import Status
from reports import exports
from tests import evidence, factories
from tests.webhooks import promise
from webhooks import description, endpoints, shapes
from webhooks.statuses import OF_CAMPAIGNS, TEST, Event

EVENTS = [*Event.values, TEST]


def test_every_event_is_described_and_nothing_else():
    assert list(promise.POSTED) == EVENTS == list(shapes.OF)


@pytest.mark.parametrize("event", EVENTS)
def test_each_has_an_example_that_is_one_of_it(event):
    example = promise.POSTED[event]["requestBody"]["content"]["application/json"]["example"]
    assert example["type"] == event
    promise.check(example)


@pytest.mark.parametrize("event", EVENTS)
def test_each_says_which_answers_are_expected(event):
    assert set(promise.POSTED[event]["responses"]) == {"2XX", "410", "default"}


@pytest.mark.parametrize("status", [Status(event.removeprefix("campaign.")) for event in sorted(OF_CAMPAIGNS)])
def test_a_campaign_is_told_as_it_is_described(workspace, made, receiver, passed, status):
    factories.campaign(workspace, status)
    passed()
    told = receiver.verified(made[1])[-1]
    assert (told["type"], told["data"]["status"]) == (f"campaign.{status}", status)
    promise.check(told)


@pytest.mark.django_db(transaction=True)  # an export reads in a snapshot of its own
def test_exports_messages_and_tests_are_told_as_they_are_described(workspace, made, receiver, passed, admin):
    campaign = factories.sending(workspace, list=factories.ready_list(workspace, count=4))
    outcomes = [evidence.DELIVERED, evidence.UNDELIVERABLE, evidence.UNANSWERED, evidence.UNRECEIPTED]
    evidence.dispatched(campaign, lambda recipient: outcomes[recipient])
    exports.write(exports.request(campaign.pk, format="csv", by=admin).pk, clock=timezone.now)
    exports.write(
        exports.request(campaign.pk, format="csv", by=admin).pk, clock=lambda: timezone.now() + 2 * exports.GIVE_UP
    )
    endpoints.try_out(made[0].pk, by=admin, now=timezone.now())
    passed()
    told = {event["type"]: event for event in receiver.verified(made[1])}
    assert {"export.ready", "export.failed", "messages.settled", "webhook.test"} <= set(told)
    assert (told["export.failed"]["data"]["export"]["url"], told["export.failed"]["data"]["reason"]) == (
        None,
        exports.LATE,
    )
    for event in told.values():
        promise.check(event)


def test_an_event_without_a_field_or_with_one_more_is_not_what_is_promised():
    event = description.example_of("messages.settled")
    promise.check(event)
    lacks = {name: value for name, value in event.items() if name != "timestamp"}
    more = copy.deepcopy(event)
    more["data"]["messages"][0]["phone"] = "+31612345678"
    for wrong in (lacks, more):
        with pytest.raises(jsonschema.ValidationError):
            promise.check(wrong)
