import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.roles import Role
from recipients import uploads
from recipients.models import RecipientList
from recipients.statuses import Status
from tests import factories
from tests.pages import signed_in, text_of


@pytest.fixture
def page(author):
    return signed_in(author)


def file(body: bytes = b"+31612345678\n") -> SimpleUploadedFile:
    return SimpleUploadedFile("customers.csv", body)


def upload(page, **fields):
    return page.post("/lists/new/", {"name": "Customers", "country": "NL", "file": file(), **fields})


def test_an_uploaded_file_becomes_a_list_that_is_prepared(page, workspace):
    response = upload(page, column="phone")
    listed = RecipientList.objects.get()
    assert response.url == f"/lists/{listed.pk}/"
    assert (listed.workspace, listed.filename, listed.column) == (workspace, "customers.csv", "phone")
    assert listed.status == Status.PREPARING
    with default_storage.open(listed.upload_key) as stored:
        assert stored.read() == b"+31612345678\n"


def test_what_is_wrong_with_an_upload_stands_on_the_form_beside_what_was_typed(page):
    response = upload(page, country="XX")
    assert response.status_code == 400
    assert "“XX” is not a country code such as NL." in text_of(response)
    assert 'value="Customers"' in text_of(response)
    assert "The file is empty." in text_of(upload(page, file=file(b"")))
    assert not RecipientList.objects.exists()


def test_a_body_over_the_limit_is_refused_before_it_is_read(page, settings, monkeypatch):
    settings.UPLOAD_MAX_BYTES = 1000
    monkeypatch.setattr("django.http.request.HttpRequest._load_post_and_files", lambda request: 1 / 0)
    response = page.post(
        "/lists/new/", {"name": "A", "country": "NL", "file": file(b"1" * 100_000)}, HTTP_REFERER="/lists/new/"
    )
    assert response.url == "/lists/new/"


def test_a_file_over_the_limit_is_refused_with_the_limit(page, settings):
    settings.UPLOAD_MAX_BYTES = 1000
    response = upload(page, file=file(b"1" * 1001))
    assert response.status_code == 400 and "(1,000 bytes)" in text_of(response)


def test_an_upload_without_the_csrf_token_is_refused(author):
    page = signed_in(author)
    page.handler.enforce_csrf_checks = True
    assert upload(page).status_code == 403
    assert not RecipientList.objects.exists()


def test_a_list_being_prepared_asks_how_far_it_is_until_it_is_ready(page, workspace, author):
    listed = factories.uploading_list(workspace)
    uploads.receive(listed.pk, file(), by=author, length=13)
    RecipientList.objects.filter(pk=listed.pk).update(progress=42)
    shown = text_of(page.get(f"/lists/{listed.pk}/", HTTP_HX_REQUEST="true"))
    assert 'hx-trigger="every 1s"' in shown and 'value="42"' in shown and "<html" not in shown
    ready = factories.ready_list(workspace)
    assert 'hx-trigger="every 1s"' not in text_of(page.get(f"/lists/{ready.pk}/"))


def test_a_ready_list_shows_that_its_rows_add_up(page, workspace):
    listed = factories.ready_list(workspace, 1200, invalid=30, duplicate=4)
    shown = text_of(page.get(f"/lists/{listed.pk}/"))
    assert "<b>1,234</b> rows = <b>30</b> invalid + <b>4</b> duplicate + <b>0</b> suppressed + <b>1,200</b>" in shown
    assert listed.digest in shown


def test_a_failed_list_says_why_and_takes_another_file(page, workspace):
    failed = factories.failed_list(workspace, "There is no column “phone” in the file.")
    assert "There is no column “phone” in the file." in text_of(page.get(f"/lists/{failed.pk}/"))
    page.post(f"/lists/{failed.pk}/file/", {"file": file()})
    failed.refresh_from_db()
    assert failed.status == Status.PREPARING


def test_the_sample_on_the_page_is_masked(page, workspace):
    listed = factories.ready_list(workspace, numbers=[31612345678])
    shown = text_of(page.get(f"/lists/{listed.pk}/sample/"))
    assert "+3161•••5678" in shown and "31612345678" not in shown


def test_the_rejected_lines_are_downloaded_and_never_shown_inline(page, workspace):
    listed = factories.ready_list(workspace)
    assert page.get(f"/lists/{listed.pk}/rejected/").status_code == 404
    listed.rejected_key = default_storage.save("lists/rejected", file(b"line,value,reason\r\n"))
    listed.save()
    response = page.get(f"/lists/{listed.pk}/rejected/")
    assert b"".join(response.streaming_content) == b"line,value,reason\r\n"
    assert response["Content-Disposition"].startswith("attachment")
    assert response["X-Content-Type-Options"] == "nosniff"
    response.close()


@pytest.mark.parametrize("path", ["", "sample/", "rejected/"])
def test_a_strangers_list_does_not_exist(page, path):
    listed = factories.ready_list(factories.workspace())
    assert page.get(f"/lists/{listed.pk}/{path}").status_code == 404


def test_nobody_sends_a_file_to_a_strangers_list(page):
    listed = factories.uploading_list(factories.workspace())
    assert page.post(f"/lists/{listed.pk}/file/", {"file": file()}).status_code == 404


def test_a_moderator_looks_at_lists_and_uploads_none(workspace):
    page = signed_in(factories.member(workspace, Role.MODERATOR))
    assert page.get("/lists/").status_code == 200
    assert page.get("/lists/new/").status_code == 403


def test_a_visitor_is_asked_to_sign_in(client, db):
    assert client.get("/lists/").url == "/login/?next=/lists/"


def test_the_page_of_lists_asks_the_database_as_often_for_many_as_for_one(
    page, workspace, django_assert_max_num_queries
):
    for _ in range(12):
        factories.ready_list(workspace)
    with django_assert_max_num_queries(9):
        assert page.get("/lists/").content.count(b"status-ready") == 12


def test_older_lists_are_on_the_next_page(page, workspace):
    for number in range(27):
        factories.uploading_list(workspace, f"List {number:02}")
    assert "List 26" in text_of(page.get("/lists/")) and "List 01" not in text_of(page.get("/lists/"))
    assert "List 01" in text_of(page.get("/lists/?page=2"))


def test_pasted_numbers_become_a_list(page):
    response = upload(page, file="", numbers="+31612345678\r\n0612345679\r\n")
    listed = RecipientList.objects.get()
    assert response.url == f"/lists/{listed.pk}/" and listed.filename == "pasted.txt"
    with default_storage.open(listed.upload_key) as stored:
        assert stored.read().split() == [b"+31612345678", b"0612345679"]


@pytest.mark.parametrize("fields", [{"file": "", "numbers": " "}, {"numbers": "+31612345678"}])
def test_a_list_is_made_of_a_file_or_of_pasted_numbers(page, fields):
    assert "Choose a file or paste numbers: one of the two." in text_of(upload(page, **fields))
    assert not RecipientList.objects.exists()


def test_too_much_to_paste_is_said_and_not_taken(page):
    response = upload(page, file="", numbers="0612345678\n" * 100_000)
    assert "More than 1,000,000 characters: send them as a file." in text_of(response)
    response = page.post("/lists/new/", {"numbers": "0" * 3_000_000}, HTTP_REFERER="http://testserver/lists/new/")
    assert response.url == "http://testserver/lists/new/"
    assert "too much to paste" in text_of(page.get("/lists/new/"))


def test_a_file_that_is_no_list_by_its_name_is_refused(page):
    shown = text_of(upload(page, file=SimpleUploadedFile("customers.xlsx", b"PK\x03\x04")))
    assert "“customers.xlsx” is neither a .txt nor a .csv file." in shown


def test_the_page_of_a_new_list_needs_no_inline_script(page):
    shown = page.get("/lists/new/").content.decode()
    assert "uploads.js" in shown and "<script>" not in shown and " style=" not in shown and "onclick" not in shown
