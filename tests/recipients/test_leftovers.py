from datetime import timedelta

import pytest
from django.utils import timezone

from objects.store import store
from recipients import leftovers
from recipients.models import RecipientList
from recipients.statuses import Status
from tests import factories
from tests.stores import keys

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("either_store")]


def sweep(*, days: float = 2) -> None:
    """As the clock would, so many days from now."""
    leftovers.sweep(now=timezone.now() + timedelta(days=days))


def test_what_a_list_names_stays(workspace):
    listed = factories.ready_list(workspace, 7, chunk_size=3)
    store.put("uploads/mine", b"1")
    RecipientList.objects.filter(pk=listed.pk).update(upload_key="uploads/mine")
    before = keys()
    sweep()
    assert keys() == before != []


def test_what_nobody_names_goes_when_it_is_a_day_old(workspace):
    listed = factories.ready_list(workspace, 3)
    named = keys()
    for key in ("uploads/nobody", f"lists/{listed.pk}/killed/00000", "lists/999999/a/00000", "lists/odd"):
        store.put(key, b"1")
    sweep(days=0.9)
    assert len(keys()) == len(named) + 4
    sweep()
    assert keys() == named


def test_a_list_that_is_being_prepared_is_left_alone(workspace):
    listed = factories.uploading_list(workspace)
    store.put(f"lists/{listed.pk}/now/00000", b"1")
    RecipientList.objects.filter(pk=listed.pk).update(status=Status.PREPARING)
    sweep()
    assert keys() == [f"lists/{listed.pk}/now/00000"]


def test_a_page_of_keys_costs_a_question_for_each_kind_of_owner(workspace, django_assert_num_queries):
    listed = [factories.ready_list(workspace, 3, chunk_size=1) for _ in range(4)]
    store.put("uploads/mine", b"1")
    with django_assert_num_queries(4):
        sweep()
    assert len(keys("lists/")) == 4 * len(listed)
