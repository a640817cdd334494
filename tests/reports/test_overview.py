from datetime import time, timedelta
from urllib.parse import parse_qs

import pytest
from django.utils import timezone

from campaigns import transitions
from campaigns.statuses import Mode, Status
from channels.models import LinkState
from delivery import housekeeping
from delivery.models import Chunk, Tally
from delivery.statuses import MessageState
from reports.overview import overview
from reports.pulse import pulse
from reports.timeline import timeline
from tests import evidence, factories
from tests.pages import signed_in, text_of

HOUR = timedelta(hours=1)


@pytest.fixture
def page(author):
    return signed_in(author)


@pytest.fixture
def now():
    return timezone.now()


def link(channel, **fields):
    fields = {"process": "one:1", "name": "0", "is_up": True, "window": 10, "unanswered": 0, "rate": 0.0, **fields}
    return LinkState.objects.create(channel=channel, **fields)


# --- The dashboard ----------------------------------------------------------------------------------------------------


def test_the_dashboard_counts_what_is_where(workspace, now):
    for status in Status:
        factories.campaign(workspace, status)
    seen = overview(workspace, now=now)
    assert (seen.total, seen.active, seen.done, seen.failed, seen.in_review) == (11, 3, 1, 2, 1)
    stuck = [campaign.status for campaign in seen.attention.campaigns]
    assert stuck == [Status.MISSED, Status.FAILED, Status.REJECTED]
    assert [(one.status, one.count) for one in seen.funnel if one.count != 1] == []


def test_the_dashboard_shows_how_far_a_campaign_is(page, workspace):
    campaign = factories.sending(workspace, list=factories.ready_list(workspace, 10))
    evidence.dispatched(campaign, handed_over=[4])
    shown = text_of(page.get("/"))
    assert "is: Delivered: 4, Waiting: 6" in shown and "40 % · 4 delivered" in shown


def test_the_dashboard_asks_again_only_while_something_may_change(page, workspace):
    factories.done(workspace)
    assert 'hx-get="/"' not in text_of(page.get("/"))
    factories.in_review(workspace)
    assert 'hx-trigger="every 30s, look"' in text_of(page.get("/"))
    factories.sending(workspace)
    assert 'hx-trigger="every 3s, look"' in text_of(page.get("/"))


def test_what_waits_for_moderation_is_told_with_since_when(page, workspace, now):
    first = factories.in_review(workspace)
    factories.in_review(workspace)
    assert overview(workspace, now=now).waiting_since == first.submitted_at
    assert "2 campaigns are waiting for moderation, the first since" in text_of(page.get("/"))


def test_the_donut_is_of_all_recipients_on_their_way(workspace, now):
    for status in (Status.SENDING, Status.PAUSED, Status.DONE):
        evidence.dispatched(factories.campaign(workspace, status), handed_over=[2])
    seen = overview(workspace, now=now)
    assert {str(one.term): one.count for one in seen.slices if one.count} == {"delivered": 4, "waiting": 2}
    assert seen.chart["series"][0]["data"] == [4, 2] and seen.recipients == 6


def test_what_needs_attention_says_why(page, workspace):
    transitions.pause(factories.sending(workspace).pk, by=None, reason="The carrier refused 20 messages in a row.")
    factories.rejected(workspace, reason="Name the shop.")
    factories.failed_list(workspace, failure="There is no number in it.")
    evidence.dispatched(factories.sending(workspace), evidence.UNANSWERED)
    shown = text_of(page.get("/"))
    for told in (
        "refused 20 messages in a row",
        "Rejected: Name the shop.",
        "no number in it",
        "3 messages were handed",
    ):
        assert told in shown


def test_what_people_paused_themselves_is_a_quiet_line(page, workspace, author, now):
    by_hand, by_a_breaker = factories.paused(workspace), factories.paused(workspace)
    closed = time((now.hour + 2) % 24), time((now.hour + 4) % 24)
    factories.sending(workspace, daily_from=closed[0], daily_to=closed[1])
    assert not overview(workspace, now=now).attention.is_needed
    transitions.resume(by_a_breaker.pk, by=author, now=now)
    transitions.pause(by_a_breaker.pk, by=None, reason="The carrier refused 20 messages in a row.")
    seen = overview(workspace, now=now).attention
    assert (seen.campaigns, seen.by_hand) == ([by_a_breaker], 1)
    assert "1 paused by hand" in text_of(page.get("/")) and by_hand.status == Status.PAUSED


def test_what_failed_is_news_for_a_week(workspace, now):
    factories.failed(workspace)
    factories.failed_list(workspace)
    assert overview(workspace, now=now).attention.is_needed
    assert not overview(workspace, now=now + timedelta(days=8)).attention.is_needed


def test_a_new_workspace_is_told_three_steps_and_which_are_done(page, workspace):
    shown = text_of(page.get("/"))
    assert "Three steps" in shown and "is-done" not in shown
    factories.sender(workspace)
    factories.ready_list(workspace)
    assert text_of(page.get("/")).count('class="is-done"') == 2
    factories.draft(workspace)
    assert "Three steps" not in text_of(page.get("/"))


def test_strangers_campaigns_are_on_no_page(page, now):
    there = factories.workspace()
    foreign = factories.rejected(there)
    evidence.dispatched(factories.sending(there), evidence.UNANSWERED)
    factories.failed_list(there)
    shown = text_of(page.get("/")) + text_of(page.get("/campaigns/"))
    assert foreign.name not in shown and "Needs attention" not in shown and "List failed" not in shown


# --- The pulse --------------------------------------------------------------------------------------------------------


def test_the_pulse_tells_what_is_in_flight_and_how_fast_it_goes(workspace, now):
    campaign = factories.sending(workspace, list=factories.ready_list(workspace, 100))
    evidence.dispatched(campaign, handed_over=[40], at=now - timedelta(seconds=4))
    evidence.intended(campaign, 0, 7)
    Chunk.objects.filter(campaign=campaign).update(owner="one:1")
    seen = pulse(workspace, now=now)
    assert (seen.in_flight, seen.rate, seen.delivered_lately, seen.beats) == (7, 10.0, 40, True)
    assert not pulse(factories.workspace(), now=now).beats


def test_the_last_minute_ends_also_for_what_was_folded(workspace, now):
    campaign = factories.sending(workspace, list=factories.ready_list(workspace, 300))
    for n in range(201):
        Tally.objects.create(
            campaign=campaign, state=MessageState.DELIVERED, n=1, at=now - timedelta(seconds=45 if n % 3 else 600)
        )
    assert pulse(workspace, now=now).delivered_lately == 134
    housekeeping.fold_tallies()
    assert pulse(workspace, now=now).delivered_lately == 134
    assert pulse(workspace, now=now + timedelta(minutes=2)).delivered_lately == 0


def test_links_count_as_up_while_their_process_is_heard_of(workspace, now):
    channel = factories.channel(binds=3)
    assert (pulse(workspace, now=now).links_up, pulse(workspace, now=now).links) == (0, 3)
    link(channel, seen_at=now)
    link(channel, name="1", seen_at=now, is_up=False)
    link(channel, process="two:2", seen_at=now - timedelta(seconds=20))
    seen = pulse(workspace, now=now)
    assert (seen.links_up, seen.links, seen.all_links_down) == (1, 3, False)


# --- The next days ----------------------------------------------------------------------------------------------------


def test_the_timeline_shows_a_week_of_what_is_scheduled(workspace):
    now = timezone.now()
    tomorrow = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    spread = factories.approved(
        workspace, mode=Mode.SPREAD, date_from=tomorrow, date_to=tomorrow + timedelta(days=2), now=now
    )
    minute = factories.in_review(workspace, mode=Mode.SCHEDULED, send_at=tomorrow + timedelta(days=3), now=now)
    factories.in_review(workspace, mode=Mode.SCHEDULED, send_at=tomorrow + timedelta(days=8), now=now)
    factories.draft(workspace, mode=Mode.SCHEDULED, send_at=tomorrow, now=now)
    seen = timeline(workspace, now=now)
    assert [bar.campaign for bar in seen.bars] == [spread, minute] and len(seen.days) == 7
    assert [round(bar.x) for bar in seen.bars] == [14, 57] and round(seen.bars[0].width) == 29
    assert seen.bars[1].until is None and 0 <= seen.now_x < 15


# --- The list ---------------------------------------------------------------------------------------------------------


def names(response):
    return [row.campaign.name for row in response.context["rows"]]


def test_campaigns_are_filtered_by_each_of_the_filters(page, workspace, author):
    another = factories.member(workspace)
    draft = factories.draft(workspace, name="Summer", by=another)
    done = factories.done(workspace, name="Winter")
    window = {"date_from": timezone.now() + HOUR, "date_to": timezone.now() + 2 * HOUR}
    spread = factories.in_review(workspace, name="Spread out", mode=Mode.SPREAD, **window)
    for query, found in {
        "status=done": [done],
        "status=active": [],
        "mode=spread": [spread],
        f"sender={draft.sender_id}": [draft],
        f"author={another.pk}": [draft],
        "q=wInT": [done],
        f"q={done.list.name}": [done],
        "since=2999-01-01": [],
        "until=2001-01-01": [],
        "archived=on": [],
        f"since={draft.created_at:%Y-%m-%d}&status=draft": [draft],
    }.items():
        assert names(page.get(f"/campaigns/?{query}")) == [one.name for one in found], query


@pytest.mark.parametrize("query", ["status=nonsense", "mode=x", "sender=999999", "author=x", "sort=x"])
def test_a_filter_that_no_form_offers_leads_back_to_all(page, query):
    assert page.get(f"/campaigns/?{query}").url == "/campaigns/"


def test_a_day_that_is_none_is_told_beside_its_field_and_narrows_nothing(page, workspace):
    factories.draft(workspace, name="Summer")
    shown = page.get("/campaigns/?since=yesterday")
    assert names(shown) == ["Summer"] and b"field-error" in shown.content


def test_campaigns_are_sorted_by_their_columns_both_ways(page, workspace):
    small = factories.draft(workspace, name="b", list=factories.ready_list(workspace, 2))
    large = factories.draft(workspace, name="a", list=factories.ready_list(workspace, 9))
    assert names(page.get("/campaigns/")) == [large.name, small.name]
    assert names(page.get("/campaigns/?sort=size")) == [small.name, large.name]
    assert names(page.get("/campaigns/?sort=-size")) == [large.name, small.name]
    for column in ("name", "status", "when", "sender", "author"):
        assert len(names(page.get(f"/campaigns/?sort=-{column}"))) == 2
    size = next(one for one in page.get("/campaigns/?sort=size&q=a").context["columns"] if "size" in one.url)
    assert size.direction == "ascending" and parse_qs(size.url[1:]) == {"sort": ["-size"], "q": ["a"]}


def test_the_sums_are_of_all_that_is_found_and_of_nothing_else(page, workspace):
    one = factories.sending(workspace, list=factories.ready_list(workspace, 4))
    evidence.dispatched(one, lambda n: [evidence.DELIVERED, evidence.REFUSED, evidence.OPTED_OUT, evidence.PENDING][n])
    factories.draft(workspace, list=factories.ready_list(workspace, 5))
    told = page.get("/campaigns/?status=sending").context["sums"]
    assert (told.campaigns, told.active, told.done) == (1, 1, 0)
    assert (told.recipients, told.handed_over, told.delivered, told.failed) == (3, 3, 1, 1)
    assert page.get("/campaigns/").context["sums"].campaigns == 2


def test_pages_keep_what_was_asked_for(page, workspace):
    listed, sender = factories.ready_list(workspace), factories.sender(workspace)
    for _ in range(26):
        factories.draft(workspace, list=listed, sender=sender)
    assert "?status=draft&amp;page=2" in text_of(page.get("/campaigns/?status=draft&mode="))
    assert len(names(page.get("/campaigns/?status=draft&page=2"))) == 1


def test_rows_ask_again_only_while_one_of_them_moves(page, workspace):
    factories.done(workspace)
    assert "every 5s" not in text_of(page.get("/campaigns/"))
    factories.sending(workspace)
    assert "every 5s" in text_of(page.get("/campaigns/"))


def test_nothing_found_is_not_nothing_there(page, workspace):
    assert "Write the first one" in text_of(page.get("/campaigns/"))
    factories.draft(workspace)
    shown = text_of(page.get("/campaigns/?q=nowhere"))
    assert "None found" in shown and "Write the first one" not in shown


@pytest.mark.parametrize(("path", "most"), [("/", 20), ("/campaigns/", 15)])
def test_a_page_of_campaigns_asks_the_database_as_often_for_many_as_for_one(
    page, workspace, django_assert_max_num_queries, path, most
):
    for _ in range(8):
        factories.sending(workspace)
    with django_assert_max_num_queries(most):
        assert page.get(path).content.count(b"status-sending") >= 8
