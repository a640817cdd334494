"""What integrators are told: of each thing once, whatever is tried how often, and of nobody else's."""

from collections import Counter

import pytest
from django.db import connection
from django.utils import timezone

from accounts.roles import Role
from audit.models import Entry
from campaigns import transitions
from delivery import tallies
from delivery.statuses import MessageState
from delivery.tallies import Standing
from tests import evidence, factories
from tests.racing import race
from webhooks import endpoints, following, happenings
from webhooks.models import Delivery, Following, Told
from webhooks.statuses import Event


def types_of(received):
    return [event["type"] for event in received]


def statuses_of(event):
    return {message["id"].rpartition("-")[2]: message["status"] for message in event["data"]["messages"]}


def test_what_happens_to_a_campaign_is_told_once_signed_and_in_its_order(workspace, author, made, receiver, passed):
    _endpoint, secret = made
    campaign = factories.paused(workspace, by=author, name="Spring")
    for _ in range(3):
        passed()
    received = receiver.verified(secret)
    names = ["campaign.in_review", "campaign.approved", "campaign.sending", "campaign.paused"]
    assert types_of(received) == names
    entry = Entry.objects.get(action="campaign.paused")
    assert received[-1] == {
        "type": "campaign.paused",
        "timestamp": entry.at.isoformat().replace("+00:00", "Z"),
        "data": {
            "campaign": {"id": campaign.pk, "name": "Spring"},
            "status": "paused",
            "previous_status": "sending",
            "reason": "A typo.",
        },
    }


def test_an_endpoint_hears_what_it_chose_and_nothing_from_before_it_was(workspace, admin, receiver, passed):
    campaign = factories.sending(workspace)
    chosen = factories.endpoint(workspace, receiver.url, events=["campaign.paused", "campaign.cancelled"])
    transitions.pause(campaign.pk, by=admin, reason="")
    passed()
    assert list(Delivery.objects.filter(endpoint=chosen).values_list("event", flat=True)) == ["campaign.paused"]


def test_what_another_workspace_does_is_never_told(workspace, endpoint, receiver, passed):
    stranger = factories.workspace()
    theirs = factories.endpoint(stranger, receiver.url)
    evidence.dispatched(factories.done(stranger))
    passed()
    assert set(Delivery.objects.values_list("endpoint", flat=True)) == {theirs.pk}
    assert set(Delivery.objects.values_list("workspace", flat=True)) == {stranger.pk}


def test_tests_of_a_text_are_nobodys_campaigns(workspace, endpoint, receiver, passed):
    factories.trial(workspace)
    passed()
    assert not Delivery.objects.exists()


def test_what_is_lost_between_the_entry_and_the_delivery_is_told_by_the_next_look(workspace, endpoint, monkeypatch):
    factories.sending(workspace)
    real = happenings.payloads.of_campaign
    monkeypatch.setattr(happenings.payloads, "of_campaign", lambda *a: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        happenings.look(now=timezone.now())
    monkeypatch.setattr(happenings.payloads, "of_campaign", real)
    happenings.look(now=timezone.now())
    assert Delivery.objects.count() == 3


def test_messages_are_told_as_they_settle_each_state_once(workspace, endpoint, receiver, made, passed):
    campaign = factories.sending(workspace, list=factories.ready_list(workspace, count=4))
    outcomes = [evidence.DELIVERED, evidence.UNDELIVERABLE, evidence.PENDING, evidence.UNANSWERED]
    evidence.dispatched(campaign, lambda recipient: outcomes[recipient])
    for _ in range(2):
        passed()
    [told] = [event for event in receiver.verified(made[1]) if event["type"] == Event.MESSAGES]
    assert statuses_of(told) == {"0": "delivered", "1": "failed", "3": "uncertain"}
    failed = told["data"]["messages"][1]
    assert failed["error"] == {"code": "034", "name": "UNDELIV", "text": "The carrier could not deliver it."}
    assert all("to" not in message for message in told["data"]["messages"])
    moved(campaign, {2: MessageState.DELIVERED, 3: MessageState.PENDING, 1: MessageState.DELIVERED})
    for _ in range(2):
        passed()
    told = [event for event in receiver.verified(made[1]) if event["type"] == Event.MESSAGES]
    assert [statuses_of(event) for event in told[1:]] == [{"1": "delivered", "2": "delivered"}]


def moved(campaign, states):
    """As a receipt moves them: rows and tallies in one transaction."""
    with connection.cursor() as cursor:
        for recipient, state in states.items():
            cursor.execute(
                "UPDATE delivery_message m SET state = %s FROM delivery_message was WHERE m.campaign_id = %s"
                " AND m.recipient = %s AND was.campaign_id = m.campaign_id AND was.recipient = m.recipient"
                " RETURNING was.state, was.error_kind, was.error_code",
                [state, campaign.pk, recipient],
            )
            was = tallies.standing(*cursor.fetchone())
            tallies.note(cursor, campaign.pk, {Standing(state): 1, was: -1})


def test_batches_have_a_bound_and_so_has_what_waits(workspace, endpoint, monkeypatch):
    """Whoever is slow hears later, and of each message only the newest: no rows are heaped up for them."""
    monkeypatch.setattr(following, "MOST", 2)
    monkeypatch.setattr(following, "BACKLOG", 2)
    monkeypatch.setattr(following, "BLOCK", 3)
    campaign = factories.sending(workspace, list=factories.ready_list(workspace, count=10))
    evidence.dispatched(campaign, evidence.UNRECEIPTED)
    told = Counter()
    for look in range(6):
        following.look(now=timezone.now())
        waiting = Delivery.objects.filter(event=Event.MESSAGES, state="pending")
        assert waiting.count() <= 2
        if look == 1:
            assert waiting.count() == 2
            moved(campaign, {0: MessageState.DELIVERED, 9: MessageState.DELIVERED})
        for delivery in waiting:
            assert len(delivery.payload["data"]["messages"]) <= 2
            told += Counter(statuses_of({"data": delivery.payload["data"]}).items())
        if look:
            waiting.update(state="delivered")
    expected = {(str(number), "no_receipt"): 1 for number in range(9)}
    told = Counter({key: 1 for key in told})
    assert told == Counter({**expected, ("0", "delivered"): 1, ("9", "delivered"): 1})


@pytest.mark.django_db(transaction=True)
def test_two_looks_at_once_tell_nothing_twice():
    workspace = factories.workspace()
    factories.endpoint(workspace)
    evidence.dispatched(factories.sending(workspace, list=factories.ready_list(workspace, count=50)))

    def look():
        happenings.look(now=timezone.now())
        following.look(now=timezone.now())

    race(*[look] * 4)
    look()
    names = ("campaign.in_review", "campaign.approved", "campaign.sending", "messages.settled")
    assert Counter(Delivery.objects.values_list("event", flat=True)) == dict.fromkeys(names, 1)


def test_numbers_are_told_to_whoever_was_made_for_them_and_are_not_kept(workspace, receiver, passed):
    _with_numbers, secret = endpoints.create(
        workspace,
        url=receiver.url,
        events=[Event.MESSAGES],
        with_numbers=True,
        by=factories.member(workspace, Role.ADMIN),
        now=timezone.now(),
    )
    campaign = factories.sending(workspace, list=factories.ready_list(workspace, count=2))
    evidence.dispatched(campaign)
    passed()
    [told] = receiver.verified(secret)
    assert [message["to"] for message in told["data"]["messages"]] == [
        f"+{factories.FIRST_NUMBER + number}" for number in range(2)
    ]
    assert str(factories.FIRST_NUMBER) not in str(Delivery.objects.get().payload)


def test_a_lap_that_finds_nothing_is_not_run_again_at_once(workspace, endpoint):
    campaign = factories.sending(workspace)
    evidence.dispatched(campaign)
    with connection.cursor() as cursor:
        tallies.note(cursor, campaign.pk, {Standing(MessageState.DELIVERED): 1})  # a counter that is wrong
    now = timezone.now()
    for _ in range(2):
        following.look(now=now)
    assert Following.objects.get().rests_until == now + following.REST
    assert Told.objects.count() == 1
    following.forget(now=now + following.FOLLOWED * 2)
    assert not Told.objects.exists()
