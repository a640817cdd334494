"""Reports are read from a copy of the database while it is near enough, and say so; else from where all write."""

from datetime import timedelta

import pytest
from django.db import connections, router
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit import walls
from campaigns.models import Campaign
from config.celery import app
from metrics import exposition, figures
from reports import day_counts, exports, lines, replica
from reports.models import Format
from reports.statuses import Status
from tests import evidence, factories
from tests.pages import signed_in, text_of
from tests.replica import connected

# The copy is another connection: it does not see what a test has not committed.
pytestmark = pytest.mark.django_db(transaction=True, databases=["default", replica.ALIAS])

LAGS = "As of"


@pytest.fixture
def campaign(workspace):
    made = factories.sending(workspace, list=factories.ready_list(workspace, 30, chunk_size=10))
    evidence.dispatched(made, evidence.REFUSED, handed_over=[10, 4, 0])
    return made


@pytest.fixture(scope="module", autouse=True)
def configured(django_db_setup):
    with connected():
        yield


@pytest.fixture(autouse=True)
def unseen(settings):
    """Of the copy nothing is known yet, and nobody has marked it."""
    settings.REPLICA_LAG = timedelta(seconds=50)  # a busy machine is late, too
    replica._Copy.away_until = 0.0
    yield
    connections[replica.ALIAS].close()


@pytest.fixture
def copy(campaign):
    replica.mark(now=timezone.now())


def asked_of_copy():
    return CaptureQueriesContext(connections[replica.ALIAS])


def tab(campaign, author, name):
    return text_of(signed_in(author).get(f"/campaigns/{campaign.pk}/{name}/"))


@pytest.mark.parametrize(("name", "shown"), [("recipients", "Failed"), ("errors", "Why messages failed")])
def test_a_tab_is_read_from_the_copy_and_says_as_of_when(copy, campaign, author, name, shown):
    with asked_of_copy() as queries:
        page = tab(campaign, author, name)
    assert len(queries) > 2
    assert shown in page and LAGS in page


def test_without_a_copy_no_page_speaks_of_one(copy, campaign, author, monkeypatch):
    monkeypatch.delitem(connections.settings, replica.ALIAS)
    assert LAGS not in tab(campaign, author, "recipients")


def test_a_copy_that_is_too_far_behind_is_not_shown_and_not_asked_for_a_while(copy, campaign, author):
    replica.mark(now=timezone.now() - timedelta(minutes=1))
    assert LAGS not in tab(campaign, author, "recipients")
    replica.mark(now=timezone.now())
    with asked_of_copy() as queries:
        assert LAGS not in tab(campaign, author, "recipients")
    assert not len(queries)


def test_a_copy_that_nobody_marks_is_not_shown(campaign, author):
    assert LAGS not in tab(campaign, author, "recipients")


def test_where_the_copy_is_gone_reports_are_read_where_everybody_writes(copy, campaign, author, monkeypatch):
    for name, value in (("HOST", "127.0.0.1"), ("PORT", 1)):
        monkeypatch.setitem(connections[replica.ALIAS].settings_dict, name, value)
    page = tab(campaign, author, "recipients")
    assert "Failed" in page and LAGS not in page


def test_statistics_say_it_too_and_programs_read_it_in_a_header(copy, as_admin, author, campaign):
    day_counts.count_anew(now=timezone.now())
    assert LAGS in text_of(signed_in(author).get("/statistics/"))
    for path in ("statistics/", "statistics/export/", f"campaigns/{campaign.pk}/recipients/"):
        assert as_admin.get(f"/api/v1/{path}").headers["X-As-Of"]
    assert as_admin.get(f"/api/v1/campaigns/{campaign.pk}/errors/").headers["X-As-Of"]


def test_the_copy_shows_nobody_more_than_their_workspace(copy, campaign):
    other = factories.sending(factories.workspace("Other"))

    def seen():
        return set(Campaign.objects.values_list("pk", flat=True))

    def seen_twice():
        with walls.within(other.workspace_id):
            return seen(), router.db_for_read(Campaign)

    for _ in range(2):  # on a new connection, and on one that was told something else
        with walls.within(campaign.workspace_id):
            assert replica.read(seen, now=timezone.now())[0] == {campaign.pk}
            assert replica.read(seen_twice, now=timezone.now())[0] == ({other.pk}, replica.ALIAS)
        with walls.nothing():
            assert replica.read(seen, now=timezone.now())[0] == set()


def written(campaign):
    export = exports.request(campaign.pk, format=Format.CSV, by=campaign.created_by)
    exports.write(export.pk, clock=timezone.now)
    export.refresh_from_db()
    return export


def test_an_export_reads_the_copy_and_is_the_same(copy, campaign):
    with asked_of_copy() as queries:
        export = written(campaign)
    assert any("delivery_message" in query["sql"] for query in queries)
    assert (export.status, export.rows, export.totals["accepted"]) == (Status.READY, 30, 30)


def test_a_copy_that_fails_in_the_middle_leaves_a_whole_file_from_where_everybody_writes(copy, campaign, monkeypatch):
    read, asked = lines._read, []

    def failing(statement, values):
        asked.append(router.db_for_read(Campaign))
        if len(asked) == 2:
            with connections[replica.ALIAS].cursor() as cursor:
                cursor.execute("SELECT 1/0")
        return read(statement, values)

    monkeypatch.setattr(lines, "_read", failing)
    export = written(campaign)
    assert asked == [replica.ALIAS] * 2 + ["default"] * 3
    assert (export.status, export.rows) == (Status.READY, 30)


def test_what_is_not_on_the_copy_yet_is_read_where_it_was_written(copy):
    def found():
        if router.db_for_read(Campaign) == replica.ALIAS:
            raise Campaign.DoesNotExist
        return "found"

    assert replica.read(found, now=timezone.now()) == ("found", None)


def test_nothing_is_ever_written_to_the_copy(copy, workspace):
    def write():
        return factories.sender(workspace)._state.db, router.db_for_write(Campaign)

    assert replica.read(write, now=timezone.now())[0] == ("default", "default")


def test_the_clock_marks_where_there_is_a_copy_only():
    assert "mark-replica" not in app.conf.beat_schedule


def test_a_scrape_says_how_far_the_copy_is_behind_and_that_it_is_away(monkeypatch):
    now = timezone.now()
    replica.mark(now=now - timedelta(seconds=25))
    assert figures.replica_lag(now) == 25
    monkeypatch.setitem(connections[replica.ALIAS].settings_dict, "PORT", "1")
    connections[replica.ALIAS].close()
    (told,) = [one for one in exposition.Figures(now=timezone.now()).collect() if one.name.endswith("scrape_success")]
    assert {one.labels["part"]: one.value for one in told.samples}["replica"] == 0
