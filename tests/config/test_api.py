import json
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from rest_framework.exceptions import Throttled
from rest_framework.test import APIClient

from accounts import keys
from accounts.models import ApiKey
from campaigns import api as campaigns_api
from tests import factories
from tests.pages import signed_in


def error_of(response):
    """The envelope, and nothing beside it."""
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) - {"fields"} == {"code", "message"}
    return body["error"]


# --- Who calls --------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_nobody_reads_without_a_key():
    response = APIClient().get("/api/v1/campaigns/")
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert error_of(response)["code"] == "not_authenticated"


@pytest.mark.django_db
@pytest.mark.parametrize("secret", ["mc_wrong", "", "🔑", "x" * 5000])
def test_a_wrong_key_is_401(workspace, secret):
    response = APIClient().get("/api/v1/campaigns/", HTTP_AUTHORIZATION=f"Bearer {secret}")
    assert response.status_code == 401
    assert error_of(response)["message"] == "This API key is unknown, revoked or out of date."


def test_a_revoked_key_is_401_at_once(workspace, admin):
    key, secret = keys.create(workspace, name="old", by=admin, now=timezone.now())
    client = factories.bearer(secret)
    assert client.get("/api/v1/campaigns/").status_code == 200
    keys.revoke(key.pk, by=admin, now=key.created_at)
    assert client.get("/api/v1/campaigns/").status_code == 401


def test_the_token_of_somebody_who_left_is_401(as_author, author):
    author.is_active = False
    author.save()
    assert as_author.get("/api/v1/campaigns/").status_code == 401


def test_the_token_of_somebody_who_lost_the_membership_may_nothing(as_author, author):
    author.memberships.all().delete()
    response = as_author.get("/api/v1/campaigns/")
    assert response.status_code == 403
    assert error_of(response)["code"] == "permission_denied"


def test_a_session_of_the_pages_is_no_way_into_the_api(author):
    browser = Client()
    browser.force_login(author)
    assert browser.get("/api/v1/campaigns/").status_code == 401


def test_a_key_notes_when_it_was_used(api, workspace):
    api.get("/api/v1/channels/")
    assert ApiKey.objects.of(workspace).get().last_used_at is not None


def test_a_moderator_does_not_write_campaigns(as_moderator):
    response = as_moderator.post("/api/v1/lists/", {"name": "a", "filename": "a.txt"})
    assert response.status_code == 403
    assert "may not create" in error_of(response)["message"]


# --- Every error has the same shape -----------------------------------------------------------------------------------


def test_an_unknown_address_is_404_in_the_envelope(api):
    for address in ("/api/v1/", "/api/v1/nothing/", "/api/v1/campaigns", "/api/v1/campaigns/x/"):
        for response in (api.get(address), api.post(address, {})):
            assert response.status_code == 404
            assert error_of(response)["code"] == "not_found"


def test_a_method_that_an_address_does_not_have_is_405(api):
    for response in (api.delete("/api/v1/campaigns/"), api.options("/api/v1/campaigns/")):
        assert response.status_code == 405
        assert error_of(response)["code"] == "method_not_allowed"


def test_a_body_that_is_not_json_is_415(api):
    response = api.post("/api/v1/lists/", b"name=a", content_type="application/x-www-form-urlencoded")
    assert response.status_code == 415
    assert error_of(response)["code"] == "unsupported_media_type"


@pytest.mark.parametrize("body", [b"{", b'{"name": NaN}', b"\xff", b""])
def test_broken_json_is_400(api, body):
    response = api.post("/api/v1/lists/", body, content_type="application/json")
    assert response.status_code == 400
    assert error_of(response)["code"] in {"parse_error", "invalid"}


@pytest.mark.parametrize("body", [b"[]", b"17", b"null", b'"text"'])
def test_json_that_is_no_object_is_400(api, body):
    response = api.post("/api/v1/lists/", body, content_type="application/json")
    assert response.status_code == 400
    assert error_of(response)["code"] == "invalid"


def test_a_body_over_the_limit_is_413_before_it_is_parsed(api, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    response = api.post("/api/v1/lists/", {"name": "a" * 1000, "filename": "a.txt"})
    assert response.status_code == 413
    assert "1,000 bytes" in error_of(response)["message"]


def test_somebody_who_asks_too_often_is_429_and_told_when_to_come_back(api, monkeypatch):
    def throttled(self, request):
        raise Throttled(wait=7)

    monkeypatch.setattr(campaigns_api.WriteCampaigns, "check_throttles", throttled)
    response = api.get("/api/v1/campaigns/")
    assert response.status_code == 429
    assert error_of(response)["code"] == "throttled"
    assert response["Retry-After"] == "8"


def test_a_bug_is_500_in_the_envelope_and_says_nothing_about_itself(api, monkeypatch):
    def broken(self, request):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(campaigns_api.WriteCampaigns, "check_throttles", broken)
    api.raise_request_exception = False
    response = api.get("/api/v1/campaigns/")
    assert response.status_code == 500
    assert error_of(response)["code"] == "internal_error"
    assert b"secret detail" not in response.content


def test_a_database_that_is_away_is_503_and_says_when_to_come_again(api, monkeypatch):
    def gone(self, request):
        raise OperationalError("the connection is closed")

    monkeypatch.setattr(campaigns_api.WriteCampaigns, "check_throttles", gone)
    response = api.get("/api/v1/campaigns/")
    assert (response.status_code, error_of(response)["code"]) == (503, "database_unavailable")
    assert int(response["Retry-After"]) > 0


def test_an_unknown_field_is_refused_by_its_name(api):
    response = api.post("/api/v1/lists/", {"name": "a", "filename": "a.txt", "contry": "NL"})
    assert response.status_code == 400
    assert list(error_of(response)["fields"]) == ["contry"]
    assert "“contry”" in error_of(response)["message"]


def test_every_field_that_is_wrong_is_named(api):
    response = api.post("/api/v1/lists/", {"name": ""})
    assert response.status_code == 400
    assert set(error_of(response)["fields"]) == {"name", "filename"}


@pytest.mark.parametrize(
    "path",
    [
        "audit/?subject=campaign:%00",
        "audit/?subject=%00:1",
        "audit/?cursor=%00",
        "campaigns/?status=%00",
        "campaigns/?name=%00",
        "campaigns/{pk}/recipients/?to=%00",
        "campaigns/{pk}/recipients/?status=%00",
        "campaigns/{pk}/recipients/?cursor=%00",
        "campaigns/{pk}/errors/?kind=%00",
        "lists/?page_size=%00",
    ],
)
def test_an_address_that_no_database_takes_is_400(api, workspace, path):
    response = api.get("/api/v1/" + path.format(pk=factories.draft(workspace).pk))
    assert response.status_code == 400
    assert error_of(response)["code"] == "invalid"


def test_a_page_that_no_database_can_answer_is_400(client, workspace):
    campaign = factories.sending(workspace)
    author = signed_in(campaign.created_by)
    assert author.get("/campaigns/?status=%00").status_code == 400
    assert author.post(f"/campaigns/{campaign.pk}/pause/", {"reason": "A\0typo."}).status_code == 400
    form = {"name": "A", "country": "NL", "file": SimpleUploadedFile("a.csv", b"\0+31612345678\n")}
    assert author.post("/lists/new/", form).status_code == 302  # what is in a file is for the preparation to say


def test_text_that_no_database_takes_is_400(api):
    for text in ("a\u0000b", "\ud800"):
        body = json.dumps({"name": text, "filename": "a.txt"}).encode()
        assert api.post("/api/v1/lists/", body, content_type="application/json").status_code == 400


# --- Pages ------------------------------------------------------------------------------------------------------------


def test_pages_give_each_row_once_though_rows_arrive_meanwhile(api, workspace):
    made = [factories.uploading_list(workspace).pk for _ in range(5)]
    seen, url = [], "/api/v1/lists/?page_size=2"
    while url:
        page = api.get(url).json()
        assert set(page) == {"results", "next"}
        seen += [row["id"] for row in page["results"]]
        url = page["next"]
        factories.uploading_list(workspace)
    assert seen == sorted(made, reverse=True)


@pytest.mark.parametrize("query", ["cursor=x", "cursor=%00", "page_size=0", "page_size=501", "page_size=two"])
def test_a_page_that_cannot_be_is_400(api, query):
    response = api.get(f"/api/v1/lists/?{query}")
    assert response.status_code == 400
    assert error_of(response)["code"] == "invalid"


def test_the_next_page_keeps_the_filter(api, workspace):
    for _ in range(3):
        factories.draft(workspace)
    page = api.get("/api/v1/campaigns/?status=draft&page_size=2").json()
    assert "status=draft" in page["next"]
    assert "page_size=2" in page["next"]
    assert len(api.get(page["next"]).json()["results"]) == 1


def test_a_list_page_needs_the_same_few_queries_for_two_rows_and_for_ten(api, workspace, django_assert_max_num_queries):
    for count in (2, 8):
        for _ in range(count):
            factories.draft(workspace)
        with django_assert_max_num_queries(8):
            assert len(api.get("/api/v1/campaigns/").json()["results"]) >= 2
        with django_assert_max_num_queries(6):
            api.get("/api/v1/senders/")


def test_times_go_out_with_their_offset(api, workspace):
    row = factories.uploading_list(workspace)
    assert api.get(f"/api/v1/lists/{row.pk}/").json()["created_at"].endswith("Z")
    assert row.created_at.utcoffset() == timedelta(0)
