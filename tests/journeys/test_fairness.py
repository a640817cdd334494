import time
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import Workspace
from campaigns import transitions
from campaigns.statuses import Status
from simulator import journal
from tests.live import SENDING, campaign_of, ended, fresh, totals_of

pytestmark = [pytest.mark.live, pytest.mark.slow]

SOON = 4.0  # seconds: a tick, a turn, and what a busy machine adds
LAG = 1.0


def first_submit(carrier, text):
    wanted = journal.content(text.encode())
    return next((submit.at for submit in carrier.submits if submit.content == wanted), None)


def test_a_small_campaign_is_not_stuck_behind_a_large_one(live, workspace):
    live.start(*SENDING)
    with live.carrier(window=20, resp_delay_ms=50) as carrier:
        large = campaign_of(workspace, carrier, 30_000)
        carrier.wait_for_submits(500)
        small = campaign_of(workspace, carrier, 100, text="Small.")
        approved_at = time.time()
        assert ended(small).delivered == 100
        assert first_submit(carrier, "Small.") < approved_at + SOON
        assert totals_of(large).waiting > 10_000
        transitions.cancel(large.pk, by=large.created_by, now=timezone.now())
        assert ended(large).balanced


def test_outside_its_hours_nothing_of_a_campaign_is_submitted(live, workspace):
    live.start(*SENDING)
    Workspace.objects.filter(pk=workspace.pk).update(time_zone="UTC")
    workspace.refresh_from_db()
    with live.carrier(window=20, resp_delay_ms=100) as carrier:
        closing = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=15)
        hours = {"daily_from": (closing - timedelta(hours=1)).time(), "daily_to": closing.time()}
        campaign = campaign_of(workspace, carrier, 10_000, **hours)
        carrier.wait_for_submits(100)
        time.sleep(max(0.0, closing.timestamp() + 3 - time.time()))
        assert max(submit.at for submit in carrier.submits) < closing.timestamp() + LAG
        assert fresh(campaign).status == Status.SENDING
        assert totals_of(campaign).waiting > 1000
