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
from recipients import pipeline, preparation, transitions, uploads
from recipients.listing import listing_of
from recipients.models import RecipientList
from recipients.preparation import Lease, LeaseLost, prepare_list
from recipients.progress import Note
from recipients.sample import sample
from recipients.statuses import Stage, Status
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


def note(percent: int, stage: Stage = Stage.READING) -> Note:
    return Note(stage=stage, rows_done=1000, percent=percent, rows=1000, invalid=10)


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
    assert objects_of(listed) == {"00000", "manifest.json", "rejected.csv", "duplicates.csv"}


@pytest.mark.usefixtures("either_store")
def test_the_rejected_lines_say_where_and_why(upload):
    listed = prepare(upload(MIXED))
    with default_storage.open(listed.rejected_key) as file:
        rows = list(csv.DictReader(io.StringIO(file.read().decode())))
    assert [(row["line"], row["value"]) for row in rows] == [("3", "nobody")] and rows[0]["reason"]


def test_the_repeated_lines_are_there_to_download(upload):
    listed = prepare(upload(MIXED))
    with default_storage.open(listed.duplicates_key) as file:
        rows = list(csv.DictReader(io.StringIO(file.read().decode())))
    assert len(rows) == listed.duplicate == 1 and rows[0]["number"] in map(str, numbers_of(listed))


def test_a_chosen_column_of_a_table_is_the_list_and_the_others_come_along(upload):
    listed = prepare(upload(b"name;phone\nAnna;0612345678\n", filename="people.csv", column="phone"))
    assert numbers_of(listed) == [31612345678]
    assert listed.columns == ["name"]
    assert listing_of(listed).pieces[0].open().others(1) == [("Anna",)]
    assert listed.layout.startswith("Read as UTF-8, 2 columns separated by semicolons")
    assert listed.breakdown["countries"] == [["NL", 1]]


def test_the_chunks_are_as_large_as_the_setting_says(upload, settings):
    settings.CHUNK_SIZE = 2
    listed = prepare(upload(MIXED))
    assert [piece.entry.count for piece in listing_of(listed).pieces] == [2, 1]


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
    assert "“0031•••1234”" in listed.failure
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
    Lease.take(listed.pk, now=timezone.now() - 2 * settings.LIST_LEASE)
    default_storage.save(f"lists/{listed.pk}/dead/00007", ContentFile(b"half"))
    left = settings.SCRATCH / f"list-{listed.pk}-dead"
    left.mkdir()
    listed = prepare(listed)
    assert listed.status == Status.READY and "00007" not in objects_of(listed) and not left.exists()


@pytest.mark.usefixtures("either_store")
def test_who_lost_the_lease_changes_nothing_and_leaves_nothing(upload, settings, monkeypatch):
    listed = upload(MIXED)
    run, later = preparation._run, timezone.now() + 2 * settings.LIST_LEASE

    def overtaken(*args):
        prepared = run(*args)
        assert Lease.take(listed.pk, now=later)
        return prepared

    monkeypatch.setattr(preparation, "_run", overtaken)
    listed = prepare(listed)
    assert listed.status == Status.PREPARING and listed.lease_until == later + settings.LIST_LEASE
    assert objects_of(listed) == set()


@pytest.mark.usefixtures("either_store")
def test_a_list_whose_file_is_gone_fails_with_the_reason(upload):
    listed = upload(MIXED)
    default_storage.delete(listed.upload_key)
    listed = prepare(listed)
    assert (listed.status, objects_of(listed)) == (Status.FAILED, set())
    assert listed.failure == "The uploaded file is not in the object storage any more: upload it again."


@pytest.mark.usefixtures("either_store")
def test_a_store_that_takes_no_chunk_leaves_the_list_to_the_next_try(upload, settings, monkeypatch):
    def full(self, key, data):
        raise StorageTrouble("full")

    listed = upload(MIXED)
    with monkeypatch.context() as broken:
        broken.setattr(store.__class__, "put", full)
        with pytest.raises(StorageTrouble, match="full"):
            prepare(listed)
    listed.refresh_from_db()
    assert listed.status == Status.PREPARING and listed.digest == ""
    preparation.prepare_list(listed.pk, now=timezone.now() + 2 * settings.LIST_LEASE)
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
    lease.note(note(42))
    listed.refresh_from_db()
    assert listed.progress == 42 and listed.lease_until == lease.until > until


def test_each_stage_is_noted_when_it_begins_and_then_once_in_a_while(upload, monkeypatch):
    monkeypatch.setattr(preparation, "RENEWAL", 60)
    listed = upload(MIXED)
    lease = Lease.take(listed.pk, now=timezone.now())
    for percent, stage in ((1, Stage.READING), (2, Stage.READING), (80, Stage.SORTING), (81, Stage.SORTING)):
        lease.note(note(percent, stage))
    listed.refresh_from_db()
    assert (listed.stage, listed.progress, listed.rows_done) == (Stage.SORTING, 80, 1000)
    assert listed.began_at < listed.stage_began_at < timezone.now()


def test_a_cancelled_list_stops_its_worker_which_leaves_nothing(upload, author, objects, monkeypatch):
    monkeypatch.setattr(preparation, "RENEWAL", 0)
    listed = upload(MIXED)
    note_of = preparation.note_of

    def cancelled_in_the_middle(progress, *, size):
        if progress.stage == Stage.WRITING:
            transitions.cancel(listed.pk, by=author)
        return note_of(progress, size=size)

    monkeypatch.setattr(preparation, "note_of", cancelled_in_the_middle)
    assert prepare(listed).status == Status.CANCELLED
    assert objects_of(listed) == set()


def test_a_list_of_invalid_numbers_keeps_its_counts(upload):
    listed = prepare(upload(b"nobody\nno one\n"))
    assert (listed.status, listed.rows, listed.invalid) == (Status.FAILED, 2, 2)


def fails_with(error):
    def prepare(*args, **kwargs):
        raise error

    return prepare


def try_again(listed: RecipientList, times: int, error: type[Exception], settings) -> RecipientList:
    """Each time the lease of the try before is over."""
    for turn in range(times):
        with pytest.raises(error):
            prepare_list(listed.pk, now=timezone.now() + turn * 2 * settings.LIST_LEASE)
    listed.refresh_from_db()
    return listed


def test_after_five_attempts_a_list_fails_with_what_ended_the_last(upload, settings, objects, monkeypatch, caplog):
    listed = upload(MIXED)
    monkeypatch.setattr(pipeline, "prepare", fails_with(OSError(28, "No space left on device")))
    assert try_again(listed, 4, OSError, settings).status == Status.PREPARING
    with pytest.raises(OSError):
        prepare_list(listed.pk, now=timezone.now() + 8 * settings.LIST_LEASE)
    listed.refresh_from_db()
    assert listed.status == Status.FAILED
    assert listed.failure == (
        "It could not be prepared after 5 attempts: the last one ended with “No space left on device”."
    )
    assert "list.given_up" in caplog.text


def test_what_an_error_says_about_the_file_is_not_shown(upload, settings, monkeypatch):
    monkeypatch.setattr(pipeline, "prepare", fails_with(ValueError("0612345678")))
    listed = try_again(upload(MIXED), 5, ValueError, settings)
    assert "ended with ValueError." in listed.failure


def test_a_file_that_kills_every_worker_is_given_up(upload, settings, objects):
    listed, now = upload(MIXED), timezone.now()
    for turn in range(5):
        assert Lease.take(listed.pk, now=now + turn * 2 * settings.LIST_LEASE)  # and then never heard of again
    prepare_list(listed.pk, now=now + 10 * settings.LIST_LEASE)
    listed.refresh_from_db()
    assert listed.status == Status.FAILED and "without a word" in listed.failure


def test_another_file_has_its_own_five_attempts(upload, author, settings, monkeypatch):
    listed = upload(MIXED)
    with monkeypatch.context() as broken:
        broken.setattr(pipeline, "prepare", fails_with(ValueError()))
        try_again(listed, 5, ValueError, settings)
    uploads.receive(listed.pk, io.BytesIO(MIXED), by=author, length=len(MIXED))
    assert prepare(listed).status == Status.READY and listed.failure == ""


def test_progress_says_when_the_lease_is_lost(upload, settings, monkeypatch):
    monkeypatch.setattr(preparation, "RENEWAL", 0)
    listed, now = upload(MIXED), timezone.now()
    lease = Lease.take(listed.pk, now=now)
    assert Lease.take(listed.pk, now=now + 2 * settings.LIST_LEASE)
    with pytest.raises(LeaseLost):
        lease.note(note(42))


def test_the_sweep_rings_for_lists_left_alone(workspace, upload, settings, rung):
    now = timezone.now()
    never_rung, died, at_work = upload(MIXED), upload(MIXED), upload(MIXED)
    Lease.take(died.pk, now=now - settings.LIST_LEASE - timedelta(seconds=1))
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
