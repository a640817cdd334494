"""The fill of `bench pages`, and that no page asks the more the more there is."""

import pytest

from bench import browsing, filling
from delivery import counters
from delivery.models import Message
from tests import factories

MOST = 40  # questions of a page


@pytest.mark.django_db(transaction=True)
@pytest.mark.slow
def test_every_page_opens_on_years_of_campaigns_with_few_questions():
    full = filling.grow(factories.workspace("Acme Retail"), rows=1_200, campaigns=120)
    totals = counters.totals(full.big)
    assert totals.balanced and totals.accepted == 600 and totals.waiting == 30
    assert full.messages == Message.objects.count() > 1_000
    found = {page.name: browsing.measure(page, 1, warming=0) for page in browsing.pages(full)}
    assert len(found) > 60
    assert {name: one["queries"] for name, one in found.items() if one["queries"] > MOST} == {}
