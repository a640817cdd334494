from datetime import timedelta
from statistics import median

import pytest
from django.utils import timezone

from campaigns.statuses import Mode
from delivery.models import Chunk
from simulator import journal
from tests.live import SENDING, campaign_of, check, ended, wait_for

pytestmark = pytest.mark.live

TOLERANCE = 0.02  # of all recipients, and never less than one message
NOISE = 2.5  # seconds that a busy machine may be late: at half the rate the median is later
SOON = 10.0  # seconds: the clock looks each second, and what a busy machine adds


def test_a_scheduled_campaign_starts_at_its_time_and_not_before(live, workspace):
    live.start(*SENDING)
    with live.carrier() as carrier:
        wait_for(lambda: carrier.count(journal.Bind))
        send_at = timezone.now() + timedelta(seconds=10)  # by then a busy machine has it approved
        campaign = campaign_of(workspace, carrier, 100, mode=Mode.SCHEDULED, send_at=send_at)
        assert ended(campaign).delivered == 100
        begun = min(submit.at for submit in carrier.submits)
        assert 0 <= begun - send_at.timestamp() < SOON
        check(campaign, carrier)


def test_a_spread_campaign_stays_on_its_line(live, workspace):
    live.start(*SENDING)
    count, window = 400, timedelta(seconds=7)
    with live.carrier() as carrier:
        wait_for(lambda: carrier.count(journal.Bind))
        begin = timezone.now() + timedelta(seconds=10)
        # With a later deadline, so that nobody expires for the noise of so short a window.
        spread = {"mode": Mode.SPREAD, "date_from": begin, "date_to": begin + window, "not_after": begin + 10 * window}
        campaign = campaign_of(workspace, carrier, count, **spread)
        assert ended(campaign).delivered == count
        line = Chunk.objects.get(campaign=campaign)
        rate = count / (line.plan_until - line.plan_from).total_seconds()
        allowed = max(1, TOLERANCE * count)
        times = sorted(submit.at for submit in carrier.submits)
        astray = [number - rate * (at - line.plan_from.timestamp()) for number, at in enumerate(times, start=1)]
        assert max(astray) <= allowed  # never ahead of the line, whatever the machine does
        assert -median(astray) <= allowed + NOISE * rate
        check(campaign, carrier)
