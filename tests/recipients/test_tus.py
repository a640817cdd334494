"""The protocol, as a tus client speaks it: https://tus.io/protocols/resumable-upload (1.0)."""

import base64
import hashlib
from datetime import timedelta
from email.utils import parsedate_to_datetime

import pytest
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone

from accounts.models import Membership
from accounts.roles import Role
from recipients import erasing, preparation
from recipients.models import RecipientList, Upload
from recipients.statuses import Status
from tests import factories
from tests.pages import signed_in

FILE = b"+31600000001\n+31600000002\n"
SIZE = len(FILE)
TUS = {"HTTP_TUS_RESUMABLE": "1.0.0"}
CHUNK = "application/offset+octet-stream"


def metadata(**fields) -> str:
    return ",".join(f"{name} {base64.b64encode(str(value).encode()).decode()}" for name, value in fields.items())


def create(client, length=SIZE, **fields):
    fields = {"name": "Customers", "filename": "numbers.txt"} | fields
    extra = {"HTTP_UPLOAD_LENGTH": str(length), "HTTP_UPLOAD_METADATA": metadata(**fields)}
    return client.post("/api/v1/uploads/", b"", content_type="text/plain", **TUS, **extra)


def url_of(created) -> str:
    return created["Location"].removeprefix("http://testserver")


def patch(client, url, body, offset=0, content_type=CHUNK, **extra):
    return client.patch(url, body, content_type=content_type, HTTP_UPLOAD_OFFSET=str(offset), **{**TUS, **extra})


def head(client, url, **extra):
    return client.head(url, **{**TUS, **extra})


def error_of(response) -> dict:
    return response.json()["error"]


@pytest.fixture
def url(api):
    return url_of(create(api))


def test_the_server_says_what_it_can(api, settings):
    settings.UPLOAD_MAX_BYTES = 12345
    for url in ("/api/v1/uploads/", "/api/v1/lists/1/file/"):
        response = api.options(url)
        assert response.status_code == 204
        assert response["Tus-Version"] == response["Tus-Resumable"] == "1.0.0"
        wanted = {"creation", "creation-defer-length", "termination", "expiration", "checksum"}
        assert set(response["Tus-Extension"].split(",")) == wanted
        assert response["Tus-Max-Size"] == "12345"
        assert response["Tus-Checksum-Algorithm"] == "sha1,sha256"


def test_an_upload_is_created_where_the_lists_file_goes(api, workspace):
    response = create(api, column="phone", country="be", filetype="text/plain")
    made = RecipientList.objects.get()
    assert response.status_code == 201
    assert response["Location"] == f"http://testserver/api/v1/lists/{made.pk}/file/" == response.json()["upload_url"]
    assert (made.workspace, made.name, made.filename) == (workspace, "Customers", "numbers.txt")
    assert (made.country, made.column, made.status) == ("BE", "phone", Status.UPLOADING)
    expires_in = parsedate_to_datetime(response["Upload-Expires"]) - timezone.now()
    assert timedelta(hours=23, minutes=59) < expires_in <= timedelta(hours=24)


def test_a_file_comes_in_two_pieces(api, url):
    first = patch(api, url, FILE[:10])
    assert (first.status_code, first["Upload-Offset"], first.content) == (204, "10", b"")
    assert "Upload-Expires" in first
    found = head(api, url)
    assert (found.status_code, found["Upload-Offset"], found["Upload-Length"]) == (200, "10", str(len(FILE)))
    assert found["Cache-Control"] == "no-store"
    assert patch(api, url, FILE[10:], 10)["Upload-Offset"] == str(len(FILE))
    listed = RecipientList.objects.get()
    with default_storage.open(listed.upload_key) as file:
        assert file.read() == FILE
    assert listed.status == Status.PREPARING


def test_whoever_missed_the_last_answer_finds_the_upload_whole(api, url):
    patch(api, url, FILE)
    found = head(api, url)
    assert found["Upload-Offset"] == found["Upload-Length"] == str(len(FILE))


def test_whoever_missed_it_for_long_finds_it_whole_too_when_the_list_is_ready_and_its_file_gone(api, url):
    patch(api, url, FILE)
    listed = RecipientList.objects.get()
    preparation.prepare_list(listed.pk, now=timezone.now())
    erasing.erase(listed.pk, now=timezone.now())
    listed.refresh_from_db()
    assert (listed.status, listed.upload_key) == (Status.READY, "")
    assert head(api, url)["Upload-Offset"] == str(len(FILE))


@pytest.mark.parametrize("is_cleared", [False, True])
def test_a_list_whose_preparation_failed_or_was_cancelled_awaits_another_file(api, url, is_cleared):
    listed = RecipientList.objects.get()
    for length, ended in enumerate((Status.CANCELLED, Status.FAILED), SIZE):
        assert patch(api, url, b"x" * length, HTTP_UPLOAD_LENGTH=str(length)).status_code == 204
        if ended is Status.FAILED:
            preparation.prepare_list(listed.pk, now=timezone.now())
        else:
            assert api.post(f"/api/v1/lists/{listed.pk}/cancel/").status_code == 200
        if is_cleared:
            erasing.erase(listed.pk, now=timezone.now())
        listed.refresh_from_db()
        found = head(api, url)
        assert (listed.status, found.status_code, found["Upload-Offset"]) == (ended, 200, "0")
        assert (found["Upload-Defer-Length"], "Upload-Length" in found) == ("1", False)
    assert patch(api, url, FILE, HTTP_UPLOAD_LENGTH=str(SIZE)).status_code == 204
    listed.refresh_from_db()
    assert (listed.status, listed.failure, listed.bytes) == (Status.PREPARING, "", SIZE)


def test_a_list_made_by_json_is_filled_in_pieces_too(api):
    made = api.post("/api/v1/lists/", {"name": "a", "filename": "a.txt"}).json()
    url = made["upload_url"].removeprefix("http://testserver")
    found = head(api, url)
    assert (found["Upload-Offset"], found["Upload-Defer-Length"]) == ("0", "1")
    assert patch(api, url, FILE[:5], HTTP_UPLOAD_LENGTH=str(len(FILE)))["Upload-Offset"] == "5"
    assert patch(api, url, FILE[5:], 5).status_code == 204
    assert RecipientList.objects.get().status == Status.PREPARING


def test_the_length_may_come_with_the_first_piece(api):
    extra = {"HTTP_UPLOAD_DEFER_LENGTH": "1", "HTTP_UPLOAD_METADATA": metadata(filename="a.txt")}
    url = url_of(api.post("/api/v1/uploads/", **TUS, **extra))
    assert RecipientList.objects.get().name == "a.txt"
    assert patch(api, url, FILE).status_code == 410  # nothing has begun, and nobody says how much it will be
    assert patch(api, url, FILE, HTTP_UPLOAD_LENGTH=str(len(FILE))).status_code == 204


def test_a_file_over_the_limit_is_413_at_its_creation_with_the_limit(api, settings):
    settings.UPLOAD_MAX_BYTES = 1000
    response = create(api, length=1001)
    assert response.status_code == 413 and "(1,000 bytes)" in error_of(response)["message"]
    assert not RecipientList.objects.exists()


def test_a_client_that_lies_about_the_length_is_413(api, url, settings):
    settings.UPLOAD_MAX_BYTES = 1000
    response = patch(api, url, FILE + b"1")
    assert response.status_code == 413
    assert "the announced 26 bytes (the limit here is 1,000 bytes)" in error_of(response)["message"]


@pytest.mark.parametrize("said", ["", "0.2.2", "2.0.0"])
@pytest.mark.parametrize("method", ["post", "head", "patch", "delete"])
def test_another_version_is_412_and_told_ours(api, url, method, said):
    extra = {"HTTP_TUS_RESUMABLE": said} if said else {}
    response = getattr(api, method)("/api/v1/uploads/" if method == "post" else url, **extra)
    assert response.status_code == 412
    assert response["Tus-Version"] == response["Tus-Resumable"] == "1.0.0"


@pytest.mark.parametrize("offset", [0, 9, 11])
def test_a_wrong_offset_is_409(api, url, offset):
    patch(api, url, FILE[:10])
    response = patch(api, url, FILE[10:], offset)
    assert (response.status_code, error_of(response)["message"]) == (409, f"The next byte is number 10, not {offset}.")


@pytest.mark.parametrize("offset", ["", "-1", "1.5", "٣", "9" * 30, "x"])
def test_an_offset_that_is_none_is_400(api, url, offset):
    assert patch(api, url, FILE, offset).status_code == 400


@pytest.mark.parametrize("kind", ["application/octet-stream", "text/plain", "multipart/form-data; boundary=x"])
def test_another_content_type_is_415(api, url, kind):
    assert patch(api, url, FILE, content_type=kind).status_code == 415
    assert Upload.objects.get().offset == 0


@pytest.mark.parametrize("filename", ["a.xlsx", "a.zip", "a.png", "numbers.csv.exe"])
def test_a_file_that_is_no_list_by_its_name_is_415_before_it_is_sent(api, filename):
    response = create(api, filename=filename)
    assert response.status_code == 415
    assert error_of(response)["message"] == f"“{filename}” is neither a .txt nor a .csv file."


@pytest.mark.parametrize("header", ["name", "name !!!", "name " + base64.b64encode(b"\xff").decode()])
def test_metadata_that_cannot_be_read_is_400(api, header):
    extra = {"HTTP_UPLOAD_LENGTH": "5", "HTTP_UPLOAD_METADATA": header}
    assert api.post("/api/v1/uploads/", **TUS, **extra).status_code == 400


@pytest.mark.parametrize("length", ["", "-5", "0", "many"])
def test_a_length_that_is_none_is_400(api, length):
    assert create(api, length=length).status_code == 400


def test_a_busy_upload_is_423(api, url):
    Upload.objects.update(lease="another", busy_until=timezone.now() + timedelta(minutes=5))
    assert patch(api, url, FILE).status_code == 423
    assert head(api, url)["Upload-Offset"] == "0"


def test_an_ended_upload_is_410_and_its_list_takes_another_file(api, url):
    patch(api, url, FILE[:5])
    assert api.delete(url, **TUS).status_code == 204
    assert head(api, url).status_code == patch(api, url, FILE[5:], 5).status_code == 410
    assert default_storage.listdir("uploads")[1] == []
    assert patch(api, url, FILE, HTTP_UPLOAD_LENGTH=str(len(FILE))).status_code == 204
    assert RecipientList.objects.get().status == Status.PREPARING


def test_a_list_that_has_its_file_cannot_be_ended(api, url):
    patch(api, url, FILE)
    assert api.delete(url, **TUS).status_code == 409


def test_an_expired_upload_is_410(api, url):
    Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert head(api, url).status_code == patch(api, url, FILE).status_code == 410


def test_a_checksum_that_does_not_match_is_460_and_the_bytes_are_not_kept(api, url):
    wrong = base64.b64encode(hashlib.sha1(b"other").digest()).decode()
    response = patch(api, url, FILE, HTTP_UPLOAD_CHECKSUM=f"sha1 {wrong}")
    assert (response.status_code, error_of(response)["code"]) == (460, "checksum_mismatch")
    assert head(api, url)["Upload-Offset"] == "0"
    right = base64.b64encode(hashlib.sha256(FILE).digest()).decode()
    assert patch(api, url, FILE, HTTP_UPLOAD_CHECKSUM=f"sha256 {right}").status_code == 204


@pytest.mark.parametrize("header", ["sha1", "md5 AAAA", "sha1 AAAA", "sha1 !"])
def test_a_checksum_that_is_none_is_400(api, url, header):
    assert patch(api, url, FILE, HTTP_UPLOAD_CHECKSUM=header).status_code == 400


def test_the_whole_file_is_compared_with_what_was_promised(api):
    url = url_of(create(api, sha256=hashlib.sha256(b"other").hexdigest()))
    response = patch(api, url, FILE)
    assert (response.status_code, error_of(response)["code"]) == (460, "file_mismatch")
    assert api.get("/api/v1/lists/").json()["results"][0]["status"] == "failed"
    assert create(api, sha256="no hash").status_code == 400


def test_clients_that_can_only_post_say_what_they_mean(api, url):
    means = {"HTTP_X_HTTP_METHOD_OVERRIDE": "PATCH", "HTTP_UPLOAD_OFFSET": "0"}
    assert api.post(url, FILE[:5], content_type=CHUNK, **TUS, **means).status_code == 204
    assert api.post(url, **TUS, HTTP_X_HTTP_METHOD_OVERRIDE="DELETE").status_code == 204


def test_an_upload_begins_without_a_body(api):
    response = api.post("/api/v1/uploads/", {"name": "a"}, format="json", **TUS)
    assert response.status_code == 400


def test_what_is_wrong_with_a_list_is_said_at_once(api):
    assert create(api, country="XX").status_code == 409
    assert create(api, filename="x" * 300 + ".txt").status_code == 400
    assert not RecipientList.objects.exists()


@pytest.mark.parametrize("method", ["head", "patch", "delete", "put"])
def test_a_strangers_upload_does_not_exist(api, method):
    listed = factories.uploading_list(factories.workspace())
    assert getattr(api, method)(f"/api/v1/lists/{listed.pk}/file/", **TUS).status_code == 404


def test_who_may_not_write_begins_nothing(as_moderator, workspace):
    assert create(as_moderator).status_code == 403
    listed = factories.uploading_list(workspace)
    assert patch(as_moderator, f"/api/v1/lists/{listed.pk}/file/", FILE).status_code == 403


# --- From a page ------------------------------------------------------------------------------------------------------


class Page:
    """A browser's script on a page of a workspace."""

    def __init__(self, user, workspace, *, token=None):
        self._client = signed_in(user)
        self._client.handler.enforce_csrf_checks = True
        self._client.get("/lists/new/")
        said = self._client.cookies["csrftoken"].value if token is None else token
        self._headers = {"HTTP_X_CSRFTOKEN": said, "HTTP_X_WORKSPACE": str(workspace.pk)}

    def __getattr__(self, method):
        return lambda *args, **extra: getattr(self._client, method)(*args, **{**self._headers, **extra})


def test_a_page_uploads_with_its_session(author, workspace):
    page = Page(author, workspace)
    url = url_of(create(page))
    assert patch(page, url, FILE[:5]).status_code == 204
    assert head(page, url)["Upload-Offset"] == "5"
    assert patch(page, url, FILE[5:], 5).status_code == 204
    listed = RecipientList.objects.get()
    assert (listed.created_by, listed.workspace, listed.status) == (author, workspace, Status.PREPARING)


@pytest.mark.parametrize("token", ["", "x" * 32])
def test_a_page_of_somebody_else_begins_nothing(author, workspace, token):
    page = Page(author, workspace, token=token)
    assert create(page).status_code == 403
    listed = factories.uploading_list(workspace)
    for method in ("patch", "delete", "put"):
        assert getattr(page, method)(f"/api/v1/lists/{listed.pk}/file/", **TUS).status_code == 403


def test_an_upload_goes_on_when_another_tab_has_gone_to_another_workspace(author, workspace):
    page = Page(author, workspace)
    url = url_of(create(page))
    other = factories.membership(factories.workspace(), Role.AUTHOR, user=author).workspace
    assert page.post(f"/workspaces/{other.pk}/enter/").status_code == 302
    assert patch(page, url, FILE).status_code == 204
    assert RecipientList.objects.get().workspace == workspace


def test_a_page_names_no_workspace_but_its_own(author, workspace):
    assert create(Page(author, workspace), name="a").status_code == 201
    stranger = factories.workspace()
    response = create(Page(author, workspace), **{"name": "b"})
    assert response.status_code == 201
    page = Page(author, stranger)
    assert create(page).status_code in (401, 403)
    assert not RecipientList.objects.filter(workspace=stranger).exists()


def test_a_member_who_was_removed_or_may_only_look_uploads_nothing_from_a_page(author, workspace):
    page = Page(author, workspace)
    url = url_of(create(page))
    Membership.objects.filter(user=author).update(role=Role.MODERATOR)
    assert patch(page, url, FILE).status_code == 403
    Membership.objects.filter(user=author).delete()
    assert patch(page, url, FILE).status_code in (401, 403)


def test_the_session_opens_no_other_door_of_the_api(author, workspace):
    page = Page(author, workspace)
    assert page.get("/api/v1/lists/").status_code == 401
    assert page.post("/api/v1/lists/", {"name": "a", "filename": "a.txt"}).status_code == 401


def test_a_visitor_begins_nothing(db):
    assert create(Client()).status_code == 401
