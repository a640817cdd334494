import re

import pytest
from django.test import Client
from django.utils import timezone

from accounts.roles import Role
from campaigns import transitions
from reports import exports
from reports.models import Export
from tests import evidence, factories

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def browser(author):
    client = Client()
    client.force_login(author)
    return client


@pytest.fixture
def campaign(workspace):
    made = factories.sending(workspace, list=factories.ready_list(workspace, 120, chunk_size=50))
    outcomes = [evidence.DELIVERED, evidence.REFUSED]
    evidence.dispatched(made, lambda recipient: outcomes[recipient % 2], handed_over=[50, 10, 0])
    return made


def show_numbers(browser, campaign):
    browser.post(f"/campaigns/{campaign.pk}/numbers/", {"reason": "A complaint."})


def get(browser, campaign, name, query=""):
    response = browser.get(f"/campaigns/{campaign.pk}/{name}/{query}", headers=HTMX)
    assert response.status_code == 200
    return response


def find(browser, campaign, number):
    response = browser.post(f"/campaigns/{campaign.pk}/recipients/", {"to": number}, headers=HTMX)
    assert response.status_code == 200
    return response.text


def test_progress_polls_while_it_sends_and_stops_when_nothing_moves(browser, workspace, campaign):
    assert 'hx-trigger="every 2s, look"' in get(browser, campaign, "progress").text
    over = factories.done(workspace)
    evidence.dispatched(over)
    assert "hx-trigger" not in get(browser, over, "progress").text


def test_progress_shows_the_equation(browser, campaign):
    text = get(browser, campaign, "progress").text
    assert ">balances<" in text and "does not balance" not in text
    assert '<b id="count-accepted">120</b>' in text
    assert '<dd id="count-waiting">60</dd>' in text
    assert "50.0 %" in text


def test_a_campaign_that_moved_on_is_drawn_anew(browser, campaign):
    assert "HX-Refresh" not in get(browser, campaign, "progress", "?seen=sending").headers
    transitions.pause(campaign.pk, by=campaign.created_by)
    assert get(browser, campaign, "progress", "?seen=sending").headers["HX-Refresh"] == "true"


def test_fragments_need_no_inline_style_or_script(browser, campaign):
    for name in ("progress", "recipients", "errors", "exports"):
        text = get(browser, campaign, name).text
        assert "style=" not in text
        assert "<script" not in text


def test_recipients_lead_to_the_next_page(browser, campaign):
    show_numbers(browser, campaign)
    first = get(browser, campaign, "recipients").text
    assert "+31600000001" in first
    assert "+31600000051" not in first
    assert f"/campaigns/{campaign.pk}/recipients/?status=&amp;cursor=50" in first
    assert "+31600000051" in get(browser, campaign, "recipients", "?cursor=50").text


def test_recipients_are_filtered_and_found(browser, campaign):
    show_numbers(browser, campaign)
    assert "+31600000001" not in get(browser, campaign, "recipients", "?status=failed").text
    assert "+31600000120" in find(browser, campaign, "+31 6 0000 0120")
    assert "no such recipient" in find(browser, campaign, "31699999999")


def test_a_number_never_stands_in_an_address(browser, campaign):
    show_numbers(browser, campaign)
    shown = find(browser, campaign, "+31600000120")
    assert not re.search(r'(href|hx-get|hx-post|action)="[^"]*600000120', shown)
    assert "+31600000001" in get(browser, campaign, "recipients", "?to=31600000120").text  # which is not listened to


def test_a_bad_number_is_explained_beside_the_field(browser, campaign):
    text = find(browser, campaign, "06-abc")
    assert "is not a full number" in text
    assert 'value="06-abc"' in text


def test_what_was_typed_is_never_markup(browser, campaign):
    assert "<b>1" not in find(browser, campaign, "<b>1</b>")
    assert "<b>" not in get(browser, campaign, "recipients", "?status=<b>&cursor=<b>").text


def test_errors_are_explained(browser, campaign):
    text = get(browser, campaign, "errors").text
    assert "ESME_RINVDSTADR" in text
    assert "100.0 %" in text


def test_an_export_is_asked_for_by_a_button(browser, campaign):
    response = browser.post(f"/campaigns/{campaign.pk}/exports/", {"format": "csv"}, headers=HTMX, follow=True)
    export = Export.objects.get()
    assert (export.requested_by, export.campaign) == (response.wsgi_request.user, campaign)
    assert 'hx-trigger="every 2s, look"' in get(browser, campaign, "exports").text


@pytest.mark.django_db(transaction=True)
def test_a_ready_export_is_downloaded(browser, campaign):
    export = exports.request(campaign.pk, format="csv.gz", by=campaign.created_by)
    exports.write(export.pk, clock=timezone.now)
    address = f"/campaigns/{campaign.pk}/exports/{export.pk}/file/"
    text = get(browser, campaign, "exports").text
    assert address in text
    assert "every 2s" not in text
    file = browser.get(address)
    file.close()
    assert file.headers["Content-Type"] == "application/gzip"
    assert file.headers["Content-Disposition"].startswith("attachment;")
    assert file.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["progress", "course", "recipients", "errors", "content", "history", "exports"])
def test_strangers_get_404(campaign, name):
    client = Client()
    client.force_login(factories.member(factories.workspace(), Role.ADMIN))
    assert client.get(f"/campaigns/{campaign.pk}/{name}/", headers=HTMX).status_code == 404


def test_a_file_belongs_to_its_campaign(browser, workspace, campaign):
    export = exports.request(campaign.pk, format="csv", by=campaign.created_by)
    other = factories.done(workspace)
    assert browser.get(f"/campaigns/{other.pk}/exports/{export.pk}/file/").status_code == 404


def test_an_unfinished_file_is_no_page(browser, campaign):
    export = exports.request(campaign.pk, format="csv", by=campaign.created_by)
    response = browser.get(f"/campaigns/{campaign.pk}/exports/{export.pk}/file/", headers=HTMX)
    assert response.status_code == 409
    assert "The export is queued, not ready." in response.text


@pytest.mark.parametrize("name", ["progress", "course", "recipients", "errors", "content", "history", "exports"])
def test_each_fragment_is_a_page_without_htmx(browser, campaign, name):
    response = browser.get(f"/campaigns/{campaign.pk}/{name}/")
    assert response.status_code == 200
    assert "<html" in response.text
    assert campaign.name in response.text
