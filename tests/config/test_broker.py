"""The broker is named by URL, Redis or RabbitMQ; nobody waits for ever for either."""

import json

import pytest
from celery import Celery
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from kombu import Connection, pools
from kombu.exceptions import OperationalError

from config import doorbell, health
from config.celery import app as ours
from config.env import BROKER_PATIENCE, broker, broker_options
from reports.models import Erasure, Export, Inquiry
from tests import factories
from webhooks.models import Delivery


@pytest.mark.parametrize("url", ["redis://host/0", "rediss://host/0", "redis+socket:///run/redis", "amqp://u:p@host/v"])
def test_a_redis_and_a_rabbitmq_are_brokers(url):
    assert broker(url) == url


@pytest.mark.parametrize("url", ["sqs://key@", "memory://", "rabbit.example.com", ""])
def test_nothing_else_is(url):
    with pytest.raises(ImproperlyConfigured, match="BROKER_URL must be"):
        broker(url)


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("redis://host/0", {"socket_timeout", "socket_connect_timeout"}),
        ("amqps://host/v", {"read_timeout", "write_timeout", "connect_timeout"}),
    ],
)
def test_either_is_waited_for_so_many_seconds(url, names):
    options = broker_options(url)
    assert {options[name] for name in names} == {BROKER_PATIENCE}
    assert ("visibility_timeout" in options) == url.startswith("redis")  # RabbitMQ does not know it


def test_a_broker_where_nobody_listens_does_not_answer(monkeypatch):
    with Celery(broker="amqp://u:p@127.0.0.1:1//", set_as_current=False) as app:
        monkeypatch.setattr(doorbell, "current_app", app)
        with pytest.raises((OSError, OperationalError)):
            doorbell.ask()


@pytest.mark.django_db
def test_a_broker_of_its_own_has_a_name_among_the_stores_and_takes_a_process_out_of_service(monkeypatch, objects):
    def away():
        raise OSError

    monkeypatch.setitem(health.CHECKS, "broker", away)
    response = Client().get("/readyz")
    assert (response.status_code, json.loads(response.content)["broker"]) == (503, "unreachable")


@pytest.fixture
def nobody_listens(monkeypatch):
    """Bells are pressed at an address that refuses them."""
    refusing = Connection("redis://127.0.0.1:1")
    monkeypatch.setattr(ours.amqp, "_producer_pool", pools.producers[refusing])
    with pytest.raises(OperationalError):
        ours.send_task("webhooks.tasks.send", [1])


@pytest.mark.django_db(transaction=True)
def test_whatever_is_asked_for_is_accepted_while_nobody_can_be_rung_for(workspace, as_admin, nobody_listens):
    """What was committed is done, and a request that said otherwise would be sent again; whoever sweeps rings."""
    campaign = factories.done(workspace)
    endpoint = factories.endpoint(workspace)
    asked = {
        f"campaigns/{campaign.pk}/exports/": {"format": "csv"},
        "erasures/": {"to": "+31612345678", "reason": "By letter."},
        "inquiries/": {"to": "+31612345679", "reason": "Who wrote to me?"},
        f"webhooks/{endpoint.pk}/test/": {},
    }
    answers = {path: as_admin.post(f"/api/v1/{path}", body) for path, body in asked.items()}
    assert {path: answer.status_code // 100 for path, answer in answers.items()} == dict.fromkeys(asked, 2)
    sent = Delivery.objects.get()
    assert as_admin.post(f"/api/v1/webhooks/deliveries/{sent.pk}/redeliver/").status_code == 200
    as_admin.post(f"/api/v1/webhooks/{endpoint.pk}/disable/")
    assert as_admin.post(f"/api/v1/webhooks/{endpoint.pk}/enable/").status_code == 200
    assert [kind.objects.count() for kind in (Export, Erasure, Inquiry)] == [1, 1, 1]
