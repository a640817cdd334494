"""Clocks: several of them, one that is killed at the very moment, one that goes wrong."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import Entry
from campaigns.statuses import Mode
from tests.faults.machine import FLEET, W, load, quiet, resolved
from tests.live import fresh, wait_for

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]


def starts_of(campaign):
    return Entry.objects.about(campaign).filter(action="campaign.sending").count()


@pytest.fixture
def three_clocks(live):
    live.fleet()
    more = ("beat2", "clock2", "beat3", "clock3")
    live.start(*more)
    yield
    for name in more:
        if live.is_running(name):
            live.end(name)


def test_three_beats_and_three_clocks_start_each_campaign_once(live, workspace, seen, three_clocks):
    seen.injected = "three beats, three clocks, five campaigns due in one second"
    with live.carrier(window=W) as one, live.carrier(window=W) as two, live.carrier(window=W) as three:
        carriers = [one, two, three]
        at = timezone.now() + timedelta(seconds=10)
        campaigns = [load(workspace, carrier, 1000, mode=Mode.SCHEDULED, send_at=at) for carrier in carriers]
        for campaign, carrier in zip(campaigns, carriers, strict=True):
            assert quiet(campaign).delivered == 1000
            assert starts_of(campaign) == 1
            seen.core(campaign, carrier)
        late = max(fresh(campaign).started_at - at for campaign in campaigns).total_seconds()
        seen.injected = "three beats, three clocks, three campaigns due in one second"
        seen.note = f"each started once, {late:.1f} s late at most"


def test_when_a_clock_dies_at_the_minute_of_a_campaign_another_starts_it(live, workspace, seen, three_clocks):
    with live.carrier(window=W) as carrier:
        at = timezone.now() + timedelta(seconds=6)
        campaign = load(workspace, carrier, 1000, mode=Mode.SCHEDULED, send_at=at)
        time.sleep(max(0.0, (at - timezone.now()).total_seconds() - 0.05))
        for name in ("beat", "clock", "beat2", "clock2"):
            live.kill(name)
        seen.injected = "kill -9 of two of three beats and clocks at the due second"
        wait_for(lambda: starts_of(campaign), seconds=65)
        late = (fresh(campaign).started_at - at).total_seconds()
        assert quiet(campaign).delivered == 1000
        assert starts_of(campaign) == 1
        seen.core(campaign, carrier)
        seen.note = f"started {late:.1f} s late, once"
        assert late <= 60
    live.fleet()


@pytest.mark.parametrize("hours", [1, -1])
def test_a_dispatch_process_whose_clock_is_an_hour_wrong_sends_nothing_twice(live, workspace, seen, hours):
    live.fleet(count=2)
    live.start("dispatch3", CLOCK_OFFSET=str(hours * 3600))
    try:
        with live.carrier(window=W) as carrier:
            seen.injected = f"the clock of one of three is {hours:+} h wrong"
            campaign = load(workspace, carrier, 5000)
            carrier.wait_for_submits(1000)
            quiet(campaign)
            resolved(campaign, carrier)
            seen.core(campaign, carrier, clocks_agree=False)
            owners = len(FLEET)
            seen.note = f"{owners} processes, {seen.uncertain} in doubt"
    finally:
        live.end("dispatch3")
        live.fleet()
