"""Files of numbers that must not get anything: all of a file or nothing, once, whoever dies meanwhile."""

import csv
import io
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from audit.models import Entry
from audit.refusal import Refused
from recipients import suppression_export, suppression_imports, suppressions, tasks
from recipients.models import Suppression, SuppressionImport
from recipients.statuses import ImportStatus, Source
from recipients.suppression_imports import LEASE, Lease
from tests import factories
from tests.racing import race

pytestmark = pytest.mark.django_db

MIXED = b"name;phone\nA;06 12345678\nB;nobody\nC;+31612345679\nD;0031612345678\n"


@pytest.fixture
def upload(workspace, author):
    def make(body=MIXED, *, whose=workspace, filename="stop.csv", column="phone", **given):
        return suppression_imports.create_with_file(
            whose,
            io.BytesIO(body),
            filename=filename,
            reason="From the old system.",
            country="NL",
            column=column,
            by=author,
            length=len(body),
            **given,
        )

    return make


def numbers(*phones):
    return b"".join(b"+%d\n" % phone for phone in phones)


def run(made: SuppressionImport, *, now=None) -> SuppressionImport:
    suppression_imports.run(made.pk, now=now or timezone.now())
    made.refresh_from_db()
    return made


def test_a_file_of_numbers_is_suppressed_and_counted(upload, workspace, author):
    suppressions.opt_out(workspace, 31612345679)
    made = run(upload())
    assert made.status == ImportStatus.DONE and made.progress == 100 and made.lease_until is None
    assert (made.rows, made.added, made.already, made.invalid) == (4, 1, 2, 1)
    row = Suppression.objects.get(phone=31612345678)
    assert (row.workspace, row.source, row.why, row.by) == (workspace, Source.IMPORT, "From the old system.", author)
    assert suppressions.totals(workspace) == suppressions.Totals(imported=1, opt_out=1)


def test_the_rejected_lines_say_where_and_why(upload):
    made = run(upload())
    with default_storage.open(made.rejected_key) as file:
        rows = list(csv.DictReader(io.StringIO(file.read().decode())))
    assert [(row["line"], row["value"]) for row in rows] == [("3", "nobody")]


def test_a_file_for_the_whole_installation_suppresses_everywhere(upload, workspace):
    run(upload(whose=None))
    assert suppressions.totals(workspace).count == 0
    assert suppressions.numbers_for(workspace.pk).tolist() == [31612345678, 31612345679]


def test_a_long_file_goes_in_batches(upload, monkeypatch):
    monkeypatch.setattr(suppression_imports, "BATCH", 100)
    phones = [31600000001 + number for number in range(950)]
    made = run(upload(numbers(*phones, *phones[:50]), filename="a.txt", column=""))
    assert (made.rows, made.added, made.already) == (1000, 950, 50)
    assert sorted(Suppression.objects.values_list("phone", flat=True)) == phones


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"phone\nnobody\nno one\n", "2 rows, all invalid"),
        (b"PK\x03\x04 and so on", "zip archive"),
        (b"mobile\n+31612345678\n", "no column “phone”"),
        (b"phone\n" + numbers(*range(31600000001, 31600000400)) + b"\x00\n", "zero byte"),
    ],
)
def test_a_file_that_cannot_be_used_fails_with_the_reason_and_adds_nothing(upload, body, message):
    made = run(upload(body))
    assert made.status == ImportStatus.FAILED and message in made.failure
    assert not Suppression.objects.exists()


def test_a_file_that_breaks_off_late_adds_nothing_of_its_good_beginning(upload, monkeypatch):
    monkeypatch.setattr("recipients.files.BLOCK", 4096)
    made = run(upload(b"phone\n" + numbers(*range(31600000001, 31600003000)) + b'"open\n'))
    assert made.status == ImportStatus.FAILED and "a quote opens here" in made.failure
    assert not Suppression.objects.exists()


def test_a_failed_import_takes_another_file(upload, author):
    made = run(upload(b"PK\x03\x04"))
    suppression_imports.receive(made.pk, io.BytesIO(MIXED), by=author, length=len(MIXED))
    assert run(made).status == ImportStatus.DONE
    assert made.failure == ""
    with pytest.raises(Refused, match="it has its file"):
        suppression_imports.receive(made.pk, io.BytesIO(MIXED), by=author, length=len(MIXED))


def test_the_ledger_tells_of_the_import_and_of_no_number(upload):
    made = run(upload())
    failed = run(upload(b"phone\n0031612345678901234\n"))
    assert "“0031•••1234”" in failed.failure
    actions = [entry.action for entry in Entry.objects.filter(subject_id=str(made.pk)).order_by("seq")]
    assert actions == [f"suppressionimport.{what}" for what in ("created", "importing", "done")]
    assert "1234567" not in str(list(Entry.objects.values("before", "after", "note", "subject_name")))


def test_the_file_is_not_kept(upload, objects, django_capture_on_commit_callbacks):
    made = upload()
    key = made.upload_key
    with django_capture_on_commit_callbacks(execute=True):
        run(made)
    assert made.upload_key == "" and not default_storage.exists(key)


def test_a_worker_that_was_killed_is_followed_by_one_that_adds_what_is_missing(upload, workspace, monkeypatch):
    monkeypatch.setattr(suppression_imports, "BATCH", 100)
    made = upload(numbers(*range(31600000001, 31600001001)), filename="a.txt", column="")
    add, calls = suppression_imports._add, []

    def killed(batch, lease):
        if len(calls) == 3:
            raise KeyboardInterrupt
        calls.append(1)
        add(batch, lease)

    monkeypatch.setattr(suppression_imports, "_add", killed)
    with pytest.raises(KeyboardInterrupt):
        run(made)
    made.refresh_from_db()
    assert (made.status, made.added) == (ImportStatus.IMPORTING, 300)
    monkeypatch.setattr(suppression_imports, "_add", add)
    assert run(made).status == ImportStatus.IMPORTING  # its lease is not over
    run(made, now=timezone.now() + 2 * LEASE)
    assert (made.status, made.added, made.already) == (ImportStatus.DONE, 1000, 0)
    assert suppressions.totals(workspace).imported == 1000 == Suppression.objects.count()


def test_who_lost_the_lease_changes_nothing_any_more(upload, monkeypatch):
    made, later = upload(), timezone.now() + 2 * LEASE
    read = suppression_imports._read

    def overtaken(*given):
        read(*given)
        assert Lease.take(made.pk, now=later)

    monkeypatch.setattr(suppression_imports, "_read", overtaken)
    assert run(made).status == ImportStatus.IMPORTING
    assert not Suppression.objects.exists()


def test_a_second_doorbell_changes_nothing(upload):
    made = run(upload())
    assert run(made).added == 2
    assert Entry.objects.filter(action="suppressionimport.done").count() == 1


def test_an_import_rings_and_the_sweep_rings_for_those_left_alone(upload, rung, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        made = upload()
    assert rung == [("recipients.tasks.import_suppressions", (made.pk,))]
    died = upload()
    Lease.take(died.pk, now=timezone.now() - LEASE - timedelta(seconds=1))
    Lease.take(made.pk, now=timezone.now())
    tasks.sweep_suppressions()
    assert rung[1:] == [("recipients.tasks.import_suppressions", (died.pk,))]
    tasks.import_suppressions(died.pk)
    died.refresh_from_db()
    assert died.status == ImportStatus.DONE


@pytest.mark.django_db(transaction=True)
def test_two_files_with_the_same_numbers_at_once_add_each_once(upload, workspace):
    phones = [31600000001 + number for number in range(3000)]
    one, other = (upload(numbers(*order), filename="a.txt", column="") for order in (phones, phones[::-1]))
    race(*[lambda pk=made.pk: suppression_imports.run(pk, now=timezone.now()) for made in (one, other)])
    one.refresh_from_db(), other.refresh_from_db()
    assert one.status == other.status == ImportStatus.DONE
    assert one.added + other.added == 3000 == suppressions.totals(workspace).imported


@pytest.mark.parametrize(("country", "code"), [("", "bad_country"), ("XX", "bad_country")])
def test_an_import_without_a_country_is_refused(author, country, code):
    with pytest.raises(Refused) as refusal:
        suppression_imports.create(None, filename="a.txt", reason="Old.", country=country, by=author)
    assert refusal.value.code == code


# --- Taken along ------------------------------------------------------------------------------------------------------


def exported(workspace, by):
    return b"".join(suppression_export.request(workspace, by=by, is_whole=True)).decode()


def test_the_export_has_every_number_once_in_order_with_its_reason(upload, workspace, author, monkeypatch):
    monkeypatch.setattr(suppression_export, "AT_ONCE", 2)
    run(upload())
    suppressions.opt_out(workspace, 31600000001, reason='She said "STOP", twice')
    suppressions.opt_out(factories.workspace(), 31600000002)
    rows = list(csv.DictReader(io.StringIO(exported(workspace, author))))
    assert [(row["number"], row["source"], row["reason"]) for row in rows] == [
        ("31600000001", "opt_out", 'She said "STOP", twice'),
        ("31612345678", "import", "From the old system."),
        ("31612345679", "import", "From the old system."),
    ]
    assert Entry.objects.get(action="suppressions.exported").actor == author


@pytest.mark.parametrize("reason", ["=1+1", "+cmd", "-2", "@SUM(A1)", "＝1+1", "－2"])
def test_no_cell_of_the_export_is_a_formula(workspace, author, reason):
    suppressions.opt_out(workspace, 31600000001, reason=reason)
    [row] = csv.DictReader(io.StringIO(exported(workspace, author)))
    assert row["reason"] == f"'{reason}"


def test_an_export_that_is_imported_elsewhere_suppresses_the_same_numbers(upload, workspace, author):
    run(upload())
    elsewhere = factories.workspace()
    run(upload(exported(workspace, author).encode(), whose=elsewhere, column="number"))
    both = [suppressions.numbers_for(one.pk).tolist() for one in (workspace, elsewhere)]
    assert both[0] == both[1] != []
