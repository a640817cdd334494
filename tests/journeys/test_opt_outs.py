import pytest

from channels import accounts
from delivery.statuses import MessageState
from recipients import suppressions
from tests import factories
from tests.live import BATCH, SENDING, Program, campaign_of, check, ended, phones_in

pytestmark = pytest.mark.live

COUNT = 2000
LATE = 300  # recipients at the end of the list, who opt out while its beginning is being sent to
SLOWLY = 50  # a second, until they have: a busy machine has time for it


def test_whoever_opts_out_while_the_campaign_runs_gets_nothing_and_the_totals_balance(live, workspace, author):
    live.start("web", *SENDING)
    program = Program(live.url, factories.token(workspace, author))
    with live.carrier(window=50, tps=SLOWLY) as carrier:
        campaign = campaign_of(workspace, carrier, COUNT, chunk_size=COUNT)
        carrier.wait_for_submits(100)
        everybody = [factories.FIRST_NUMBER + recipient for recipient in range(COUNT)]
        unwilling = set(everybody[-LATE::10])
        for phone in unwilling:
            suppressions.opt_out(workspace, phone)
        everywhere = everybody[-1]
        global_one = suppressions.opt_out(None, everywhere)
        assert len(carrier.submits) < COUNT - LATE - BATCH, "too late to tell anything"
        accounts.save(carrier.channel.name, by=None, tps=0)

        totals = ended(campaign)
        unwilling.add(everywhere)
        assert {int(submit.destination) for submit in carrier.submits}.isdisjoint(unwilling)
        assert phones_in(campaign, MessageState.SUPPRESSED) == unwilling
        assert (totals.rows, totals.suppressed, totals.accepted) == (COUNT, len(unwilling), COUNT - len(unwilling))
        assert totals.balanced and totals.delivered == totals.accepted
        check(campaign, carrier)

        shown = program.get(f"campaigns/{campaign.pk}/")
        assert shown["balanced"] and shown["totals"]["suppressed"] == len(unwilling)
        page = program.get(f"campaigns/{campaign.pk}/recipients/?status=suppressed&page_size=1000")
        assert {int(row["to"]) for row in page["results"]} == unwilling
    # The installation is shared with the stories that follow.
    suppressions.remove(global_one.pk, reason="The story is over.", by=factories.user(is_superuser=True))
