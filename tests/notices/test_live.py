"""What goes on right now, in the bar of every page."""

import pytest

from accounts.roles import Role
from tests import factories
from tests.pages import signed_in, text_of


@pytest.fixture
def judge(workspace):
    return factories.member(workspace, Role.MODERATOR, user=factories.user(is_staff=True))


def test_a_moderator_sees_how_much_waits_on_every_page_and_live(judge, workspace):
    factories.in_review(workspace)
    factories.revision(factories.sender(workspace), "Other", approved=False)
    factories.in_review(factories.workspace())
    page = signed_in(judge)
    for path in ("/", "/live/"):
        assert 'data-waiting="2" data-sending="0"' in text_of(page.get(path))


def test_an_author_sees_what_is_being_sent_and_nothing_to_decide(workspace, author):
    factories.sending(workspace)
    factories.in_review(workspace)
    shown = text_of(signed_in(author).get("/live/"))
    assert 'data-waiting="0" data-sending="1"' in shown and "being sent" in shown and "decision" not in shown


def test_the_live_part_costs_few_questions_of_which_one_is_its_own(judge, workspace, django_assert_max_num_queries):
    factories.in_review(workspace)
    page = signed_in(judge)
    with django_assert_max_num_queries(5):  # session, person, workspace, membership, and what goes on
        page.get("/live/")


def test_a_session_that_has_ended_is_said_and_polling_stops(client, db):
    answer = client.get("/live/", headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/campaigns/new/"})
    assert answer.status_code == 286
    assert "/login/?next=/campaigns/new/" in text_of(answer)
