import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from senders import transitions
from senders.models import Revision, Sender
from senders.statuses import SenderStatus
from tests import factories
from tests.pages import signed_in, text_of


@pytest.fixture
def page(admin):
    return signed_in(admin)


def test_a_sender_is_registered_and_its_revision_waits_for_a_moderator(page, workspace):
    response = page.post("/senders/new/", {"name": "Web shop"})
    sender = Sender.objects.of(workspace).get()
    assert response.url == f"/senders/{sender.pk}/"
    page.post(f"/senders/{sender.pk}/revisions/", {"saddr": "WebShop", "reason": "Our brand."})
    shown = text_of(page.get(f"/senders/{sender.pk}/"))
    assert "<b>WebShop</b>" in shown and "Pending approval" in shown and "Submit a revision" not in shown


@pytest.mark.parametrize(("saddr", "message"), [("Way too long a name", "1 to 11 characters"), ("12", "no short code")])
def test_an_address_that_carriers_do_not_take_is_refused_on_the_form(page, workspace, saddr, message):
    sender = factories.sender(workspace, approved=False)
    response = page.post(f"/senders/{sender.pk}/revisions/", {"saddr": saddr})
    assert response.status_code == 400 and message in text_of(response) and f'value="{saddr}"' in text_of(response)


def test_a_taken_name_is_refused_on_the_form(page, workspace):
    factories.sender(workspace, "Web shop")
    assert "There is already a sender “Web shop”." in text_of(page.post("/senders/new/", {"name": "Web shop"}))


def test_evidence_is_kept_under_a_random_name_and_downloaded_as_a_file(page, workspace):
    sender = factories.sender(workspace, approved=False)
    letter = SimpleUploadedFile("secret plans.pdf", b"%PDF")
    page.post(f"/senders/{sender.pk}/revisions/", {"saddr": "WebShop", "evidence": letter})
    stored = Revision.objects.get(sender=sender).evidence.name
    assert "secret" not in stored and stored.endswith(".pdf")
    response = page.get(f"/senders/{sender.pk}/revisions/1/evidence/")
    assert b"".join(response.streaming_content) == b"%PDF"
    assert response["Content-Disposition"].startswith("attachment")
    response.close()


def test_evidence_is_a_document_or_a_picture(page, workspace):
    sender = factories.sender(workspace, approved=False)
    script = SimpleUploadedFile("evil.html", b"<script>")
    response = page.post(f"/senders/{sender.pk}/revisions/", {"saddr": "WebShop", "evidence": script})
    assert response.status_code == 400 and not Revision.objects.exists()


def test_an_archived_sender_takes_no_revision(page, workspace):
    sender = factories.sender(workspace)
    page.post(f"/senders/{sender.pk}/archive/")
    sender.refresh_from_db()
    assert sender.status == SenderStatus.ARCHIVED
    assert "Submit a revision" not in text_of(page.get(f"/senders/{sender.pk}/"))


def test_an_author_submits_revisions_and_registers_no_sender(workspace, author):
    page, sender = signed_in(author), factories.sender(workspace)
    assert page.post("/senders/new/", {"name": "Mine"}).status_code == 403
    assert page.post(f"/senders/{sender.pk}/archive/").status_code == 403
    assert page.post(f"/senders/{sender.pk}/revisions/", {"saddr": "Second"}).status_code == 302


@pytest.mark.parametrize("path", ["", "revisions/1/evidence/"])
def test_a_strangers_sender_does_not_exist(page, path):
    sender = factories.sender(factories.workspace())
    assert page.get(f"/senders/{sender.pk}/{path}").status_code == 404
    assert page.post(f"/senders/{sender.pk}/archive/").status_code == 404


def test_the_page_of_senders_asks_the_database_as_often_for_many_as_for_one(
    page, workspace, django_assert_max_num_queries
):
    for _ in range(12):
        factories.sender(workspace)
    with django_assert_max_num_queries(10):
        assert page.get("/senders/").content.count(b"status-approved") == 12


def test_a_revision_shows_what_it_changes_of_the_one_before(page, workspace, author):
    sender = factories.sender(workspace)
    transitions.submit_revision(sender.pk, saddr="Acme2", by=author, reason="Our new brand.")
    shown = text_of(page.get(f"/senders/{sender.pk}/"))
    assert "Changed since revision 1" in shown
    assert re.search(r"<del>.{0,60}Acme</del> <ins>.{0,60}Acme2</ins>", shown)
    assert re.search(r"<del>.{0,60}Our brand.</del> <ins>.{0,60}Our new brand.</ins>", shown)
    assert "Type of number" not in shown  # that stays
