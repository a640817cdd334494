"""Receivers of all kinds, and a process that dies while it tells them: the good one hears everything, and nobody else
notices."""

import json
import threading
from collections import defaultdict
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.roles import Role
from tests import factories
from tests.live import SENDING, campaign_of, check, ended, wait_for
from tests.stores import unused_port
from tests.webhooks.receiver import receiving
from webhooks import endpoints
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.statuses import DeliveryState, Disabled, Event

pytestmark = [pytest.mark.live, pytest.mark.slow]

COUNT, TPS = 4000, 300
NOISE = 20.0  # seconds that a busy machine is late; whoever hangs does so for longer
HOURS = timedelta(hours=25)


@contextmanager
def holding(*, only: str = ""):
    """It keeps whoever calls until it is let go, and then says nothing; if `only` is named, the first such event alone,
    and it takes the others."""
    with receiving() as receiver:
        receiver.holds, receiver.lets_go = threading.Event(), threading.Event()

        def writes(handler):
            is_held = not only or (json.loads(receiver.came[-1][2])["type"] == only and not receiver.holds.is_set())
            if is_held:
                receiver.holds.set()
                receiver.lets_go.wait(60)
            else:
                handler.wfile.write(b"HTTP/1.1 204 No Content\r\n\r\n")

        receiver.writes = writes
        try:
            yield receiver
        finally:
            receiver.lets_go.set()


def told(receiver, secret) -> tuple[set[str], dict[str, str]]:
    """Which events it heard, and what of each message last."""
    events = receiver.verified(secret)
    messages = [message for event in events if event["type"] == Event.MESSAGES for message in event["data"]["messages"]]
    return {event["type"] for event in events}, {message["id"]: message["status"] for message in messages}


def bodies_by_id(receiver) -> dict[str, list[bytes]]:
    found = defaultdict(list)
    for _, headers, body in list(receiver.came):
        found[headers["webhook-id"]].append(body)
    return found


def letters(folder: Path) -> str:
    return "".join(path.read_text() for path in folder.glob("*"))


def test_a_good_receiver_hears_everything_beside_bad_ones_though_the_process_is_killed_while_it_tells(
    live, workspace, settings
):
    settings.WEBHOOKS_TO_LOOPBACK = True
    mails = live.folder / "letters_of_webhooks"
    live.start("events", *SENDING)
    live.start("webhooks", WEBHOOKS_TO_LOOPBACK="True")
    live.start("worker", EMAIL_URL=f"file:///{mails}")
    admin = factories.member(workspace, Role.ADMIN)
    with (
        live.carrier(tps=TPS) as carrier,
        holding(only=Event.MESSAGES) as good,
        holding() as hanging,
        receiving() as refusing,
    ):
        refusing.status = 500
        urls = [good.url, hanging.url, refusing.url, f"http://127.0.0.1:{unused_port()}/"]
        made = [endpoints.create(workspace, url=url, events=Event.values, by=admin, now=timezone.now()) for url in urls]
        secret, (heard, *bad) = made[0][1], [endpoint for endpoint, _ in made]
        campaign = campaign_of(workspace, carrier, COUNT)

        assert good.holds.wait(60) and hanging.holds.wait(60)
        assert len(carrier.submits) < COUNT, "too late to tell anything"
        live.kill("webhooks")
        good.lets_go.set()
        Endpoint.objects.update(claimed_until=timezone.now())  # what a lease is for takes twenty seconds
        live.start("webhooks", WEBHOOKS_TO_LOOPBACK="True")

        assert ended(campaign).delivered == COUNT
        times = [submit.at for submit in carrier.submits]
        assert max(times) - min(times) < COUNT / TPS + NOISE
        check(campaign, carrier)
        everything = {f"{campaign.pk}-{recipient}": "delivered" for recipient in range(COUNT)}
        names = {"campaign.in_review", "campaign.approved", "campaign.sending", "campaign.done", "messages.settled"}
        wait_for(lambda: told(good, secret) == (names, everything), seen=lambda: told(good, secret)[0])
        bodies = bodies_by_id(good)
        assert any(len(same) > 1 for same in bodies.values()) and all(len(set(same)) == 1 for same in bodies.values())
        wait_for(lambda: not Delivery.objects.pending().filter(endpoint=heard).exists())

        hears_nothing = Delivery.objects.filter(endpoint__in=bad)
        assert set(hears_nothing.values_list("state", flat=True)) == {DeliveryState.PENDING}
        assert set(Attempt.objects.filter(delivery__endpoint=bad[1]).values_list("status", flat=True)) == {500}
        assert set(Attempt.objects.filter(delivery__endpoint=bad[2]).values_list("status", flat=True)) == {None}
        now = Endpoint.objects.filter(pk__in=[endpoint.pk for endpoint in bad])
        assert set(now.values_list("disabled", flat=True)) == {Disabled.NO}

        hanging.lets_go.set()
        hears_nothing.update(since=timezone.now() - HOURS, next_at=timezone.now())
        now.update(failing_since=timezone.now() - HOURS, rests_until=None)
        wait_for(lambda: set(now.values_list("disabled", flat=True)) == {Disabled.FAILING})
        links = [f"/webhooks/{endpoint.pk}/" for endpoint in bad]
        wait_for(lambda: all(link in letters(mails) for link in links), seen=lambda: letters(mails))
        assert Endpoint.objects.get(pk=heard.pk).disabled == Disabled.NO
    live.end("worker")  # the stories that follow have others
    for name in ("events", "webhooks"):
        live.kill(name)
