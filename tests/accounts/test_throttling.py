"""How often the API may be called, counted in a real Valkey."""

import uuid

import pytest
from django.core.exceptions import ImproperlyConfigured
from redis import Redis
from rest_framework.test import APIClient

from accounts import throttling
from accounts.models import ApiKey
from config.env import rate
from tests import factories
from tests.racing import race

ANYTHING = "/api/v1/channels/"
NO_LIMIT = dict.fromkeys(["address", "user", "key", "workspace", "stranger"])


@pytest.fixture(autouse=True)
def counter(monkeypatch):
    """Counts lines of this test alone, however late Valkey answers on a busy machine."""
    monkeypatch.setattr(throttling, "PREFIX", f"throttle:{uuid.uuid4().hex}")
    monkeypatch.setattr(throttling, "PATIENCE", 60.0)
    throttling._counter.cache_clear()
    yield
    throttling._counter.cache_clear()


def limit(settings, **rates):
    settings.API_RATES = {**NO_LIMIT, **{kind: (n, 3_600_000) for kind, n in rates.items()}}


def codes(client, n, **extra):
    return [client.get(ANYTHING, **extra).status_code for _ in range(n)]


def later(settings, minutes):
    """As if so much time had gone by on every line."""
    with Redis.from_url(settings.RATE_REDIS_URL) as redis:
        for line in redis.scan_iter(f"{throttling.PREFIX}:*"):
            redis.incrbyfloat(line, -60_000 * minutes)


def test_too_many_calls_are_429_with_a_time_to_wait_and_the_envelope(settings, api):
    limit(settings, key=2)
    assert codes(api, 2) == [200, 200]
    answer = api.get(ANYTHING)
    assert answer.status_code == 429
    assert 1500 <= int(answer["Retry-After"]) <= 1801
    error = answer.json()["error"]
    assert error["code"] == "throttled"
    assert error["message"].startswith("Too many calls with this key.")


def test_each_answer_says_how_many_calls_are_left_on_the_line_with_the_fewest(settings, api):
    settings.API_RATES = {**NO_LIMIT, "key": (3, 3_600_000), "workspace": (100, 60_000)}
    first, second = api.get(ANYTHING), api.get(ANYTHING)
    assert first["RateLimit-Policy"] == '"key";q=3;w=3600'
    assert first["RateLimit"] == '"key";r=2;t=1200'
    assert second["RateLimit"].startswith('"key";r=1;t=')
    api.get(ANYTHING)
    assert api.get(ANYTHING)["RateLimit"].startswith('"key";r=0;t=')


def test_without_a_rate_an_answer_says_nothing_of_one(settings, api):
    settings.API_RATES = NO_LIMIT
    assert "RateLimit" not in api.get(ANYTHING)


def test_a_call_that_is_refused_costs_nothing_and_time_gives_calls_back(settings, api):
    limit(settings, key=2)
    assert codes(api, 5) == [200, 200, 429, 429, 429]
    later(settings, minutes=30)
    assert codes(api, 2) == [200, 429]
    later(settings, minutes=60)
    assert codes(api, 3) == [200, 200, 429]


def test_a_key_has_a_rate_of_its_own(settings, workspace, api):
    limit(settings, key=2)
    other = factories.bearer(factories.api_key(workspace)[1])
    assert codes(api, 3) == [200, 200, 429]
    assert codes(other, 2) == [200, 200]


def test_a_person_has_one_rate_whatever_token_they_use(settings, workspace, author):
    limit(settings, user=3)
    tokens = [factories.bearer(factories.token(workspace, author)) for _ in range(2)]
    assert codes(tokens[0], 2) + codes(tokens[1], 2) == [200, 200, 200, 429]
    other = factories.bearer(factories.token(workspace, factories.member(workspace)))
    assert codes(other, 1) == [200]


def test_a_workspace_has_one_rate_for_all_its_keys(settings, workspace, api, as_author, as_moderator):
    limit(settings, workspace=2)
    assert codes(api, 1) + codes(as_author, 1) + codes(as_moderator, 1) == [200, 200, 429]
    elsewhere = factories.bearer(factories.api_key(factories.workspace())[1])
    assert codes(elsewhere, 1) == [200]


def test_an_address_has_one_rate_for_whoever_calls_from_it_and_forges_no_other(settings, api, as_author):
    limit(settings, address=2)
    forged = {"HTTP_X_FORWARDED_FOR": "203.0.113.9"}
    assert codes(api, 1) + codes(as_author, 1) + codes(as_author, 1, **forged) == [200, 200, 429]
    assert codes(api, 1, REMOTE_ADDR="203.0.113.7") == [200]
    assert APIClient().get("/api/v1/schema/").status_code == 429


def test_wrong_keys_are_counted_by_address_and_keep_nobody_out_who_has_a_right_one(settings, api):
    limit(settings, stranger=3)
    wrong = factories.bearer("mc_wrong")
    assert codes(wrong, 4) == [401, 401, 401, 429]
    assert codes(api, 2) == [200, 200]


def test_a_call_that_is_not_allowed_is_counted_too(settings, workspace):
    limit(settings, key=2)
    client = factories.bearer(factories.api_key(workspace, scopes=["lists:read"])[1])
    assert codes(client, 3) == [403, 403, 429]


def test_without_valkey_everybody_is_let_in_and_nobody_waits(settings, api, caplog, monkeypatch):
    monkeypatch.setattr(throttling, "ALONE", 3600.0)
    settings.RATE_REDIS_URL = "redis://127.0.0.1:1/0"
    limit(settings, key=1)
    assert codes(api, 20) == [200] * 20
    assert [record.message for record in caplog.records].count("throttle.open") == 1


@pytest.mark.django_db(transaction=True)
def test_calls_at_the_same_moment_are_counted_one_by_one(settings):
    limit(settings, key=5)
    _, secret = factories.api_key(factories.workspace())
    answers = race(*[lambda: factories.bearer(secret).get(ANYTHING).status_code for _ in range(12)])
    assert sorted(answers) == [200] * 5 + [429] * 7
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize(("text", "found"), [("5/second", (5, 1000)), ("6000/minute", (6000, 60_000)), ("0", None)])
def test_a_rate_is_read_from_the_environment(monkeypatch, text, found):
    monkeypatch.setenv("API_RATE_TEST", text)
    assert rate("API_RATE_TEST", default="1/hour") == found


@pytest.mark.parametrize("text", ["", "5", "5/fortnight", "-5/second", "0/second", "many/second"])
def test_a_rate_that_is_none_is_said_at_the_start(monkeypatch, text):
    monkeypatch.setenv("API_RATE_TEST", text)
    with pytest.raises(ImproperlyConfigured, match="API_RATE_TEST"):
        rate("API_RATE_TEST", default="1/hour")
