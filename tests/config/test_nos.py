"""Every address of the API, asked in ways that none can answer: one envelope, and what a program has to know."""

import uuid

import pytest
from django.db import transaction
from rest_framework.test import APIClient

from accounts import throttling
from tests import factories
from tests.config import everything
from tests.config.test_roles import MATRIX, READS_NOTHING, TAKES_A_FILE
from tests.config.test_schema import DESCRIPTION
from tests.config.test_tenancy import address

pytestmark = pytest.mark.timeout(300)  # walks, on machines that are busy
HOUR = 3_600_000
NOWHERE = ["/api/v1", "/api/v1/", "/api/v1/nothing/", "/api/v1/campaigns", "/api/v1/campaigns/x/"]
READS_A_BODY = [
    (name, method)
    for name, method in MATRIX
    if method != "get" and name not in TAKES_A_FILE and (name, method) not in READS_NOTHING
]


@pytest.fixture
def client(workspace):
    return factories.bearer(factories.token(workspace, factories.user(is_superuser=True)))


@pytest.fixture
def own(workspace):
    return everything.things(workspace)


@pytest.fixture
def limits(settings, monkeypatch):
    """Sets how many calls an hour, each line of this test alone, however late Valkey answers."""
    monkeypatch.setattr(throttling, "PREFIX", f"throttle:{uuid.uuid4().hex}")
    monkeypatch.setattr(throttling, "PATIENCE", 60.0)
    throttling._counter.cache_clear()

    def limit(**rates):
        nothing = dict.fromkeys(settings.API_RATES)
        settings.API_RATES = {**nothing, **{kind: (n, HOUR) for kind, n in rates.items()}}

    yield limit
    throttling._counter.cache_clear()


def no(answer, status, code):
    """Whether that is how it says no: the code, and the envelope with nothing beside it."""
    if answer.status_code != status or answer.headers.get("Content-Type") != "application/json":
        return False
    error = answer.json()["error"]
    return set(answer.json()) == {"error"} and error["code"] == code and set(error) <= {"code", "message", "fields"}


def call(client, name, method, own, **more):
    """What is answered, and nothing of it stays."""
    with transaction.atomic():
        answer = client.generic(method.upper(), address(name, own), **more)
        transaction.set_rollback(True)
    return answer


def others(client, own, status, code, *, calls=tuple(MATRIX), **more):
    """The calls that do not say no like that."""
    answers = {key: call(client, *key, own, **more) for key in calls}
    return {
        key: (found.status_code, found.content[:200]) for key, found in answers.items() if not no(found, status, code)
    }


def test_a_form_that_nobody_writes_is_406(client, own):
    assert others(client, own, 406, "not_acceptable", headers={"Accept": "image/png, text/html;q=0.5"}) == {}


def test_json_is_written_for_whoever_takes_anything_or_says_nothing(client, own):
    for wanted in ({}, {"Accept": "*/*"}, {"Accept": "application/*"}, {"Accept": "text/html, application/json;q=0.1"}):
        assert call(client, "campaigns", "get", own, headers=wanted)["Content-Type"] == "application/json"


def test_a_file_is_written_for_whoever_asks_for_its_kind(client, own):
    kinds = {
        (address.removeprefix("/api/v1/"), kind)
        for address, path in DESCRIPTION["paths"].items()
        for status, answer in path.get("get", {}).get("responses", {}).items()
        for kind in answer.get("content", {})
        if status == "200" and kind != "application/json"
    }
    for where, kind in kinds:
        place = own.get(where.partition("/{id}")[0], "")
        for wanted in (kind, f"{kind.partition('/')[0]}/*", "application/json", "*/*"):
            answer = client.get(f"/api/v1/{where.replace('{id}', str(place))}", headers={"Accept": wanted})
            assert answer.status_code in {200, 302, 409}, (where, wanted)  # 409: it is not there yet
    assert len(kinds) > 10


def test_a_parameter_called_format_chooses_no_form(client, own):
    assert call(client, "campaigns", "get", own, QUERY_STRING="format=api")["Content-Type"] == "application/json"


def test_a_body_of_another_kind_is_415(client, own):
    more = {"data": "<name>Spring</name>", "content_type": "text/xml"}
    assert others(client, own, 415, "unsupported_media_type", calls=READS_A_BODY, **more) == {}


def test_a_body_that_is_too_large_is_413(client, own, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    more = {"data": f'{{"reason": "{"x" * 1000}"}}', "content_type": "application/json"}
    assert others(client, own, 413, "too_large", calls=READS_A_BODY, **more) == {}
    assert len(READS_A_BODY) > 50


def test_a_body_whose_length_is_not_said_is_411_and_not_taken_for_an_empty_one(client, own):
    more = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "content_type": "application/json"}
    calls = [
        call for call in READS_A_BODY if call != ("suppression", "delete")
    ]  # that one is said in the address as well
    assert others(client, own, 411, "length_missing", calls=calls, **more) == {}


def test_too_many_calls_are_429_with_a_time_to_wait_whatever_is_called(client, own, limits):
    limits(user=1)
    assert client.get("/api/v1/channels/").status_code == 200
    assert others(client, own, 429, "throttled") == {}
    assert 3000 < int(client.get("/api/v1/channels/")["Retry-After"]) <= 3601  # a walk later


@pytest.mark.parametrize("where", NOWHERE)
@pytest.mark.parametrize("accept", ["*/*", "text/html"])
def test_an_address_that_is_none_is_404_for_everybody_and_counts_as_a_call(limits, where, accept, db):
    limits(address=3)
    answer = APIClient().get(where, headers={"Accept": accept})
    assert no(answer, 404, "not_found")
    assert answer["RateLimit"].startswith('"address";r=2;t=')


def test_whoever_has_no_key_is_told_how_many_calls_are_left_and_then_to_wait(limits, db):
    limits(address=1)
    nobody = APIClient()
    first, second = nobody.get("/api/v1/campaigns/"), nobody.get("/api/v1/nothing/")
    assert (first.status_code, first["RateLimit-Policy"]) == (401, '"address";q=1;w=3600')
    assert first["WWW-Authenticate"] == "Bearer"
    assert no(second, 429, "throttled") and int(second["Retry-After"]) > 3000


def test_a_wrong_key_has_a_line_of_its_own(limits, db):
    limits(address=1, stranger=5)
    answer = factories.bearer("mc_wrong").get("/api/v1/campaigns/")
    assert (answer.status_code, answer["RateLimit-Policy"]) == (401, '"stranger";q=5;w=3600')


def test_a_method_that_an_address_has_not_and_a_thing_that_is_not_there_say_how_many_calls_are_left(
    client, own, limits
):
    limits(user=100)
    for answer in (call(client, "campaigns", "delete", own), call(client, "campaign", "get", everything.missing(own))):
        assert answer.status_code in {404, 405}
        assert answer["RateLimit"].startswith('"user";r=')


@pytest.mark.parametrize("where", ["/api/", "/api/v2/campaigns/"])
def test_an_address_of_no_version_is_404_in_the_envelope(client, where):
    assert no(client.get(where), 404, "not_found")
