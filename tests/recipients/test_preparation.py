import csv
import io
import random
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from audit.models import Entry
from objects.store import store
from objects.trouble import StorageTrouble
from recipients import pipeline, preparation, uploads
from recipients.listing import listing_of
from recipients.models import RecipientList
from recipients.preparation import LEASE, Lease, LeaseLost, prepare_list
from recipients.sample import sample
from recipients.statuses import Status
from tests import factories
from tests.stores import answering, away, keys, used


@pytest.fixture
def upload(workspace, author):
    def make(body: bytes, filename: str = "numbers.txt", **fields) -> RecipientList:
        stream = io.BytesIO(body)
        return uploads.create_with_file(
            workspace, stream, name="Customers", filename=filename, country="NL", by=author, length=len(body), **fields
        )

    return make


def prepare(listed: RecipientList) -> RecipientList:
    prepare_list(listed.pk, now=timezone.now())
    listed.refresh_from_db()
    return listed


def numbers_of(listed: RecipientList) -> list[int]:
    return [number for piece in listing_of(listed).pieces for number in piece.read().tolist()]


def objects_of(listed: RecipientList) -> set[str]:
    return {key.rpartition("/")[2] for key in keys(f"lists/{listed.pk}/")}


MIXED = b"\xef\xbb\xbf06 12345678\r\n+31612345679\r\nnobody\r\n0031612345678\r\n+31612345680\r\n"


@pytest.mark.usefixtures("either_store")
def test_a_file_becomes_chunks_a_manifest_and_totals(upload):
    listed = prepare(upload(MIXED))
    assert listed.status == Status.READY and listed.progress == 100 and listed.lease_until is None
    assert (listed.rows, listed.accepted, listed.invalid, listed.duplicate) == (5, 3, 1, 1)
    assert numbers_of(listed) == [31612345678, 31612345679, 31612345680]
    assert objects_of(listed) == {"00000", "manifest.json", "rejected.csv"}


@pytest.mark.usefixtures("either_store")
def test_the_rejected_lines_say_where_and_why(upload):
    listed = prepare(upload(MIXED))
    with default_storage.open(listed.rejected_key) as file:
        rows = list(csv.DictReader(io.StringIO(file.read().decode())))
    assert [(row["line"], row["value"]) for row in rows] == [("3", "nobody")] and rows[0]["reason"]


def test_a_chosen_column_of_a_table_is_the_list(upload):
    listed = prepare(upload(b"name;phone\nAnna;0612345678\n", filename="people.csv", column="phone"))
    assert numbers_of(listed) == [31612345678]


@pytest.mark.usefixtures("either_store")
def test_a_long_list_is_cut_into_chunks_in_its_order(upload):
    numbers = random.sample(range(31610000000, 31619999999), 25_000)
    listed = prepare(upload("".join(f"+{number}\n" for number in numbers).encode()))
    assert [piece.entry.count for piece in listing_of(listed).pieces] == [10_000, 10_000, 5_000]
    assert numbers_of(listed) == numbers


@pytest.mark.usefixtures("either_store")
@pytest.mark.parametrize(
    ("body", "fields", "message"),
    [
        (b"\n\n", {}, "empty"),
        (b"nobody\nno one\n", {}, "no valid number"),
        (b"name;phone\nA;0612345678\n", {"filename": "a.csv", "column": "mobile"}, "no column “mobile”"),
        (b"PK\x03\x04 and so on", {}, "zip archive or an Excel workbook"),
    ],
)
def test_a_file_that_cannot_be_a_list_fails_with_the_reason(upload, body, fields, message):
    listed = prepare(upload(body, **fields))
    assert listed.status == Status.FAILED and message in listed.failure
    assert objects_of(listed) == set()


def test_the_ledger_does_not_quote_the_file(upload):
    listed = prepare(upload(b"0031612345678901234\n"))
    assert "0031612345678901234" in listed.failure
    entries = Entry.objects.about(listed)
    assert "31612345678901234" not in str([(entry.before, entry.after, entry.note) for entry in entries])


def test_no_spill_file_is_left_whatever_happens(upload, settings, monkeypatch):
    prepare(upload(MIXED))
    prepare(upload(b"nobody\n"))
    monkeypatch.setattr(pipeline, "prepare", lambda *args, **kwargs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        prepare(upload(MIXED))
    assert list(settings.SCRATCH.glob("list-*")) == []


def test_a_list_at_which_somebody_works_is_left_to_them(upload):
    listed = upload(MIXED)
    now = timezone.now()
    assert Lease.take(listed.pk, now=now)
    prepare_list(listed.pk, now=now)
    listed.refresh_from_db()
    assert listed.status == Status.PREPARING


def test_a_second_doorbell_changes_nothing(upload):
    listed = prepare(upload(MIXED))
    digest = listed.digest
    assert prepare(listed).digest == digest
    assert Entry.objects.about(listed).filter(action="recipientlist.ready").count() == 1


@pytest.mark.usefixtures("either_store")
def test_a_try_that_was_killed_is_cleared_away_by_the_next(upload, settings):
    listed = upload(MIXED)
    Lease.take(listed.pk, now=timezone.now() - 2 * LEASE)
    default_storage.save(f"lists/{listed.pk}/dead/00007", ContentFile(b"half"))
    left = settings.SCRATCH / f"list-{listed.pk}-dead"
    left.mkdir()
    listed = prepare(listed)
    assert listed.status == Status.READY and "00007" not in objects_of(listed) and not left.exists()


@pytest.mark.usefixtures("either_store")
def test_who_lost_the_lease_changes_nothing_and_leaves_nothing(upload, monkeypatch):
    listed = upload(MIXED)
    run, later = preparation._run, timezone.now() + 2 * LEASE

    def overtaken(*args):
        prepared = run(*args)
        assert Lease.take(listed.pk, now=later)
        return prepared

    monkeypatch.setattr(preparation, "_run", overtaken)
    listed = prepare(listed)
    assert listed.status == Status.PREPARING and listed.lease_until == later + LEASE
    assert objects_of(listed) == set()


@pytest.mark.usefixtures("either_store")
def test_a_list_whose_file_is_gone_fails_with_the_reason(upload):
    listed = upload(MIXED)
    default_storage.delete(listed.upload_key)
    listed = prepare(listed)
    assert (listed.status, objects_of(listed)) == (Status.FAILED, set())
    assert listed.failure == "The uploaded file is not in the object storage any more: upload it again."


@pytest.mark.usefixtures("either_store")
def test_a_store_that_takes_no_chunk_leaves_the_list_to_the_next_try(upload, monkeypatch):
    def full(self, key, data):
        raise StorageTrouble("full")

    listed = upload(MIXED)
    with monkeypatch.context() as broken:
        broken.setattr(store.__class__, "put", full)
        with pytest.raises(StorageTrouble, match="full"):
            prepare(listed)
    listed.refresh_from_db()
    assert listed.status == Status.PREPARING and listed.digest == ""
    preparation.prepare_list(listed.pk, now=timezone.now() + 2 * LEASE)
    listed.refresh_from_db()
    assert listed.status == Status.READY


def test_a_store_that_is_away_leaves_the_list_to_the_next_try(upload):
    listed = upload(MIXED)
    with used(away()), pytest.raises(StorageTrouble, match="cannot be reached"):
        prepare(listed)
    listed.refresh_from_db()
    assert listed.status == Status.PREPARING


def test_a_store_that_denies_us_is_not_taken_for_an_empty_one(upload):
    listed = upload(MIXED)
    with answering(403) as backend, used(backend), pytest.raises(StorageTrouble, match="denies us access"):
        prepare(listed)
    listed.refresh_from_db()
    assert listed.status == Status.PREPARING


def test_progress_renews_the_lease(upload, monkeypatch):
    monkeypatch.setattr(preparation, "RENEWAL", 0)
    listed = upload(MIXED)
    lease = Lease.take(listed.pk, now=timezone.now())
    until = lease.until
    lease.note(lambda: 42)
    listed.refresh_from_db()
    assert listed.progress == 42 and listed.lease_until == lease.until > until


def test_progress_says_when_the_lease_is_lost(upload, monkeypatch):
    monkeypatch.setattr(preparation, "RENEWAL", 0)
    listed, now = upload(MIXED), timezone.now()
    lease = Lease.take(listed.pk, now=now)
    assert Lease.take(listed.pk, now=now + 2 * LEASE)
    with pytest.raises(LeaseLost):
        lease.note(lambda: 42)


def test_the_sweep_rings_for_lists_left_alone(workspace, upload, rung):
    now = timezone.now()
    never_rung, died, at_work = upload(MIXED), upload(MIXED), upload(MIXED)
    Lease.take(died.pk, now=now - LEASE - timedelta(seconds=1))
    Lease.take(at_work.pk, now=now)
    factories.ready_list(workspace)
    preparation.ring_left_alone(now=now)
    assert rung == [("recipients.tasks.prepare", (pk,)) for pk in (never_rung.pk, died.pk)]


def test_a_sample_is_masked_and_always_the_same(workspace):
    listed = factories.ready_list(workspace, 1000)
    shown = sample(listed)
    assert len(shown) == 10 and shown == sample(listed)
    assert shown[0] == "+3160•••0001" and shown[-1] == "+3160•••1000"


def test_a_sample_of_a_short_list_shows_each_once(workspace):
    assert sample(factories.ready_list(workspace, 3)) == ["+3160•••0001", "+3160•••0002", "+3160•••0003"]


def test_there_is_no_sample_before_the_list_is_ready(workspace):
    assert sample(factories.uploading_list(workspace)) == []
