import json

import pytest
from django.test import Client
from redis import Redis

from config import celery, doorbell
from stack.keyring import Keyring
from stack.valkey import Valkey


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """Of a server that may be set as it should not be."""
    folder = tmp_path_factory.mktemp("doorbell")
    valkey = Valkey(folder / "valkey", keyring=Keyring(folder / "keys.json"), log=folder / "valkey.log")
    yield valkey.start()
    valkey.stop()


@pytest.fixture
def configure(url, settings, monkeypatch):
    settings.RATE_REDIS_URL = url
    monkeypatch.setattr(doorbell, "TIMEOUT", 60.0)  # it answers, however late
    with Redis.from_url(url) as redis:
        yield redis.config_set
        redis.config_set("maxmemory", 0)
        redis.config_set("maxmemory-policy", "noeviction")


def test_a_redis_with_room_that_throws_nothing_away_is_fit(configure):
    assert doorbell.unfit() == ""
    configure("maxmemory", "100mb")
    assert doorbell.unfit() == ""


def test_one_that_may_throw_doorbells_away_is_not(configure):
    configure("maxmemory", "100mb")
    configure("maxmemory-policy", "allkeys-lru")
    assert "maxmemory-policy is allkeys-lru" in doorbell.unfit()


def test_a_policy_that_no_limit_ever_calls_for_does_no_harm(configure):
    configure("maxmemory-policy", "allkeys-lru")
    assert doorbell.unfit() == ""


def test_one_without_room_is_not(configure):
    configure("maxmemory", "100kb")
    assert "Redis is full" in doorbell.unfit()


@pytest.mark.django_db
def test_a_redis_that_is_not_fit_takes_a_process_out_of_service(configure, objects):
    configure("maxmemory", "100kb")
    response = Client().get("/readyz")
    assert (response.status_code, json.loads(response.content)["redis"]) == (503, "unfit")


def test_a_doorbell_is_heard_though_the_redis_has_no_room_to_note_who_has_taken_it(configure, url):
    heard = []

    def take(body, message):
        heard.append(body)
        message.ack()

    with celery.app.connection_for_read(url=url) as connection:
        queue = celery.app.amqp.queues["dispatch"](connection.default_channel)
        queue.declare()
        with connection.Producer() as producer:
            producer.publish({"chunk": 17}, routing_key=queue.routing_key, exchange=queue.exchange)
        configure("maxmemory", 1)
        with connection.Consumer([queue], callbacks=[take], accept=["json"]):
            connection.drain_events(timeout=60)
    assert heard == [{"chunk": 17}]
