"""Texts that a workspace keeps: on pages, in the wizard and over the API. A campaign takes a copy."""

import pytest

from accounts.roles import Role
from audit.models import Entry
from campaigns.models import Campaign, SavedText
from tests import factories
from tests.pages import signed_in, text_of

pytestmark = pytest.mark.django_db
API, PAGE = "/api/v1/templates/", "/campaigns/texts/"
TEXT = "Dear {name|friend}, all at half price."


def test_a_program_keeps_changes_and_removes_texts(as_author):
    kept = as_author.post(API, {"name": "Sale", "text": TEXT})
    assert (kept.status_code, kept.json()["placeholders"]) == (201, ["name"])
    one = f"{API}{kept.json()['id']}/"
    assert as_author.patch(one, {"text": "Half price."}).json()["text"] == "Half price."
    assert [row["name"] for row in as_author.get(API).json()["results"]] == ["Sale"]
    assert as_author.delete(one).status_code == 204
    assert as_author.get(one).status_code == 404


def test_the_ledger_knows_who_did_it_and_holds_no_text(as_author):
    pk = as_author.post(API, {"name": "Sale", "text": TEXT}).json()["id"]
    as_author.patch(f"{API}{pk}/", {"name": "Sale, spring"})
    as_author.delete(f"{API}{pk}/")
    entries = Entry.objects.filter(subject_type="savedtext").order_by("seq")
    assert [entry.action for entry in entries] == ["savedtext.kept", "savedtext.changed", "savedtext.removed"]
    assert not any("half price" in str((entry.before, entry.after)) for entry in entries)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"name": "Sale", "text": " "}, "text_missing"),
        ({"name": "Sale", "text": "Dear {}."}, "bad_placeholder"),
        ({"name": "Taken", "text": TEXT}, "name_taken"),
    ],
)
def test_what_could_be_no_campaigns_text_and_a_name_twice_are_refused(as_author, workspace, author, body, code):
    factories.saved_text(workspace, "Taken", by=author)
    answer = as_author.post(API, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, code)
    assert SavedText.objects.count() == 1


def test_a_moderator_reads_them_and_changes_none(workspace, as_moderator):
    row = factories.saved_text(workspace)
    assert as_moderator.get(f"{API}{row.pk}/").status_code == 200
    assert as_moderator.patch(f"{API}{row.pk}/", {"name": "Mine"}).status_code == 403
    page = signed_in(factories.member(workspace, Role.MODERATOR))
    assert row.name in text_of(page.get(PAGE)) and "Keep a text" not in text_of(page.get(PAGE))


def test_an_author_keeps_one_on_a_page(workspace, author):
    page = signed_in(author)
    assert "No text is kept yet" in text_of(page.get(PAGE))
    assert page.post(f"{PAGE}new/", {"name": "Sale", "text": "One\r\nTwo"}).url == PAGE
    row = SavedText.objects.get()
    assert row.text == "One\nTwo"
    wrong = page.post(f"{PAGE}{row.pk}/", {"name": "Sale", "text": "Dear {}."})
    assert wrong.status_code == 400 and "names no column" in text_of(wrong)
    page.post(f"{PAGE}{row.pk}/", {"name": "Sale", "text": "Three"})
    assert SavedText.objects.get().text == "Three"
    page.post(f"{PAGE}{row.pk}/remove/")
    assert not SavedText.objects.exists()


def test_a_campaign_begins_with_one_and_takes_a_copy(workspace, author):
    row, campaign = factories.saved_text(workspace, text="All at half price."), factories.draft(workspace, by=author)
    page, step = signed_in(author), f"/campaigns/{campaign.pk}/edit/message/"
    assert "Begin with a saved text" in text_of(page.get(step))
    shown = page.post(step, {"sender": campaign.sender_id, "text": "typed", "saved": row.pk})
    assert (shown.status_code, row.text in text_of(shown)) == (200, True)
    assert Campaign.objects.get(pk=campaign.pk).text == campaign.text  # it is only shown
    page.post(step, {"sender": campaign.sender_id, "text": row.text, "go": "leave"})
    page.post(f"{PAGE}{row.pk}/", {"name": row.name, "text": "Another one."})
    assert Campaign.objects.get(pk=campaign.pk).text == row.text


def test_one_of_another_workspace_is_not_there(workspace, author):
    foreign, campaign = factories.saved_text(factories.workspace()), factories.draft(workspace, by=author)
    step = f"/campaigns/{campaign.pk}/edit/message/"
    assert signed_in(author).post(step, {"text": "typed", "saved": foreign.pk}).status_code == 404
