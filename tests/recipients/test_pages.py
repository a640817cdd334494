from datetime import timedelta

import pytest
import time_machine
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.roles import PERMISSIONS, Role
from recipients import uploads, verbs
from recipients.models import RecipientList
from recipients.statuses import Status
from tests import factories
from tests.pages import signed_in, text_of

VERBS = ["cancel", "rename", "archive", "restore", "delete"]


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
    refused = page.post(f"/lists/{failed.pk}/file/", {"file": SimpleUploadedFile("photo.png", b"+31612345678")})
    assert refused.status_code == 400 and "“photo.png” is neither a .txt nor a .csv file." in text_of(refused)
    page.post(f"/lists/{failed.pk}/file/", {"file": SimpleUploadedFile("second.csv", b"+31612345678")})
    failed.refresh_from_db()
    assert (failed.status, failed.filename) == (Status.PREPARING, "second.csv")


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


@pytest.mark.parametrize("path", ["", "sample/", "rejected/", "duplicates/", "delete/"])
def test_a_strangers_list_does_not_exist(page, path):
    listed = factories.ready_list(factories.workspace())
    assert page.get(f"/lists/{listed.pk}/{path}").status_code == 404


@pytest.mark.parametrize("verb", VERBS)
def test_nobody_does_anything_to_a_strangers_list(page, verb):
    listed = factories.ready_list(factories.workspace())
    assert page.post(f"/lists/{listed.pk}/{verb}/", {"name": "Mine"}).status_code == 404
    listed.refresh_from_db()
    assert (listed.status, listed.archived_at, listed.name == "Mine") == (Status.READY, None, False)


@pytest.mark.parametrize("verb", VERBS)
def test_a_moderator_does_nothing_to_a_list(workspace, verb):
    page, listed = signed_in(factories.member(workspace, Role.MODERATOR)), factories.ready_list(workspace)
    assert page.post(f"/lists/{listed.pk}/{verb}/", {"name": "Mine"}).status_code == 403
    shown = text_of(page.get(f"/lists/{listed.pk}/"))
    assert "Delete" not in shown and "Rename" not in shown and "/archive/" not in shown


@pytest.mark.parametrize("verb", ["cancel", "rename", "archive", "restore"])
def test_looking_changes_nothing(page, workspace, verb):
    assert page.get(f"/lists/{factories.ready_list(workspace).pk}/{verb}/").status_code == 405


@pytest.mark.parametrize(
    ("status", "labels"),
    [
        (Status.UPLOADING, ["Rename", "Cancel", "Delete"]),
        (Status.PREPARING, ["Rename", "Cancel"]),
        (Status.READY, ["Rename", "Archive", "Delete"]),
        (Status.FAILED, ["Rename", "Archive", "Delete"]),
        (Status.CANCELLED, ["Rename", "Archive", "Delete"]),
    ],
)
def test_a_list_offers_what_may_be_done_with_it(workspace, status, labels):
    offered = verbs.offered(factories.LIST_IN[status](workspace), PERMISSIONS[Role.AUTHOR])
    assert [verb.label for verb in offered] == labels


def test_a_list_is_cancelled_with_a_button_and_takes_another_file(page, workspace):
    listed = factories.preparing_list(workspace)
    assert f"/lists/{listed.pk}/cancel/" in text_of(page.get(f"/lists/{listed.pk}/"))
    response = page.post(f"/lists/{listed.pk}/cancel/", {"reason": "The wrong file."}, follow=True)
    assert "It was cancelled." in text_of(response) and "Send another file" in text_of(response)


def test_a_list_is_renamed_on_its_page(page, workspace):
    listed = factories.ready_list(workspace)
    assert "<h1>Spring customers</h1>" in text_of(
        page.post(f"/lists/{listed.pk}/rename/", {"name": "Spring customers"}, follow=True)
    )
    assert "Ensure this value has at most 120 characters" in text_of(
        page.post(f"/lists/{listed.pk}/rename/", {"name": "x" * 121}, follow=True)
    )


def test_an_archived_list_is_among_the_archived_ones_until_it_is_restored(page, workspace):
    listed = factories.ready_list(workspace, name="Last year")
    page.post(f"/lists/{listed.pk}/archive/")
    assert "Last year" not in text_of(page.get("/lists/"))
    assert "Last year" in text_of(page.get("/lists/?archived=1"))
    shown = text_of(page.get(f"/lists/{listed.pk}/"))
    assert "Archived" in shown and "Restore" in shown and "Write a campaign" not in shown
    page.post(f"/lists/{listed.pk}/restore/")
    assert "Last year" in text_of(page.get("/lists/"))


def test_a_list_is_deleted_after_a_question(page, workspace):
    listed = factories.ready_list(workspace, 1200)
    asked = text_of(page.get(f"/lists/{listed.pk}/delete/"))
    assert "<b>1,200</b> recipients" in asked and "This cannot be undone." in asked
    listed.refresh_from_db()
    assert listed.status == Status.READY
    assert "is deleted." in text_of(page.post(f"/lists/{listed.pk}/delete/", follow=True))
    assert page.get(f"/lists/{listed.pk}/").status_code == 404


def test_a_list_that_a_campaign_needs_says_so_instead_of_offering_to_delete_it(page, workspace):
    listed = factories.ready_list(workspace)
    campaign = factories.draft(workspace, list=listed)
    asked = text_of(page.get(f"/lists/{listed.pk}/delete/"))
    assert "1 campaign needs it." in asked and str(campaign) in asked and "Delete the list" not in asked
    page.post(f"/lists/{listed.pk}/delete/")
    listed.refresh_from_db()
    assert listed.status == Status.READY


def test_the_page_asks_to_be_drawn_anew_once_the_list_is_prepared(page, workspace):
    preparing, ready = factories.preparing_list(workspace), factories.ready_list(workspace)
    assert "HX-Refresh" not in page.get(f"/lists/{preparing.pk}/", HTTP_HX_REQUEST="true")
    assert page.get(f"/lists/{ready.pk}/", HTTP_HX_REQUEST="true")["HX-Refresh"] == "true"
    assert "HX-Refresh" not in page.get(f"/lists/{ready.pk}/")


def test_a_list_being_prepared_says_what_is_done_how_fast_and_how_long_it_takes(page, workspace):
    listed, now = factories.preparing_list(workspace), timezone.now()
    assert "Waiting for a worker" in text_of(page.get(f"/lists/{listed.pk}/"))
    listed.stage, listed.rows_done, listed.progress = "reading", 5_000_000, 50
    listed.began_at = listed.stage_began_at = now
    listed.save()
    with time_machine.travel(now + timedelta(seconds=90), tick=False):
        shown = text_of(page.get(f"/lists/{listed.pk}/"))
    assert "<h2>Reading the file</h2>" in shown
    assert "<span>5,000,000 rows</span><span>55,556 a second</span><span>about 2 min left</span>" in shown


def test_a_ready_list_shows_where_its_people_are_what_it_was_read_as_and_its_columns(page, workspace):
    listed = factories.ready_list(workspace, 4, duplicate=2)
    listed.breakdown = {"countries": [["NL", 3], ["BE", 1]], "prefixes": [["+316", 3], ["+324", 1]]}
    listed.columns, listed.layout = ["phone", "first <b>name</b>"], "CSV with a heading, semicolons, UTF-8"
    listed.save()
    shown = text_of(page.get(f"/lists/{listed.pk}/"))
    assert (
        'Netherlands</th><td class="chart-bar"><svg aria-hidden="true" width="100%" height="14"><rect width="100%"'
        in shown
    )
    assert '<td class="number">3</td><td class="number text-secondary">75.0 %</td>' in shown
    assert "+324" in shown and listed.layout in shown
    assert "<code>first &lt;b&gt;name&lt;/b&gt;</code>" in shown
    assert "2; the first of each stays" in shown
    assert " style=" not in shown


def test_a_ready_list_of_which_nothing_is_known_has_no_empty_charts(page, workspace):
    assert "By country" not in text_of(page.get(f"/lists/{factories.ready_list(workspace).pk}/"))


def test_the_repetitions_are_downloaded(page, workspace):
    listed = factories.ready_list(workspace, duplicate=1)
    assert page.get(f"/lists/{listed.pk}/duplicates/").status_code == 404
    listed.duplicates_key = default_storage.save("lists/duplicates", file(b"line,value\r\n"))
    listed.save()
    assert "Download 1 repetition<" in text_of(page.get(f"/lists/{listed.pk}/"))
    response = page.get(f"/lists/{listed.pk}/duplicates/")
    assert b"".join(response.streaming_content) == b"line,value\r\n"
    assert response["Content-Disposition"].startswith("attachment")
    response.close()


def test_a_list_of_invalid_numbers_shows_how_many(page, workspace):
    listed = factories.failed_list(workspace)
    listed.rows = listed.invalid = 1234
    listed.save()
    assert "<b>1,234</b><span>Invalid</span>" in text_of(page.get(f"/lists/{listed.pk}/"))


def test_lists_are_found_by_a_part_of_the_name_and_by_status(page, workspace):
    factories.ready_list(workspace, name="Spring customers")
    factories.uploading_list(workspace, "Spring leads")
    factories.uploading_list(workspace, "Autumn 100%")

    def found(query):
        shown = text_of(page.get(f"/lists/?{query}"))
        return [name for name in ("Spring customers", "Spring leads", "Autumn 100%") if f">{name}</a>" in shown]

    assert found("q=SPRING") == ["Spring customers", "Spring leads"]
    assert found("q=spring&status=ready") == ["Spring customers"]
    assert found("status=uploading") == ["Spring leads", "Autumn 100%"]
    assert found("q=0%25") == ["Autumn 100%"]
    assert found("q=nobody") == [] and "No list matches this." in text_of(page.get("/lists/?q=nobody"))
    assert found("status=deleted") == found("status=nonsense") == found("")


def test_the_filter_stays_when_the_page_is_turned(page, workspace):
    for number in range(27):
        factories.uploading_list(workspace, f"A & B {number:02}")
    shown = text_of(page.get("/lists/?q=A+%26&status=uploading"))
    assert 'href="?q=A+%26&amp;status=uploading&amp;page=2"' in shown
    assert "A &amp; B 01" in text_of(page.get("/lists/?q=A+%26&status=uploading&page=2"))


def test_the_lists_look_again_while_one_is_prepared(page, workspace):
    factories.ready_list(workspace)
    assert 'hx-trigger="every 3s"' not in text_of(page.get("/lists/"))
    factories.preparing_list(workspace)
    assert 'hx-trigger="every 3s"' in text_of(page.get("/lists/"))


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


def test_no_file_chosen_is_said(page, workspace):
    listed = factories.uploading_list(workspace)
    response = page.post(f"/lists/{listed.pk}/file/", {}, follow=True)
    assert "Choose a file." in text_of(response)
    listed.refresh_from_db()
    assert listed.status == Status.UPLOADING


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
