import pytest

from accounts.roles import Role
from audit.models import Entry
from moderation.models import Decision
from tests import factories
from tests.live import Program
from tests.racing import race

pytestmark = pytest.mark.live


def test_of_two_moderators_who_approve_over_http_at_once_one_is_told_that_it_is_decided(live, workspace):
    live.start("web")
    judges = [factories.member(workspace, Role.MODERATOR) for _ in range(2)]
    programs = [Program(live.url, factories.token(workspace, judge)) for judge in judges]
    for _ in range(5):
        # Of a channel where nobody listens: it is sent to nobody.
        campaign = factories.in_review(workspace)
        answers = race(*[lambda of=of, pk=campaign.pk: of.ask(f"campaigns/{pk}/approve/") for of in programs])
        assert sorted(status for status, _ in answers) == [200, 409]
        assert {answer["error"]["code"] for status, answer in answers if status == 409} == {"wrong_status"}
        assert Decision.objects.filter(campaign=campaign).count() == 1
        assert Entry.objects.about(campaign).filter(action="campaign.approved").count() == 1
