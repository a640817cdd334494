"""Carriers that cut, keep silent or refuse: each story has one of its own, and the three dispatch processes."""

import time
from collections import Counter

import pytest
from django.utils import timezone

from campaigns import transitions as campaign_transitions
from campaigns.statuses import Status
from channels import accounts as channel_accounts
from channels.answers import Action, answer
from channels.models import LinkState
from delivery.models import Incident, Message
from delivery.statuses import IncidentKind, MessageState
from simulator import journal
from smpp import pdu
from smpp.status import CommandStatus
from tests import factories
from tests.faults.machine import (
    FLEET,
    LOAD,
    RESPONSE_TIMEOUT,
    W,
    is_over,
    load,
    quiet,
    resolved,
)
from tests.faults.odd import Odd, odd_carrier
from tests.live import fresh, phones_in, totals_of, wait_for

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

S = MessageState
K = IncidentKind


@pytest.fixture(autouse=True)
def fleet(live):
    live.fleet()


def incidents(carrier, kind):
    return sum(Incident.objects.filter(channel=carrier.channel, kind=kind).values_list("count", flat=True))


# --- Cuts and silence -------------------------------------------------------------------------------------------------


def test_a_cut_between_acceptance_and_answer_is_in_doubt_until_its_receipt_and_nobody_gets_it_twice(
    live, workspace, seen
):
    with live.carrier(window=W, binds=2, drop_every=20) as carrier:
        seen.injected = "DROP_EVERY=20, 500 numbers"
        campaign = load(workspace, carrier, 500, chunk_size=50)
        quiet(campaign)
        cuts = len(carrier.accepted) // 20
        resolved(campaign, carrier)
        seen.core(campaign, carrier)
        assert seen.doubts(campaign, most=cuts * W) == 500 - len(carrier.accepted)
        seen.note = f"{cuts} cuts; every accepted one was resolved by its receipt"
        assert cuts >= 20


def test_a_cut_after_an_answer_leaves_at_most_a_window_in_doubt(live, workspace, seen):
    with live.carrier(window=W, binds=2, drop_after_every=20) as carrier:
        seen.injected = "DROP_AFTER_EVERY=20, 400 numbers"
        campaign = load(workspace, carrier, 400, chunk_size=50)
        quiet(campaign)
        resolved(campaign, carrier)
        cuts = len(carrier.accepted) // 20
        seen.doubts(campaign, most=cuts * (W - 1))
        seen.core(campaign, carrier)
        seen.note = f"{cuts} cuts"


def test_silence_is_doubt_after_the_response_timeout_and_the_window_never_leaks(live, workspace, seen):
    with live.carrier(window=W, noresp_every=25) as carrier:
        seen.injected = "NORESP_EVERY=25, 2,000 numbers"
        campaign = load(workspace, carrier, 2000)
        quiet(campaign)
        silent = 2000 // 25
        resolved(campaign, carrier)
        seen.core(campaign, carrier)
        assert incidents(carrier, K.RESPONSE_TIMEOUT) == silent
        # A window that leaked would be full after ten of them.
        assert silent > len(FLEET) * W
        assert totals_of(campaign).delivered == 2000
        seen.note = f"{silent} without an answer, through windows of {len(FLEET)} × {W}"


def test_an_answer_after_its_timeout_is_evidence(live, workspace, seen):
    late = RESPONSE_TIMEOUT + 3
    with live.carrier(window=W, resp_delay_ms=late * 1000, dlr_delay_ms=40_000) as carrier:
        seen.injected = f"RESP_DELAY_MS={late * 1000}, response timeout {RESPONSE_TIMEOUT} s, receipts after 40 s"
        campaign = load(workspace, carrier, 60, chunk_size=20)

        def most():
            seen.doubts(campaign)
            return phones_in(campaign, S.PENDING) or is_through(campaign)

        wait_for(most, seconds=60)
        wait_for(lambda: is_through(campaign), seconds=120)
        assert seen.uncertain > 0
        wait_for(lambda: not totals_of(campaign).uncertain, seconds=30)
        assert totals_of(campaign).pending == 60  # by the answer, for no receipt has come
        seen.note = f"{seen.uncertain} in doubt, all resolved by their answers before any receipt"
        quiet(campaign)
        seen.core(campaign, carrier)


def is_through(campaign):
    return not totals_of(campaign).waiting


def test_answers_out_of_order_belong_to_their_sequence(live, workspace, seen):
    with live.carrier(window=W, reorder=7, dlr_lost_every=1) as carrier:
        seen.injected = "REORDER=7, 2,000 numbers, no receipts"
        campaign = load(workspace, carrier, 2000)
        wait_for(lambda: totals_of(campaign).pending == 2000, seconds=120)
        seen.core(campaign, carrier)
        from delivery.models import CarrierId

        stored = dict(CarrierId.objects.filter(campaign=campaign).values_list("phone", "message_id"))
        assert {phone: one.lower() for phone, one in stored.items()} == {
            int(submit.destination): submit.message_id.lstrip("0").lower() for submit in carrier.accepted
        }


def test_answers_that_nobody_asked_for_change_nothing(live, workspace, seen):
    def says(odd, n, destination, times):
        unknown = pdu.SubmitSmResp(sequence=0x7000_0000 + n, message_id=b"%X" % (n + 1_000_000))
        odd.write(pdu.encode(unknown))
        odd.write(pdu.encode(pdu.SubmitSmResp(sequence=1, status=0x0B)))  # answered long ago
        return 0

    odd = Odd(says)
    with odd_carrier(live, odd) as carrier:
        seen.injected = "an unknown and a repeated sequence beside each answer"
        campaign = load(workspace, carrier, 1000)
        totals = quiet(campaign)
        seen.core(campaign, carrier)
        # The bind was the first sequence, so nothing of ours was ever refused.
        assert (totals.delivered, totals.failed, totals.uncertain) == (1000, 0, 0)


# --- Refusals ---------------------------------------------------------------------------------------------------------


def test_a_throttling_carrier_slows_each_bind_and_accepts_everybody_once(live, workspace, seen):
    with live.carrier(window=W, throttle_every=5, binds=2) as carrier:
        seen.injected = "THROTTLE_EVERY=5, 120 numbers"
        campaign = load(workspace, carrier, 120, chunk_size=20)
        totals = quiet(campaign, seconds=400)
        seen.core(campaign, carrier)
        assert (totals.delivered, totals.failed, totals.uncertain) == (120, 0, 0)
        assert len(carrier.submits) > 120
        slowed = incidents(carrier, K.THROTTLED)
        assert slowed > 0
        seen.note = f"{len(carrier.submits) - 120} refused, binds slowed {slowed} times"


def test_one_numbers_full_queue_delays_no_other(live, workspace, seen):
    full = str(factories.FIRST_NUMBER + 7)

    def says(odd, n, destination, times):
        return 0x14 if destination == full and times <= 3 else 0

    with odd_carrier(live, Odd(says)) as carrier:
        seen.injected = "0x14 three times for one number of 2,000"
        began = time.time()
        campaign = load(workspace, carrier, 2000)
        assert quiet(campaign).delivered == 2000
        seen.core(campaign, carrier)
        at = {}
        for submit in carrier.accepted:
            at[submit.destination] = submit.at - began
        others = max(when for phone, when in at.items() if phone != full)
        assert sum(submit.destination == full for submit in carrier.submits) == 4
        assert at[full] > 4
        seen.note = f"it was accepted after {at[full]:.0f} s, the last of the others after {others:.0f} s"


def test_a_carrier_whose_queues_are_full_gets_everybody_in_the_end(live, workspace, seen):
    with live.carrier(window=W, qfull_every=4) as carrier:
        seen.injected = "QFULL_EVERY=4, 200 numbers"
        campaign = load(workspace, carrier, 200, chunk_size=50)
        totals = quiet(campaign)
        seen.core(campaign, carrier)
        assert (totals.delivered, totals.failed) == (200, 0)


def test_system_errors_are_tried_five_times_more_at_most(live, workspace, seen):
    with live.carrier(window=W, syserr_every=3) as carrier:
        seen.injected = "SYSERR_EVERY=3, 300 numbers"
        campaign = load(workspace, carrier, 300, chunk_size=50)
        totals = quiet(campaign, seconds=400)
        seen.core(campaign, carrier)
        tries = Counter(submit.destination for submit in carrier.submits)
        assert max(tries.values()) <= 1 + 5
        assert totals.delivered + totals.failed == 300
        seen.note = f"{max(tries.values())} tries at most, {totals.failed} failed"


def test_a_refused_number_fails_and_no_other(live, workspace, seen):
    with live.carrier(window=W, bad_suffix=7) as carrier:
        seen.injected = "BAD_SUFFIX=7, 2,000 numbers"
        campaign = load(workspace, carrier, 2000)
        quiet(campaign)
        seen.core(campaign, carrier)
        refused = {int(submit.destination) for submit in carrier.submits if submit.status}
        assert phones_in(campaign, S.FAILED) == refused
        assert len(refused) == 200


def test_a_refused_sender_pauses_the_campaign_and_the_rest_stays_new(live, workspace, seen):
    live.fleet(count=1)
    odd = Odd(lambda odd, n, destination, times: 0x0A)
    with odd_carrier(live, odd) as carrier:
        seen.injected = "0x0A to every submit, one dispatch process"
        campaign = load(workspace, carrier)
        wait_for(lambda: fresh(campaign).status == Status.PAUSED)
        wait_for(lambda: totals_of(campaign).failed == len(carrier.submits))
        time.sleep(2.0)
        assert len(carrier.submits) <= 10 + W
        assert totals_of(campaign).waiting == LOAD - len(carrier.submits)
        seen.core(campaign, carrier)
        seen.note = f"paused after {len(carrier.submits)} submits"
        campaign_transitions.cancel(campaign.pk, by=campaign.created_by, now=fresh(campaign).started_at, reason="Over.")


CODES = sorted({int(code) for code in CommandStatus if code} | {0x400, 0x401, 0x4FF, 0x9, 0x222})
NEVER_AGAIN = (Action.FAIL, Action.CONFIG, Action.BUG, Action.STOP)


def test_each_code_once_has_the_effect_that_the_table_says(live, workspace, seen):
    """A refused number between eight accepted ones: no breaker counts that far."""
    due = {str(factories.FIRST_NUMBER + 4 + 9 * place): code for place, code in enumerate(CODES)}

    def says(odd, n, destination, times):
        return due.get(destination, 0) if times == 1 else 0

    # One at a time, so that a bind that is told to be slow or to bind anew holds up nobody else's answer.
    with odd_carrier(live, Odd(says), binds=1) as carrier:
        seen.injected = f"{len(CODES)} codes, each to one number of {9 * len(CODES)}"
        campaign = load(workspace, carrier, 9 * len(CODES), chunk_size=100)
        stopped, looked_at = [], [timezone.now()]

        def goes_on():
            """A code that stops the campaign is a person's to decide about, and here they say: go on. A process that is
            told to stop when the campaign was paused already has its link off all the same."""
            found = fresh(campaign)
            is_paused = found.status == Status.PAUSED
            off = LinkState.objects.filter(is_up=False, last_error__contains="off", last_error_at__gt=looked_at[-1])
            if is_paused or off.exists():
                looked_at.append(timezone.now())
                channel_accounts.save(carrier.channel.name, by=None)  # as it was: a link that gave up looks again
            if is_paused:
                stopped.append(found.stopped_because)
                campaign_transitions.resume(campaign.pk, by=campaign.created_by, now=timezone.now())
            return is_over(campaign)

        wait_for(goes_on, seconds=400)
        quiet(campaign)
        seen.core(campaign, carrier)
        stops = [code for code in CODES if answer(code).action is Action.STOP]
        assert len(stopped) == len(stops)
        seen.note = f"{len(stopped)} of them paused the campaign, and it was resumed"
        rows = {str(one.phone): one for one in Message.objects.filter(campaign_id=campaign.pk, day=fresh(campaign).day)}
        wrong = []
        for phone, code in due.items():
            state = S.FAILED if answer(code).action in NEVER_AGAIN else S.DELIVERED
            if rows[phone].state != state or (state is S.FAILED and rows[phone].error_code != code):
                wrong.append((hex(code), S(rows[phone].state).name, rows[phone].error_code))
        assert wrong == []
        assert {one.state for phone, one in rows.items() if phone not in due} == {S.DELIVERED}


def test_a_nack_of_our_sequence_is_a_refusal_that_is_tried_again(live, workspace, seen):
    with live.carrier(window=W, nack_every=30) as carrier:
        seen.injected = "NACK_EVERY=30, 600 numbers"
        campaign = load(workspace, carrier, 600)
        totals = quiet(campaign)
        seen.core(campaign, carrier)
        assert (totals.delivered, totals.uncertain) == (600, 0)
        assert len(carrier.submits) > 600


def test_a_nack_without_a_sequence_closes_the_link_with_at_most_a_window_in_doubt(live, workspace, seen):
    live.fleet(count=1)

    def says(odd, n, destination, times):
        if n == 200:
            odd.write(pdu.nack(CommandStatus.RINVCMDLEN))
        return None if 195 < n <= 200 else 0

    with odd_carrier(live, Odd(says, sends_receipts=False)) as carrier:
        seen.injected = "generic_nack with sequence 0 at the 200th of 400, one bind"
        campaign = load(workspace, carrier, 400)
        wait_for(lambda: is_through(campaign), seconds=90)
        assert 1 <= seen.doubts(campaign) <= W
        seen.core(campaign, carrier)
        assert carrier.count(journal.Bind) == 2


def test_the_window_of_the_contract_is_never_exceeded(live, workspace, seen):
    with live.carrier(window=W, max_window=W, binds=2, resp_delay_ms=20) as carrier:
        seen.injected = f"MAX_WINDOW={W}"
        campaign = load(workspace, carrier, 5000)
        assert quiet(campaign).delivered == 5000
        seen.core(campaign, carrier)
        assert not any(submit.status for submit in carrier.submits)
