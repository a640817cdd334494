import pytest

from campaigns.models import Campaign
from campaigns.statuses import MOVES, Status
from tests import factories


@pytest.mark.django_db
@pytest.mark.parametrize("status", Status)
def test_a_campaign_can_be_made_in_every_status(workspace, status):
    assert factories.campaign(workspace, status).status == status


def test_every_status_has_its_moves():
    assert set(MOVES) == set(Status) == set(factories.CAMPAIGN_IN)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("time", ["first", "second"])
def test_a_test_with_commits_leaves_nothing_behind(time):
    assert not Campaign.objects.exists()
    factories.campaign(factories.workspace())
