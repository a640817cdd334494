"""Counters folded, partitions ahead of time, receipts that never came."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from campaigns.models import Campaign
from delivery import counters, course, housekeeping
from delivery.models import Movement, Tally
from delivery.statuses import MessageState
from tests import evidence, factories
from tests.racing import race

HOUR = timedelta(hours=1)


def pending(workspace, *, handed_over_at, **given):
    """A campaign that the carrier took in full, and of which nothing was heard since."""
    campaign = factories.sending(workspace, **given)
    evidence.dispatched(campaign, evidence.PENDING, at=handed_over_at)
    return campaign


def totals_of(campaign):
    return counters.totals(Campaign.objects.get(pk=campaign.pk))


# --- Counters ---------------------------------------------------------------------------------------------------------


def count_up(campaign, times):
    """`times` messages became delivered, one by one."""
    changes = [(MessageState.PENDING, -1), (MessageState.DELIVERED, 1)] * times
    Tally.objects.bulk_create(Tally(campaign=Campaign(pk=campaign.pk), state=state, n=n) for state, n in changes)


def within_one_stretch(campaign):
    """Whatever its counters did until now, they did at one moment, not on both sides of a full minute."""
    Tally.objects.filter(campaign=campaign).update(at=Now())


def test_long_counters_are_folded_and_say_the_same(workspace):
    long, short = (
        pending(workspace, handed_over_at=timezone.now(), list=factories.ready_list(workspace, 300)) for _ in range(2)
    )
    count_up(long, 150)
    count_up(short, 10)
    before = [totals_of(campaign) for campaign in (long, short)]
    housekeeping.fold_tallies()
    assert [totals_of(campaign) for campaign in (long, short)] == before
    assert Tally.objects.filter(campaign=long).count() == 2
    assert Tally.objects.filter(campaign=short).count() == 21


def test_a_counter_that_came_to_nothing_leaves_no_row(workspace):
    campaign = pending(workspace, handed_over_at=timezone.now(), list=factories.ready_list(workspace, 150))
    count_up(campaign, 150)
    housekeeping.fold_tallies()
    assert list(Tally.objects.filter(campaign=campaign).values_list("state", "n")) == [(MessageState.DELIVERED, 150)]


def test_folding_keeps_when_the_counters_moved(workspace):
    campaign = pending(workspace, handed_over_at=timezone.now(), list=factories.ready_list(workspace, 300))
    count_up(campaign, 150)
    within_one_stretch(campaign)
    until = timezone.now() + HOUR
    before = course.moved(campaign, width=HOUR, until=until)
    for _ in range(2):  # what is folded already is not counted once more
        housekeeping.fold_tallies()
        count_up(campaign, 0)
    assert Movement.objects.filter(campaign=campaign).count() == 2
    assert course.moved(campaign, width=HOUR, until=until) == before
    (moved,) = before.values()
    assert moved == {MessageState.PENDING: 150, MessageState.DELIVERED: 150}


def test_a_stretch_is_added_to_as_more_of_it_is_folded(workspace):
    campaign = pending(workspace, handed_over_at=timezone.now(), list=factories.ready_list(workspace, 500))
    for _ in range(2):
        count_up(campaign, 200)
        housekeeping.fold_tallies()
    moved = course.moved(campaign, width=HOUR, until=timezone.now() + HOUR)
    assert sum(states[MessageState.DELIVERED] for states in moved.values()) == 400


@pytest.mark.parametrize(("age", "seconds"), [(0, 10), (2, 60), (50, 600), (200, 3600)])
def test_the_stretches_grow_with_the_age_of_the_campaign(workspace, age, seconds):
    campaign = pending(workspace, handed_over_at=timezone.now())
    Campaign.objects.filter(pk=campaign.pk).update(started_at=timezone.now() - age * HOUR)
    count_up(campaign, 101)
    within_one_stretch(campaign)
    housekeeping.fold_tallies()
    begins = set(Movement.objects.filter(campaign=campaign).values_list("begin", flat=True))
    assert all(begin.timestamp() % seconds == 0 for begin in begins)
    assert len(begins) == 1


@pytest.mark.django_db(transaction=True)
def test_whoever_reads_while_counters_are_folded_and_written_sees_every_message_once(workspace):
    campaign = pending(workspace, handed_over_at=timezone.now(), list=factories.ready_list(workspace, 4000))

    def write():
        for _ in range(20):
            count_up(campaign, 150)

    def fold():
        for _ in range(40):
            housekeeping.fold_tallies()

    def read():
        return {(totals.balanced, totals.waiting) for totals in (totals_of(campaign) for _ in range(150))}

    _, _, _, seen = race(write, fold, fold, read)
    assert seen == {(True, 0)}
    totals = totals_of(campaign)
    assert (totals.delivered, totals.pending) == (3000, 1000)


# --- Partitions -------------------------------------------------------------------------------------------------------


def partitions_of(table):
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [table])
        return {name for (name,) in cursor.fetchall()}


@pytest.mark.parametrize("table", ["delivery_message", "delivery_carrierid", "delivery_receipt"])
def test_partitions_are_there_two_months_ahead_however_often_they_are_prepared(db, table):
    wanted = {f"{table}_2031_12", f"{table}_2032_01", f"{table}_2032_02"}
    before = partitions_of(table)
    for _ in range(2):
        housekeeping.prepare_partitions(today=date(2031, 12, 31))
        assert partitions_of(table) - before == wanted


# --- Receipts that never come -----------------------------------------------------------------------------------------


def test_silence_after_validity_and_grace_is_no_receipt(workspace, settings):
    now = timezone.now()
    at = now - settings.DEFAULT_VALIDITY - settings.RECEIPT_GRACE
    campaign = pending(workspace, handed_over_at=at)
    _started(campaign, at)
    housekeeping.close_unreceipted(now=now - timedelta(seconds=1))
    assert totals_of(campaign).pending == 3
    housekeeping.close_unreceipted(now=now + timedelta(seconds=1))
    totals = totals_of(campaign)
    assert (totals.pending, totals.no_receipt, totals.balanced) == (0, 3, True)


def test_a_deadline_ends_the_validity_and_the_grace_begins_with_it(workspace, settings):
    at = timezone.now()
    deadline = at + HOUR
    campaign = pending(workspace, handed_over_at=at, not_after=deadline)
    housekeeping.close_unreceipted(now=deadline + settings.RECEIPT_GRACE)
    assert totals_of(campaign).pending == 3
    housekeeping.close_unreceipted(now=deadline + settings.RECEIPT_GRACE + timedelta(seconds=1))
    assert totals_of(campaign).no_receipt == 3


def test_what_waits_for_no_receipt_is_left_alone(workspace, settings):
    now = timezone.now()
    at = now - settings.DEFAULT_VALIDITY - settings.RECEIPT_GRACE - HOUR
    campaign = factories.sending(workspace, list=factories.ready_list(workspace, 4))
    outcomes = [evidence.DELIVERED, evidence.UNANSWERED, evidence.REFUSED, evidence.PENDING]
    evidence.dispatched(campaign, lambda recipient: outcomes[recipient], at=at)
    _started(campaign, at)
    before = totals_of(campaign)
    housekeeping.close_unreceipted(now=now)
    after = totals_of(campaign)
    assert (after.delivered, after.uncertain, after.failed) == (before.delivered, before.uncertain, before.failed)
    assert (after.pending, after.no_receipt) == (0, 1)


def _started(campaign, at):
    """As if it had begun then: its messages lie in the partition of that day."""
    days = {"was": campaign.day, "day": at.date(), "campaign": campaign.pk, "at": at}
    with connection.cursor() as cursor:
        cursor.execute("UPDATE campaigns_campaign SET started_at = %(at)s WHERE id = %(campaign)s", days)
        cursor.execute(
            "UPDATE delivery_message SET day = %(day)s WHERE day = %(was)s AND campaign_id = %(campaign)s", days
        )
