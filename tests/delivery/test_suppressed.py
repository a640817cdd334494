"""Whoever is suppressed by the time of the intent is not handed over, and counts as suppressed ever after."""

from datetime import timedelta

import pytest
from django.utils import timezone

from campaigns.models import Campaign
from campaigns.statuses import Status
from delivery import counters, dispatching, due, evidence, intents, results
from delivery.models import Chunk, Doubt, Message
from delivery.statuses import ChunkStatus, MessageState, Term
from recipients import suppressions
from reports import reconciliation
from reports.progress import progress
from reports.recipients_tab import page
from tests import factories
from tests.delivery.ground import (
    batch_of,
    choose,
    choose_retries,
    claim,
    intend_for,
    phones_of,
    send,
    settle,
    under_way,
)

S = MessageState
FIRST = factories.FIRST_NUMBER


def ok(number):
    return (0, f"{number:X}".encode())


def states_of(campaign):
    return dict(Message.objects.filter(campaign=campaign).order_by("recipient").values_list("recipient", "state"))


def totals_of(campaign):
    return counters.totals(Campaign.objects.select_related("list").get(pk=campaign.pk))


def hand_over(chunk, count, answers):
    """Intend `count` recipients; the links write as many of the wanted ones as there are answers."""
    chosen = choose(chunk, count)
    phones = dict(zip(range(chunk.count), phones_of(chunk), strict=True))
    wanted = [index for index in chosen.indexes if phones[index] not in chosen.suppressed]
    batch = batch_of(chunk, wanted, answers)
    batch.suppressed = [
        (chunk.first + index, phones[index]) for index in chosen.indexes if phones[index] in chosen.suppressed
    ]
    assert results.store(batch, chunk, now=timezone.now())


@pytest.mark.parametrize("whose", ["workspace", "everywhere"])
def test_whoever_opts_out_while_the_campaign_runs_is_not_handed_over(workspace, whose):
    _, [chunk] = under_way(workspace, 5)
    mine = claim(chunk)
    suppressions.opt_out(workspace if whose == "workspace" else None, FIRST + 1)
    chosen = choose(mine, 3)
    assert (chosen.indexes, chosen.suppressed) == (range(3), {FIRST + 1})


def test_another_workspaces_list_keeps_nothing_from_ours(workspace):
    _, [chunk] = under_way(workspace, 3)
    suppressions.opt_out(factories.workspace(), FIRST)
    assert choose(claim(chunk), 3).suppressed == frozenset()


def test_the_suppressed_ones_are_recorded_and_the_campaign_is_done_and_balances(workspace):
    campaign, [chunk] = under_way(workspace, 5)
    for recipient in (0, 2, 4):
        suppressions.opt_out(workspace, FIRST + recipient)
    hand_over(claim(chunk), 5, [ok(1), ok(3)])
    assert states_of(campaign) == {0: S.SUPPRESSED, 1: S.PENDING, 2: S.SUPPRESSED, 3: S.PENDING, 4: S.SUPPRESSED}
    assert Chunk.objects.get(pk=chunk.pk).status == ChunkStatus.DONE
    due.tick(now=timezone.now())
    totals = totals_of(campaign)
    assert totals.balanced and (totals.rows, totals.suppressed, totals.accepted, totals.pending) == (5, 3, 2, 2)
    assert reconciliation.differences(Campaign.objects.get(pk=campaign.pk)) == []


def test_after_a_batch_that_was_given_back_the_suppressed_ones_behind_it_are_asked_about_again(workspace, admin):
    campaign, [chunk] = under_way(workspace, 6)
    mine = claim(chunk)
    rows = [suppressions.opt_out(workspace, FIRST + recipient) for recipient in (0, 2, 4)]
    hand_over(mine, 6, [ok(1)])
    assert states_of(campaign) == {0: S.SUPPRESSED, 1: S.PENDING, 2: S.SUPPRESSED}
    assert Chunk.objects.get(pk=chunk.pk).next == 3
    suppressions.remove(rows[2].pk, reason="A mistake.", by=admin)
    assert choose(mine, 6).suppressed == frozenset()


def test_a_campaign_of_which_everybody_is_suppressed_is_through_and_sends_nothing(workspace):
    campaign, [chunk] = under_way(workspace, 3)
    for recipient in range(3):
        suppressions.opt_out(workspace, FIRST + recipient)
    hand_over(claim(chunk), 3, [])
    due.tick(now=timezone.now())
    campaign = Campaign.objects.select_related("list").get(pk=campaign.pk)
    totals = totals_of(campaign)
    assert campaign.status == Status.DONE and totals.balanced
    assert (totals.suppressed, totals.accepted) == (3, 0)
    assert progress(campaign, now=timezone.now()).percent == 100


def test_a_retry_is_not_handed_over_again_once_its_number_is_suppressed(workspace):
    campaign, [chunk] = under_way(workspace, 3)
    mine = claim(chunk)
    send(mine, [(0x58, b""), (0x58, b""), ok(3)])
    suppressions.opt_out(workspace, FIRST)
    soon = timezone.now() + timedelta(hours=1)
    [retry] = choose_retries(mine, 10, now=soon)
    assert (retry.recipient, retry.attempts) == (1, 2)
    assert states_of(campaign) == {0: S.SUPPRESSED, 1: S.INTENDED, 2: S.PENDING}
    evidence.store_batch(batch_of(mine, [1], [ok(2)], is_retry=True), now=soon)
    first = Message.objects.get(campaign=campaign, recipient=0)
    assert (first.attempts, first.retry_at, first.done_at) == (1, None, soon)
    assert Chunk.objects.get(pk=chunk.pk).status == ChunkStatus.DONE
    assert totals_of(campaign).balanced and totals_of(campaign).suppressed == 1
    assert reconciliation.differences(Campaign.objects.get(pk=campaign.pk)) == []


def test_a_chunk_whose_retries_are_all_suppressed_is_done(workspace):
    campaign, [chunk] = under_way(workspace, 1)
    mine = claim(chunk)
    send(mine, [(0x58, b"")])
    suppressions.opt_out(workspace, FIRST)
    assert (
        intents.intend_retries(
            mine, 10, seal=campaign.seal, channel_id=mine.campaign.channel_id, now=timezone.now() + timedelta(hours=1)
        )
        == []
    )
    intents.look_again(mine)
    assert Chunk.objects.get(pk=chunk.pk).status == ChunkStatus.DONE
    assert totals_of(campaign).suppressed == 1


def test_whoever_died_between_intent_and_results_leaves_them_in_doubt(workspace):
    """Nobody else knows that they were passed over: one too few in `suppressed`, and none sent."""
    campaign, [chunk] = under_way(workspace, 2)
    suppressions.opt_out(workspace, FIRST)
    choose(claim(chunk), 2)
    heir = claim(chunk, "host:2", now=timezone.now() + timedelta(minutes=2))
    settle(heir)
    assert states_of(campaign) == {0: S.UNCERTAIN, 1: S.UNCERTAIN}
    assert Doubt.objects.count() == 2 and totals_of(campaign).balanced


def test_an_intent_for_other_recipients_than_the_chunk_stands_at_is_refused(workspace):
    _, [chunk] = under_way(workspace, 4)
    mine = claim(chunk)
    send(mine, [ok(1)])
    mine.next = 0  # as if it had not been looked at since
    stale = phones_of(mine)[:2]
    assert intend_for(mine, stale) is None


def test_the_batch_for_the_links_has_only_whom_it_may_send_to(workspace, monkeypatch):
    _, [chunk] = under_way(workspace, 4)
    suppressions.opt_out(workspace, FIRST + 1)
    mine = claim(chunk)
    monkeypatch.setattr(dispatching.engine, "now", lambda: 0.0)
    work = dispatching._open(mine, clock=timezone.now)
    batch = dispatching._fresh_batch(work, work.ways.own, choose(mine, 3))
    assert batch.recipients.tolist() == [0, 2] and batch.phones.tolist() == [FIRST, FIRST + 2]
    assert batch.suppressed == [(1, FIRST + 1)]


def test_the_recipients_tab_finds_them_by_status_and_by_number(workspace):
    campaign, [chunk] = under_way(workspace, 4)
    suppressions.opt_out(workspace, FIRST + 2)
    hand_over(claim(chunk), 4, [ok(1), ok(2), ok(4)])
    campaign = Campaign.objects.select_related("list").get(pk=campaign.pk)
    [row] = page(campaign, status=Term.SUPPRESSED).rows
    assert (row.to, row.term, row.attempts, row.submitted_at) == (f"+{FIRST + 2}", Term.SUPPRESSED, 0, None)
    assert page(campaign, to=FIRST + 2).rows == [row]


def test_the_intent_costs_one_statement_with_the_question_in_it(workspace, django_assert_num_queries):
    _, [chunk] = under_way(workspace, 4)
    mine = claim(chunk)
    suppressions.opt_out(workspace, FIRST)
    with django_assert_num_queries(1):
        intents.intend(
            mine, phones_of(mine), seal=mine.campaign.seal, channel_id=mine.campaign.channel_id, now=timezone.now()
        )
