from datetime import timedelta

import pytest
from django.utils import timezone

from objects.store import store
from reports import exports, leftovers
from reports.models import Export
from tests import factories
from tests.stores import keys


@pytest.mark.django_db
@pytest.mark.usefixtures("either_store")
def test_the_file_of_an_export_stays_and_what_nobody_names_goes_when_it_is_a_day_old(workspace):
    campaign = factories.draft(workspace)
    export = exports.request(campaign.pk, format="csv", by=campaign.created_by)
    Export.objects.filter(pk=export.pk).update(key="exports/mine")
    for key in ("exports/mine", "exports/nobody"):
        store.put(key, b"1")
    leftovers.sweep(now=timezone.now())
    assert keys("exports/") == ["exports/mine", "exports/nobody"]
    leftovers.sweep(now=timezone.now() + timedelta(days=2))
    assert keys("exports/") == ["exports/mine"]
