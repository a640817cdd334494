from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone

from audit.models import Entry
from campaigns import transitions as author
from campaigns.models import Campaign
from campaigns.statuses import Mode, Status
from delivery import due
from delivery.models import Chunk, Incident, Tally
from delivery.statuses import ChunkStatus, IncidentKind, MessageState
from tests import evidence, factories
from tests.delivery import ground
from tests.racing import race

HOUR = timedelta(hours=1)


def status_of(campaign):
    return Campaign.objects.get(pk=campaign.pk).status


def spoil(table, column, pk):
    """Whoever updates these rows runs into a bug."""
    with connection.cursor() as cursor:
        cursor.execute("""CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'spoilt'; END $$""")
        cursor.execute(
            f"CREATE TRIGGER spoilt BEFORE UPDATE ON {table} FOR EACH ROW WHEN (NEW.{column} = {pk})"
            " EXECUTE FUNCTION spoil()"
        )


def starts_of(campaign):
    return Entry.objects.about(campaign).filter(action="campaign.sending").count()


def test_a_campaign_on_approval_starts_at_the_next_tick(workspace):
    campaign = factories.approved(workspace, list=factories.ready_list(workspace, 25, chunk_size=10))
    due.tick(now=timezone.now())
    assert status_of(campaign) == Status.SENDING
    chunks = Chunk.objects.filter(campaign=campaign).order_by("number")
    assert [(chunk.first, chunk.count) for chunk in chunks] == [(0, 10), (10, 10), (20, 5)]


def test_a_scheduled_campaign_waits_for_its_minute(workspace):
    send_at = timezone.now() + HOUR
    campaign = factories.approved(workspace, mode=Mode.SCHEDULED, send_at=send_at)
    due.tick(now=send_at - timedelta(milliseconds=1))
    assert status_of(campaign) == Status.APPROVED
    due.tick(now=send_at)
    assert status_of(campaign) == Status.SENDING


def test_a_campaign_found_after_the_grace_is_missed_and_nothing_is_sent(workspace, settings):
    send_at = timezone.now() + HOUR
    campaign = factories.approved(workspace, mode=Mode.SCHEDULED, send_at=send_at)
    due.tick(now=send_at + settings.START_GRACE + timedelta(seconds=1))
    assert status_of(campaign) == Status.MISSED
    assert not Chunk.objects.filter(campaign=campaign).exists()


def test_a_campaign_approved_after_its_time_is_never_started_by_the_clock(workspace):
    campaign = factories.missed(workspace)
    due.tick(now=timezone.now() + HOUR)
    assert status_of(campaign) == Status.MISSED


@pytest.mark.django_db(transaction=True)
def test_two_clocks_at_once_start_a_campaign_once(workspace):
    campaign = factories.approved(workspace)
    now = timezone.now()
    outcomes = race(*[lambda: due.tick(now=now)] * 3)
    assert outcomes == [None, None, None]
    assert status_of(campaign) == Status.SENDING
    assert starts_of(campaign) == 1
    assert Chunk.objects.filter(campaign=campaign).count() == 1


def test_a_list_whose_manifest_was_swapped_stops_the_campaign(workspace):
    campaign = factories.approved(workspace)
    other = factories.ready_list(workspace, 5)
    with default_storage.open(other.manifest_key) as file:
        swapped = file.read()
    with default_storage.open(campaign.list.manifest_key, "wb") as file:
        file.write(swapped)
    due.tick(now=timezone.now())
    assert status_of(campaign) == Status.FAILED


def test_content_changed_behind_the_triggers_stops_the_campaign(workspace):
    campaign = factories.approved(workspace)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE campaigns_campaign SET text = 'Something else.' WHERE id = %s", [campaign.pk])
        cursor.execute("SET LOCAL session_replication_role = origin")
    due.tick(now=timezone.now())
    assert status_of(campaign) == Status.FAILED
    assert "differs from what was approved" in Campaign.objects.get(pk=campaign.pk).stopped_because


def test_a_sender_that_was_archived_meanwhile_stops_the_campaign(workspace, admin):
    from senders import transitions as senders

    campaign = factories.approved(workspace)
    senders.archive(campaign.sender_id, by=admin)
    due.tick(now=timezone.now())
    assert status_of(campaign) == Status.FAILED


def test_a_spread_campaign_lays_its_chunks_end_to_end_over_the_window(workspace):
    begin = timezone.now() + HOUR
    campaign = factories.approved(
        workspace,
        mode=Mode.SPREAD,
        date_from=begin,
        date_to=begin + 2 * HOUR,
        not_after=begin + 3 * HOUR,
        list=factories.ready_list(workspace, 40, chunk_size=10),
    )
    due.tick(now=begin)
    chunks = list(Chunk.objects.filter(campaign=campaign).order_by("number"))
    assert chunks[0].plan_from == begin
    assert chunks[1].plan_from == chunks[0].plan_until == begin + HOUR / 2
    assert chunks[-1].plan_until == begin + 2 * HOUR


def test_after_a_pause_the_rest_of_a_spread_campaign_fills_the_rest_of_its_window(workspace):
    begin = timezone.now() + HOUR
    campaign = factories.approved(
        workspace,
        mode=Mode.SPREAD,
        date_from=begin,
        date_to=begin + 2 * HOUR,
        not_after=begin + 3 * HOUR,
        list=factories.ready_list(workspace, 40, chunk_size=10),
    )
    due.tick(now=begin)
    Chunk.objects.filter(campaign=campaign, number=0).update(next=10, intended=10, status=ChunkStatus.DONE)
    author.pause(campaign.pk, by=campaign.created_by)
    author.resume(campaign.pk, by=campaign.created_by, now=begin + HOUR)
    due.tick(now=begin + HOUR)
    left = list(Chunk.objects.filter(campaign=campaign).open().order_by("number"))
    assert left[0].plan_from == begin + HOUR
    assert left[1].plan_from == begin + HOUR + HOUR / 3
    assert left[-1].plan_until == begin + 2 * HOUR


def test_a_spread_campaign_resumed_after_its_window_sends_the_rest_before_its_deadline(workspace, rung):
    begin = timezone.now() + HOUR
    campaign = factories.approved(
        workspace,
        mode=Mode.SPREAD,
        date_from=begin,
        date_to=begin + HOUR,
        not_after=begin + 3 * HOUR,
        list=factories.ready_list(workspace, 20, chunk_size=10),
    )
    due.tick(now=begin)
    author.pause(campaign.pk, by=campaign.created_by)
    now = begin + 2 * HOUR
    author.resume(campaign.pk, by=campaign.created_by, now=now)
    rung.clear()
    due.tick(now=now)
    assert len(rung) == 2
    for chunk in Chunk.objects.filter(campaign=campaign):
        claimed = ground.claim(chunk, now=now)
        assert ground.intend(claimed, 10, now=now) == range(10)
    planned = Entry.objects.about(campaign).filter(action="campaign.planned")
    due.tick(now=now)
    assert planned.count() == 1


def test_a_chunk_whose_last_batch_is_on_its_way_is_not_planned_again(workspace):
    begin = timezone.now() + HOUR
    campaign = factories.approved(
        workspace,
        mode=Mode.SPREAD,
        date_from=begin,
        date_to=begin + 2 * HOUR,
        list=factories.ready_list(workspace, 20, chunk_size=10),
    )
    due.tick(now=begin)
    Chunk.objects.filter(campaign=campaign, number=0).update(intended=10)
    author.pause(campaign.pk, by=campaign.created_by)
    author.resume(campaign.pk, by=campaign.created_by, now=begin + HOUR)
    for second in range(3):
        due.tick(now=begin + HOUR + timedelta(seconds=second))
    assert Entry.objects.about(campaign).filter(action="campaign.planned").count() == 1


def test_a_campaign_past_its_deadline_expires_and_what_is_unsent_stays_unsent(workspace):
    campaign = factories.approved(workspace, not_after=timezone.now() + HOUR)
    due.tick(now=timezone.now())
    due.tick(now=timezone.now() + HOUR)
    assert status_of(campaign) == Status.EXPIRED
    due.tick(now=timezone.now() + HOUR)
    assert set(Chunk.objects.filter(campaign=campaign).values_list("status", flat=True)) == {ChunkStatus.CLOSED}


def handed_over(workspace, **given):
    """Everything of it is with the carrier, and nobody has said yet that it is done."""
    campaign = factories.sending(workspace, **given)
    evidence.dispatched(campaign, evidence.PENDING)
    return campaign


def test_a_campaign_is_done_when_every_chunk_is(workspace):
    campaign = handed_over(workspace)
    due.tick(now=timezone.now())
    assert status_of(campaign) == Status.DONE


def test_what_was_sent_in_full_before_its_deadline_is_done_and_not_expired(workspace):
    deadline = timezone.now() + HOUR
    sending, paused = (handed_over(workspace, not_after=deadline) for _ in range(2))
    author.pause(paused.pk, by=paused.created_by)
    due.tick(now=deadline)
    assert (status_of(sending), status_of(paused)) == (Status.DONE, Status.DONE)
    late = handed_over(workspace, not_after=timezone.now() + HOUR)
    due.expire_late(now=late.not_after)  # whichever step is first
    assert status_of(late) == Status.DONE


def test_no_campaign_is_done_while_it_does_not_balance(workspace):
    campaign = handed_over(workspace)
    tally = Tally.objects.get(campaign=campaign)
    Tally.objects.filter(pk=tally.pk).update(n=tally.n - 1)
    now = timezone.now().replace(second=0)
    for second in range(3):
        due.tick(now=now + timedelta(seconds=second))
    assert status_of(campaign) == Status.SENDING
    [incident] = Incident.objects.filter(campaign=campaign)
    assert (incident.kind, incident.count) == (IncidentKind.UNBALANCED, 1)
    assert incident.sample == f"{campaign} does not balance: 3 accepted, 2 counted, 0 waiting."
    Tally.objects.filter(pk=tally.pk).update(n=tally.n)
    due.tick(now=now)
    assert status_of(campaign) == Status.DONE


def test_a_campaign_is_not_done_while_a_message_waits(workspace):
    campaign = handed_over(workspace)
    Tally.objects.create(campaign=campaign, state=MessageState.PENDING, n=-1)
    Tally.objects.create(campaign=campaign, state=MessageState.INTENDED, n=1)
    due.tick(now=timezone.now())
    assert status_of(campaign) == Status.SENDING


def test_one_campaigns_trouble_keeps_no_other_from_starting(workspace, caplog):
    first, second = (factories.approved(workspace) for _ in range(2))
    spoil("campaigns_campaign", "id", first.pk)
    due.tick(now=timezone.now())
    assert (status_of(first), status_of(second)) == (Status.APPROVED, Status.SENDING)
    [failed] = [record for record in caplog.records if record.message == "tick.failed"]
    assert (failed.step, failed.campaign) == ("start", first.pk)


def test_a_campaign_that_cannot_expire_keeps_no_other_from_it(workspace):
    deadline = timezone.now() + HOUR
    first, second = (factories.approved(workspace, not_after=deadline) for _ in range(2))
    due.start_due(now=timezone.now())
    spoil("campaigns_campaign", "id", first.pk)
    due.tick(now=deadline)
    assert (status_of(first), status_of(second)) == (Status.SENDING, Status.EXPIRED)
    assert not Chunk.objects.filter(campaign=second).open().exists()


def test_a_chunk_that_cannot_be_settled_keeps_no_other_from_being_rung_for(workspace, rung):
    first, second = (factories.approved(workspace) for _ in range(2))
    now = timezone.now()
    due.start_due(now=now)
    author.cancel(first.pk, by=first.created_by, now=now)
    spoil("delivery_chunk", "campaign_id", first.pk)
    due.tick(now=now)
    [chunk] = Chunk.objects.filter(campaign=second)
    assert rung == [("delivery.tasks.dispatch", (chunk.pk,))]


def test_a_chunk_is_rung_for_once_and_again_only_when_nobody_came(workspace, rung):
    campaign = factories.approved(workspace)
    now = timezone.now()
    due.tick(now=now)
    due.tick(now=now + timedelta(seconds=1))
    [chunk] = Chunk.objects.filter(campaign=campaign)
    assert rung == [("delivery.tasks.dispatch", (chunk.pk,))]
    due.tick(now=now + timedelta(seconds=30))
    assert len(rung) == 2


def test_one_campaign_never_fills_the_queue(workspace, rung):
    factories.approved(workspace, list=factories.ready_list(workspace, 40, chunk_size=1))
    due.tick(now=timezone.now())
    assert len(rung) == due.AT_ONCE


def test_a_paused_campaign_is_not_rung_for(workspace, rung):
    campaign = factories.approved(workspace)
    now = timezone.now()
    due.start_due(now=now)
    author.pause(campaign.pk, by=campaign.created_by)
    due.tick(now=now)
    assert rung == []
