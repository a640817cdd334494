import pytest

from campaigns.statuses import Status
from reports.overview import overview
from tests import evidence, factories
from tests.pages import signed_in, text_of


@pytest.fixture
def page(author):
    return signed_in(author)


def test_the_dashboard_counts_what_is_where(workspace):
    for status in Status:
        factories.campaign(workspace, status)
    seen = overview(workspace)
    assert (seen.total, seen.active, seen.done, seen.failed, seen.in_review) == (11, 3, 1, 2, 1)
    stuck = {campaign.status for campaign in seen.needs_attention}
    assert stuck == {Status.MISSED, Status.REJECTED, Status.PAUSED, Status.FAILED}


def test_the_dashboard_shows_how_far_a_campaign_is(page, workspace):
    campaign = factories.sending(workspace, list=factories.ready_list(workspace, 10))
    evidence.dispatched(campaign, handed_over=[4])
    shown = text_of(page.get("/"))
    assert '<progress max="100" value="40"></progress>' in shown and "4 delivered" in shown


def test_the_dashboard_asks_again_only_while_something_is_sent(page, workspace):
    factories.done(workspace)
    assert 'hx-get="/"' not in text_of(page.get("/"))
    factories.sending(workspace)
    assert 'hx-get="/"' in text_of(page.get("/"))


def test_campaigns_are_filtered_by_status(page, workspace):
    draft, done = factories.draft(workspace), factories.done(workspace)
    shown = text_of(page.get("/campaigns/?status=done"))
    assert done.name in shown and draft.name not in shown
    assert page.get("/campaigns/?status=nonsense").url == "/campaigns/"


def test_strangers_campaigns_are_on_no_page(page):
    foreign = factories.rejected(factories.workspace())
    assert foreign.name not in text_of(page.get("/")) + text_of(page.get("/campaigns/"))


@pytest.mark.parametrize(("path", "most"), [("/", 12), ("/campaigns/", 11)])
def test_a_page_of_campaigns_asks_the_database_as_often_for_many_as_for_one(
    page, workspace, django_assert_max_num_queries, path, most
):
    for _ in range(8):
        factories.sending(workspace)
    with django_assert_max_num_queries(most):
        assert page.get(path).content.count(b"status-sending") == 8


def test_the_emptiest_workspace_says_what_to_do(page):
    assert "write the first campaign" in text_of(page.get("/"))
    assert "Write the first one" in text_of(page.get("/campaigns/"))
