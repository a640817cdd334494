"""Numbers that must not get anything: added, opted out, looked up, taken off, and left out of a list."""

import io

import numpy as np
import pytest
from django.db import connection
from django.utils import timezone

from audit.models import Entry
from audit.refusal import Refused
from recipients import suppressions, uploads
from recipients.listing import listing_of
from recipients.models import Suppression, SuppressionCount
from recipients.preparation import prepare_list
from recipients.statuses import Source, Status
from tests import factories
from tests.racing import race

pytestmark = pytest.mark.django_db

NUMBER = 31612345678


@pytest.fixture
def add(workspace, author):
    def make(number=f"+{NUMBER}", reason="She asked on the phone.", **given):
        return suppressions.add(given.pop("workspace", workspace), number, reason=reason, by=given.pop("by", author))

    return make


def among(workspace, *phones):
    with connection.cursor() as cursor:
        cursor.execute("SELECT suppressed_among(%s, %s::bigint[])", [workspace.pk, list(phones)])
        return sorted(cursor.fetchone()[0])


@pytest.mark.parametrize("text", ["06 12345678", "+31 (6) 1234-5678", "0031612345678", " 31612345678 "])
def test_a_number_is_suppressed_in_whatever_format_it_is_written(add, text):
    assert add(text).phone == NUMBER


def test_a_number_without_a_country_is_read_as_an_international_one():
    assert suppressions.number_of("31612345678", None) == NUMBER
    assert suppressions.number_of("0031612345678", None) == NUMBER


@pytest.mark.parametrize("text", ["", "nobody", "12", "9.98E+11"])
def test_what_is_no_number_is_refused_with_the_reason(add, text):
    with pytest.raises(Refused, match="is not a phone number") as refusal:
        add(text)
    assert refusal.value.code == "bad_number"
    assert not Suppression.objects.exists()


@pytest.mark.parametrize(
    ("reason", "code"),
    [("  ", "reason_missing"), ("x" * 501, "reason_too_long"), ("She has +31 6 1234 5678.", "number_in_reason")],
)
def test_a_reason_is_required_and_never_holds_the_number(add, reason, code):
    with pytest.raises(Refused) as refusal:
        add(reason=reason)
    assert refusal.value.code == code


def test_a_number_that_is_suppressed_already_keeps_its_first_entry(add):
    first = add()
    with pytest.raises(Refused, match="suppressed already, since"):
        add(reason="Again.")
    assert [row.pk for row in Suppression.objects.all()] == [first.pk]
    assert suppressions.totals(first.workspace).count == 1


def test_an_opt_out_may_be_said_twice(workspace):
    first = suppressions.opt_out(workspace, NUMBER)
    assert suppressions.opt_out(workspace, NUMBER).pk == first.pk
    assert (first.source, first.by) == (Source.OPT_OUT, None)
    assert Entry.objects.get(action="suppression.added").actor_name == "system"
    assert suppressions.totals(workspace) == suppressions.Totals(opt_out=1)


@pytest.mark.django_db(transaction=True)
def test_of_many_opt_outs_at_once_one_is_kept_and_counted(workspace):
    rows = race(*[lambda: suppressions.opt_out(workspace, NUMBER)] * 5)
    assert len({row.pk for row in rows}) == 1
    assert suppressions.totals(workspace).count == 1 == Suppression.objects.count()


def test_the_ledger_knows_the_number_by_its_mask_and_its_fingerprint_only(add, admin):
    row = add()
    suppressions.remove(row.pk, reason="It was a mistake.", by=admin)
    added, removed = Entry.objects.filter(subject_type="suppression").order_by("seq")
    assert (added.action, removed.action) == ("suppression.added", "suppression.removed")
    assert added.subject_name == removed.subject_name == "+3161•••5678"
    assert added.after["hash"] == removed.before["hash"] == suppressions.fingerprint(NUMBER)
    assert removed.note == "It was a mistake."
    assert str(NUMBER) not in str(list(Entry.objects.values()))


def test_whoever_is_taken_off_may_get_messages_again(add, workspace, admin):
    row = add()
    suppressions.remove(row.pk, reason="It was a mistake.", by=admin)
    assert suppressions.find(workspace, f"+{NUMBER}") == []
    assert suppressions.totals(workspace).count == 0
    with pytest.raises(Refused, match="not suppressed any more"):
        suppressions.remove(row.pk, reason="Again.", by=admin)


def test_a_removal_needs_a_reason(add, admin):
    row = add()
    with pytest.raises(Refused, match="Say why"):
        suppressions.remove(row.pk, reason=" ", by=admin)
    assert Suppression.objects.filter(pk=row.pk).exists()


def test_a_look_up_tells_what_is_on_our_list_and_on_the_installations(add, workspace, author):
    own = add()
    everywhere = suppressions.add(None, f"+{NUMBER}", reason="A regulator said so.", by=author)
    suppressions.opt_out(factories.workspace(), NUMBER)
    assert suppressions.find(workspace, "06 12345678") == [everywhere, own]
    assert (own.why, own.by) == ("She asked on the phone.", author)


def test_the_numbers_for_a_workspace_are_its_own_and_the_installations_sorted_and_each_once(workspace, monkeypatch):
    monkeypatch.setattr(suppressions, "AT_ONCE", 3)
    mine, everywhere = [31600000009, 31600000001, 31600000005, 31600000003], [31600000004, 31600000001]
    for number in mine:
        suppressions.opt_out(workspace, number)
    for number in everywhere:
        suppressions.opt_out(None, number)
    suppressions.opt_out(factories.workspace(), 31600000002)
    numbers = suppressions.numbers_for(workspace.pk)
    assert numbers.dtype == np.uint64
    assert numbers.tolist() == sorted({*mine, *everywhere})


def test_there_are_no_numbers_for_a_workspace_that_suppresses_none(workspace):
    suppressions.opt_out(factories.workspace(), NUMBER)
    assert suppressions.numbers_for(workspace.pk).tolist() == []


def test_the_database_says_which_of_many_numbers_are_suppressed(workspace):
    suppressions.opt_out(workspace, 1000000001)
    suppressions.opt_out(None, 1000000002)
    suppressions.opt_out(factories.workspace(), 1000000003)
    assert among(workspace, *range(1000000000, 1000000010)) == [1000000001, 1000000002]
    assert among(workspace) == []


def test_the_counts_are_those_of_the_rows(workspace, add, admin):
    for number in range(5):
        suppressions.opt_out(workspace, NUMBER + number)
    add("+31612300000")
    suppressions.remove(suppressions.newest(workspace)[1].pk, reason="A mistake.", by=admin)
    counted = {(row.workspace_id, row.source): row.n for row in SuppressionCount.objects.all()}
    rows = [(row.workspace_id, row.source) for row in Suppression.objects.all()]
    assert counted == {key: rows.count(key) for key in rows}


# --- At the preparation of a list -------------------------------------------------------------------------------------


def prepared(workspace, author, body):
    stream = io.BytesIO(body)
    listed = uploads.create_with_file(
        workspace, stream, name="A", filename="a.txt", country="NL", by=author, length=len(body)
    )
    prepare_list(listed.pk, now=timezone.now())
    listed.refresh_from_db()
    return listed


# The numbers are fetched over a connection of their own, which sees what was committed.
@pytest.mark.django_db(transaction=True)
def test_a_list_leaves_out_whoever_is_suppressed_here_or_everywhere_and_counts_them(workspace, author):
    suppressions.opt_out(workspace, 31612345671)
    suppressions.opt_out(None, 31612345679)
    suppressions.opt_out(factories.workspace(), 31612345675)
    body = b"".join(b"+3161234567%d\n" % digit for digit in (1, 5, 9, 0, 1))
    listed = prepared(workspace, author, body)
    assert (listed.rows, listed.accepted, listed.duplicate, listed.suppressed) == (5, 2, 1, 2)
    assert listing_of(listed).pieces[0].read().tolist() == [31612345675, 31612345670]


@pytest.mark.django_db(transaction=True)
def test_a_file_of_suppressed_numbers_only_fails_with_the_counts(workspace, author):
    suppressions.opt_out(workspace, NUMBER)
    listed = prepared(workspace, author, b"0612345678\n0612345678\nnobody\n")
    assert listed.status == Status.FAILED
    assert (listed.rows, listed.invalid, listed.duplicate, listed.suppressed) == (3, 1, 1, 1)
    assert "3 rows, 1 invalid, 1 repeated and 1 suppressed" in listed.failure
