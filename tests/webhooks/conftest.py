"""A receiver, an endpoint that is told everything, and time that passes when it is told to."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from tests.webhooks import promise
from tests.webhooks.receiver import receiving
from webhooks import deliveries, endpoints
from webhooks.models import Endpoint
from webhooks.statuses import Event


@pytest.fixture
def receiver(settings, monkeypatch):
    """Whatever a test is about: what comes is what the description of the API promises."""
    settings.WEBHOOKS_TO_LOOPBACK = True
    monkeypatch.setattr(deliveries, "LATE", 60.0)  # it is not slow because the machine is busy
    with receiving() as receiver:
        yield receiver
    for _, headers, body in receiver.came:
        promise.check_posted(headers, body)


@pytest.fixture
def made(workspace, admin, receiver) -> tuple[Endpoint, str]:
    return endpoints.create(workspace, url=receiver.url, events=Event.values, by=admin, now=timezone.now())


@pytest.fixture
def endpoint(made) -> Endpoint:
    return made[0]


@pytest.fixture
def passed(db) -> Callable[..., datetime]:
    """Look and send, as the worker does, now or after a while, or at a given time; what time it is then."""
    begun = timezone.now()

    def pass_by(*, at: datetime | None = None, **while_: float) -> datetime:
        now = at or max(begun, timezone.now()) + timedelta(**while_)
        deliveries.look(now=now)
        for pk in Endpoint.objects.due(now).order_by("pk").values_list("pk", flat=True):
            deliveries.send(pk, now=now)
        return now

    return pass_by
