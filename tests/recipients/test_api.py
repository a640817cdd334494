import hashlib
import io
from datetime import timedelta

import pytest
import time_machine
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.handlers.wsgi import WSGIRequest
from django.core.signals import request_started
from django.db import close_old_connections
from django.utils import timezone

from accounts.models import ApiKey
from audit.models import Entry
from config.wsgi import application
from recipients.models import RecipientList
from tests import factories

FILE = b"+31600000001\n+31600000002\n"


@pytest.fixture
def listed(workspace):
    return factories.uploading_list(workspace)


def put(client, listed, body=FILE, **extra):
    return client.put(f"/api/v1/lists/{listed.pk}/file/", body, content_type="application/octet-stream", **extra)


def content_of(listed):
    with default_storage.open(listed.upload_key) as file:
        return file.read()


def stored():
    return default_storage.listdir("uploads")[1] if default_storage.exists("uploads") else []


def test_a_list_is_made_and_says_where_its_file_goes(api, workspace):
    response = api.post("/api/v1/lists/", {"name": "Customers", "filename": "customers.csv", "column": "phone"})
    assert response.status_code == 201
    made = RecipientList.objects.get()
    body = response.json()
    assert body["id"] == made.pk
    assert body["status"] == "uploading"
    assert body["upload_url"] == f"http://testserver/api/v1/lists/{made.pk}/file/"
    assert (made.workspace, made.country, made.column) == (workspace, "NL", "phone")


def test_an_unknown_country_is_refused(api):
    response = api.post("/api/v1/lists/", {"name": "a", "filename": "a.txt", "country": "XX"})
    assert response.status_code == 409
    assert response.json()["error"]["message"] == "“XX” is not a country code such as NL."


def test_a_file_is_taken_and_its_preparation_rung_for(api, listed, rung, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        response = put(api, listed)
    assert response.status_code == 202
    assert response.json()["status"] == "preparing"
    assert rung == [("recipients.tasks.prepare", (listed.pk,))]
    listed.refresh_from_db()
    assert content_of(listed) == FILE


def test_curl_may_add_the_name_of_its_file_to_the_address(api, listed):
    response = api.put(f"/api/v1/lists/{listed.pk}/file/my numbers.txt", FILE, content_type="text/plain")
    assert response.status_code == 202


def test_the_upload_is_on_the_ledger_with_the_key_that_made_it(api, listed):
    put(api, listed)
    entry = Entry.objects.about(listed).get(action="recipientlist.preparing")
    assert entry.via == f"key {ApiKey.objects.get().prefix}"


def test_a_file_over_the_limit_is_413_and_nothing_is_kept(api, listed, settings):
    settings.UPLOAD_MAX_BYTES = 10
    response = put(api, listed)
    assert response.status_code == 413
    assert "10 bytes" in response.json()["error"]["message"].replace("\xa0", " ")
    assert stored() == []
    listed.refresh_from_db()
    assert listed.status == "uploading"


def test_a_ready_list_takes_no_other_file(api, workspace):
    response = put(api, factories.ready_list(workspace))
    assert response.status_code == 409
    assert response.json()["error"]["code"] == "wrong_status"


def test_a_failed_list_takes_another_file(api, workspace):
    assert put(api, factories.failed_list(workspace)).status_code == 202


class Wire(io.RawIOBase):
    """A body as the server hands it on, that notes the largest piece asked for."""

    def __init__(self, body):
        self.body = io.BytesIO(body)
        self.largest = 0

    def read(self, size=-1):
        self.largest = max(self.largest, len(self.body.getbuffer()) if size < 0 else size)
        return self.body.read(size)


def over_the_wire(workspace, listed, wire, **environ):
    """The request as gunicorn builds it; the test client always sends a length."""
    secret = factories.api_key(workspace)[1]
    answer = {}

    def start_response(status, headers):
        answer["status"] = int(status.split()[0])

    request_started.disconnect(close_old_connections)  # as the test client does: the connection is the test's
    environ = {
        "REQUEST_METHOD": "PUT",
        "PATH_INFO": f"/api/v1/lists/{listed.pk}/file/",
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "HTTP_AUTHORIZATION": f"Bearer {secret}",
        "wsgi.input": wire,
        "wsgi.url_scheme": "http",
        **environ,
    }
    try:
        b"".join(application(environ, start_response))
    finally:
        request_started.connect(close_old_connections)
    return answer["status"]


def test_a_body_in_http_chunks_is_read_to_its_end(workspace, listed):
    wire = Wire(FILE)
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    assert over_the_wire(workspace, listed, wire, **chunked) == 202
    listed.refresh_from_db()
    assert listed.bytes == len(FILE)


def test_a_body_without_any_length_is_411(workspace, listed):
    assert over_the_wire(workspace, listed, Wire(FILE)) == 411


def test_an_empty_file_is_400(workspace, listed):
    assert over_the_wire(workspace, listed, Wire(b""), CONTENT_LENGTH="0") == 400
    assert stored() == []


def test_a_body_that_breaks_off_is_400_and_nothing_is_kept(workspace, listed):
    assert over_the_wire(workspace, listed, Wire(FILE), CONTENT_LENGTH=str(len(FILE) + 100)) == 400
    assert stored() == []


def test_a_large_body_is_never_asked_for_at_once(workspace, listed, monkeypatch):
    def body(self):
        raise AssertionError("the whole body was read")

    monkeypatch.setattr(WSGIRequest, "body", property(body))
    content = FILE * 200_000
    wire = Wire(content)
    assert over_the_wire(workspace, listed, wire, CONTENT_LENGTH=str(len(content))) == 202
    assert wire.largest <= 1 << 20
    listed.refresh_from_db()
    assert hashlib.sha256(content_of(listed)).digest() == hashlib.sha256(content).digest()


def test_rejected_lines_come_as_a_file_to_save(api, workspace):
    listed = factories.ready_list(workspace, invalid=1)
    listed.rejected_key = default_storage.save("rejected", ContentFile(b"line,value,reason\r\n2,x,letters\r\n"))
    listed.save()
    response = api.get(f"/api/v1/lists/{listed.pk}/rejected/")
    assert b"".join(response.streaming_content) == b"line,value,reason\r\n2,x,letters\r\n"
    assert response["Content-Disposition"].startswith("attachment")
    assert response["X-Content-Type-Options"] == "nosniff"


def test_a_list_without_rejected_lines_says_so(api, workspace):
    response = api.get(f"/api/v1/lists/{factories.ready_list(workspace).pk}/rejected/")
    assert response.json()["error"]["code"] == "nothing_rejected"


def test_a_ready_list_shows_totals_that_add_up(api, workspace):
    listed = factories.ready_list(workspace, 5, invalid=2, duplicate=1)
    body = api.get(f"/api/v1/lists/{listed.pk}/").json()
    assert body["totals"] == {"rows": 8, "accepted": 5, "invalid": 2, "duplicate": 1, "suppressed": 0}
    assert body["digest"] == listed.digest


# --- Its life ---------------------------------------------------------------------------------------------------------


def call(client, listed, verb, body=None):
    if verb == "delete":
        return client.delete(f"/api/v1/lists/{listed.pk}/")
    if verb == "rename":
        return client.patch(f"/api/v1/lists/{listed.pk}/", body or {"name": "Renamed"})
    return client.post(f"/api/v1/lists/{listed.pk}/{verb}/", body)


def test_a_program_renames_archives_and_restores_a_list(api, workspace):
    listed = factories.ready_list(workspace)
    assert call(api, listed, "rename").json()["name"] == "Renamed"
    assert call(api, listed, "archive").json()["archived_at"] is not None
    assert call(api, listed, "restore").json()["archived_at"] is None


def test_a_program_cancels_a_preparation(api, workspace):
    listed = factories.preparing_list(workspace)
    answer = call(api, listed, "cancel", {"reason": "The wrong file."})
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert Entry.objects.about(listed).get(action="recipientlist.cancelled").note == "The wrong file."


def test_a_deleted_list_is_404_from_then_on(api, workspace):
    listed = factories.ready_list(workspace)
    answer = call(api, listed, "delete")
    assert (answer.status_code, answer.content) == (204, b"")
    assert api.get(f"/api/v1/lists/{listed.pk}/").status_code == 404
    assert call(api, listed, "delete").status_code == 404
    assert api.get("/api/v1/lists/").json()["results"] == []


def test_a_list_in_use_is_not_deleted(api, workspace):
    listed = factories.ready_list(workspace)
    factories.draft(workspace, list=listed, name="Spring")
    answer = call(api, listed, "delete")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "list_in_use")
    assert "1 campaign: “Spring”" in answer.json()["error"]["message"]


@pytest.mark.parametrize("verb", ["rename", "cancel", "archive", "restore", "delete"])
def test_whoever_may_write_works_on_lists_and_a_moderator_looks(as_moderator, as_author, as_admin, workspace, verb):
    for client, allowed in ((as_moderator, False), (as_author, True), (as_admin, True)):
        listed = factories.uploading_list(workspace) if verb == "cancel" else factories.ready_list(workspace)
        answer = call(client, listed, verb)
        assert answer.status_code in (200, 204) if allowed else answer.status_code == 403
        assert client.get("/api/v1/lists/").status_code == 200


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "a" * 121}, {"name": "a", "status": "ready"}])
def test_a_list_is_renamed_and_nothing_else(api, workspace, body):
    listed = factories.uploading_list(workspace)
    assert api.patch(f"/api/v1/lists/{listed.pk}/", body).status_code == 400


def test_a_list_being_prepared_says_how_far_it_is(api, workspace):
    listed = factories.preparing_list(workspace)
    waiting = {"stage": None, "percent": 0, "rows_done": 0, "rows_per_second": None, "seconds_left": None}
    assert api.get(f"/api/v1/lists/{listed.pk}/").json()["preparation"] == waiting
    now = timezone.now()
    listed.stage, listed.rows_done, listed.progress = "writing", 300, 90
    listed.began_at, listed.stage_began_at = now, now
    listed.save()
    with time_machine.travel(now + timedelta(seconds=9), tick=False):
        shown = api.get(f"/api/v1/lists/{listed.pk}/").json()["preparation"]
    assert shown == {"stage": "writing", "percent": 90, "rows_done": 300, "rows_per_second": 33, "seconds_left": 1}
    assert api.get(f"/api/v1/lists/{factories.ready_list(workspace).pk}/").json()["preparation"] is None


def test_lists_are_found_by_name_status_and_whether_they_are_archived(api, workspace):
    ready, archived = factories.ready_list(workspace, name="Spring"), factories.ready_list(workspace, name="Old spring")
    uploading = factories.uploading_list(workspace, "Autumn")
    call(api, archived, "archive")

    def found(query):
        return [row["id"] for row in api.get(f"/api/v1/lists/?{query}").json()["results"]]

    assert found("") == [uploading.pk, ready.pk]
    assert found("status=ready") == found("search=spring") == [ready.pk]
    assert found("archived=true") == [archived.pk]
    assert api.get("/api/v1/lists/?status=deleted").status_code == 400


def test_a_list_leads_to_the_campaigns_that_use_it(api, workspace):
    listed = factories.ready_list(workspace)
    campaign = factories.draft(workspace, list=listed)
    factories.draft(workspace)
    url = api.get(f"/api/v1/lists/{listed.pk}/").json()["campaigns_url"]
    assert [row["id"] for row in api.get(url).json()["results"]] == [campaign.pk]
    assert api.get("/api/v1/campaigns/?list=x").status_code == 400


def test_the_repetitions_come_as_a_file_to_save(api, workspace):
    listed = factories.ready_list(workspace, duplicate=1)
    assert api.get(f"/api/v1/lists/{listed.pk}/duplicates/").json()["error"]["code"] == "nothing_repeated"
    listed.duplicates_key = default_storage.save("repeated", ContentFile(b"line,value\r\n"))
    listed.save()
    response = api.get(f"/api/v1/lists/{listed.pk}/duplicates/")
    assert b"".join(response.streaming_content) == b"line,value\r\n"
    assert response["Content-Disposition"].startswith("attachment")


def test_the_lists_ask_the_database_as_often_for_many_as_for_one(api, workspace, django_assert_max_num_queries):
    for _ in range(12):
        factories.ready_list(workspace)
    with django_assert_max_num_queries(5):
        assert len(api.get("/api/v1/lists/").json()["results"]) == 12
