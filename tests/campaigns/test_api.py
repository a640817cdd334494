from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import Entry
from campaigns.models import Campaign
from campaigns.statuses import EDITABLE, FINISHED, MOVES, Status
from channels.models import Channel
from tests import factories

HOUR = timedelta(hours=1)


def at(**delta):
    return (timezone.now() + timedelta(**delta)).isoformat()


@pytest.fixture
def body(workspace):
    factories.channel()
    return {
        "name": "Spring sale",
        "mode": "on_approval",
        "text": "Everything at half price.",
        "sender": factories.sender(workspace).pk,
        "list": factories.ready_list(workspace, 5).pk,
    }


def create(client, body, **changes):
    return client.post("/api/v1/campaigns/", {**body, **changes})


def move(client, campaign, verb, **words):
    return client.post(f"/api/v1/campaigns/{campaign.pk}/{verb}/", words)


def code_of(response):
    return response.json()["error"]["code"]


def message_of(response):
    return response.json()["error"]["message"]


# --- Writing ----------------------------------------------------------------------------------------------------------


def test_a_campaign_begins_as_a_draft_bound_to_the_approved_revision(as_author, author, body):
    response = create(as_author, body)
    assert response.status_code == 201
    made = Campaign.objects.get(pk=response.json()["id"])
    assert (made.status, made.created_by, made.channel) == (Status.DRAFT, author, Channel.objects.get())
    shown = response.json()
    assert (shown["revision"], shown["parts"], shown["encoding"]) == (1, 1, "gsm7")
    assert shown["public_id"] == str(made.public_id)


def test_a_sender_without_an_approved_revision_makes_no_campaign(api, workspace, body):
    pending = factories.sender(workspace, "New shop", approved=False)
    factories.revision(pending, approved=False)
    response = create(api, body, sender=pending.pk)
    assert (response.status_code, code_of(response)) == (409, "sender_not_approved")
    assert message_of(response) == "The sender “New shop” has no approved revision."
    assert not Campaign.objects.exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [("a" * (153 * 5 + 1), "6 GSM parts long; the limit is 5"), ("я" * (67 * 5 + 1), "6 UCS-2 parts long")],
)
def test_a_text_over_the_part_limit_is_refused_with_both_numbers(api, body, text, says):
    response = create(api, body, text=text)
    assert (response.status_code, code_of(response)) == (409, "text_too_long")
    assert says in message_of(response)


@pytest.mark.parametrize("text", ["a" * 153 * 5, "я" * 67 * 5])
def test_a_text_of_exactly_the_limit_is_taken(api, body, text):
    assert create(api, body, text=text).json()["parts"] == 5


@pytest.mark.parametrize("text", ["", "   "])
def test_an_empty_text_is_refused(api, body, text):
    assert create(api, body, text=text).status_code in {400, 409}
    assert not Campaign.objects.exists()


def test_a_window_that_ends_before_it_begins_is_refused(api, body):
    response = create(api, body, mode="spread", date_from=at(hours=2), date_to=at(hours=1))
    assert (response.status_code, code_of(response)) == (409, "bad_window")
    assert message_of(response) == "date_to is not after date_from."


@pytest.mark.parametrize(
    "times",
    [
        {"mode": "scheduled", "send_at": at(minutes=-1)},
        {"mode": "spread", "date_from": at(minutes=-1), "date_to": at(hours=1)},
        {"not_after": at(minutes=-1)},
    ],
)
def test_a_time_in_the_past_is_refused(api, body, times):
    response = create(api, body, **times)
    assert (response.status_code, code_of(response)) == (409, "time_in_the_past")


@pytest.mark.parametrize(
    ("times", "code"),
    [
        ({"mode": "scheduled"}, "send_at_missing"),
        ({"mode": "spread", "date_from": at(hours=1)}, "window_missing"),
        ({"mode": "on_approval", "send_at": at(hours=1)}, "wrong_time_field"),
        ({"mode": "scheduled", "send_at": at(hours=2), "not_after": at(hours=1)}, "bad_deadline"),
        (
            {"mode": "spread", "date_from": at(hours=1), "date_to": at(hours=3), "not_after": at(hours=2)},
            "bad_deadline",
        ),
    ],
)
def test_times_belong_to_the_mode_and_stand_in_order(api, body, times, code):
    response = create(api, body, **times)
    assert (response.status_code, code_of(response)) == (409, code)


def test_a_time_without_an_offset_is_refused(api, body):
    response = create(api, body, mode="scheduled", send_at="2099-03-01T09:00:00")
    assert response.status_code == 400
    assert "offset" in response.json()["error"]["fields"]["send_at"][0]


def test_a_time_with_any_offset_is_that_instant(api, body):
    response = create(api, body, mode="scheduled", send_at="2099-03-01T09:00:00+05:00")
    assert response.json()["send_at"] == "2099-03-01T04:00:00Z"


def test_a_mode_that_is_none_is_refused_with_those_that_are(api, body):
    response = create(api, body, mode="whenever")
    assert response.status_code == 400
    assert response.json()["error"]["fields"]["mode"] == [
        "“whenever” is not a mode: write on_approval, scheduled, spread, trigger."
    ]


def test_a_channel_that_is_switched_off_is_not_there(api, body):
    off = factories.channel("off", is_default=False, is_active=False)
    assert list(create(api, body, channel=off.pk).json()["error"]["fields"]) == ["channel"]


@pytest.mark.parametrize("name", ["status", "seal", "approved_at", "workspace", "created_by", "round"])
def test_nobody_writes_what_the_verbs_write(api, body, name):
    response = create(api, body, **{name: "approved"})
    assert list(response.json()["error"]["fields"]) == [name]


def test_a_patch_changes_what_it_names_and_keeps_the_rest(api, workspace):
    draft = factories.draft(workspace, text="Half price.")
    response = api.patch(f"/api/v1/campaigns/{draft.pk}/", {"name": "Summer sale"})
    assert response.status_code == 200
    draft.refresh_from_db()
    assert (draft.name, draft.text) == ("Summer sale", "Half price.")


def test_a_deadline_that_is_only_the_end_of_the_window_moves_with_it(api, body):
    window = {"mode": "spread", "date_from": at(hours=1), "date_to": at(hours=3)}
    campaign = create(api, body, **window).json()
    for hours in (4, 2):
        changed = api.patch(f"/api/v1/campaigns/{campaign['id']}/", {"date_to": at(hours=hours)})
        assert changed.status_code == 200, changed.json()
        assert changed.json()["not_after"] == changed.json()["date_to"]
    now = {"mode": "on_approval", "date_from": None, "date_to": None}
    assert api.patch(f"/api/v1/campaigns/{campaign['id']}/", now).json()["not_after"] is None


def test_a_deadline_that_the_author_gave_stays(api, body):
    window = {"mode": "spread", "date_from": at(hours=1), "date_to": at(hours=3), "not_after": at(hours=4)}
    campaign = create(api, body, **window).json()
    url = f"/api/v1/campaigns/{campaign['id']}/"
    assert api.patch(url, {"date_to": at(hours=2)}).json()["not_after"] == campaign["not_after"]
    assert code_of(api.patch(url, {"date_to": at(hours=5)})) == "bad_deadline"


def test_a_patch_is_judged_as_a_whole(api, workspace):
    draft = factories.draft(workspace)
    response = api.patch(f"/api/v1/campaigns/{draft.pk}/", {"mode": "scheduled"})
    assert code_of(response) == "send_at_missing"
    draft.refresh_from_db()
    assert draft.mode == "on_approval"


@pytest.mark.parametrize("status", sorted(set(Status) - EDITABLE))
def test_content_is_immutable_outside_draft(api, workspace, status):
    campaign = factories.campaign(workspace, status)
    response = api.patch(f"/api/v1/campaigns/{campaign.pk}/", {"text": "Something else."})
    assert (response.status_code, code_of(response)) == (409, "wrong_status")
    assert Campaign.objects.get(pk=campaign.pk).text == campaign.text


# --- Moving -----------------------------------------------------------------------------------------------------------


def test_a_list_that_is_not_ready_is_not_submitted(api, workspace, body):
    for row in (factories.uploading_list(workspace), factories.failed_list(workspace)):
        made = Campaign.objects.get(pk=create(api, body, list=row.pk).json()["id"])
        response = move(api, made, "submit")
        assert (response.status_code, code_of(response)) == (409, "list_not_ready")
        assert row.name in message_of(response)


def test_a_draft_without_a_list_is_not_submitted(api, body):
    body.pop("list")
    made = Campaign.objects.get(pk=create(api, body).json()["id"])
    assert code_of(move(api, made, "submit")) == "list_missing"


def test_a_minute_that_passed_while_it_was_a_draft_is_seen_at_submission(api, workspace):
    now = timezone.now()
    draft = factories.draft(workspace, mode="scheduled", send_at=now - HOUR, now=now - 2 * HOUR)
    assert code_of(move(api, draft, "submit")) == "time_in_the_past"


def test_a_rejected_campaign_shows_why_and_goes_back_to_review(as_author, workspace):
    campaign = factories.rejected(workspace, reason="Name the shop.")
    shown = as_author.get(f"/api/v1/campaigns/{campaign.pk}/").json()
    assert (shown["status"], shown["rejection_reason"]) == ("rejected", "Name the shop.")
    assert move(as_author, campaign, "revise").json()["status"] == "draft"
    as_author.patch(f"/api/v1/campaigns/{campaign.pk}/", {"text": "Shop: half price."})
    assert move(as_author, campaign, "submit").json()["status"] == "in_review"


def test_a_campaign_is_withdrawn_paused_resumed_and_cancelled(as_author, workspace):
    waiting, running = factories.in_review(workspace), factories.sending(workspace)
    assert move(as_author, waiting, "withdraw").json()["status"] == "draft"
    paused = move(as_author, running, "pause", reason="A typo.").json()
    assert (paused["status"], paused["stopped_because"]) == ("paused", "A typo.")
    assert move(as_author, running, "resume").json()["status"] == "sending"
    cancelled = move(as_author, running, "cancel").json()
    assert cancelled["status"] == "cancelled"
    assert cancelled["finished_at"] is not None


VERBS = {
    "submit": {Status.DRAFT, Status.REJECTED},
    "withdraw": {Status.IN_REVIEW},
    "revise": {Status.REJECTED},
    "pause": {Status.SENDING},
    "resume": {Status.PAUSED},
    "cancel": {was for was in Status if Status.CANCELLED in MOVES[was]},
    "archive": FINISHED | {Status.DRAFT, Status.REJECTED},
}


@pytest.mark.parametrize("was", Status)
def test_a_verb_from_a_status_that_does_not_have_it_changes_nothing(api, workspace, was):
    campaign = factories.campaign(workspace, was)
    entries = Entry.objects.count()
    for verb in (verb for verb, origins in VERBS.items() if was not in origins):
        response = move(api, campaign, verb)
        assert (verb, response.status_code, code_of(response)) == (verb, 409, "wrong_status")
    assert Campaign.objects.get(pk=campaign.pk).status == was
    assert Entry.objects.count() == entries


@pytest.mark.parametrize("status", FINISHED)
def test_a_finished_campaign_is_archived_and_restored(api, workspace, status):
    campaign = factories.campaign(workspace, status)

    def listed(query=""):
        return [row["id"] for row in api.get(f"/api/v1/campaigns/{query}").json()["results"]]

    move(api, campaign, "archive")
    assert (listed(), listed("?archived=true")) == ([], [campaign.pk])
    move(api, campaign, "restore")
    assert (listed(), listed("?archived=true")) == ([campaign.pk], [])


def test_a_moderator_moves_no_campaign_of_an_author(as_moderator, workspace):
    draft = factories.draft(workspace)
    for verb in VERBS:
        assert move(as_moderator, draft, verb).status_code == 403


def test_a_verb_takes_no_words_that_it_does_not_know(api, workspace):
    response = move(api, factories.draft(workspace), "submit", force=True)
    assert list(response.json()["error"]["fields"]) == ["force"]
