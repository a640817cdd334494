"""The bar of a campaign is as long for each outcome as it has recipients, on every page, and says so in words."""

import re

import pytest

from delivery.counters import Totals
from delivery.statuses import ACCEPTED, Term
from reports import bar
from tests import evidence, factories
from tests.pages import signed_in, text_of


def test_the_pieces_lie_end_to_end_and_fill_the_bar():
    totals = Totals(rows=9, accepted=8, suppressed=1, delivered=1, failed=2, cancelled=3, uncertain=1, waiting=1)
    pieces = bar.shares(totals)
    assert [piece.term for piece in pieces] == list(ACCEPTED) and sum(piece.percent for piece in pieces) == 100
    assert [piece.begin for piece in pieces if piece.count] == [0, 12.5, 37.5, 75, 87.5]
    assert bar.in_words(pieces) == "Delivered: 1, Failed: 2, Cancelled: 3, Uncertain: 1, Waiting: 1"
    assert bar.handed_over_percent(totals) == 50


def test_nobody_is_left_to_be_handed_over_where_all_were_suppressed():
    assert bar.handed_over_percent(Totals(rows=2, suppressed=2)) == 100
    assert bar.handed_over_percent(Totals()) == 0


ENDED = {"failed": factories.failed, "expired": factories.expired, "cancelled": factories.called_off}


@pytest.mark.django_db
@pytest.mark.parametrize("how", ENDED)
@pytest.mark.parametrize("address", ["/", "/campaigns/", "/campaigns/{}/"])
def test_a_campaign_that_ended_early_shows_who_got_nothing(workspace, how, address):
    outcomes = [evidence.DELIVERED, evidence.REFUSED, evidence.UNANSWERED]
    campaign = ENDED[how](workspace, list=factories.ready_list(workspace, 10))
    evidence.dispatched(campaign, lambda recipient: outcomes[recipient], handed_over=[3])
    shown = text_of(signed_in(factories.member(workspace), workspace).get(address.format(campaign.pk)))
    rest = Term.EXPIRED if how == "expired" else Term.CANCELLED
    assert f"Delivered: 1, Failed: 1, {rest.label}: 7, Uncertain: 1" in shown
    assert re.search(f'width="70.000"[^>]* class="term-{rest}"', shown)
    assert "100 %" not in shown and "100.0 %" not in shown
    told = "30.0 % handed over" if "{}" in address else "1 delivered · 1 failed · 1 uncertain · 7 not sent"
    assert told in shown
