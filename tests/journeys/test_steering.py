import time

import pytest

from tests import factories
from tests.live import SENDING, Program, campaign_of, check, ended, totals_of

pytestmark = pytest.mark.live

AT_ONCE = 2.0  # seconds
LAG = 1.0  # and what a busy machine takes to bring the last bytes to the carrier's journal


def test_a_pause_stops_within_two_seconds_a_resume_goes_on_and_a_cancel_counts_the_rest(live, workspace, author):
    live.start("web", *SENDING)
    program = Program(live.url, factories.token(workspace, author))
    with live.carrier(window=50, resp_delay_ms=200) as carrier:
        campaign = campaign_of(workspace, carrier, 3000, chunk_size=500)
        path = f"campaigns/{campaign.pk}/"
        carrier.wait_for_submits(300)

        program.post(f"{path}pause/", reason="A typo.")
        paused_at = time.time()
        time.sleep(AT_ONCE + LAG + 0.5)
        until_pause = len(carrier.submits)
        assert max(submit.at for submit in carrier.submits) < paused_at + AT_ONCE + LAG
        assert program.get(path)["totals"]["waiting"] > 1500

        program.post(f"{path}resume/")
        carrier.wait_for_submits(until_pause + 300)
        program.post(f"{path}cancel/", reason="Sold out.")
        cancelled_at = time.time()
        totals = ended(campaign)
        assert totals.balanced
        assert totals.delivered == len(carrier.accepted)
        assert totals.cancelled == 3000 - totals.delivered > 0 == totals.uncertain
        time.sleep(max(0.0, cancelled_at + AT_ONCE + LAG + 0.5 - time.time()))
        assert max(submit.at for submit in carrier.submits) < cancelled_at + AT_ONCE + LAG
        assert totals_of(campaign) == totals
        check(campaign, carrier)
