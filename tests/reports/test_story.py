"""The page of a campaign: what it says, what it shows of the course, who may do what, and what it costs."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.roles import Role
from audit.models import Entry
from audit.refusal import Refused
from campaigns import drafts, transitions, verbs
from campaigns.models import Campaign
from campaigns.statuses import Mode, Status
from config import catalogues
from delivery import counters, course, errors, incidents
from delivery.models import Chunk, Tally
from delivery.statuses import IncidentKind, MessageState
from moderation.models import Decision, Verdict
from recipients import transitions as list_transitions
from reports import curve, errors_tab, headline, history, progress, recipients_tab
from smpp import status as protocol
from tests import evidence, factories
from tests.pages import signed_in, text_of

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def said(campaign, *, is_halted=False):
    campaign = Campaign.objects.select_related("workspace", "list").get(pk=campaign.pk)
    now = timezone.now()
    return headline.headline(campaign, progress.progress(campaign, now=now), is_halted=is_halted, now=now)


# --- What happens now -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (Status.DRAFT, "nothing happens before it is submitted"),
        (Status.IN_REVIEW, "Waits for a moderator since 0 s."),
        (Status.REJECTED, "A moderator rejected it."),
        (Status.APPROVED, "It begins at any moment."),
        (Status.MISSED, "Nothing was sent; it waits for a moderator."),
        (Status.SENDING, "0 of 3 handed over"),
        (Status.PAUSED, "(A typo.): 3 recipients wait."),
        (Status.DONE, "0.0 % of 3 delivered."),
        (Status.EXPIRED, "0 of 3 were handed over, 3 were not."),
        (Status.CANCELLED, "3 of 3 were not sent."),
        (Status.FAILED, "(The seal does not match.): 3 of 3 were not sent."),
    ],
)
def test_one_sentence_says_what_happens(workspace, status, words):
    with time_machine.travel(timezone.now(), tick=False):
        assert words in said(factories.campaign(workspace, status))


def test_a_campaign_that_is_sent_says_how_fast_and_until_when(workspace):
    now, campaign = timezone.now(), factories.sending(workspace, list=factories.ready_list(workspace, 100))
    Campaign.objects.filter(pk=campaign.pk).update(started_at=now - timedelta(hours=10))
    campaign.refresh_from_db()
    evidence.dispatched(campaign, evidence.PENDING, handed_over=[40], at=now - timedelta(seconds=20))
    with time_machine.travel(now, tick=False):
        assert "40 of 100 handed over, 2.0 a second, done about" in said(campaign)
    Chunk.objects.filter(campaign=campaign).update(owner="", released_at=now - timedelta(minutes=1))
    assert "40 of 100 handed over, none of them just now." in said(campaign)


def test_it_says_who_paused_it_and_when_that_was_the_system(workspace, author):
    by_hand, by_itself = factories.sending(workspace), factories.sending(workspace)
    transitions.pause(by_hand.pk, by=author)
    transitions.pause(by_itself.pk, by=None, reason="The carrier refused 10 in a row.")
    assert said(by_hand) == f"Paused by {author}: 3 recipients wait."
    assert said(by_itself) == "Paused by the system (The carrier refused 10 in a row.): 3 recipients wait."


def test_a_stop_of_everything_is_said_before_all_else(workspace):
    assert "All sending is stopped" in said(factories.sending(workspace), is_halted=True)
    assert "does not begin before that is over" in said(factories.approved(workspace), is_halted=True)


def test_at_the_end_stand_what_came_of_it_how_long_it_took_and_what_it_cost(workspace):
    campaign = factories.done(workspace, text="a" * 161)
    evidence.dispatched(campaign, lambda recipient: evidence.DELIVERED if recipient else evidence.REFUSED)
    Campaign.objects.filter(pk=campaign.pk).update(finished_at=campaign.started_at + timedelta(seconds=2))
    campaign = Campaign.objects.select_related("list").get(pk=campaign.pk)
    summed = headline.summary(campaign, progress.progress(campaign, now=timezone.now()))
    assert (summed.seconds, summed.rate, summed.parts, summed.varies) == (2, 1.5, 6, False)
    assert round(summed.delivered_percent, 1) == 66.7


def test_what_never_began_has_no_end_to_sum_up(workspace):
    campaign = factories.cancelled(workspace)
    assert headline.summary(campaign, progress.progress(campaign, now=timezone.now())) is None


# --- The course -------------------------------------------------------------------------------------------------------


def moved(campaign, minutes, **states):
    """So many more in each state, so many minutes after the start."""
    at = campaign.started_at + timedelta(minutes=minutes)
    Tally.objects.bulk_create(
        Tally(campaign=campaign, state=MessageState[state], n=n, at=at) for state, n in states.items()
    )


def drawn(campaign, *, minutes):
    totals = counters.totals(campaign)
    return curve.curve(campaign, totals, now=campaign.started_at + timedelta(minutes=minutes))


@pytest.fixture
def running(workspace):
    campaign = factories.sending(workspace, list=factories.ready_list(workspace, 600), parts_per_second=1)
    moved(campaign, 1, PENDING=200)
    moved(campaign, 3, PENDING=-150, DELIVERED=140, FAILED=10)
    moved(campaign, 5, PENDING=100)
    return campaign


def test_the_course_adds_up_to_the_counters(running):
    shown = drawn(running, minutes=6)
    last = shown.points[-1]
    assert (last.handed_over, last.delivered, last.failed) == (300, 140, 10)
    assert shown.points[0].handed_over == 0
    assert [point.handed_over for point in shown.points] == sorted(point.handed_over for point in shown.points)


def test_what_comes_later_is_not_drawn_yet(running):
    assert drawn(running, minutes=4).points[-1].handed_over == 200


@pytest.mark.parametrize("hours", [0.1, 3, 30, 24 * 40])
def test_however_long_it_goes_on_the_chart_has_no_more_points(running, hours):
    assert 2 <= len(drawn(running, minutes=60 * hours).points) <= curve.MOST_POINTS + 3


def test_the_plan_is_what_the_rate_limit_allows_and_ends_with_the_list(running):
    plan = {
        round((point.at - running.started_at).total_seconds()): point.plan
        for point in drawn(running, minutes=20).points
    }
    assert plan[0] == 0
    assert max(plan.values()) == 600
    assert all(
        value == min(600, seconds) or abs(value - seconds) <= 1 for seconds, value in plan.items() if seconds > 0
    )


def test_without_a_limit_there_is_no_plan(workspace):
    assert not drawn(factories.sending(workspace), minutes=5).has_plan


def test_the_plan_of_a_spread_campaign_is_the_line_over_its_window(workspace):
    begin = timezone.now() + timedelta(minutes=1)
    campaign = factories.approved(
        workspace,
        mode=Mode.SPREAD,
        date_from=begin,
        date_to=begin + timedelta(minutes=100),
        list=factories.ready_list(workspace, 1000),
    )
    campaign.started_at = begin
    plan = [point.plan for point in drawn(campaign, minutes=50).points]
    assert plan == sorted(plan)
    assert abs(plan[-1] - 500) <= 20


def test_the_rate_limit_of_a_route_is_that_of_its_channels_together(workspace):
    first, second = factories.channel("one", tps=30), factories.channel("two", tps=20, is_default=False)
    spare = factories.channel("spare", tps=500, is_default=False)
    route = factories.route("both", {first: 1, second: 1}, backups=(spare,))
    campaign = factories.draft(workspace, route=route)
    assert curve.rate_limit(campaign) == 50
    campaign.parts_per_second = 7
    assert curve.rate_limit(campaign) == 7


def test_a_campaign_from_before_courses_were_kept_has_no_chart(workspace):
    campaign = factories.done(workspace)
    evidence.dispatched(campaign)
    Tally.objects.filter(campaign=campaign).update(at=None)
    assert drawn(campaign, minutes=5) is None
    assert course.moved(campaign, width=timedelta(minutes=1), until=timezone.now()) == {}


# --- Errors and recipients --------------------------------------------------------------------------------------------


def test_the_errors_of_a_route_are_those_of_all_its_channels(workspace):
    first, second = factories.channel("one"), factories.channel("two", is_default=False)
    other = factories.channel("other", is_default=False)
    campaign = factories.sending(workspace, route=factories.route("both", {first: 1}, backups=(second,)))
    for channel in (first, second, other):
        incidents.note(IncidentKind.LINK_LOST, at=timezone.now(), sample="cut", channel_id=channel.pk)
    assert {group.channel for group in errors_tab.incidents(campaign)} == {"one", "two"}
    assert {minute.channel for minute in errors_tab.minutes(campaign)} == {"one", "two"}


@pytest.mark.parametrize("status", [None, "delivered", "waiting"])
def test_pages_of_recipients_show_everybody_once_in_order(workspace, status):
    campaign = factories.sending(workspace, list=factories.ready_list(workspace, 3000, chunk_size=700))
    evidence.dispatched(
        campaign,
        lambda number: evidence.DELIVERED if number % 3 else evidence.REFUSED,
        handed_over=[700, 300, 0, 700, 200],
    )
    seen, cursor = [], 0
    while cursor is not None:
        shown = recipients_tab.page(campaign, status=status, cursor=cursor, size=400)
        seen += [row.number for row in shown.rows]
        cursor = shown.next_cursor
    totals = counters.totals(campaign)
    assert seen == sorted(set(seen))
    assert len(seen) == (3000 if status is None else getattr(totals, status))


# --- History ----------------------------------------------------------------------------------------------------------


def test_the_history_is_told_in_words_and_in_pages(workspace, author):
    campaign = factories.draft(workspace)
    for _ in range(4):
        transitions.archive(campaign.pk, by=author, now=timezone.now())
        transitions.restore(campaign.pk, by=author)
    first = history.history(campaign, size=5)
    second = history.history(campaign, before=first.before, size=5)
    assert (len(first.happenings), len(second.happenings), second.before) == (5, 4, None)
    assert str(first.happenings[0].words) == "Restored from the archive"
    assert str(second.happenings[-1].words) == "Draft written"


# --- Clone ------------------------------------------------------------------------------------------------------------


def test_a_clone_is_a_draft_of_the_same_content_without_its_times(workspace, author):
    at = timezone.now() + timedelta(days=1)
    campaign = factories.approved(
        workspace, mode=Mode.SCHEDULED, send_at=at, not_after=at + timedelta(hours=1), parts_per_second=5, name="Sale"
    )
    made = drafts.clone(campaign.pk, by=author, now=timezone.now())
    made.refresh_from_db()
    assert (made.status, made.name, made.text, made.list) == (Status.DRAFT, "Sale (2)", campaign.text, campaign.list)
    assert (made.mode, made.send_at, made.not_after, made.parts_per_second) == (Mode.SCHEDULED, None, None, 5)
    assert (made.created_by, made.seal, made.round) == (author, "", 0)
    entry = Entry.objects.of(workspace).about(made).get()
    assert (entry.action, entry.after["of"]) == ("campaign.cloned", campaign.pk)
    assert campaign.text not in str(entry.after)


def test_a_list_that_cannot_be_sent_to_any_more_is_left_out_of_a_clone(workspace, author):
    campaign = factories.done(workspace)
    list_transitions.archive(campaign.list_id, by=author, now=timezone.now())
    assert drafts.clone(campaign.pk, by=author, now=timezone.now()).list is None


def test_clones_of_clones_can_be_told_apart_however_long_their_name(workspace, author):
    campaign = factories.draft(workspace, name="x" * 120)
    second = drafts.clone(campaign.pk, by=author, now=timezone.now())
    third = drafts.clone(second.pk, by=author, now=timezone.now())
    assert [len(second.name), second.name[-4:], third.name[-4:]] == [120, " (2)", " (3)"]


def test_the_button_leads_to_the_clone(workspace, author):
    campaign = factories.done(workspace)
    response = signed_in(author).post(f"/campaigns/{campaign.pk}/clone/")
    made = Campaign.objects.of(workspace).order_by("-pk").first()
    assert response.url == f"/campaigns/{made.pk}/edit/"


def test_an_archived_campaign_can_be_cloned(workspace, author):
    campaign = factories.cancelled(workspace)
    transitions.archive(campaign.pk, by=author, now=timezone.now())
    campaign.refresh_from_db()
    assert {verb.name for verb in verbs.offered(campaign, {"write"})} == {"restore", "clone"}


# --- Another time -----------------------------------------------------------------------------------------------------


def give_time(person, campaign, at="2099-07-01T15:00"):
    values = {"round": campaign.round, "send_at": at}
    return signed_in(person).post(f"/campaigns/{campaign.pk}/reschedule/", values, follow=True)


@pytest.mark.parametrize("status", [Status.MISSED, Status.APPROVED])
def test_a_moderator_gives_a_campaign_another_time_on_its_page(workspace, moderator, status):
    at = timezone.now() + timedelta(days=1)
    times = {} if status == Status.MISSED else {"mode": Mode.SCHEDULED, "send_at": at}
    campaign = factories.campaign(workspace, status, **times)
    assert "Give it another time" in text_of(signed_in(moderator).get(f"/campaigns/{campaign.pk}/"))
    give_time(moderator, campaign)
    was, campaign = campaign, Campaign.objects.get(pk=campaign.pk)
    assert (campaign.status, campaign.send_at.year) == (Status.APPROVED, 2099)
    assert campaign.seal != was.seal
    assert Decision.objects.about(campaign.pk).last().verdict == Verdict.RESCHEDULED


def test_a_time_in_the_past_leaves_an_approved_campaign_where_it_was(workspace, moderator):
    at = timezone.now() + timedelta(days=1)
    campaign = factories.approved(workspace, mode=Mode.SCHEDULED, send_at=at)
    for bad in ("2001-01-01T00:00", "", "soon"):
        assert "field-error" in text_of(give_time(moderator, campaign, bad))
    campaign.refresh_from_db()
    assert (campaign.status, campaign.send_at) == (Status.APPROVED, at)


def test_nobody_gives_another_time_to_what_they_wrote_and_the_page_says_so(workspace, admin):
    campaign = factories.missed(workspace, by=admin)
    shown = text_of(signed_in(admin).get(f"/campaigns/{campaign.pk}/"))
    assert "/reschedule/" not in shown and "somebody else must" in shown
    give_time(admin, campaign)
    assert Campaign.objects.get(pk=campaign.pk).status == Status.MISSED


def test_an_author_is_told_what_to_ask_for(workspace, author):
    campaign = factories.missed(workspace)
    shown = text_of(signed_in(author).get(f"/campaigns/{campaign.pk}/"))
    assert "ask one to give it another time" in shown and "/reschedule/" not in shown
    for verb in ("reschedule", "send-now"):
        assert signed_in(author).post(f"/campaigns/{campaign.pk}/{verb}/").status_code == 403
        assert signed_in(author).get(f"/campaigns/{campaign.pk}/{verb}/").status_code == 405
    foreign = factories.missed(factories.workspace())
    decider = factories.member(workspace, Role.MODERATOR)
    for verb in ("reschedule", "send-now"):
        assert signed_in(decider).post(f"/campaigns/{foreign.pk}/{verb}/").status_code == 404


def test_a_missed_campaign_is_sent_now_from_its_page(workspace, moderator):
    campaign = factories.missed(workspace)
    signed_in(moderator).post(f"/campaigns/{campaign.pk}/send-now/")
    assert Campaign.objects.get(pk=campaign.pk).status == Status.APPROVED


# --- The page ---------------------------------------------------------------------------------------------------------


def test_cancelling_says_how_many_will_not_get_it(workspace, author):
    campaign = factories.sending(workspace, list=factories.ready_list(workspace, 1500))
    evidence.dispatched(campaign, evidence.PENDING, handed_over=[200])
    assert "1,300 recipients will not get it." in text_of(signed_in(author).get(f"/campaigns/{campaign.pk}/"))


@pytest.mark.parametrize("status", [status for status in Status if status not in (Status.DRAFT, Status.REJECTED)])
def test_the_page_says_why_a_button_is_not_there(workspace, author, status):
    campaign = factories.campaign(workspace, status)
    assert verbs.why_not(campaign, {"write"}) in text_of(signed_in(author).get(f"/campaigns/{campaign.pk}/"))


def test_a_draft_without_a_list_says_what_is_missing_instead_of_offering_to_submit(workspace, author):
    campaign = factories.draft(workspace)
    Campaign.objects.filter(pk=campaign.pk).update(list=None)
    shown = text_of(signed_in(author).get(f"/campaigns/{campaign.pk}/"))
    assert "choose a list of recipients first" in shown and "/submit/" not in shown
    with pytest.raises(Refused):
        transitions.submit(campaign.pk, by=author, now=timezone.now())


def test_a_tab_is_a_page_a_row_of_tabs_or_itself_as_much_as_is_asked_for(workspace, author):
    campaign, page = factories.done(workspace), signed_in(author)
    address = f"/campaigns/{campaign.pk}/errors/"
    whole = page.get(address).text
    tabs = page.get(address, headers={**HTMX, "HX-Target": "tabs"}).text
    alone = page.get(address, headers=HTMX).text
    assert "<html" in whole and 'id="tabs"' in whole and 'id="progress"' in whole
    assert "<html" not in tabs and 'id="tabs"' in tabs and 'id="progress"' not in tabs
    assert 'id="tabs"' not in alone and 'id="errors"' in alone
    restored = page.get(address, headers={**HTMX, "HX-History-Restore-Request": "true"}).text
    assert "<html" in restored


@pytest.mark.parametrize(
    ("tab", "most"), [("recipients", 30), ("errors", 30), ("content", 26), ("history", 27), ("exports", 27)]
)
def test_the_page_asks_the_database_little_however_many_recipients(
    workspace, author, django_assert_max_num_queries, tab, most
):
    first, second = factories.channel("one"), factories.channel("two", is_default=False)
    campaign = factories.sending(
        workspace,
        list=factories.ready_list(workspace, 900, chunk_size=100),
        route=factories.route("r", {first: 1, second: 1}),
    )
    evidence.dispatched(campaign, lambda number: evidence.DELIVERED if number % 2 else evidence.REFUSED)
    page = signed_in(author)
    with django_assert_max_num_queries(most):
        assert page.get(f"/campaigns/{campaign.pk}/{tab}/").status_code == 200


def test_polling_asks_even_less(workspace, author, django_assert_max_num_queries):
    campaign = factories.sending(workspace, list=factories.ready_list(workspace, 900, chunk_size=100))
    evidence.dispatched(campaign, evidence.DELIVERED, handed_over=[50] * 9)
    page = signed_in(author)
    with django_assert_max_num_queries(14):
        page.get(f"/campaigns/{campaign.pk}/progress/", headers=HTMX)


def test_every_sentence_of_the_protocol_is_a_key_of_the_catalogues():
    texts = {message.id for message in catalogues.gathered("ru")}
    sentences = {
        *protocol.TEXTS.values(),
        protocol.OF_ITS_OWN,
        protocol.UNKNOWN,
        errors.NO_STATE,
        *errors.TEXT_ERRORS.values(),
    }
    sentences |= {text for _, text in errors.RECEIPT_STATES.values()}
    assert sentences <= texts
