"""The suppression list on pages, and the installation's in the admin."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.roles import Role
from audit.models import Entry
from recipients import suppression_imports, suppressions
from recipients.models import Suppression, SuppressionImport
from recipients.statuses import ImportStatus
from tests import factories
from tests.pages import signed_in, text_of

NUMBER = 31612345678
PATH = "/lists/suppressed/"
ADMIN = "/admin/recipients/suppression/"


@pytest.fixture
def page(author):
    return signed_in(author)


@pytest.fixture
def of_admin(admin):
    return signed_in(admin)


@pytest.fixture
def desk(db):
    return signed_in(factories.user(is_superuser=True, is_staff=True))


def file(body=b"+31612345678\nnobody\n"):
    return SimpleUploadedFile("stop.txt", body)


def test_the_list_is_linked_from_the_navigation(page):
    assert f'href="{PATH}"' in text_of(page.get("/lists/"))


def test_the_page_shows_totals_by_source_and_the_newest_masked(page, workspace):
    suppressions.opt_out(workspace, NUMBER)
    suppressions.opt_out(None, NUMBER + 1)
    shown = text_of(page.get(PATH))
    assert "<b>1</b><span>Opted out</span>" in shown and "<b>0</b><span>Imported</span>" in shown
    assert "So is 1 number that gets nothing from anybody here." in shown
    assert "+3161•••5678" in shown and str(NUMBER) not in shown
    assert "•••5679" not in shown and str(NUMBER + 1) not in shown


def test_the_newest_of_a_source_are_shown_without_the_others(page, workspace, author):
    assert "Filter by source" not in text_of(page.get(PATH))
    suppressions.opt_out(workspace, NUMBER)
    suppressions.add(workspace, f"+{NUMBER + 1}", reason="She asked.", by=author)
    shown = text_of(page.get(PATH, {"source": "opt_out"}))
    assert "+3161•••5678" in shown and "+3161•••5679" not in shown
    assert 'href="?source=opt_out" aria-current="true"' in shown
    assert "None here" in text_of(page.get(PATH, {"source": "import"}))
    assert "+3161•••5679" in text_of(page.get(PATH, {"source": "nonsense"}))


def test_a_number_is_suppressed_and_found(page, workspace, author):
    assert page.post(f"{PATH}add/", {"number": "06 12345678", "reason": "She asked."}).url == PATH
    shown = text_of(page.get(PATH, {"to": "+31 6 12345678"}))
    assert shown.count("She asked.") == 2 and author.email in shown
    assert "this number may get messages" in text_of(page.get(PATH, {"to": "+31 6 12345679"}))


def test_what_is_wrong_stands_on_the_form_beside_what_was_typed(page):
    response = page.post(f"{PATH}add/", {"number": "nobody", "reason": "She asked."})
    assert response.status_code == 400
    assert "“nobody” is not a phone number" in text_of(response) and 'value="She asked."' in text_of(response)
    assert "“nobody” is not a phone number" in text_of(page.get(PATH, {"to": "nobody"}))


def test_an_admin_takes_a_number_off_after_a_look_and_with_a_reason(of_admin, workspace):
    row = suppressions.opt_out(workspace, NUMBER)
    path = f"{PATH}{row.pk}/remove/"
    assert path in text_of(of_admin.get(PATH))
    assert "Remove +3161•••5678" in text_of(of_admin.get(path))
    assert of_admin.post(path, {"reason": ""}).status_code == 400
    assert Suppression.objects.exists()
    assert of_admin.post(path, {"reason": "A mistake."}).url == PATH
    assert not Suppression.objects.exists()


def test_an_author_takes_no_number_off(page, workspace):
    row = suppressions.opt_out(workspace, NUMBER)
    assert "/remove/" not in text_of(page.get(PATH))
    assert page.post(f"{PATH}{row.pk}/remove/", {"reason": "A mistake."}).status_code == 403


def test_a_moderator_looks_and_changes_nothing(workspace):
    page = signed_in(factories.member(workspace, Role.MODERATOR))
    assert page.get(PATH).status_code == 200
    assert page.post(f"{PATH}add/", {"number": f"+{NUMBER}", "reason": "x"}).status_code == 403
    assert page.get(f"{PATH}imports/new/").status_code == 403


def test_a_file_is_imported_and_watched(page, workspace):
    fields = {"reason": "From the old system.", "country": "NL"}
    response = page.post(f"{PATH}imports/new/", {"file": file(), **fields})
    made = SuppressionImport.objects.get()
    assert response.url == f"{PATH}imports/{made.pk}/"
    shown = text_of(page.get(response.url, HTTP_HX_REQUEST="true"))
    assert 'hx-trigger="every 1s"' in shown and "<html" not in shown
    suppression_imports.run(made.pk, now=timezone.now())
    shown = text_of(page.get(response.url))
    assert "<b>1</b><span>Added</span>" in shown and "every 1s" not in shown
    assert b"nobody" in b"".join(page.get(f"{response.url}rejected/").streaming_content)
    assert "stop.txt" in text_of(page.get(PATH))


def test_an_import_that_failed_says_why(page, workspace, author):
    page.post(f"{PATH}imports/new/", {"file": file(b"nobody\n"), "reason": "Old.", "country": "NL"})
    made = SuppressionImport.objects.get()
    suppression_imports.run(made.pk, now=timezone.now())
    shown = text_of(page.get(f"{PATH}imports/{made.pk}/"))
    assert "nothing of it was added" in shown and "all invalid" in shown
    assert page.get(f"{PATH}imports/{made.pk}/rejected/").status_code == 404


def test_an_empty_file_or_a_country_that_is_none_stands_on_the_form(page):
    wrong = page.post(f"{PATH}imports/new/", {"file": file(), "reason": "Old.", "country": "XX"})
    assert wrong.status_code == 400 and "with a code such as NL" in text_of(wrong)
    empty = page.post(f"{PATH}imports/new/", {"file": file(b""), "reason": "Old.", "country": "NL"})
    assert "The file is empty." in text_of(empty)
    assert not SuppressionImport.objects.exists()


def test_the_list_is_downloaded(page, workspace):
    suppressions.opt_out(workspace, NUMBER)
    masked = b"".join(page.get(f"{PATH}export/").streaming_content).decode()
    assert str(NUMBER) not in masked and f"{str(NUMBER)[:4]}•••{str(NUMBER)[-4:]}" in masked
    page.post(f"{PATH}numbers/", {"reason": "They move to another system."})
    assert str(NUMBER).encode() in b"".join(page.get(f"{PATH}export/").streaming_content)


def test_what_is_a_strangers_does_not_exist(of_admin):
    other = factories.workspace()
    row, made = suppressions.opt_out(other, NUMBER), factories.suppression_import(other)
    everywhere = suppressions.opt_out(None, NUMBER)
    for pk in (row.pk, everywhere.pk):
        assert of_admin.post(f"{PATH}{pk}/remove/", {"reason": "A mistake."}).status_code == 404
    for path in ("", "rejected/"):
        assert of_admin.get(f"{PATH}imports/{made.pk}/{path}").status_code == 404
    assert Suppression.objects.count() == 2


def test_the_page_costs_as_many_queries_for_many_as_for_one(page, workspace, django_assert_max_num_queries):
    for number in range(30):
        suppressions.opt_out(workspace, NUMBER + number)
    with django_assert_max_num_queries(12):
        page.get(PATH)


# --- The installation's -----------------------------------------------------------------------------------------------


def test_a_super_admin_suppresses_a_number_everywhere_and_takes_it_off(desk):
    assert desk.get(f"{ADMIN}add/").status_code == 200
    assert desk.post(f"{ADMIN}add/", {"number": f"+{NUMBER}", "reason": "A regulator."}).status_code == 302
    row = Suppression.objects.get()
    assert (row.workspace, row.phone) == (None, NUMBER)
    shown = text_of(desk.get(ADMIN))
    assert "+3161•••5678" in shown and str(NUMBER) not in shown
    assert desk.post(f"{ADMIN}{row.pk}/remove/", {"reason": ""}).status_code == 400
    assert desk.post(f"{ADMIN}{row.pk}/remove/", {"reason": "Lifted."}).status_code == 302
    assert not Suppression.objects.exists()
    assert {entry.chain for entry in Entry.objects.filter(subject_type="suppression")} == {0}


def test_the_admin_looks_at_every_list_and_finds_a_number(desk, workspace):
    suppressions.opt_out(workspace, NUMBER)
    suppressions.opt_out(None, NUMBER + 1)
    assert text_of(desk.get(ADMIN)).count("•••") >= 2
    only_here = text_of(desk.get(ADMIN, {"scope": "workspace"}))
    assert "•••5678" in only_here and "•••5679" not in only_here
    found = text_of(desk.get(ADMIN, {"q": f"+{NUMBER}"}))
    assert "•••5678" in found and "•••5679" not in found
    assert "0 results" in text_of(desk.get(ADMIN, {"q": "nobody"}))


def test_a_wrong_number_stands_on_the_form_of_the_admin(desk):
    response = desk.post(f"{ADMIN}add/", {"number": "12", "reason": "A regulator."})
    assert response.status_code == 400 and "is not a phone number" in text_of(response)


def test_no_entry_is_edited_in_the_admin(desk, workspace):
    row = suppressions.opt_out(workspace, NUMBER)
    desk.post(f"{ADMIN}{row.pk}/change/", {"phone": "1", "reason": "x"})
    assert desk.post(f"{ADMIN}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    row.refresh_from_db()
    assert row.phone == NUMBER


def test_a_super_admin_imports_a_file_for_everybody(desk):
    path = "/admin/recipients/suppressionimport/"
    assert desk.post(f"{path}add/", {"file": file(), "reason": "A register.", "country": ""}).status_code == 400
    assert desk.post(f"{path}add/", {"file": file(), "reason": "A register.", "country": "NL"}).status_code == 302
    made = SuppressionImport.objects.get()
    assert made.workspace is None and made.status == ImportStatus.IMPORTING
    suppression_imports.run(made.pk, now=timezone.now())
    assert suppressions.totals(None).imported == 1
    assert "stop.txt" in text_of(desk.get(path)) and desk.get(f"{path}{made.pk}/change/").status_code == 200


@pytest.mark.parametrize("path", [ADMIN, f"{ADMIN}add/", "/admin/recipients/suppressionimport/add/"])
def test_the_installations_list_is_for_super_admins(workspace, path):
    staff = factories.member(workspace, Role.ADMIN, user=factories.user(is_staff=True))
    assert signed_in(staff).get(path).status_code in (403, 404)
    row = suppressions.opt_out(None, NUMBER)
    assert signed_in(staff).post(f"{ADMIN}{row.pk}/remove/", {"reason": "x"}).status_code in (403, 404)
    assert Suppression.objects.exists()
