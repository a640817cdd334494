import hashlib
import io
import threading
from datetime import timedelta

import pytest
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import connection
from django.utils import timezone

from audit.models import Entry
from audit.refusal import Refused
from recipients import arrival, failures, resumable, uploads
from recipients.arrival import Lease, LeaseLost, Surplus
from recipients.models import RecipientList, Upload
from recipients.parts import FolderParts, Kept, StorageFull, parts
from recipients.resumable import Gone
from recipients.statuses import Status
from recipients.uploads import TooLarge
from tests import factories

NOW = timezone.now()
FILE = b"".join(b"+3161%07d\n" % number for number in range(200_000))  # 2.6 MB
HOUR = timedelta(hours=1)


class Breaking(io.RawIOBase):
    """A connection that ends, or breaks, after so many bytes."""

    def __init__(self, body: bytes, after: int, *, error: bool = False) -> None:
        self.body, self.error = io.BytesIO(body[:after]), error

    def read(self, size=-1):
        data = self.body.read(size)
        if not data and self.error:
            raise OSError("the connection was reset")
        return data


@pytest.fixture
def begun(workspace, author):
    return made(workspace, author)


def made(workspace, author, **fields):
    wanted = {"name": "Customers", "filename": "numbers.txt", "length": len(FILE), "by": author, "now": NOW}
    fields = wanted | fields
    return resumable.create(workspace, **fields)


def add(listed, body, *, by, offset=0, now=NOW, **given):
    stream = io.BytesIO(body) if isinstance(body, bytes) else body
    return resumable.add(listed.pk, stream, offset=offset, by=by, now=now, **given)


def content_of(listed) -> bytes:
    listed.refresh_from_db()
    with default_storage.open(listed.upload_key) as file:
        return file.read()


def stored() -> list[str]:
    try:
        return default_storage.listdir("uploads")[1]
    except FileNotFoundError:
        return []


def row_of(listed) -> Upload:
    return Upload.objects.get(list=listed)


# --- The way of a file ------------------------------------------------------------------------------------------------


def test_a_file_comes_in_pieces_and_its_preparation_is_rung_for_with_the_last(
    either_store, begun, author, rung, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        first = add(begun, FILE[:1_000_000], by=author)
        assert (first.offset, rung) == (1_000_000, [])
        last = add(begun, FILE[1_000_000:], offset=1_000_000, by=author)
    assert last.offset == last.length == len(FILE)
    assert rung == [("recipients.tasks.prepare", (begun.pk,))]
    assert content_of(begun) == FILE and begun.status == Status.PREPARING and begun.bytes == len(FILE)
    assert not Upload.objects.exists() and len(stored()) == 1


@pytest.mark.parametrize("error", [False, True])
def test_what_arrived_before_the_connection_broke_is_kept(either_store, begun, author, error):
    kept = add(begun, Breaking(FILE, 1_234_567, error=error), by=author, announced=len(FILE)).offset
    assert kept == 1_234_567
    add(begun, FILE[kept:], offset=kept, by=author)
    assert content_of(begun) == FILE


def test_many_small_pieces_make_one_file(either_store, workspace, author):
    body = FILE[:200_003]
    listed = made(workspace, author, length=len(body))
    for at in range(0, len(body), 50_000):
        add(listed, body[at : at + 50_000], offset=at, by=author)
    assert content_of(listed) == body and len(stored()) == 1


def test_parts_of_any_size_make_one_file(either_store, workspace, author):
    """Larger than a part, smaller than one, and just as large as the smallest."""
    body = FILE * 12  # 31 MB
    listed = made(workspace, author, length=len(body))
    at = 0
    for size in (9 << 20, 1000, 5 << 20, (8 << 20) - 1, 3 << 20, len(body)):
        add(listed, body[at : at + size], offset=at, by=author)
        at = min(at + size, len(body))
    assert hashlib.sha256(content_of(listed)).digest() == hashlib.sha256(body).digest()
    assert len(stored()) == 1


def test_a_list_made_before_takes_its_file_in_pieces_too(workspace, author):
    listed = factories.uploading_list(workspace)
    assert resumable.standing(listed, now=NOW).length is None
    resumable.begin(listed.pk, length=len(FILE), by=author, now=NOW)
    add(listed, FILE, by=author)
    assert content_of(listed) == FILE
    assert resumable.standing(listed, now=NOW).offset == len(FILE)


def test_a_failed_list_takes_another_file_in_pieces(workspace, author):
    failed = factories.failed_list(workspace)
    resumable.begin(failed.pk, length=len(FILE), by=author, now=NOW)
    add(failed, FILE, by=author)
    failed.refresh_from_db()
    assert (failed.status, failed.failure) == (Status.PREPARING, "")


def test_no_transaction_is_open_while_bytes_come(begun, author, django_db_blocker):
    class Watching(io.BytesIO):
        def read(self, size=-1):
            depths.append(len(connection.savepoint_ids))
            return super().read(size)

    depths = []
    add(begun, Watching(FILE), by=author)
    assert set(depths) == {0}  # of the test's own transaction, none inside it


def test_a_slow_client_is_read_in_small_pieces_and_a_fast_one_in_large_ones(begun, author, monkeypatch):
    class Timed(io.BytesIO):
        def __init__(self, body, seconds):
            super().__init__(body)
            self.seconds, self.sizes = seconds, []

        def read(self, size=-1):
            self.sizes.append(size)
            clock[0] += self.seconds
            return super().read(size)

    clock = [0.0]
    monkeypatch.setattr(arrival.time, "monotonic", lambda: clock[0])
    fast = Timed(FILE[:2_000_000], 0.001)
    add(begun, fast, by=author, announced=2_000_000)
    slow = Timed(FILE[2_000_000:2_100_000], 2.0)
    add(begun, slow, offset=2_000_000, by=author, announced=100_000)
    assert max(fast.sizes) >= 1 << 20 and max(slow.sizes) == arrival.SMALL


# --- What is refused --------------------------------------------------------------------------------------------------


def test_a_file_over_the_limit_is_refused_at_its_creation(workspace, author, settings):
    settings.UPLOAD_MAX_BYTES = 1000
    with pytest.raises(TooLarge, match="1,000 bytes"):
        made(workspace, author, length=1001)
    assert not RecipientList.objects.exists() and stored() == []


def test_a_client_that_lies_about_its_length_is_cut_off_at_the_byte_past_it(either_store, begun, author, settings):
    settings.UPLOAD_MAX_BYTES = len(FILE)
    stream = io.BytesIO(FILE * 2)
    with pytest.raises(Surplus, match="the limit here is 2,600,000 bytes"):
        add(begun, stream, by=author)
    assert stream.tell() == len(FILE) + 1
    begun.refresh_from_db()
    assert begun.status == Status.FAILED and "the limit here" in begun.failure
    assert stored() == [] and not Upload.objects.exists()


def test_a_client_that_announces_too_much_is_refused_before_its_first_byte(begun, author):
    stream = io.BytesIO(FILE * 2)
    with pytest.raises(Surplus):
        add(begun, stream, by=author, announced=2 * len(FILE))
    assert stream.tell() == 0 and row_of(begun).offset == 0


@pytest.mark.parametrize("offset", [0, 5, 999_999_999])
def test_another_offset_than_the_next_is_refused(begun, author, offset):
    add(begun, FILE[:10], by=author)
    with pytest.raises(Refused, match="The next byte is number 10") as refusal:
        add(begun, FILE[10:20], offset=offset, by=author)
    assert refusal.value.code == "wrong_offset"


def test_an_empty_file_is_refused(workspace, author):
    with pytest.raises(Refused, match="empty"):
        made(workspace, author, length=0)


def test_nothing_is_begun_for_a_list_that_is_refused(either_store, workspace, author):
    with pytest.raises(Refused, match="not a country code"):
        made(workspace, author, country="XX")
    assert stored() == [] and not Upload.objects.exists()


def test_a_list_that_has_its_file_takes_no_other(workspace, author):
    with pytest.raises(Refused, match="it has its file"):
        resumable.begin(factories.ready_list(workspace).pk, length=5, by=author, now=NOW)


def test_the_file_that_came_in_another_way_meanwhile_is_the_lists(either_store, begun, author):
    class Rival(io.BytesIO):
        def read(self, size=-1):
            if not RecipientList.objects.get(pk=begun.pk).upload_key:
                uploads.receive(begun.pk, io.BytesIO(b"1\n"), by=author, length=2)
            return super().read(size)

    with pytest.raises(Refused, match="it has its file"):
        add(begun, Rival(FILE), by=author)
    assert content_of(begun) == b"1\n" and len(stored()) == 1 and not Upload.objects.exists()


def test_a_file_other_than_the_promised_one_is_refused_and_not_kept(either_store, workspace, author):
    promised = hashlib.sha256(b"something else").hexdigest()
    listed = made(workspace, author, sha256=promised)
    with pytest.raises(Refused, match="not the one that was promised") as refusal:
        add(listed, FILE, by=author)
    assert refusal.value.code == "file_mismatch"
    listed.refresh_from_db()
    assert listed.status == Status.FAILED and "SHA-256" in listed.failure and stored() == []


def test_the_promised_file_is_taken(either_store, workspace, author):
    listed = made(workspace, author, sha256=hashlib.sha256(FILE).hexdigest().upper())
    add(listed, FILE, by=author)
    assert content_of(listed) == FILE


def test_bytes_without_their_checksum_are_not_kept(either_store, begun, author):
    add(begun, FILE[:100], by=author)
    wrong = arrival.Checksum("sha1", hashlib.sha1(b"other").digest())
    with pytest.raises(Refused) as refusal:
        add(begun, FILE[100:200], offset=100, by=author, checksum=wrong)
    assert refusal.value.code == "checksum_mismatch" and row_of(begun).offset == 100
    right = arrival.Checksum("sha256", hashlib.sha256(FILE[100:]).digest())
    add(begun, FILE[100:], offset=100, by=author, checksum=right)
    assert content_of(begun) == FILE


def test_a_full_disk_is_said_and_leaves_nothing_half_done(begun, author, monkeypatch):
    class Full(io.FileIO):
        def write(self, data):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("recipients.parts.FileIO", Full)
    with pytest.raises(StorageFull):
        add(begun, FILE, by=author)
    begun.refresh_from_db()
    assert begun.status == Status.FAILED and "full" in begun.failure and stored() == []


def test_a_raw_upload_says_too_that_the_disk_is_full(workspace, author, monkeypatch):
    def save(self, name, content):
        raise OSError(122, "Disk quota exceeded")

    monkeypatch.setattr(FileSystemStorage, "_save", save)
    listed = factories.uploading_list(workspace)
    with pytest.raises(StorageFull, match="The object storage is full"):
        uploads.receive(listed.pk, io.BytesIO(FILE), by=author, length=len(FILE))


def test_bytes_that_vanished_from_the_store_end_the_upload(either_store, begun, author):
    add(begun, FILE[:100], by=author)
    upload = row_of(begun)
    parts().abort(upload.key, Kept.from_json(upload.offset, upload.kept))
    with pytest.raises(Gone):
        add(begun, FILE[100:], offset=100, by=author)
    begun.refresh_from_db()
    assert begun.status == Status.FAILED and not Upload.objects.exists()


# --- Who writes -------------------------------------------------------------------------------------------------------


def test_one_connection_writes_at_a_time(begun, author):
    Lease.take(row_of(begun), now=NOW)
    with pytest.raises(Refused, match="Another connection") as refusal:
        add(begun, FILE, by=author, now=NOW + timedelta(seconds=9))
    assert refusal.value.code == "busy"


def test_a_connection_that_fell_silent_is_taken_over_and_its_bytes_do_not_count(either_store, begun, author):
    """The half-open old connection wakes up when the new one has written: it stops at its next byte."""

    class Silent(io.RawIOBase):
        pieces = iter([FILE[:1000], b"stale" * 200])

        def read(self, size=-1):
            if (piece := next(self.pieces, b"")).startswith(b"stale"):
                clock[0] += 60
                add(begun, FILE[:5000], offset=0, by=author, now=NOW + timedelta(seconds=11))
            return piece

    clock = [arrival.time.monotonic()]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrival.time, "monotonic", lambda: clock[0])
        with pytest.raises(LeaseLost):
            add(begun, Silent(), by=author)
    assert row_of(begun).offset == 5000
    add(begun, FILE[5000:], offset=5000, by=author)
    assert content_of(begun) == FILE


def test_how_far_it_is_is_on_record_while_bytes_come(begun, author, monkeypatch):
    class Slow(io.BytesIO):
        def read(self, size=-1):
            clock[0] += 1.5
            seen.append(row_of(begun).offset)
            return super().read(size)

    seen, clock = [], [0.0]
    monkeypatch.setattr(arrival.time, "monotonic", lambda: clock[0])
    add(begun, Slow(FILE[:100_000]), by=author)
    assert seen == sorted(seen) and 0 < seen[-1] < 100_000


@pytest.mark.django_db(transaction=True)
def test_of_many_connections_at_once_one_brings_the_file(workspace, author):
    listed = made(workspace, author)
    start, said = threading.Barrier(6), []

    def run():
        start.wait()
        try:
            add(listed, FILE, by=author)
            said.append("done")
        except Refused as refusal:
            said.append(refusal.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said.count("done") == 1
    assert set(said) <= {"done", "busy", "wrong_status", "gone", "wrong_offset"}
    assert content_of(listed) == FILE


def test_a_process_that_was_killed_leaves_an_upload_that_goes_on(either_store, begun, author):
    """It never released the lease, and its last bytes were not on record."""
    add(begun, FILE[:3000], by=author)
    lease = Lease.take(row_of(begun), now=NOW)
    parts().writer(row_of(begun).key, lease.kept, number=lease.next_part).write(FILE[3000:9000])
    add(begun, FILE[3000:], offset=3000, by=author, now=NOW + timedelta(seconds=11))
    assert content_of(begun) == FILE


# --- Its end ----------------------------------------------------------------------------------------------------------


def test_an_ended_upload_frees_everything(either_store, begun, author):
    add(begun, FILE[:1000], by=author)
    resumable.terminate(begun.pk, by=author)
    begun.refresh_from_db()
    assert (begun.status, begun.failure) == (Status.FAILED, failures.UPLOAD_ENDED)
    assert stored() == [] and not Upload.objects.exists()
    with pytest.raises(Gone):
        resumable.standing(begun, now=NOW)


def test_an_upload_ended_in_the_middle_stops_who_writes(either_store, begun, author, monkeypatch):
    class Ended(io.BytesIO):
        def read(self, size=-1):
            if self.tell() and Upload.objects.exists():
                resumable.terminate(begun.pk, by=author)
            return super().read(size)

    with pytest.raises((Gone, LeaseLost)):
        add(begun, Ended(FILE), by=author)
    assert stored() == []


def test_an_abandoned_upload_expires_and_is_cleaned_up(either_store, begun, author, settings):
    settings.UPLOAD_EXPIRES = 24 * HOUR
    add(begun, FILE[:1000], by=author)
    resumable.sweep(now=NOW + 23 * HOUR)
    assert Upload.objects.exists()
    later = NOW + 25 * HOUR
    for refused in (
        lambda: add(begun, FILE[1000:], offset=1000, by=author, now=later),
        lambda: resumable.standing(begun, now=later),
    ):
        with pytest.raises(Gone):
            refused()
    resumable.sweep(now=later)
    begun.refresh_from_db()
    assert begun.status == Status.FAILED
    assert begun.failure == "The upload stopped at 1,000 of 2,600,000 bytes, and nobody went on for 24 hours."
    assert stored() == [] and not Upload.objects.exists()


def test_every_byte_puts_the_expiry_off(begun, author):
    first = row_of(begun).expires_at
    add(begun, FILE[:1000], by=author, now=NOW + 20 * HOUR)
    assert row_of(begun).expires_at >= first + 20 * HOUR


def test_a_list_whose_file_never_came_is_given_up(workspace):
    waiting, failed, ready = (
        factories.uploading_list(workspace),
        factories.failed_list(workspace),
        factories.ready_list(workspace),
    )
    resumable.sweep(now=timezone.now() + 25 * HOUR)
    states = [RecipientList.objects.get(pk=row.pk) for row in (waiting, failed, ready)]
    assert [row.status for row in states] == [Status.FAILED, Status.FAILED, Status.READY]
    assert states[0].failure == "No file came within 24 hours."


def test_an_upload_that_was_whole_when_its_process_died_is_brought_to_its_end(either_store, begun, author, monkeypatch):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uploads, "accept", lambda *args, **kwargs: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            add(begun, FILE, by=author)
    resumable.sweep(now=NOW + timedelta(seconds=5))
    assert Upload.objects.exists()  # somebody may still be at it
    resumable.sweep(now=NOW + timedelta(seconds=15))
    assert content_of(begun) == FILE and begun.status == Status.PREPARING
    assert Entry.objects.about(begun).filter(action="recipientlist.preparing").get().actor == author


def test_what_came_of_a_file_is_freed_when_the_list_got_it_in_another_way(either_store, begun, author):
    add(begun, FILE[:1000], by=author)
    uploads.receive(begun.pk, io.BytesIO(FILE), by=author, length=len(FILE))
    resumable.sweep(now=timezone.now())
    assert not Upload.objects.exists() and content_of(begun) == FILE and len(stored()) == 1


def test_one_upload_that_cannot_be_freed_does_not_keep_the_others(begun, workspace, author, monkeypatch):
    made(workspace, author)
    abort, failing = FolderParts.abort, [True]

    def once(self, key, kept):
        if failing.pop() if failing else False:
            raise StorageFull
        abort(self, key, kept)

    monkeypatch.setattr(FolderParts, "abort", once)
    resumable.sweep(now=NOW + 25 * HOUR)
    assert not Upload.objects.exists()
