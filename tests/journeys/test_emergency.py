import time

import pytest

from audit.models import Entry
from tests.journeys.runbook import blocks
from tests.live import SENDING, campaign_of, check, ended, totals_of
from tests.pages import signed_in, text_of

pytestmark = [pytest.mark.live, pytest.mark.slow]

COUNT, WINDOW, TPS = 4000, 50, 150
AT_ONCE = 2.0  # seconds
LAG = 1.0  # and what a busy machine takes to bring the last bytes to the carrier's journal
MOST = AT_ONCE * TPS + WINDOW  # what a carrier can take in that time, and what was on its way


def test_an_emergency_stop_stops_every_campaign_on_every_worker_within_two_seconds(live, workspace, operator):
    stop, release = blocks("Emergency stop")
    live.start(*SENDING, "dispatch2")
    knobs = {"window": WINDOW, "resp_delay_ms": 200, "tps": TPS}
    with live.carrier(**knobs) as one, live.carrier(**knobs) as other:
        campaigns = [campaign_of(workspace, carrier, COUNT, chunk_size=500) for carrier in (one, other)]
        for carrier in (one, other):
            carrier.wait_for_submits(300)
        operator(stop)
        stopped_at = time.time()
        time.sleep(AT_ONCE + LAG + 3.0)
        before = [len(carrier.submits) for carrier in (one, other)]
        assert max(carrier.submits_since(stopped_at) for carrier in (one, other)) < MOST
        assert all(totals_of(campaign).waiting for campaign in campaigns), "too late to tell anything"

        page = signed_in(campaigns[0].created_by, workspace)
        assert "All sending is stopped" in text_of(page.get(f"/campaigns/{campaigns[0].pk}/progress/"))
        operator(release)
        for campaign, carrier, until_then in zip(campaigns, (one, other), before, strict=True):
            assert ended(campaign).delivered == COUNT
            assert len(carrier.submits) > until_then
            check(campaign, carrier)
    said = Entry.objects.filter(subject_type="halt").order_by("-seq").values_list("action", "note")[:2]
    assert [*said] == [("halt.released", "The list is mended."), ("halt.begun", "A wrong list.")]
    live.end("dispatch2")
