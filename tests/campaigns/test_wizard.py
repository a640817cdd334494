"""A campaign is written in five steps, each kept in its draft."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import User, Workspace
from audit.models import Entry
from audit.refusal import Refused
from campaigns import drafts, transitions
from campaigns.models import Campaign
from campaigns.statuses import Mode, Status
from tests import factories
from tests.pages import signed_in, text_of


@pytest.fixture
def page(author):
    return signed_in(author)


@pytest.fixture
def sender(workspace):
    factories.channel()
    return factories.sender(workspace, "Shop")


@pytest.fixture
def begun(page, sender):
    page.post("/campaigns/new/", {"name": "Spring", "mode": "scheduled"})
    return Campaign.objects.get()


def at(campaign, step=""):
    return f"/campaigns/{campaign.pk}/edit/{step and f'{step}/'}"


def test_the_whole_way_leads_from_step_to_step_and_ends_in_review(page, workspace, sender):
    listed = factories.ready_list(workspace)
    answer = page.post("/campaigns/new/", {"name": "Spring", "mode": "scheduled", "go": "next"})
    made = Campaign.objects.get()
    assert answer.url == at(made, "message")
    answer = page.post(answer.url, {"sender": sender.pk, "text": "Half price.\r\nToday.", "go": "next"})
    assert answer.url == at(made, "recipients")
    answer = page.post(answer.url, {"list": listed.pk, "go": "next"})
    assert answer.url == at(made, "time")
    answer = page.post(answer.url, {"send_at": "2099-07-01T15:00", "carrier": "", "go": "next"})
    assert answer.url == at(made, "review")
    shown = page.get(answer.url)
    assert "1 Jul 2099, 15:00" in text_of(shown) and "Shop" in text_of(shown)
    page.post(at(made, "submit"), {"seen": seen_on(shown)})
    made.refresh_from_db()
    assert (made.status, made.text, made.list) == (Status.IN_REVIEW, "Half price.\nToday.", listed)


def seen_on(response):
    return text_of(response).partition('name="seen" value="')[2].partition('"')[0]


def test_a_draft_leads_to_its_first_step_that_is_not_complete(page, workspace, begun, sender):
    assert page.get(at(begun)).url == at(begun, "message")
    page.post(at(begun, "message"), {"sender": sender.pk, "text": "Hello", "go": "leave"})
    assert page.get(at(begun)).url == at(begun, "recipients")
    page.post(at(begun, "recipients"), {"list": factories.ready_list(workspace).pk})
    assert page.get(at(begun)).url == at(begun, "time")
    page.post(at(begun, "time"), {"send_at": "2099-01-01T10:00"})
    assert page.get(at(begun)).url == at(begun, "review")


@pytest.mark.parametrize(
    ("go", "leads"),
    [
        ("next", "/edit/recipients/"),
        ("back", "/edit/mode/"),
        ("leave", "/"),
        ("time", "/edit/time/"),
        ("no", "/edit/recipients/"),
    ],
)
def test_a_button_keeps_the_step_and_leads_where_it_says(page, begun, sender, go, leads):
    answer = page.post(at(begun, "message"), {"sender": sender.pk, "text": "Hello", "go": go})
    assert answer.url == f"/campaigns/{begun.pk}{leads}"
    begun.refresh_from_db()
    assert begun.text == "Hello"


@pytest.mark.parametrize("step", ["message", "recipients", "time"])
def test_what_is_missing_is_asked_of_whoever_goes_on_and_of_nobody_who_leaves(page, begun, sender, step):
    given = {"sender": sender.pk} if step == "message" else {}
    assert page.post(at(begun, step), {**given, "go": "next"}).status_code == 400
    assert page.post(at(begun, step), {**given, "go": "leave"}).status_code == 302


@pytest.mark.parametrize(
    ("step", "given", "wrong"),
    [
        ("mode", {"name": "", "mode": "spread"}, ("name", "required")),
        ("mode", {"name": "A", "mode": "never"}, ("mode", "not one of the available choices")),
        ("message", {"text": "x" * 2000}, ("text", "the limit is 5")),
        ("message", {"text": "Dear {name"}, ("text", "does not close")),
        ("time", {"send_at": "2001-01-01T00:00"}, ("send_at", "in the past")),
        (
            "time",
            {"send_at": "2099-01-02T00:00", "not_after": "2099-01-01T00:00"},
            ("not_after", "before the campaign"),
        ),
        ("time", {"send_at": "soon"}, ("send_at", "Enter a valid date")),
    ],
)
def test_what_is_wrong_stands_beside_its_field_with_what_was_typed(begun, author, step, given, wrong):
    page, sender = signed_in(author), begun.sender
    for go in ("next", "leave"):
        answer = page.post(at(begun, step), {"sender": sender.pk, **given, "go": go})
        assert answer.status_code == 400
        assert wrong[1] in str(answer.context["form"].errors[wrong[0]])
        assert all(value in text_of(answer) for value in given.values() if value not in ("never", ""))


def test_times_are_typed_in_the_zone_of_the_workspace_with_utc_beside_them(page, workspace, begun):
    Workspace.objects.filter(pk=workspace.pk).update(time_zone="Asia/Tashkent")
    page.post(at(begun, "time"), {"send_at": "2099-07-01T15:00"})
    begun.refresh_from_db()
    assert begun.send_at.isoformat() == "2099-07-01T10:00:00+00:00"
    assert 'value="2099-07-01T15:00"' in text_of(page.get(at(begun, "time")))
    assert "1 Jul, 10:00 UTC" in text_of(page.get(at(begun, "review")))


def test_another_mode_forgets_the_times_that_it_has_not(page, begun):
    page.post(at(begun, "time"), {"send_at": "2099-07-01T15:00"})
    page.post(at(begun, "mode"), {"name": "Spring", "mode": "spread"})
    begun.refresh_from_db()
    assert (begun.mode, begun.send_at) == (Mode.SPREAD, None)
    shown = text_of(page.get(at(begun, "time")))
    assert 'name="date_from"' in shown and 'name="send_at"' not in shown


def test_half_a_window_is_kept_until_the_other_half_is_known(page, workspace, sender):
    page.post("/campaigns/new/", {"name": "Spring", "mode": "spread"})
    made = Campaign.objects.get()
    assert page.post(at(made, "time"), {"date_from": "2099-07-01T15:00", "go": "leave"}).status_code == 302
    made.refresh_from_db()
    assert made.date_from is not None and made.date_to is None


def test_only_senders_and_lists_of_the_workspace_can_be_chosen(page, workspace, begun):
    foreign = factories.workspace()
    not_yet = factories.sender(workspace, "Not yet", approved=False)
    for sender in (factories.sender(foreign, "Foreign"), not_yet):
        assert page.post(at(begun, "message"), {"sender": sender.pk, "text": "a"}).status_code == 400
    assert page.post(at(begun, "recipients"), {"list": factories.ready_list(foreign).pk}).status_code == 400
    assert "Foreign" not in text_of(page.get(at(begun, "message")))


def test_lists_are_offered_newest_first_and_searched_by_name(page, workspace, begun):
    for name in ("Old friends", "New friends"):
        factories.ready_list(workspace, name=name)
    shown = text_of(page.get(at(begun, "recipients")))
    assert shown.index("New friends") < shown.index("Old friends")
    found = text_of(page.get(f"{at(begun, 'recipients')}?q=old"))
    assert "Old friends" in found and "New friends" not in found


def test_a_list_that_is_uploaded_here_comes_back_chosen(page, workspace, begun):
    file = SimpleUploadedFile("a.txt", b"+31612345678\n")
    answer = page.post("/lists/new/", {"name": "Here", "country": "NL", "file": file, "campaign": begun.pk})
    listed = page.get(answer.url).context["chosen"]
    assert listed.name == "Here" and answer.url == f"{at(begun, 'recipients')}{listed.pk}/"
    assert f'value="{listed.pk}" checked' in text_of(page.get(answer.url))
    assert page.post(at(begun, "recipients"), {"list": listed.pk}).status_code == 302
    assert "hx-trigger" in text_of(page.get(f"/campaigns/chosen/{listed.pk}/"))


def test_a_campaign_begins_with_the_list_that_it_comes_from(page, workspace, sender):
    listed = factories.ready_list(workspace)
    page.post(f"/campaigns/new/?list={listed.pk}", {"name": "Spring", "mode": "on_approval"})
    assert Campaign.objects.get().list == listed


def test_without_an_approved_sender_nothing_begins(page, workspace):
    assert "No sender is approved yet" in text_of(page.get("/campaigns/new/"))
    assert page.post("/campaigns/new/", {"name": "A", "mode": "on_approval"}).status_code == 400
    assert not Campaign.objects.exists()


# --- Nothing incomplete is submitted ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lacks", "code"),
    [({"text": ""}, "text_missing"), ({"list": None}, "list_missing"), ({"send_at": None}, "send_at_missing")],
)
def test_what_is_incomplete_is_not_submitted(workspace, author, sender, lacks, code):
    now = timezone.now()
    whole = factories.draft(workspace, mode=Mode.SCHEDULED, send_at=now + timedelta(days=1))
    drafts.keep(whole.pk, lacks, by=author, now=now, seen=None)
    with pytest.raises(Refused) as refusal:
        transitions.submit(whole.pk, by=author, now=now)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("column", "constraint"),
    [("text = ''", "has_a_text"), ("send_at = NULL", "has_its_minute"), ("list_id = NULL", "has_a_list")],
)
def test_the_database_refuses_what_is_incomplete_beyond_a_draft(workspace, author, column, constraint):
    whole = factories.draft(workspace, mode=Mode.SCHEDULED, send_at=timezone.now() + timedelta(days=1))
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE campaigns_campaign SET {column} WHERE id = %s", [whole.pk])
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            cursor.execute("UPDATE campaigns_campaign SET status = 'in_review', round = 1 WHERE id = %s", [whole.pk])


def test_the_api_still_takes_only_what_is_whole(as_author, workspace, begun, sender):
    body = {"name": "A", "mode": "scheduled", "sender": sender.pk, "text": "A"}
    assert as_author.post("/api/v1/campaigns/", body).json()["error"]["code"] == "send_at_missing"
    shown = as_author.get(f"/api/v1/campaigns/{begun.pk}/").json()
    assert (shown["status"], shown["text"], shown["send_at"]) == ("draft", "", None)
    assert as_author.post(f"/api/v1/campaigns/{begun.pk}/submit/", {}).status_code == 409


# --- Two people, two presses ------------------------------------------------------------------------------------------


def test_a_second_press_submits_nothing_twice(page, workspace):
    draft = factories.draft(workspace, by=page_user(page))
    seen = seen_on(page.get(at(draft, "review")))
    answers = [page.post(at(draft, "submit"), {"seen": seen}, follow=True) for _ in range(2)]
    draft.refresh_from_db()
    assert (draft.status, draft.round) == (Status.IN_REVIEW, 1)
    assert all("alert-danger" not in text_of(answer) for answer in answers)
    assert Entry.objects.about(draft).filter(action="campaign.in_review").count() == 1


def page_user(page):
    return User.objects.get(pk=page.session["_auth_user_id"])


def test_whoever_has_an_older_page_is_told_and_keeps_what_was_typed(page, workspace, begun, sender):
    seen = seen_on(page.get(at(begun, "message")))
    other = factories.member(workspace)
    drafts.keep(begun.pk, {"text": "Theirs"}, by=other, now=timezone.now(), seen=None)
    given = {"sender": sender.pk, "text": "Mine", "seen": seen}
    answer = page.post(at(begun, "message"), given)
    assert answer.status_code == 400
    assert f"{other} has changed this campaign" in text_of(answer) and "> Mine</textarea>" in text_of(answer)
    assert page.post(at(begun, "message"), {**given, "seen": seen_on(answer)}).status_code == 302


def test_what_was_not_looked_at_is_not_submitted(page, workspace):
    draft = factories.draft(workspace)
    seen = seen_on(page.get(at(draft, "review")))
    drafts.keep(draft.pk, {"text": "Another"}, by=factories.member(workspace), now=timezone.now(), seen=None)
    shown = page.post(at(draft, "submit"), {"seen": seen}, follow=True)
    draft.refresh_from_db()
    assert draft.status == Status.DRAFT and "has changed this campaign" in text_of(shown)


def test_only_a_draft_is_written_on(page, workspace, sender):
    waiting = factories.in_review(workspace)
    for step in ("", "mode", "message", "recipients", "time", "review"):
        assert page.get(at(waiting, step)).url == f"/campaigns/{waiting.pk}/"
    answer = page.post(at(waiting, "mode"), {"name": "Mine", "mode": "on_approval"}, follow=True)
    waiting.refresh_from_db()
    assert waiting.name != "Mine" and "only a draft" in text_of(answer).lower()


@pytest.mark.parametrize("step", ["", "mode", "message", "recipients", "time", "review"])
def test_the_steps_are_for_authors_of_the_workspace(page, workspace, moderator, step):
    draft = factories.draft(workspace)
    assert signed_in(moderator).get(at(draft, step)).status_code == 403
    assert page.get(at(factories.draft(factories.workspace()), step)).status_code == 404


# --- The message ------------------------------------------------------------------------------------------------------


def test_a_character_is_replaced_on_the_page_and_nothing_is_kept_yet(page, begun, sender):
    given = {"sender": sender.pk, "text": "It’s “now”…", "replace": "U+2019"}
    one = page.post(at(begun, "message"), given)
    assert one.status_code == 200 and "It&#x27;s “now”…</textarea>" in text_of(one)
    every = page.post(at(begun, "message"), {**given, "replace": "every"})
    assert "It&#x27;s &quot;now&quot;...</textarea>" in text_of(every)
    begun.refresh_from_db()
    assert begun.text == ""


def test_the_phone_shows_one_recipient_after_the_other(page, workspace, begun, sender):
    listed = factories.ready_list(workspace, columns=["name"], cells=[["Ann"], ["Bob"], ["Cem"]])
    given = {"sender": sender.pk, "text": "Dear {name}", "list": listed.pk}
    shown = text_of(page.post("/campaigns/counter/", {**given, "row": "1"}))
    assert '<p class="bubble">Dear Bob</p>' in shown and "2 of the first 3" in shown and "<b>Acme</b>" in shown
    assert '<p class="bubble">Dear Ann</p>' in text_of(page.post("/campaigns/counter/", {**given, "row": "3"}))
    begun.refresh_from_db()
    page.post(at(begun, "recipients"), {"list": listed.pk})
    without = page.post(at(begun, "message"), {**given, "row": "2"})
    assert without.status_code == 200 and '<p class="bubble">Dear Cem</p>' in text_of(without)


def test_links_show_where_they_lead_and_a_way_out_is_missed(page, begun):
    shown = text_of(page.post("/campaigns/counter/", {"text": "See https://shop.example/x?y=1. And bit.ly/abc"}))
    assert "<b>shop.example</b>" in shown and "<b>bit.ly</b>" in shown
    assert "how to opt out" in shown
    assert "how to opt out" not in text_of(page.post("/campaigns/counter/", {"text": "Reply STOP to end"}))


@pytest.mark.parametrize(
    ("widths", "text", "says"),
    [
        ({"name": [200, "abc"]}, "Dear {name}", "at most 2 parts for anybody"),
        (
            {"name": [60, "abж"]},
            "Dear {name}, hello",
            "at most 2 parts for anybody. Not in the GSM alphabet: cells of name",
        ),
        ({"name": [5, "ab"]}, "Dear {name|a very dear friend}", "at most 1 part for anybody"),
    ],
)
def test_the_longest_cells_of_the_list_say_the_most_parts(page, workspace, widths, text, says):
    listed = factories.ready_list(workspace, columns=["name"], cells=[["Ann"]] * 3)
    type(listed).objects.filter(pk=listed.pk).update(widths=widths)
    assert says in text_of(page.post("/campaigns/counter/", {"text": text, "list": listed.pk}))


# --- The review -------------------------------------------------------------------------------------------------------


def test_the_review_warns_of_what_a_moderator_may_stumble_over(page, workspace):
    Workspace.objects.filter(pk=workspace.pk).update(time_zone="UTC")
    night = timezone.now().replace(hour=3, minute=0) + timedelta(days=2)
    draft = factories.draft(workspace, text="“Now” " + "x" * 90, mode=Mode.SCHEDULED, send_at=night)
    shown = text_of(page.get(at(draft, "review")))
    assert "costs 2 parts instead of 1" in shown
    assert "how to opt out" in shown
    assert "Nothing was ever sent with the sender" in shown
    assert "between 21:00 and 08:00" in shown


def test_the_review_warns_of_an_audience_above_the_usual(page, workspace):
    for _ in range(3):
        factories.done(workspace)
    draft = factories.draft(workspace, list=factories.ready_list(workspace, count=10))
    assert "10 recipients are unusually many" in text_of(page.get(at(draft, "review")))
