"""A dispatch process dies, or is asked to end, in mid-campaign. B is `BATCH`; W is the window of its binds."""

import time

import pytest
from django.conf import settings
from django.db.models import F, Sum

from delivery.intents import OVERDUE_MARGIN
from delivery.models import Chunk
from delivery.statuses import MessageState
from simulator import journal
from tests.live import (
    BATCH,
    SENDING,
    campaign_of,
    check,
    ended,
    phones_in,
    submits_by_phone,
    totals_of,
    wait_for,
)

pytestmark = pytest.mark.live

WINDOW, BINDS = 100, 2
OVERDUE = settings.RESPONSE_TIMEOUT + OVERDUE_MARGIN.total_seconds()


def unreported_in(campaign):
    """Recipients that were intended, and of whom no answer is on record."""
    intended = Chunk.objects.filter(campaign=campaign).aggregate(n=Sum(F("intended") - F("next")))["n"]
    return intended + len(phones_in(campaign, MessageState.INTENDED))


@pytest.fixture
def carrier(live):
    """Slow enough that there is always something in flight."""
    with live.carrier(window=WINDOW, binds=BINDS, resp_delay_ms=160) as carrier:
        yield carrier


def test_after_a_kill_nobody_gets_it_twice_and_receipts_resolve_what_the_carrier_took(live, workspace, carrier):
    live.start(*SENDING)
    campaign = campaign_of(workspace, carrier, 10_000)
    carrier.wait_for_submits(2000)
    live.kill("dispatch")
    left = totals_of(campaign)
    unreported = unreported_in(campaign)
    live.start("dispatch")

    # What was handed over and not answered when its batch was recorded is in doubt once it is overdue.
    totals = ended(campaign, seconds=OVERDUE + 60)

    assert left.waiting > unreported > 0 == left.uncertain
    assert totals.uncertain <= unreported <= BATCH + WINDOW * BINDS
    assert totals.accepted == 10_000 == totals.delivered + totals.uncertain
    assert totals.balanced
    wait_for(lambda: not phones_in(campaign, MessageState.UNCERTAIN) & submits_by_phone(carrier).keys())
    check(campaign, carrier)


def test_asked_to_end_it_drains_its_window_unbinds_and_leaves_nothing_in_doubt(live, workspace, carrier):
    live.start(*SENDING)
    campaign = campaign_of(workspace, carrier, 5000)
    carrier.wait_for_submits(500)

    began = time.monotonic()
    assert live.end("dispatch") == 0
    assert time.monotonic() - began < settings.RESPONSE_TIMEOUT  # as long it takes where one answer is not waited for
    wait_for(lambda: carrier.count(journal.Unbind) == BINDS)
    left = totals_of(campaign)
    assert left.waiting > 0 == left.uncertain
    check(campaign, carrier)

    live.start("dispatch")
    assert ended(campaign).delivered == 5000
    check(campaign, carrier)
