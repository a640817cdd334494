"""A test send on the page and over the API, with what became of each phone; and nowhere else."""

import pytest
from django.utils import timezone

from accounts.roles import Role
from campaigns import transitions
from campaigns.models import Campaign
from delivery import due, reasons
from delivery.models import Chunk, Tally
from delivery.statuses import MessageState
from recipients.models import RecipientList, TrialPhone
from reports import trials
from tests import evidence, factories
from tests.pages import signed_in

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}


def page_of(campaign):
    return f"/campaigns/{campaign.pk}/trial/"


def api_of(campaign):
    return f"/api/v1/campaigns/{campaign.pk}/trials/"


def answered(trial, outcome):
    """Its dispatch is over, as `outcome` says."""
    due.tick(now=timezone.now())
    Chunk.objects.filter(campaign=trial).delete()
    trial.refresh_from_db()
    evidence.dispatched(Campaign.objects.select_related("list").get(pk=trial.pk), outcome)
    return trial


def results_of(campaign):
    [trial] = trials.of(campaign, now=timezone.now())
    return [(result.term, result.error and result.error.code) for result in trial.results]


def chosen(workspace, phone):
    """As the form names it: not by its number."""
    return TrialPhone.objects.of(workspace).get(phone=phone).pk


def test_the_page_sends_a_test_with_and_without_htmx_and_shows_the_results(workspace, author):
    campaign, phone = factories.draft(workspace), factories.trial_phone(workspace, whose="Ann")
    ours = signed_in(author)
    page = ours.get(page_of(campaign), **HTMX).content.decode()
    assert "<html" not in page and "Ann" in page and "50 of 50 test messages" in page
    sent = ours.post(page_of(campaign), {"to": [chosen(workspace, phone)]})
    assert sent.status_code == 302
    page = ours.get(page_of(campaign)).content.decode()
    assert "<html" in page and "On its way" in page and "49 of 50" in page
    page = ours.post(page_of(campaign), {"to": [chosen(workspace, phone)]}, **HTMX).content.decode()
    assert page.count("On its way") == 2 and "The test is on its way." in page and 'hx-trigger="every 2s"' in page


def test_what_is_refused_stands_in_the_form_and_what_was_typed_is_kept(workspace, author):
    campaign = factories.draft(workspace, text="Dear {name}", list=factories.uploading_list(workspace))
    phone = factories.trial_phone(workspace)
    ours = signed_in(author)
    assert ours.post(page_of(campaign), {}).status_code == 400
    answer = ours.post(page_of(campaign), {"to": [chosen(workspace, phone)]})
    assert answer.status_code == 400 and "type a value for it" in answer.content.decode()
    answer = ours.post(page_of(campaign), {"to": ["+31699999999"], "value_0": "Eve"}, **HTMX)
    assert answer.status_code == 200 and 'value="Eve"' in answer.content.decode()
    assert not Campaign.objects.trials_of(campaign).exists()


def test_a_moderator_sees_the_tests_and_sends_none(workspace, moderator):
    campaign = factories.in_review(workspace)
    factories.trial(workspace, of=campaign)
    theirs = signed_in(moderator)
    page = theirs.get(page_of(campaign)).content.decode()
    assert "On its way" in page and "Send a test" not in page
    assert theirs.post(page_of(campaign), {"to": ["+31612345678"]}).status_code == 403


def test_the_steps_and_the_page_of_a_draft_place_it_and_that_of_a_finished_campaign_does_not(workspace, author):
    ours, draft = signed_in(author), factories.draft(workspace)
    for address in ("", "message/", "review/"):
        page = ours.get(f"/campaigns/{draft.pk}/{'edit/' if address else ''}{address}").content.decode()
        assert page_of(draft) in page, address
    done = factories.done(workspace)
    assert page_of(done) not in ours.get(f"/campaigns/{done.pk}/").content.decode()
    assert "No test was sent" in ours.get(page_of(done)).content.decode()


def test_what_goes_out_is_the_saved_text_and_without_one_there_is_nothing_to_send(workspace, author):
    campaign, ours = factories.draft(workspace, text="Half price till Sunday."), signed_in(author)
    factories.trial_phone(workspace)
    assert "Half price till Sunday." in ours.get(page_of(campaign), **HTMX).content.decode()
    Campaign.objects.filter(pk=campaign.pk).update(text="")
    page = ours.get(page_of(campaign), **HTMX).content.decode()
    assert "Write a text and save it" in page and "<button" not in page


def test_without_a_phone_or_with_tests_switched_off_the_page_says_so(workspace, author, settings):
    campaign, ours = factories.draft(workspace), signed_in(author)
    assert "There is no test phone yet" in ours.get(page_of(campaign)).content.decode()
    settings.TRIALS_PER_DAY = 0
    assert "switched off" in ours.get(page_of(campaign)).content.decode()


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (evidence.PENDING, ("pending", None)),
        (evidence.DELIVERED, ("delivered", None)),
        (evidence.REFUSED, ("failed", "0x0000000B")),
        (evidence.UNDELIVERABLE, ("failed", "034")),
        (evidence.UNANSWERED, ("uncertain", None)),
        (evidence.OPTED_OUT, ("suppressed", None)),
    ],
)
def test_each_phone_shows_what_became_of_it_with_code_and_words(workspace, author, outcome, expected):
    campaign = factories.draft(workspace)
    answered(factories.trial(workspace, of=campaign), outcome)
    assert results_of(campaign) == [expected]
    page = signed_in(author).get(f"/campaigns/{campaign.pk}/trials/", **HTMX).content.decode()
    assert f"status-{expected[0]}" in page
    assert expected[1] is None or expected[1] in page


def test_a_test_that_was_stopped_says_why_and_is_not_on_its_way(workspace, author):
    campaign = factories.draft(workspace)
    trial = factories.trial(workspace, of=campaign)
    due.tick(now=timezone.now())
    transitions.pause(trial.pk, by=None, reason=reasons.DAY_LIMIT % {"parts": 1})
    page = signed_in(author).get(f"/campaigns/{campaign.pk}/trials/", **HTMX).content.decode()
    assert "limit for a day is reached: 1 parts" in page and "Not sent" in page and "On its way" not in page


def test_the_results_cost_as_many_questions_however_many_there_are(workspace, author, django_assert_num_queries):
    campaign = factories.draft(workspace)
    for _ in range(3):
        answered(factories.trial(workspace, 2, of=campaign), evidence.DELIVERED)
    with django_assert_num_queries(4):
        assert len(trials.of(campaign, now=timezone.now())) == 3


def test_a_program_sends_a_test_and_reads_what_became_of_it(workspace, api):
    campaign, phone = factories.draft(workspace), factories.trial_phone(workspace)
    made = api.post(api_of(campaign), {"to": [f"+{phone}"]})
    assert made.status_code == 202
    assert [row["status"] for row in made.json()["results"]] == ["waiting"]
    answered(Campaign.objects.get(pk=made.json()["id"]), evidence.DELIVERED)
    [trial] = api.get(api_of(campaign)).json()["results"]
    assert trial["id"] == made.json()["id"]
    assert [(row["to"], row["status"], row["parts"]) for row in trial["results"]] == [(f"+{phone}", "delivered", 1)]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"to": []}, 400),
        ({"to": ["+31612345678"] * 6}, 400),
        ({"to": ["+31612345678"]}, 409),
        ({"to": ["+31612345678"], "text": "Free."}, 400),
    ],
)
def test_what_a_program_may_not_is_said(workspace, api, body, status):
    assert api.post(api_of(factories.draft(workspace)), body).status_code == status


def test_a_test_is_no_campaign_and_its_list_no_list(workspace, api, admin):
    campaign = factories.draft(workspace)
    trial = answered(factories.trial(workspace, of=campaign), evidence.DELIVERED)
    assert [row["id"] for row in api.get("/api/v1/campaigns/").json()["results"]] == [campaign.pk]
    assert trial.list_id not in [row["id"] for row in api.get("/api/v1/lists/").json()["results"]]
    for address in (f"campaigns/{trial.pk}/", f"campaigns/{trial.pk}/recipients/", f"lists/{trial.list_id}/"):
        assert api.get(f"/api/v1/{address}").status_code == 404
    for verb in ("submit", "pause", "resume", "cancel"):
        assert api.post(f"/api/v1/campaigns/{trial.pk}/{verb}/").status_code == 404
    ours = signed_in(admin)
    assert f"/campaigns/{trial.pk}/" not in ours.get("/campaigns/").content.decode()
    assert ours.get(f"/campaigns/{trial.pk}/").status_code == 404
    totals = api.get(f"/api/v1/campaigns/{campaign.pk}/").json()["totals"]
    assert (totals["delivered"], totals["accepted"]) == (0, 3)
    assert Tally.objects.filter(campaign=trial, state=MessageState.DELIVERED).exists()


def test_the_desk_has_no_test_among_campaigns_and_judges_none(workspace):
    trial = factories.trial(workspace)
    desk = signed_in(factories.member(workspace, Role.MODERATOR, user=factories.user(is_staff=True)))
    assert trial.name not in desk.get("/admin/campaigns/campaign/").content.decode()
    assert desk.get(f"/admin/campaigns/campaign/{trial.pk}/change/").status_code in (302, 404)
    assert desk.get(f"/admin/moderation/campaigninreview/{trial.pk}/change/").status_code in (302, 404)
    assert RecipientList.objects.filter(pk=trial.list_id, is_trial=True).exists()
