"""Carriers that misbehave, each in its own way; their campaigns run at the same time."""

from contextlib import ExitStack

import pytest

from delivery.statuses import MessageState
from tests import factories
from tests.live import SENDING, campaign_of, check, ended, phones_in, submits_by_phone, totals_of, wait_for

pytestmark = [pytest.mark.live, pytest.mark.slow]

CUTTING = {"drop_every": 50, "window": 10, "binds": 2}
EARLY = {"dlr_before_resp": 1, "id_resp": "hex", "id_dlr": "dec"}
BUSY = {"throttle_every": 7, "qfull_every": 11, "binds": 2}


@pytest.fixture(scope="module")
def runs(live):
    """By name: the carrier, and its campaign under way."""
    workspace = factories.workspace()
    live.start(*SENDING)
    with ExitStack() as stack:
        begun = {}
        for name, count, knobs in (("cutting", 300, CUTTING), ("early", 2000, EARLY), ("busy", 70, BUSY)):
            carrier = stack.enter_context(live.carrier(**knobs))
            begun[name] = carrier, campaign_of(workspace, carrier, count)
        yield begun


def test_receipts_before_their_responses_in_another_base_all_find_their_message(runs):
    carrier, campaign = runs["early"]
    assert ended(campaign).delivered == 2000
    check(campaign, carrier)


def test_a_throttling_carrier_with_a_full_queue_accepts_everybody_once_in_the_end(runs):
    carrier, campaign = runs["busy"]
    assert ended(campaign).delivered == 70
    assert submits_by_phone(carrier).total() == 70
    assert len(carrier.submits) > 70  # some were refused first
    check(campaign, carrier)


def test_what_was_accepted_before_a_cut_is_never_sent_again_and_resolved_by_its_receipt(runs):
    carrier, campaign = runs["cutting"]
    totals = ended(campaign)
    cuts = len(carrier.accepted) // 50
    taken = submits_by_phone(carrier).keys()
    assert cuts >= 4
    wait_for(lambda: not phones_in(campaign, MessageState.UNCERTAIN) & taken)
    totals = totals_of(campaign)
    assert totals.delivered == len(taken)
    assert totals.uncertain == 300 - len(taken) <= cuts * 10  # W: what was written, and cut before the carrier read it
    check(campaign, carrier)
