from datetime import time, timedelta
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.utils import timezone

from accounts.models import Workspace
from audit.models import Entry
from campaigns import transitions as author_verbs
from campaigns.models import Campaign
from campaigns.statuses import Mode, Status
from delivery import dispatching, due
from delivery.models import Chunk, Incident, Tally
from delivery.statuses import ChunkStatus, IncidentKind, MessageState
from senders import transitions as senders
from tests import evidence, factories, owner
from tests.delivery import ground
from tests.racing import race

HOUR = timedelta(hours=1)


def status_of(campaign):
    return Campaign.objects.get(pk=campaign.pk).status


def spoil(table, column, pk):
    """Whoever updates these rows runs into a bug."""
    with owner.at_work() as cursor:
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
    with owner.at_work() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE campaigns_campaign SET text = 'Something else.' WHERE id = %s", [campaign.pk])
        cursor.execute("SET LOCAL session_replication_role = origin")
    due.tick(now=timezone.now())
    assert status_of(campaign) == Status.FAILED
    assert "differs from what was approved" in Campaign.objects.get(pk=campaign.pk).stopped_because


def test_a_sender_that_was_archived_meanwhile_stops_the_campaign(workspace, admin):
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
    author_verbs.pause(campaign.pk, by=campaign.created_by)
    author_verbs.resume(campaign.pk, by=campaign.created_by, now=begin + HOUR)
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
    author_verbs.pause(campaign.pk, by=campaign.created_by)
    now = begin + 2 * HOUR
    author_verbs.resume(campaign.pk, by=campaign.created_by, now=now)
    rung.clear()
    due.tick(now=now)
    assert len(rung) == 1
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
    author_verbs.pause(campaign.pk, by=campaign.created_by)
    author_verbs.resume(campaign.pk, by=campaign.created_by, now=begin + HOUR)
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
    author_verbs.pause(paused.pk, by=paused.created_by)
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
    author_verbs.cancel(first.pk, by=first.created_by, now=now)
    spoil("delivery_chunk", "campaign_id", first.pk)
    rung.clear()
    due.tick(now=now + timedelta(minutes=1))
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


def test_a_chunk_whose_object_is_away_lets_the_others_pass_and_has_its_turn_later(workspace, rung):
    _, chunks = ground.under_way(workspace, 30, chunk_size=10)
    default_storage.delete(chunks[0].key)
    now = timezone.now()
    dispatching.work_on(chunks[0].pk, clock=lambda: now)
    rung.clear()
    due.tick(now=now + timedelta(seconds=1))
    assert rung == [("delivery.tasks.dispatch", (chunks[1].pk,))]
    assert ground.claim(chunks[1])
    rung.clear()
    due.tick(now=now + settings.RING_AGAIN)
    assert rung == [("delivery.tasks.dispatch", (chunks[0].pk,))]


def test_of_each_campaign_one_bell_waits_whatever_its_size(workspace, rung):
    large = factories.approved(workspace, list=factories.ready_list(workspace, 40, chunk_size=1))
    small = factories.approved(workspace)
    now = timezone.now()
    for second in range(3):
        due.tick(now=now + timedelta(seconds=second))
    chunks = Chunk.objects.in_bulk(pk for _, (pk,) in rung)
    assert sorted(chunk.campaign_id for chunk in chunks.values()) == [large.pk, small.pk]
    assert len(rung) == 2


def test_a_campaign_that_starts_is_rung_for_in_front_of_the_chunks_of_a_large_one(workspace, rung):
    _, chunks = ground.under_way(workspace, 40, chunk_size=1)
    for chunk in chunks[:8]:  # at work, and each rang for the next as it was taken
        assert ground.claim(chunk)
        due.ring_next(chunk.campaign_id, now=timezone.now())
    rung.clear()
    small = factories.approved(workspace)
    due.tick(now=timezone.now())
    [(_, (pk,))] = rung
    assert Chunk.objects.get(pk=pk).campaign_id == small.pk
    assert due.others_wait(chunks[0].campaign_id, now=timezone.now())
    assert ground.claim(Chunk.objects.get(pk=pk))
    assert not due.others_wait(chunks[0].campaign_id, now=timezone.now())


def test_where_a_rate_limits_a_campaign_it_holds_few_threads(workspace, rung):
    slow = factories.channel("slow", tps=10, is_default=False)
    campaign, chunks = ground.under_way(workspace, 20, chunk_size=1, channel=slow)
    for chunk in chunks:
        ground.claim(chunk)
        due.ring_next(campaign.pk, now=timezone.now())
        if Chunk.objects.filter(campaign=campaign).waiting(timezone.now()).count() == 0:
            break
    assert Chunk.objects.filter(campaign=campaign).owned(timezone.now()).count() == 3


def test_a_campaign_starts_on_its_instant_with_its_manifest_read_before(workspace, rung, monkeypatch):
    send_at = timezone.now() + HOUR
    campaign = factories.approved(workspace, mode=Mode.SCHEDULED, send_at=send_at)
    later = factories.approved(workspace, mode=Mode.SCHEDULED, send_at=send_at + HOUR)
    clock = SimpleNamespace(now=send_at - timedelta(seconds=1))

    def wait(seconds):
        clock.now += timedelta(seconds=seconds)
        default_storage.delete(campaign.list.manifest_key)

    monkeypatch.setattr(due, "time", SimpleNamespace(sleep=wait))
    due.start_on_time(clock=lambda: clock.now)
    started = Campaign.objects.get(pk=campaign.pk)
    assert (started.status, started.started_at) == (Status.SENDING, send_at)
    assert [name for name, _ in rung] == ["delivery.tasks.dispatch"]
    assert status_of(later) == Status.APPROVED


def test_a_campaign_that_is_cancelled_in_the_last_moment_does_not_start(workspace, author, rung):
    send_at = timezone.now() + timedelta(seconds=1)
    campaign = factories.approved(workspace, mode=Mode.SCHEDULED, send_at=send_at, now=send_at - HOUR)
    instants = iter([timezone.now()])

    def clock():
        at = next(instants, None)
        if at is None and status_of(campaign) == Status.APPROVED:
            author_verbs.cancel(campaign.pk, by=author, now=timezone.now())
        return at or campaign.send_at

    due.start_on_time(clock=clock)
    assert (status_of(campaign), rung) == (Status.CANCELLED, [])


def test_campaigns_due_on_one_second_start_together_whatever_is_wrong_with_one_of_them(workspace, admin, rung):
    at = timezone.now() + HOUR
    due_then = {"mode": Mode.SCHEDULED, "send_at": at}
    good = [factories.approved(workspace, **due_then) for _ in range(3)]
    other = factories.approved(factories.workspace(), **due_then)
    unfit, damaged = factories.approved(workspace, **due_then), factories.approved(workspace, **due_then)
    senders.archive(unfit.sender_id, by=admin)
    default_storage.delete(damaged.list.manifest_key)
    due.start_due(now=at)
    assert [status_of(one) for one in (*good, other)] == [Status.SENDING] * 4
    assert (status_of(unfit), status_of(damaged)) == (Status.FAILED, Status.APPROVED)
    assert [starts_of(one) for one in (*good, other)] == [1] * 4
    assert [one.history.first().status for one in good] == [Status.SENDING] * 3
    assert len(rung) == 4
    call_command("verify_audit")


# --- The hours of a day -----------------------------------------------------------------------------------------------

NINE, SIX = time(9), time(18)


def in_hours(workspace, *, at, **given):
    """A campaign that may send from nine to six, UTC, started by the clock at that instant."""
    Workspace.objects.filter(pk=workspace.pk).update(time_zone="UTC")
    workspace.refresh_from_db()
    campaign = factories.approved(workspace, daily_from=NINE, daily_to=SIX, now=at - timedelta(minutes=1), **given)
    due.tick(now=at)
    campaign.refresh_from_db()
    return campaign, list(Chunk.objects.filter(campaign=campaign).order_by("number"))


@pytest.fixture
def noon():
    return (timezone.now() + timedelta(days=1)).replace(hour=12, minute=0, second=0, microsecond=0)


def test_outside_its_hours_a_campaign_is_not_rung_for_and_goes_on_by_itself(workspace, rung, noon):
    evening = noon + 8 * HOUR
    campaign, [chunk] = in_hours(workspace, at=evening)
    assert (campaign.status, rung) == (Status.SENDING, [])
    due.tick(now=noon + 21 * HOUR - timedelta(seconds=1))
    assert rung == []
    due.tick(now=noon + 21 * HOUR)
    assert rung == [("delivery.tasks.dispatch", (chunk.pk,))]


@pytest.mark.parametrize(
    ("after_noon", "is_open"),
    [(0, True), (6 * 3600 - 1, True), (6 * 3600, False), (21 * 3600 - 1, False), (21 * 3600, True)],
)
def test_the_intent_itself_refuses_outside_the_hours(workspace, noon, after_noon, is_open):
    _, [chunk] = in_hours(workspace, at=noon)
    now = noon + timedelta(seconds=after_noon)
    claimed = ground.claim(chunk, now=now)
    assert (ground.intend(claimed, 2, now=now) is not None) == is_open


def test_a_retry_waits_for_the_next_hours(workspace, noon):
    _, [chunk] = in_hours(workspace, at=noon)
    claimed = ground.claim(chunk, now=noon)
    assert ground.send(claimed, [(0x58, b"")] * 3, now=noon)
    night, morning = noon + 12 * HOUR, noon + 22 * HOUR
    assert ground.choose_retries(claimed, 3, now=night) == []
    assert len(ground.choose_retries(claimed, 3, now=morning)) == 3


def test_what_is_in_doubt_is_settled_in_closed_hours_as_well(workspace, noon, rung):
    _, [chunk] = in_hours(workspace, at=noon)
    claimed = ground.claim(chunk, now=noon)
    ground.intend(claimed, 2, now=noon)  # and the process is gone
    rung.clear()
    due.tick(now=noon + 12 * HOUR)
    assert rung == [("delivery.tasks.dispatch", (chunk.pk,))]


def test_a_spread_campaign_is_even_over_its_open_hours_alone(workspace, noon):
    """Six hours to this evening's closing, nine tomorrow, three the day after: a chunk an hour."""
    listed = factories.ready_list(workspace, 180, chunk_size=10)
    window = {"mode": Mode.SPREAD, "date_from": noon, "date_to": noon + 48 * HOUR, "not_after": noon + 60 * HOUR}
    _, chunks = in_hours(workspace, at=noon, list=listed, **window)
    assert chunks[5].plan_until == noon + 6 * HOUR
    assert chunks[6].plan_from == noon + 21 * HOUR
    assert chunks[14].plan_until == noon + 30 * HOUR
    assert chunks[15].plan_from == noon + 45 * HOUR
    assert chunks[17].plan_until == noon + 48 * HOUR


def test_after_a_pause_the_rest_is_even_over_the_open_hours_that_are_left(workspace, author, noon):
    listed = factories.ready_list(workspace, 180, chunk_size=10)
    window = {"mode": Mode.SPREAD, "date_from": noon, "date_to": noon + 48 * HOUR, "not_after": noon + 60 * HOUR}
    campaign, _ = in_hours(workspace, at=noon, list=listed, **window)
    author_verbs.pause(campaign.pk, by=author)
    evening = noon + 8 * HOUR
    author_verbs.resume(campaign.pk, by=author, now=evening)
    due.tick(now=evening)
    chunks = list(Chunk.objects.filter(campaign=campaign).order_by("number"))
    assert chunks[0].plan_from == noon + 21 * HOUR
    assert chunks[12].plan_until == noon + 30 * HOUR - timedelta(minutes=20)  # 18 chunks in twelve hours
    assert chunks[17].plan_until == noon + 48 * HOUR


def test_a_paused_campaign_is_not_rung_for(workspace, rung):
    campaign = factories.approved(workspace)
    now = timezone.now()
    due.start_due(now=now)
    author_verbs.pause(campaign.pk, by=campaign.created_by)
    rung.clear()
    due.tick(now=now + timedelta(minutes=1))
    assert rung == []


def test_a_bell_that_a_wrong_clock_rang_keeps_nobody_from_ringing(workspace):
    campaign, [chunk] = ground.under_way(workspace, 2)
    now = timezone.now()
    Chunk.objects.filter(pk=chunk.pk).update(rung_at=now + timedelta(hours=1))
    assert Chunk.objects.to_ring(now).filter(campaign=campaign).exists()
    assert not Chunk.objects.waiting(now).exists()
    Chunk.objects.filter(pk=chunk.pk).update(rung_at=now)
    assert not Chunk.objects.to_ring(now).exists()
    assert Chunk.objects.waiting(now).exists()
