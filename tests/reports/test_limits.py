"""The limits of a workspace on a page and over the API: everybody looks, an admin sets them."""

import pytest
import time_machine
from django.utils import timezone

from delivery import spending
from tests import factories
from tests.pages import signed_in, text_of

pytestmark = pytest.mark.django_db
PAGE = "/limits/"


def test_an_admin_sets_them_and_others_look(workspace, admin, author):
    ours, theirs = signed_in(admin), signed_in(author)
    assert "there is no limit" in text_of(theirs.get(PAGE)) and "Everywhere" in text_of(theirs.get(PAGE))
    given = {"parts_per_day": "25000000", "parts_per_month": "", "destinations": "+31, 998"}
    assert theirs.post(PAGE, given).status_code == 403
    assert ours.post(PAGE, given).status_code == 302
    workspace.refresh_from_db()
    with time_machine.travel(timezone.now(), tick=False):  # also at midnight
        spending.spend(workspace, [3, 3], now=timezone.now())
        shown = text_of(theirs.get(PAGE))
    assert "6 of 25,000,000 parts" in shown and "6 parts, without a limit" in shown and "+31, +998" in shown
    assert "Set the limits" not in shown


def test_what_is_wrong_stands_beside_it_and_what_was_typed_is_kept(workspace, admin):
    response = signed_in(admin).post(PAGE, {"parts_per_day": "10", "destinations": "31, Holland"})
    assert response.status_code == 400
    assert "“Holland” is not the beginning of a number" in text_of(response) and "31, Holland" in text_of(response)
    workspace.refresh_from_db()
    assert workspace.parts_per_day is None


def test_a_program_of_an_admin_sets_them_and_any_reads_them(workspace, as_admin, api):
    given = {"parts_per_day": 10, "parts_per_month": None, "destinations": ["+31"]}
    answer = as_admin.put("/api/v1/limits/", given)
    assert answer.json() == {**given, "destinations": ["31"], "spent_today": 0, "spent_this_month": 0}
    assert api.get("/api/v1/limits/").json() == answer.json()
    assert api.put("/api/v1/limits/", given).status_code == 403


def test_those_of_another_workspace_are_not_ours(workspace, admin, api):
    other = factories.workspace()
    type(other).objects.filter(pk=other.pk).update(parts_per_day=7)
    assert "7 parts" not in text_of(signed_in(admin).get(PAGE))
    assert api.get("/api/v1/limits/").json()["parts_per_day"] is None
