"""Receipts however carriers send them, with two dispatch processes: each has a bind of its own to every carrier."""

from contextlib import ExitStack

import pytest

from delivery.models import Inbound, Incident
from delivery.statuses import IncidentKind
from simulator import journal
from tests import factories
from tests.live import SENDING, campaign_of, check, ended, wait_for

pytestmark = [pytest.mark.live, pytest.mark.slow]

COUNT = 200
CARRIERS = {
    "the other bind": {"dlr_other_bind": 1},
    "again": {"dlr_dup": 3, "dlr_intermediate": 1},
    "variant": {"dlr_style": "variant", "mo_on_bind": 1},
    "parameters": {"dlr_style": "tlv", "bind_fail_first": 1},
}


@pytest.fixture(scope="module")
def runs(live):
    """By name: the carrier, and its campaign under way."""
    workspace = factories.workspace()
    live.start(*SENDING, "dispatch2")
    with ExitStack() as stack:
        stack.callback(live.end, "dispatch2")
        carriers = {name: stack.enter_context(live.carrier(**knobs)) for name, knobs in CARRIERS.items()}
        for carrier in carriers.values():  # else the first process there has all of it
            wait_for(lambda carrier=carrier: len(_binds(carrier)) >= 2)
        yield {name: (carrier, campaign_of(workspace, carrier, COUNT)) for name, carrier in carriers.items()}


def _binds(carrier):
    return [entry for entry in carrier.entries if isinstance(entry, journal.Bind) and not entry.status]


@pytest.mark.parametrize("name", CARRIERS)
def test_every_receipt_finds_its_message_once(runs, name):
    carrier, campaign = runs[name]
    assert ended(campaign).delivered == COUNT
    assert all(ack.status == 0 for ack in carrier.entries if isinstance(ack, journal.Ack))
    check(campaign, carrier)


def test_a_receipt_is_applied_wherever_it_comes_in(runs):
    """Every receipt came to the process that did not submit its message."""
    carrier, campaign = runs["the other bind"]
    assert ended(campaign).delivered == COUNT
    submitted = {submit.message_id: submit.bind for submit in carrier.accepted}
    acknowledged = [entry for entry in carrier.entries if isinstance(entry, journal.Ack)]
    assert len(acknowledged) == COUNT
    assert all(submitted[ack.message_id] != ack.bind for ack in acknowledged)


def test_a_message_from_a_phone_that_looks_like_a_receipt_is_kept_and_changes_nothing(runs):
    carrier, campaign = runs["variant"]
    ended(campaign)
    wait_for(lambda: Inbound.objects.filter(channel=carrier.channel).count() == len(_binds(carrier)) == 2)
    check(campaign, carrier)


def test_a_bind_that_was_refused_for_the_moment_is_tried_again(runs):
    carrier, campaign = runs["parameters"]
    assert ended(campaign).delivered == COUNT
    refused = [entry for entry in carrier.entries if isinstance(entry, journal.Bind) and entry.status]
    assert len(refused) == 1
    assert Incident.objects.filter(channel=carrier.channel, kind=IncidentKind.BIND_REFUSED).count() == 1
