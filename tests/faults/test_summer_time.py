"""The two nights on which the clocks of a workspace are changed."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from accounts.models import Workspace
from audit.models import Entry
from campaigns import drafts, transitions
from campaigns.models import Campaign
from campaigns.statuses import Mode, Status
from delivery import due
from moderation import decisions
from tests import factories
from tests.pages import signed_in

pytestmark = pytest.mark.django_db

# Europe/Amsterdam: at 01:00 UTC the clocks go forward on 29 March 2099, and back on 25 October 2099.
NIGHTS = [
    ("2099-03-29T01:59", datetime(2099, 3, 29, 0, 59, tzinfo=UTC)),
    ("2099-03-29T03:00", datetime(2099, 3, 29, 1, 0, tzinfo=UTC)),
    ("2099-03-29T03:30", datetime(2099, 3, 29, 1, 30, tzinfo=UTC)),
    ("2099-10-25T01:59", datetime(2099, 10, 24, 23, 59, tzinfo=UTC)),
    ("2099-10-25T03:00", datetime(2099, 10, 25, 2, 0, tzinfo=UTC)),
]


@pytest.fixture(autouse=True)
def in_amsterdam(workspace):
    Workspace.objects.filter(pk=workspace.pk).update(time_zone="Europe/Amsterdam")
    workspace.refresh_from_db()
    factories.channel()
    factories.sender(workspace)


def written(workspace, author, typed):
    """A draft of which everything is said in the wizard, and what its last step answered."""
    sender, listed = factories.sender(workspace), factories.ready_list(workspace)
    made = drafts.begin(workspace, name="Night", mode=Mode.SCHEDULED, by=author, now=datetime.now(UTC))
    page, steps = signed_in(author), f"/campaigns/{made.pk}/edit/"
    page.post(f"{steps}message/", {"sender": sender.pk, "text": "Hello."})
    page.post(f"{steps}recipients/", {"list": listed.pk})
    answer = page.post(f"{steps}time/", {"send_at": typed})
    made.refresh_from_db()
    return made, answer


@pytest.mark.parametrize("night", NIGHTS)
def test_a_campaign_on_such_a_night_starts_once_at_the_right_instant(workspace, author, moderator, night):
    typed, instant = night
    with time_machine.travel(instant - timedelta(hours=6), tick=False):
        made, _ = written(workspace, author, typed)
        assert made.send_at == instant
        transitions.submit(made.pk, by=author, now=datetime.now(UTC))
        decisions.approve_campaign(made.pk, by=moderator, now=datetime.now(UTC))
    for before in (7200, 3600, 1800, 1):  # through the hour that is missing, or there twice
        due.tick(now=instant - timedelta(seconds=before))
        assert Campaign.objects.of(workspace).get().status == Status.APPROVED
    due.tick(now=instant)
    due.tick(now=instant + timedelta(hours=1))
    made.refresh_from_db()
    assert made.started_at == instant
    assert Entry.objects.about(made).filter(action="campaign.sending").count() == 1


@pytest.mark.parametrize("typed", ["2099-03-29T02:30", "2099-10-25T02:30"])
def test_a_time_that_is_none_or_two_is_refused(workspace, author, typed):
    made, answer = written(workspace, author, typed)
    assert (answer.status_code, made.send_at) == (400, None)
