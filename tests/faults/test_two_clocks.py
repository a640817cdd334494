from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import Entry
from campaigns.statuses import Mode
from delivery.models import Chunk
from tests.live import SENDING, campaign_of, check, ended

pytestmark = [pytest.mark.live, pytest.mark.slow]


@pytest.fixture
def a_second_clock(live):
    live.start("beat2", "clock2")
    yield
    live.end("beat2")
    live.end("clock2")


def test_two_beats_and_two_clocks_start_each_campaign_once(live, workspace, a_second_clock):
    live.start(*SENDING)
    with live.carrier() as first, live.carrier() as second, live.carrier() as third:
        carriers = [first, second, third]
        at = timezone.now() + timedelta(seconds=20)  # by then a busy machine has made all three
        campaigns = [campaign_of(workspace, carrier, 2500, mode=Mode.SCHEDULED, send_at=at) for carrier in carriers]
        for campaign, carrier in zip(campaigns, carriers, strict=True):
            assert ended(campaign).delivered == 2500
            assert Entry.objects.about(campaign).filter(action="campaign.sending").count() == 1
            assert Chunk.objects.filter(campaign=campaign).count() == 3
            check(campaign, carrier)
