import time

import pytest

from tests import factories
from tests.live import SENDING, Program, campaign_of, check, ended, totals_of

pytestmark = pytest.mark.live

WINDOW, DELAY, COUNT = 50, 0.2, 8000
AT_ONCE = 2.0  # seconds
LAG = 1.0  # and what a busy machine takes to bring the last bytes to the carrier's journal
# What the carrier can take in that time, and what was on its way: on a machine that stands still they are no more.
MOST = AT_ONCE * WINDOW / DELAY + WINDOW


def test_a_pause_stops_within_two_seconds_a_resume_goes_on_and_a_cancel_counts_the_rest(live, workspace, author):
    live.start("web", *SENDING)
    program = Program(live.url, factories.token(workspace, author))
    with live.carrier(window=WINDOW, resp_delay_ms=int(DELAY * 1000)) as carrier:
        campaign = campaign_of(workspace, carrier, COUNT, chunk_size=500)
        path = f"campaigns/{campaign.pk}/"
        carrier.wait_for_submits(300)

        program.post(f"{path}pause/", reason="A typo.")
        paused_at = time.time()
        time.sleep(AT_ONCE + LAG + 0.5)
        until_pause = len(carrier.submits)
        assert carrier.submits_since(paused_at) < MOST
        assert program.get(path)["totals"]["waiting"] > 1500, "too late to tell anything"

        program.post(f"{path}resume/")
        carrier.wait_for_submits(until_pause + 300)
        program.post(f"{path}cancel/", reason="Sold out.")
        cancelled_at = time.time()
        totals = ended(campaign)
        assert totals.balanced
        assert totals.delivered == len(carrier.accepted)
        assert totals.cancelled == COUNT - totals.delivered > 0 == totals.uncertain
        time.sleep(max(0.0, cancelled_at + AT_ONCE + LAG + 0.5 - time.time()))
        assert carrier.submits_since(cancelled_at) < MOST
        assert totals_of(campaign) == totals
        check(campaign, carrier)
