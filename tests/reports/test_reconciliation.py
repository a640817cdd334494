import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from audit.models import Entry
from campaigns.models import Campaign
from delivery import housekeeping, matching
from delivery.models import Chunk, Doubt, Incident, Intent, Tally
from delivery.statuses import IncidentKind, MessageState
from reports.reconciliation import check, differences, to_check, watch
from tests import evidence, factories, owner
from tests.delivery.ground import arrive, claim, receipt, send, under_way
from tests.racing import race

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
        arrive(campaign.channel_id, body, at=timezone.now() - age)
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


# --- What cannot be, whatever happened --------------------------------------------------------------------------------


def change(campaign, recipient, assignment):
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE delivery_message SET {assignment} WHERE campaign_id = %s AND recipient = %s",
            [campaign.pk, recipient],
        )


@pytest.fixture
def ended(workspace):
    """Nine recipients, each with another end."""
    made = factories.done(workspace, list=factories.ready_list(workspace, 9, chunk_size=9))
    ends = [
        *(evidence.DELIVERED, evidence.PENDING, evidence.REFUSED, evidence.UNDELIVERABLE, evidence.UNANSWERED),
        *(evidence.UNRECEIPTED, evidence.TOO_LATE, evidence.CALLED_OFF, evidence.OPTED_OUT),
    ]
    evidence.dispatched(made, lambda recipient: ends[recipient])
    return made


def test_every_end_that_there_is_can_be(ended):
    assert differences(ended) == []


@pytest.mark.parametrize(
    ("recipient", "assignment", "sentence"),
    [
        (0, "delivered_mask = 0", "called delivered, and not all of their parts were"),
        (1, "accepted_mask = 0", "called taken by the carrier, and not all of their parts were"),
        (5, "parts = 2", "called taken by the carrier, and not all of their parts were"),
        (2, "error_kind = 0", "called failed for no reason"),
        (3, "failed_mask = 0", "called failed for no reason"),
        (7, "accepted_mask = 1", "called unsent, and the carrier took a part of them"),
        (2, "failed_mask = 1", "have a receipt for a part that nobody took"),
        (1, "accepted_mask = 3", "have a receipt for a part that nobody took, or a part that they do not have"),
        (1, "attempts = 2", "were tried more often than intended"),
        (1, "attempts = 0, accepted_mask = 0, state = 6, error_kind = 1", "were never tried"),
    ],
)
def test_what_cannot_be_true_of_a_message_is_named(ended, recipient, assignment, sentence):
    change(ended, recipient, assignment)
    assert any(sentence in difference and difference.startswith("1 ") for difference in differences(ended))


def test_a_doubt_without_its_message_and_a_message_without_its_doubt_are_named(ended):
    Doubt.objects.filter(campaign=ended).update(recipient=0)
    assert differences(ended) == [
        "1 messages in doubt are missing from the list of doubts",
        "1 doubts are of messages that are in none",
    ]


def test_messages_beyond_every_intent_are_named(campaign):
    chunk = Chunk.objects.get(campaign=campaign, number=1)
    with owner.at_work() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("DELETE FROM delivery_intent WHERE chunk_id = %s", [chunk.pk])
        cursor.execute("SET LOCAL session_replication_role = origin")
    assert differences(campaign) == ["2 messages were handed over without an intent"]


@pytest.mark.parametrize(
    ("epoch", "owner", "sentence"),
    [
        (0, "worker", "intents of chunk 0 are of an epoch before others"),
        (2, "worker", "intents of chunk 0 are of an epoch before others, or of one to come"),
        (1, "zombie", "intents of chunk 0 have another owner than their epoch"),
    ],
)
def test_an_intent_of_somebody_who_did_not_own_its_chunk_is_named(campaign, epoch, owner, sentence):
    chunk = Chunk.objects.get(campaign=campaign, number=0)
    Intent.objects.create(chunk=chunk, epoch=epoch, owner=owner, first=0, count=1, at=timezone.now())
    [found] = differences(campaign)
    assert found.startswith("1 ") and sentence in found


def test_a_receipt_that_is_called_applied_and_is_not_shown_is_named(workspace):
    made, [chunk] = under_way(workspace, 2)
    arrive(made.channel_id, receipt("A1", factories.FIRST_NUMBER))  # before its response
    send(claim(chunk), [(0, b"A1"), (0, b"A2")])
    assert matching.match_pending(now=timezone.now()) == 1
    assert check([made], receipts_since=made.started_at) == {made: []}
    change(made, 0, "delivered_mask = 0, state = 4")
    Tally.objects.create(campaign=made, state=MessageState.DELIVERED, n=-1)
    Tally.objects.create(campaign=made, state=MessageState.PENDING, n=1)
    wrong = "1 receipts are called applied, and their messages do not show it"
    assert check([made], receipts_since=made.started_at) == {made: [wrong]}
    assert check([made], receipts_since=timezone.now()) == {made: []}


# --- Repaired and watched ---------------------------------------------------------------------------------------------


def test_the_counters_are_made_to_say_what_the_messages_say_and_the_ledger_says_by_how_much(campaign):
    Tally.objects.create(campaign=campaign, state=MessageState.DELIVERED, n=5)
    Tally.objects.create(campaign=campaign, state=MessageState.FAILED, n=-1)
    said = reconcile("--repair-tallies", str(campaign.pk))
    assert "the counter of delivered was +5 off" in said and "the counter of failed was -1 off" in said
    assert differences(campaign) == []
    entry = Entry.objects.about(campaign).get(action="campaign.tallies_repaired")
    assert entry.after == {"delivered": -5, "failed": 1}


def test_counters_that_are_right_are_left_alone(campaign):
    before = list(Tally.objects.values_list("pk", "n"))
    reconcile("--repair-tallies", str(campaign.pk))
    assert list(Tally.objects.values_list("pk", "n")) == before
    assert not Entry.objects.about(campaign).filter(action="campaign.tallies_repaired").exists()


@pytest.mark.django_db(transaction=True)
def test_a_repair_while_messages_are_counted_loses_none_of_them(workspace):
    made, [chunk] = under_way(workspace, 200, chunk_size=1000)
    mine = claim(chunk)
    Tally.objects.create(campaign=made, state=MessageState.PENDING, n=7)

    def count():
        for _ in range(40):
            send(mine, [(0, b"A1")] * 5)

    def repair():
        for _ in range(20):
            housekeeping.repair_tallies(made.pk)

    race(count, repair)
    assert differences(Campaign.objects.select_related("list").get(pk=made.pk)) == []


def test_whatever_is_not_right_is_an_incident_of_its_campaign_once_a_minute(campaign, workspace):
    evidence.dispatched(factories.sending(workspace))
    Tally.objects.create(campaign=campaign, state=MessageState.DELIVERED, n=1)
    now = timezone.now()
    for _ in range(2):
        watch(now=now)
    [incident] = Incident.objects.all()
    assert (incident.campaign, incident.kind, incident.count) == (campaign, IncidentKind.UNBALANCED, 1)
    assert "DELIVERED: the tally says 3, there are 2 messages" in incident.sample
