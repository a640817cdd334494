"""What a dispatch process says of its binds, and what a page reads of it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from channels import links as link_states
from channels.models import LinkState
from delivery.links import heartbeat
from tests import factories
from tests.delivery.ground import bound
from tests.delivery.wire import Peer
from tests.live import wait_for


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr(heartbeat, "SECONDS", 0.1)


def said(channel, **fields):
    fields = {"process": "one:1", "name": "main/0", "is_up": True, "window": 10, "unanswered": 4, "rate": 7.0, **fields}
    return LinkState.objects.create(channel=channel, **fields)


@pytest.mark.django_db(transaction=True)
def test_binds_say_that_they_are_up_and_a_process_that_stops_leaves_nothing(listening, links):
    with listening(Peer()) as peer:
        channel = factories.channel(port=peer.port, binds=2, window=30)
        with links():
            bound(channel)
            wait_for(lambda: LinkState.objects.filter(channel=channel, is_up=True).count() == 2)
            states = link_states.states_of([channel.pk], now=timezone.now())
            assert [(one.name, one.window, one.is_gone) for one in states] == [
                ("main/0 transceiver", 30, False),
                ("main/1 transceiver", 30, False),
            ]
            assert all(one.bound_at <= timezone.now() for one in states)
    assert not LinkState.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_bind_that_cannot_be_opened_says_why(listening, links):
    channel = factories.channel()  # where nobody listens
    with links():
        wait_for(lambda: LinkState.objects.filter(channel=channel, is_up=False).exclude(last_error="").exists())


@pytest.mark.django_db
def test_who_is_not_heard_of_for_fifteen_seconds_is_gone_and_later_forgotten():
    channel, now = factories.channel(), timezone.now()
    said(channel, seen_at=now - timedelta(seconds=14))
    said(channel, process="two:2", seen_at=now - timedelta(seconds=16))
    said(channel, process="three:3", seen_at=now - timedelta(minutes=6))
    up, gone = sorted(link_states.states_of([channel.pk], now=now), key=lambda one: one.is_gone)
    assert (up.is_up, up.is_gone, up.unanswered, up.rate) == (True, False, 4, 7.0)
    assert (gone.process, gone.is_up, gone.is_gone, gone.unanswered, gone.rate) == ("two:2", False, True, 0, 0.0)
    heartbeat.Heartbeat().beat([], clock=100.0, now=now)
    assert set(LinkState.objects.values_list("process", flat=True)) == {"one:1", "two:2"}
