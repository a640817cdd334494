import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from delivery import receipts
from delivery.models import Chunk, Tally
from delivery.statuses import MessageState
from reports.reconciliation import differences, to_check
from tests import evidence, factories
from tests.delivery.ground import receipt

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(workspace):
    made = factories.sending(workspace, list=factories.ready_list(workspace, 9, chunk_size=3))
    outcomes = [evidence.DELIVERED, evidence.TO_RETRY, evidence.REFUSED]
    evidence.dispatched(made, lambda recipient: outcomes[recipient % 3], handed_over=[3, 2, 0])
    return made


def reconcile(*arguments):
    out = io.StringIO()
    call_command("reconcile", *arguments, stdout=out)
    return out.getvalue()


def test_what_delivery_writes_agrees_with_itself(campaign):
    assert differences(campaign) == []


def test_receipts_that_have_matched_no_message_are_counted_and_are_no_difference(campaign):
    assert "receipts" not in reconcile()
    body = receipt("FFFF", factories.FIRST_NUMBER)
    for age in (timedelta(hours=1), timedelta(minutes=2), timedelta(0)):
        receipts.take_in([(campaign.channel_id, body, timezone.now() - age)])
    assert "2 receipts have matched no message." in reconcile()


def test_a_tally_that_is_off_is_named(campaign):
    Tally.objects.create(campaign=campaign, state=MessageState.DELIVERED, n=1)
    found = differences(campaign)
    assert "DELIVERED: the tally says 3, there are 2 messages" in found
    assert any("does not balance" in difference for difference in found)


def test_a_lost_message_is_named_with_its_chunk(campaign):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM delivery_message WHERE campaign_id = %s AND recipient = 4", [campaign.pk])
    assert "chunk 1: it says 2 are handed over, there are 1 messages" in differences(campaign)
    assert "chunk 1: it says 1 are unresolved, there are 0 such messages" in differences(campaign)


def test_a_message_of_somebody_who_is_said_to_wait_is_named(campaign):
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE delivery_message SET recipient = 5 WHERE campaign_id = %s AND recipient = 4", [campaign.pk]
        )
    assert "chunk 1: 1 messages belong to recipients that it says are waiting" in differences(campaign)


def test_a_missing_chunk_is_named(campaign):
    Chunk.objects.filter(campaign=campaign, number=2).delete()
    assert "the list has 9 recipients, the chunks have 6" in differences(campaign)


def test_done_with_somebody_waiting_is_named(workspace):
    campaign = factories.done(workspace, list=factories.ready_list(workspace, 2))
    evidence.dispatched(campaign, handed_over=[1])
    assert differences(campaign) == ["it is done, and 1 recipients wait"]


def test_the_command_looks_at_what_is_under_way_or_was_over_today(workspace, campaign):
    factories.approved(workspace)
    today, long_ago = factories.done(workspace), factories.done(workspace)
    for one in (today, long_ago):
        evidence.dispatched(one)
    assert set(to_check(now=timezone.now())) == {campaign, today, long_ago}
    assert set(to_check(now=timezone.now() + timedelta(days=2))) == {campaign}
    assert reconcile() == "3 campaigns agree with their rows.\n"


def test_the_command_fails_and_says_what_differs(campaign):
    Tally.objects.create(campaign=campaign, state=MessageState.FAILED, n=-1)
    with pytest.raises(CommandError, match="1 of 1 campaigns differ"):
        reconcile(str(campaign.pk))


def test_the_command_knows_no_campaign_that_does_not_exist(campaign):
    with pytest.raises(CommandError, match="There is no campaign 999999999"):
        reconcile(str(campaign.pk), "999999999")
