import itertools
from datetime import timedelta

import pytest
from django.utils import timezone

from audit.refusal import Refused
from campaigns import drafts, transitions, verbs
from campaigns.statuses import MOVES, Mode, Status
from tests import factories
from tests.pages import signed_in, text_of


@pytest.fixture
def page(author):
    return signed_in(author)


def test_the_page_of_a_list_is_told_which_campaigns_use_it(page, workspace, django_assert_max_num_queries):
    listed = factories.ready_list(workspace)
    assert "None yet." in text_of(page.get(f"/campaigns/with-list/{listed.pk}/"))
    campaigns = [factories.draft(workspace, list=listed) for _ in range(21)]
    other = factories.draft(workspace)
    with django_assert_max_num_queries(9):
        shown = text_of(page.get(f"/campaigns/with-list/{listed.pk}/"))
    assert str(campaigns[-1]) in shown and "The newest of 21." in shown
    assert f"/campaigns/{campaigns[0].pk}/" not in shown and f"/campaigns/{other.pk}/" not in shown


def test_the_campaigns_of_a_strangers_list_are_not_told(page):
    listed = factories.ready_list(factories.workspace())
    assert page.get(f"/campaigns/with-list/{listed.pk}/").status_code == 404


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", '<b>0 / 160</b> · <span class="">1 part'),
        ("a" * 161, '<b>161 / 153</b> · <span class="">2 parts'),
        ("é€", "3 / 160"),
        ("привет", "6 / 70"),
        ("a" * 800, "6 parts, at most 5"),
    ],
)
def test_the_counter_counts_as_the_carrier_does(page, text, shown):
    assert shown in text_of(page.post("/campaigns/counter/", {"text": text}))


VERBS = {
    "submit": lambda pk, by: transitions.submit(pk, by=by, now=timezone.now()),
    "withdraw": lambda pk, by: transitions.withdraw(pk, by=by),
    "revise": lambda pk, by: transitions.revise(pk, by=by),
    "pause": lambda pk, by: transitions.pause(pk, by=by),
    "resume": lambda pk, by: transitions.resume(pk, by=by, now=timezone.now()),
    "cancel": lambda pk, by: transitions.cancel(pk, by=by, now=timezone.now()),
    "archive": lambda pk, by: transitions.archive(pk, by=by, now=timezone.now()),
    "clone": lambda pk, by: drafts.clone(pk, by=by, now=timezone.now()),
}


@pytest.mark.parametrize(("status", "verb"), list(itertools.product(Status, VERBS)))
def test_a_button_is_offered_exactly_where_its_verb_is_not_refused(workspace, author, admin, status, verb):
    campaign = factories.campaign(workspace, status)
    offered = {choice.name for choice in verbs.offered(campaign, {"write"})}
    try:
        VERBS[verb](campaign.pk, author)
    except Refused:
        assert verb not in offered
    else:
        assert verb in offered


def test_every_button_is_known_to_the_table_of_moves():
    targets = {"pause": Status.PAUSED, "cancel": Status.CANCELLED, "resume": Status.SENDING}
    for verb in verbs.VERBS:
        assert all(targets.get(verb.name, was) in {was, *MOVES[was]} for was in verb.when)


@pytest.mark.parametrize(
    ("status", "verb", "to"),
    [
        (Status.DRAFT, "submit", Status.IN_REVIEW),
        (Status.REJECTED, "submit", Status.IN_REVIEW),
        (Status.REJECTED, "revise", Status.DRAFT),
        (Status.IN_REVIEW, "withdraw", Status.DRAFT),
        (Status.SENDING, "pause", Status.PAUSED),
        (Status.PAUSED, "resume", Status.SENDING),
        (Status.APPROVED, "cancel", Status.CANCELLED),
    ],
)
def test_a_button_moves_the_campaign(page, workspace, status, verb, to):
    campaign = factories.campaign(workspace, status)
    assert f"/campaigns/{campaign.pk}/{verb}/" in text_of(page.get(f"/campaigns/{campaign.pk}/"))
    page.post(f"/campaigns/{campaign.pk}/{verb}/")
    campaign.refresh_from_db()
    assert campaign.status == to


def test_archiving_puts_a_campaign_away_and_restoring_brings_it_back(page, workspace):
    campaign = factories.cancelled(workspace)
    page.post(f"/campaigns/{campaign.pk}/archive/")
    assert campaign.name not in text_of(page.get("/campaigns/"))
    assert campaign.name in text_of(page.get("/campaigns/?archived=1"))
    page.post(f"/campaigns/{campaign.pk}/restore/")
    assert campaign.name in text_of(page.get("/campaigns/"))


def test_a_refused_button_leaves_a_message_on_the_page_that_was_left(page, workspace):
    campaign = factories.draft(workspace)
    here = f"/campaigns/{campaign.pk}/"
    response = page.post(f"{here}pause/", HTTP_REFERER=f"http://testserver{here}", follow=True)
    assert f"{campaign} is draft." in text_of(response)
    response = page.post(f"{here}pause/", HTTP_HX_REQUEST="true")
    assert response.status_code == 409 and "alert-danger" in text_of(response)


def test_a_refusal_is_shown_as_text_and_never_as_markup(page, workspace):
    campaign = factories.draft(workspace, name="<b>Spring</b>")
    response = page.post(f"/campaigns/{campaign.pk}/pause/", HTTP_HX_REQUEST="true")
    assert "&lt;b&gt;Spring&lt;/b&gt; is draft." in text_of(response)


@pytest.mark.parametrize("verb", [*VERBS, "restore"])
def test_a_button_is_pressed_by_post_and_only_by_those_who_write(page, workspace, moderator, verb):
    campaign = factories.draft(workspace)
    assert page.get(f"/campaigns/{campaign.pk}/{verb}/").status_code == 405
    assert signed_in(moderator).post(f"/campaigns/{campaign.pk}/{verb}/").status_code == 403
    foreign = factories.draft(factories.workspace())
    assert page.post(f"/campaigns/{foreign.pk}/{verb}/").status_code == 404


def test_a_moderator_sees_no_buttons_of_an_author(workspace, moderator):
    campaign = factories.draft(workspace)
    assert "/submit/" not in text_of(signed_in(moderator).get(f"/campaigns/{campaign.pk}/"))


def test_the_author_reads_why_it_was_rejected(page, workspace):
    campaign = factories.rejected(workspace, "Name the shop.")
    assert "Name the shop." in text_of(page.get(f"/campaigns/{campaign.pk}/"))
    assert "Name the shop." in text_of(page.get(f"/campaigns/{campaign.pk}/decisions/"))


def test_the_history_tells_who_did_what(page, workspace):
    campaign = factories.approved(workspace)
    shown = text_of(page.get(f"/campaigns/{campaign.pk}/?tab=history"))
    for words in ("Draft written", "Submitted for review", "Approved and sealed"):
        assert words in shown


def test_a_strangers_campaign_does_not_exist(page):
    foreign = factories.draft(factories.workspace())
    for path in ("", "edit/", "decisions/"):
        assert page.get(f"/campaigns/{foreign.pk}/{path}").status_code == 404


def test_the_campaign_page_shows_when_it_starts(page, workspace):
    at = timezone.now() + timedelta(days=1)
    campaign = factories.approved(workspace, mode=Mode.SCHEDULED, send_at=at)
    assert f"{at:%-d %b %Y, %H:%M}" in text_of(page.get(f"/campaigns/{campaign.pk}/"))
