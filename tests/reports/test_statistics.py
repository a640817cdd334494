"""What a workspace sent, by day and by whatever else: counted from the messages, and still there without them."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from campaigns.statuses import Status
from delivery import counters, tallies
from delivery.models import Forgotten, Message
from delivery.statuses import Term
from delivery.tallies import standing
from reports import day_counts
from reports.models import Counted, DayCount
from tests import evidence, factories
from tests.pages import signed_in, text_of

# Messages and counters are counted in a snapshot, which a test's own transaction does not allow.
pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)
OUTCOMES = [evidence.DELIVERED, evidence.REFUSED, evidence.UNDELIVERABLE, evidence.PENDING]


def sent(workspace, outcome=evidence.DELIVERED, *, at=None, count=4, **given):
    made = factories.done(workspace, list=factories.ready_list(workspace, count), **given)
    evidence.dispatched(made, outcome, at=at)
    return made


def count(now=None):
    day_counts.count_anew(now=now or timezone.now())


def moved(campaign, source, target, n):
    """So many of those that ended like the source end like the target."""
    mine = Message.objects.filter(day=campaign.day, campaign_id=campaign.pk, state=source["state"])
    chosen = list(mine.order_by("recipient").values_list("recipient", flat=True)[:n])
    mine.filter(recipient__in=chosen).update(**target)
    with connection.cursor() as cursor:
        tallies.note(cursor, campaign.pk, {_standing(source): -n, _standing(target): n})


def _standing(outcome):
    return standing(outcome["state"], outcome.get("error_kind", 0), outcome.get("error_code"))


def by(client, what, **query):
    answer = client.get("/api/v1/statistics/", {"by": what, **query})
    assert answer.status_code == 200, answer.json()
    return {row["name"] if what != "day" else row["key"]: row for row in answer.json()["results"]}


def test_counts_are_the_terms_of_the_equation(api, workspace):
    campaign = sent(workspace, lambda recipient: OUTCOMES[recipient % 4], count=9)
    count()
    total = api.get("/api/v1/statistics/").json()["total"]
    totals = counters.totals(campaign)
    assert total["terms"] == {str(term): getattr(totals, term) for term in Term}
    assert (total["messages"], total["parts"]) == (9, 7)  # two were refused: no carrier took them


def test_a_day_is_one_of_the_workspaces_clock(api, workspace):
    workspace.time_zone = "Asia/Tashkent"
    workspace.save()
    sent(workspace, at=datetime(2026, 11, 3, 18, 59, tzinfo=UTC))
    sent(workspace, at=datetime(2026, 11, 3, 19, 1, tzinfo=UTC), count=2)
    count()
    found = by(api, "day", since="2026-11-01", until="2026-11-30")
    assert {day: row["messages"] for day, row in found.items()} == {"2026-11-03": 4, "2026-11-04": 2}
    assert list(by(api, "day", since="2026-11-04", until="2026-11-30")) == ["2026-11-04"]


def test_each_way_of_grouping_says_its_share(api, workspace):
    shop, news = factories.sender(workspace, "Shop"), factories.sender(workspace, "News")
    main, fast = factories.channel(), factories.channel("fast", is_default=False)
    first = sent(workspace, sender=shop, channel=main, count=3)
    second = sent(workspace, evidence.UNDELIVERABLE, sender=news, channel=fast)
    count()
    assert {name: row["messages"] for name, row in by(api, "sender").items()} == {"News": 4, "Shop": 3}
    assert by(api, "channel")["fast"]["terms"]["failed"] == 4
    assert list(by(api, "campaign")) == [second.name, first.name]
    (reason,) = by(api, "error").values()
    assert (reason["messages"], reason["key"]) == (4, "034")
    assert list(by(api, "campaign", sender=shop.pk)) == [first.name]
    assert list(by(api, "campaign", channel=fast.pk)) == [second.name]


def test_a_message_counts_for_the_channel_that_carried_it(api, workspace):
    campaign = sent(workspace)
    other = factories.channel("other", is_default=False)
    Message.objects.filter(day=campaign.day, campaign_id=campaign.pk, recipient=0).update(channel_id=other.pk)
    count()
    assert {name: row["messages"] for name, row in by(api, "channel").items()} == {campaign.channel.name: 3, "other": 1}


def test_what_moves_is_counted_anew_and_what_rests_is_not(api, workspace):
    moving, resting = sent(workspace, evidence.PENDING), sent(workspace)
    now = timezone.now()
    count(now)
    later = now + HOUR
    moved(moving, evidence.PENDING, evidence.DELIVERED, 4)
    count(later)
    assert by(api, "campaign")[moving.name]["terms"]["delivered"] == 4
    assert {row.campaign_id: row.at for row in Counted.objects.all()} == {moving.pk: later, resting.pk: now}


def test_while_it_sends_it_is_counted_now_and_then(workspace):
    campaign = factories.sending(workspace, list=factories.ready_list(workspace, 4))
    evidence.dispatched(campaign, evidence.PENDING)
    now = timezone.now()
    count(now)
    moved(campaign, evidence.PENDING, evidence.DELIVERED, 1)
    count(now + timedelta(minutes=1))
    assert Counted.objects.get().at == now
    count(now + day_counts.EVERY)
    assert Counted.objects.get().at == now + day_counts.EVERY


def test_counts_stay_when_the_messages_are_dropped(api, workspace):
    campaign = sent(workspace)
    count()
    moved(campaign, evidence.DELIVERED, evidence.UNDELIVERABLE, 1)
    Message.objects.filter(day=campaign.day, campaign_id=campaign.pk).delete()
    Forgotten.objects.create(campaign=campaign, at=timezone.now())
    count(timezone.now() + HOUR)
    assert by(api, "campaign")[campaign.name]["messages"] == 4


def test_test_sends_are_not_counted(api, workspace):
    trial = factories._moved(factories.trial(workspace), Status.SENDING, started_at=timezone.now())
    evidence.dispatched(trial)
    count()
    assert not DayCount.objects.exists()


def test_a_stranger_sees_nothing_of_it(workspace):
    sent(workspace)
    count()
    elsewhere = factories.bearer(factories.api_key(factories.workspace())[1])
    assert elsewhere.get("/api/v1/statistics/").json()["total"]["messages"] == 0


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"since": "2026-11-02", "until": "2026-11-01"}, "since"),
        ({"since": "2024-01-01", "until": "2026-11-01"}, "since"),
        ({"since": "yesterday"}, "since"),
        ({"by": "weather"}, "by"),
        ({"sender": "0"}, "sender"),
    ],
)
def test_what_cannot_be_asked_is_said_with_its_field(api, query, field):
    answer = api.get("/api/v1/statistics/", query)
    assert answer.status_code == 400
    assert field in answer.json()["error"]["fields"]


@pytest.mark.parametrize("formula", ["=HYPERLINK()", "＝HYPERLINK()"])
def test_the_file_has_what_the_api_says_and_no_formula(api, workspace, author, formula):
    sent(workspace, sender=factories.sender(workspace, formula))
    count()
    for client, address in ((api, "/api/v1/statistics/export/"), (signed_in(author), "/statistics/file/")):
        answer = client.get(address, {"by": "sender"})
        (row,) = csv.DictReader(io.StringIO(answer.content.decode()))
        assert (row["name"], row["messages"], row["delivered"]) == (f"'{formula}", "4", "4")
        assert answer["Content-Disposition"].startswith('attachment; filename="statistics-sender-')


def test_the_page_shows_days_and_says_when_there_are_none(workspace, author):
    page = signed_in(author)
    assert "Nothing was sent" in text_of(page.get("/statistics/"))
    sent(workspace, count=1234)
    count()
    assert "1,234" in text_of(page.get("/statistics/"))
    wrong = page.get("/statistics/", {"since": "2026-11-02", "until": "2026-11-01"})
    assert wrong.status_code == 400
    assert "The first day is after the last one." in text_of(wrong)
