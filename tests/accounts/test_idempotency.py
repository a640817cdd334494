from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import idempotency
from accounts.models import IdempotentCall
from recipients.models import RecipientList
from tests import factories
from tests.racing import race

BODY = {"name": "Customers", "filename": "customers.txt"}


def create(client, body=BODY, key="order-17", **headers):
    return client.post("/api/v1/lists/", body, headers={"Idempotency-Key": key, **headers})


def age(hours):
    IdempotentCall.objects.update(created_at=timezone.now() - timedelta(hours=hours))


def test_the_same_call_again_answers_the_same_and_creates_nothing(api):
    first, second = create(api), create(api)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert "Idempotent-Replayed" not in first
    assert second["Idempotent-Replayed"] == "true"
    assert RecipientList.objects.count() == 1


def test_without_a_key_each_call_creates(api):
    assert api.post("/api/v1/lists/", BODY).json()["id"] != api.post("/api/v1/lists/", BODY).json()["id"]


def test_the_order_of_the_fields_makes_no_other_call(api):
    first = create(api)
    assert create(api, dict(reversed(BODY.items()))).json() == first.json()


def test_the_key_with_another_body_is_422(api):
    create(api)
    response = create(api, {**BODY, "name": "Others"})
    assert response.status_code == 422
    assert response.json()["error"]["code"] == "idempotency_mismatch"
    assert RecipientList.objects.count() == 1


def test_the_key_on_another_address_is_422(api, workspace):
    create(api)
    response = api.post("/api/v1/senders/", {"name": "Shop"}, headers={"Idempotency-Key": "order-17"})
    assert response.status_code == 422


def test_a_new_secret_key_knows_the_calls_of_the_one_before_it(api, settings):
    first = create(api)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another" * 8, [settings.SECRET_KEY]
    assert create(api).json() == first.json()


def test_what_is_kept_of_a_body_says_nothing_without_the_secret_key(api, settings):
    create(api, key="one")
    settings.SECRET_KEY = "another" * 8
    create(api, key="two")
    assert IdempotentCall.objects.values("fingerprint").distinct().count() == 2


def test_another_workspace_has_keys_of_its_own(api):
    stranger = factories.bearer(factories.api_key(factories.workspace())[1])
    assert create(api).json()["id"] != create(stranger).json()["id"]


def test_a_refused_call_may_be_sent_again_once_it_is_mended(api, workspace):
    workspace.country = ""
    workspace.save()
    assert create(api).json()["error"]["code"] == "country_missing"
    workspace.country = "NL"
    workspace.save()
    assert create(api).status_code == 201


def test_after_a_day_the_key_is_free(api):
    first = create(api)
    age(hours=23)
    assert create(api).json() == first.json()
    age(hours=25)
    assert create(api).json()["id"] != first.json()["id"]


def test_old_calls_are_forgotten(api):
    create(api, key="old")
    age(hours=25)
    create(api, key="new")
    idempotency.forget(now=timezone.now())
    assert [call.key for call in IdempotentCall.objects.all()] == ["new"]


@pytest.mark.parametrize("key", ["", "a" * 256, "a\tb"])
def test_a_key_that_is_no_key_is_400(api, key):
    assert create(api, key=key).status_code == 400


def test_replaying_needs_the_permission_that_creating_needed(api, as_moderator):
    create(api)
    assert create(as_moderator).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_of_calls_at_the_same_moment_one_creates_and_nobody_creates_twice():
    workspace = factories.workspace()
    secret = factories.api_key(workspace)[1]
    answers = race(*[lambda: create(factories.bearer(secret))] * 6)
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert RecipientList.objects.count() == 1
