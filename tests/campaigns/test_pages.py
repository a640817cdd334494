import itertools
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Workspace
from audit.refusal import Refused
from campaigns import drafts, transitions, verbs
from campaigns.models import Campaign
from campaigns.statuses import MOVES, Mode, Status
from recipients import transitions as list_transitions
from tests import factories
from tests.pages import signed_in, text_of


@pytest.fixture
def page(author):
    return signed_in(author)


@pytest.fixture
def fields(workspace):
    factories.channel()
    sender, listed = factories.sender(workspace), factories.ready_list(workspace)
    return {
        **{"name": "Spring", "mode": "on_approval", "text": "Half price.\r\nToday."},
        **{"sender": sender.pk, "list": listed.pk},
    }


def test_a_campaign_is_written_on_one_page(page, workspace, fields):
    response = page.post("/campaigns/new/", fields)
    made = Campaign.objects.of(workspace).get()
    assert response.url == f"/campaigns/{made.pk}/"
    assert (made.status, made.text) == (Status.DRAFT, "Half price.\nToday.")


def test_times_are_typed_in_the_zone_of_the_workspace(page, workspace, fields):
    Workspace.objects.filter(pk=workspace.pk).update(time_zone="Asia/Tashkent")
    page.post("/campaigns/new/", {**fields, "mode": "scheduled", "send_at": "2099-07-01T15:00"})
    made = Campaign.objects.get()
    assert made.send_at.isoformat() == "2099-07-01T10:00:00+00:00"
    assert 'value="2099-07-01T15:00"' in text_of(page.get(f"/campaigns/{made.pk}/edit/"))


def test_a_time_that_the_mode_hides_does_not_count(page, fields):
    page.post("/campaigns/new/", {**fields, "send_at": "2001-01-01T00:00", "date_to": "nonsense"})
    made = Campaign.objects.get()
    assert (made.mode, made.send_at, made.date_to) == (Mode.ON_APPROVAL, None, None)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"text": "x" * 2000}, "the limit is 5"),
        ({"mode": "scheduled"}, "Say when to send it"),
        ({"mode": "scheduled", "send_at": "2001-01-01T00:00"}, "in the past"),
        ({"mode": "spread", "date_from": "2099-01-02T00:00", "date_to": "2099-01-01T00:00"}, "not after date_from"),
        ({"mode": "never"}, "is not one of the available choices"),
    ],
)
def test_what_is_wrong_stands_on_the_form_beside_what_was_typed(page, fields, given, message):
    response = page.post("/campaigns/new/", {**fields, **given})
    assert response.status_code == 400
    assert message in text_of(response) and 'value="Spring"' in text_of(response)
    assert not Campaign.objects.exists()


def test_only_approved_senders_of_the_workspace_can_be_chosen(page, workspace, fields):
    foreign = factories.sender(factories.workspace(), "Foreign")
    factories.sender(workspace, "Not yet", approved=False)
    shown = text_of(page.get("/campaigns/new/"))
    assert "Foreign" not in shown and "Not yet" not in shown
    assert page.post("/campaigns/new/", {**fields, "sender": foreign.pk}).status_code == 400


def test_only_lists_that_are_ready_and_not_archived_are_offered(page, workspace, author):
    ready, archived = factories.ready_list(workspace, name="Fresh"), factories.ready_list(workspace, name="Stale")
    factories.preparing_list(workspace, name="Half done")
    campaign = factories.draft(workspace, list=archived)
    list_transitions.archive(archived.pk, by=author, now=timezone.now())
    shown = text_of(page.get("/campaigns/new/"))
    assert f'<option value="{ready.pk}">Fresh</option>' in shown
    assert "Stale" not in shown and "Half done" not in shown
    assert f'<option value="{archived.pk}" selected>Stale</option>' in text_of(
        page.get(f"/campaigns/{campaign.pk}/edit/")
    )


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


def test_a_strangers_list_cannot_be_chosen(page, fields):
    foreign = factories.ready_list(factories.workspace())
    assert page.post("/campaigns/new/", {**fields, "list": foreign.pk}).status_code == 400


def test_a_draft_is_edited_and_nothing_else_is(page, workspace, fields):
    draft = factories.draft(workspace)
    page.post(f"/campaigns/{draft.pk}/edit/", {**fields, "name": "Summer"})
    draft.refresh_from_db()
    assert draft.name == "Summer"
    waiting = factories.in_review(workspace)
    response = page.post(f"/campaigns/{waiting.pk}/edit/", fields)
    assert response.status_code == 400 and "only a draft is edited" in text_of(response)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", '0 / 160 · <span class="">1 part'),
        ("a" * 161, '161 / 153 · <span class="">2 parts'),
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
