import itertools

import pytest

from tests.live import RING_AGAIN, SENDING, campaign_of, check, ended, totals_of

pytestmark = [pytest.mark.live, pytest.mark.slow]


def test_everything_in_redis_deleted_in_mid_campaign_changes_time_and_no_total(live, workspace):
    live.start(*SENDING)
    with live.carrier(window=50, resp_delay_ms=50) as carrier:
        campaign = campaign_of(workspace, carrier, 5000, chunk_size=500)
        for submits in (1000, 2000, 3000):
            carrier.wait_for_submits(submits)
            live.forget_everything_in_redis()
        assert totals_of(campaign).waiting > 0
        assert ended(campaign).delivered == 5000
        check(campaign, carrier)
        silences = [after.at - before.at for before, after in itertools.pairwise(carrier.submits)]
        assert max(silences) < RING_AGAIN + 15
