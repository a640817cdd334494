import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import Workspace
from campaigns import transitions
from campaigns.statuses import Mode, Status
from delivery import pushing
from delivery.pushing import Ask
from simulator import journal
from tests import factories
from tests.live import SENDING, campaign_of, ended, fresh, totals_of, wait_for

pytestmark = [pytest.mark.live, pytest.mark.slow]

SOON = 15.0  # seconds: a tick, a turn, and what a busy machine adds
LAG = 1.0
WINDOW = 20


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
    with live.carrier(window=WINDOW, resp_delay_ms=100) as carrier:
        closing = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=15)
        hours = {"daily_from": (closing - timedelta(hours=1)).time(), "daily_to": closing.time()}
        campaign = campaign_of(workspace, carrier, 10_000, **hours)
        carrier.wait_for_submits(100)
        time.sleep(max(0.0, closing.timestamp() + 3 - time.time()))
        assert carrier.submits_since(closing.timestamp() + LAG) <= WINDOW  # which a busy carrier had not read yet
        assert fresh(campaign).status == Status.SENDING
        assert totals_of(campaign).waiting > 1000


def test_a_pushed_message_waits_for_no_thread_and_no_slot_of_large_campaigns_on_a_slow_channel(live, workspace):
    live.start(*SENDING)
    with live.carrier(window=20, tps=50, resp_delay_ms=50) as carrier:
        trigger = trigger_of(workspace, carrier)
        large = [campaign_of(workspace, carrier, 5_000) for _ in range(4)]  # they have every thread, and wait in each
        carrier.wait_for_submits(100)
        began = time.time()
        asked = {}
        for number in range(30):
            phone = f"4916000000{number:02}"
            asked[phone] = time.time()
            pushing.push(trigger, [Ask(to=f"+{phone}", params={"code": "1"})], by=None, now=timezone.now())
            time.sleep(0.2)
        wait_for(lambda: asked.keys() <= {submit.destination for submit in carrier.submits})
        arrived = {submit.destination: submit.at for submit in carrier.submits}
        waited = sorted(arrived[phone] - at for phone, at in asked.items())
        assert waited[len(waited) * 9 // 10] < SOON
        others = [submit for submit in carrier.submits if submit.at > began and submit.destination not in asked]
        assert len(others) > 30 * 0.2 * 50 / 2  # and the large ones go on
        for campaign in large:
            transitions.cancel(campaign.pk, by=campaign.created_by, now=timezone.now())
        assert totals_of(trigger).accepted == 30
        assert Counter(submit.destination for submit in carrier.submits if submit.destination in asked).total() == 30


def trigger_of(workspace, carrier):
    campaign = factories.approved(workspace, mode=Mode.TRIGGER, text="Your code is {code}.", channel=carrier.channel)
    return wait_for(lambda: (found := fresh(campaign)).status == Status.SENDING and found)
