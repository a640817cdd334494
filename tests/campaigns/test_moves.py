import pytest
from django.db import IntegrityError, connection, transaction

from audit.ledger import change_status
from audit.models import Entry
from audit.refusal import Refused
from campaigns.models import Campaign
from campaigns.statuses import MOVES, Status
from tests import factories


@pytest.mark.parametrize("was", Status)
def test_every_move_off_the_table_is_refused_by_the_door(workspace, was):
    campaign = factories.campaign(workspace, was)
    entries = Entry.objects.count()
    for to in set(Status) - MOVES[was]:  # staying is no move either
        with pytest.raises(Refused), transaction.atomic():
            change_status(Campaign.objects.lock(campaign.pk), to, moves=MOVES, by=None)
    assert Campaign.objects.get(pk=campaign.pk).status == was
    assert Entry.objects.count() == entries


@pytest.mark.parametrize("was", Status)
def test_every_move_off_the_table_is_refused_by_the_database(workspace, was):
    campaign = factories.campaign(workspace, was)
    for to in set(Status) - MOVES[was] - {was}:
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("UPDATE campaigns_campaign SET status = %s WHERE id = %s", [to, campaign.pk])
    assert Campaign.objects.get(pk=campaign.pk).status == was
