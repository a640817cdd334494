"""The register of test phones: filled by admins of the workspace, whatever the door."""

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.roles import Role
from audit.models import Entry
from audit.refusal import Refused
from recipients import suppressions, trial_phones
from recipients.models import TrialPhone
from tests import factories
from tests.pages import signed_in

pytestmark = pytest.mark.django_db
PHONE = 31_612_345_678
PAGE = "/lists/test-phones/"


def by_sql(statement, *values):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_an_admin_adds_a_phone_and_the_ledger_has_it_masked(workspace, admin):
    row = trial_phones.add(workspace, "06 12345678", whose=" Ann ", label="Android", by=admin)
    assert (row.phone, row.whose, row.label) == (PHONE, "Ann", "Android")
    entry = Entry.objects.get(action="trialphone.added")
    assert entry.subject_name == "+3161•••5678" and entry.after["hash"] == suppressions.fingerprint(PHONE)
    trial_phones.remove(row.pk, by=admin)
    assert not TrialPhone.objects.exists()
    assert Entry.objects.get(action="trialphone.removed").before["whose"] == "Ann"
    assert str(PHONE) not in str(list(Entry.objects.values_list("before", "after", "note", "subject_name")))


@pytest.mark.parametrize("role", [Role.AUTHOR, Role.MODERATOR])
def test_nobody_else_adds_or_removes_one(workspace, role):
    phone = factories.trial_phone(workspace)
    by = factories.member(workspace, role)
    for verb in (
        lambda: trial_phones.add(workspace, f"+{PHONE}", whose="Ann", by=by),
        lambda: trial_phones.remove(TrialPhone.objects.get(phone=phone).pk, by=by),
    ):
        with pytest.raises(Refused) as refusal:
            verb()
        assert refusal.value.code == "not_an_admin"


def test_sql_adds_none_in_the_name_of_somebody_else_and_changes_none(workspace, author, admin):
    insert = (
        "INSERT INTO recipients_trialphone (workspace_id, phone, whose, label, added_by_id, added_at)"
        " VALUES (%s, %s, 'Ann', '', %s, now())"
    )
    elsewhere = factories.member(factories.workspace(), Role.ADMIN)
    for by in (author, elsewhere):
        with pytest.raises(DatabaseError, match="is not an admin of workspace"):
            by_sql(insert, workspace.pk, PHONE, by.pk)
    by_sql(insert, workspace.pk, PHONE, admin.pk)
    with pytest.raises(DatabaseError, match="added or removed, never changed"):
        by_sql("UPDATE recipients_trialphone SET phone = phone + 1")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"number": "12"}, "bad_number"),
        ({"whose": " "}, "whose_missing"),
        ({"whose": "Ann 12345678"}, "number_in_name"),
        ({"label": "x" * 121}, "too_long"),
        ({"number": "+31620000000"}, "already_there"),
        ({"number": "+31630000000"}, "suppressed"),
    ],
)
def test_what_is_wrong_with_a_phone_is_said(workspace, admin, given, code):
    factories.trial_phone(workspace, 31_620_000_000)
    suppressions.opt_out(workspace, 31_630_000_000)
    with pytest.raises(Refused) as refusal:
        trial_phones.add(workspace, **{"number": f"+{PHONE}", "whose": "Ann", **given}, by=admin)
    assert refusal.value.code == code


def test_a_register_is_no_mailing_list(workspace, admin, monkeypatch):
    monkeypatch.setattr(trial_phones, "MOST", 1)
    factories.trial_phone(workspace)
    with pytest.raises(Refused) as refusal:
        trial_phones.add(workspace, f"+{PHONE}", whose="Ann", by=admin)
    assert refusal.value.code == "too_many"


def test_an_admin_fills_it_on_the_page_and_others_look(workspace, admin, author):
    ours = signed_in(admin)
    assert "No test phones yet" in ours.get(PAGE).content.decode()
    response = ours.post(f"{PAGE}add/", {"number": "06 12345678", "whose": "Ann", "label": "Android"}, follow=True)
    assert "+3161•••5678" in response.content.decode() and "+31612345678" not in response.content.decode()
    again = ours.post(f"{PAGE}add/", {"number": "06 12345678", "whose": "Bob"})
    assert again.status_code == 400 and "a test phone already" in again.content.decode()
    assert 'value="Bob"' in again.content.decode()
    seen = signed_in(author).get(PAGE).content.decode()
    assert "Ann" in seen and "+31612345678" not in seen and "Add a test phone" not in seen
    row = TrialPhone.objects.get()
    assert signed_in(author).post(f"{PAGE}{row.pk}/remove/").status_code == 403
    assert ours.post(f"{PAGE}{row.pk}/remove/").status_code == 302
    assert not TrialPhone.objects.exists()


def test_a_phone_of_another_workspace_is_not_there(admin):
    factories.trial_phone(factories.workspace())
    assert signed_in(admin).post(f"{PAGE}{TrialPhone.objects.get().pk}/remove/").status_code == 404
