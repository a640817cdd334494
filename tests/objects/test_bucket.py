"""What is particular to S3: presigned URLs, parts, and every way in which it can fail."""

import io
import os
import resource
import threading
import urllib.error
import urllib.request
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.files import File
from django.core.files.base import ContentFile
from django.utils import timezone

from objects import bucket as bucket_module
from objects import multipart, streams
from objects.store import store
from objects.trouble import ObjectMissing, StorageTrouble
from tests import stores
from tests.stores import Line, answering, away, backend_of, status_of, through, used

SHOWN_AS = {"filename": "rejected-5.csv", "content_type": "text/csv; charset=utf-8"}


def parts_under_way() -> list[str]:
    answer = store.client.list_multipart_uploads(Bucket=store.bucket_name, Prefix=f"{store.location}/")
    return [upload["Key"] for upload in answer.get("Uploads", ())]


# --- Downloads --------------------------------------------------------------------------------------------------------


@pytest.fixture
def url(bucket) -> str:
    store.put("exports/a", b"to,status\n")
    return store.download_url("exports/a", **SHOWN_AS)


def test_a_presigned_url_is_a_file_to_save_for_five_minutes(url):
    assert parse_qs(urlsplit(url).query)["X-Amz-Expires"] == ["300"]
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"to,status\n"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="rejected-5.csv"'
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"


@pytest.mark.parametrize(
    ("signed", "wanted"), [("exports/a", "exports/b"), ("attachment", "inline"), ("text%2Fcsv", "text%2Fhtml")]
)
def test_nothing_of_a_presigned_url_can_be_changed(url, signed, wanted):
    store.put("exports/b", b"another")
    assert signed in url
    assert status_of(url.replace(signed, wanted)) == 403


@pytest.mark.parametrize("asked", ["?list-type=2", "?prefix=exports", "?versions", "?uploads"])
def test_a_presigned_url_lists_nothing(url, asked):
    """Neither with its signature nor without one."""
    parts = urlsplit(url)
    bucket_address = f"{parts.scheme}://{parts.netloc}/{store.bucket_name}"
    assert status_of(f"{bucket_address}{asked}") == 403
    assert status_of(f"{bucket_address}{asked}&{parts.query}") == 403


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
def test_a_presigned_url_only_reads(url, method):
    request = urllib.request.Request(url, method=method, data=b"other" if method != "DELETE" else None)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    with refused.value as answer:
        assert answer.code in (403, 405)
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"to,status\n"


def test_browsers_may_know_the_store_by_another_name(s3):
    backend = stores.in_bucket(s3)
    backend["OPTIONS"]["public_url"] = "https://files.example.com"
    with used(backend):
        store.put("exports/a", b"1")
        assert store.download_url("exports/a", **SHOWN_AS).startswith("https://files.example.com/message-center/tests/")


def test_no_url_is_made_for_what_is_not_there(bucket):
    with pytest.raises(ObjectMissing):
        store.download_url("exports/nothing", **SHOWN_AS)


def test_an_object_says_nothing_about_itself_and_is_not_for_everybody(bucket):
    store.save("uploads/page", ContentFile(b"<script>"))
    target = f"{urlsplit(store.endpoint_url).geturl()}/{store.bucket_name}/{store.location}/uploads/page"
    assert status_of(target) == 403
    assert store.client.head_object(**store._target("uploads/page"))["ContentType"] == "application/octet-stream"


# --- Parts ------------------------------------------------------------------------------------------------------------


class Endless(io.RawIOBase):
    """So many bytes, made as they are read."""

    def __init__(self, size: int, *, fails_at: int = 1 << 62) -> None:
        self.left, self.fails_at, self.given = size, fails_at, 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if self.given >= self.fails_at:
            raise ConnectionResetError("the client is gone")
        piece = bytes(min(size, self.left))
        self.left -= len(piece)
        self.given += len(piece)
        return piece


def test_a_stream_that_breaks_leaves_neither_object_nor_parts(bucket):
    with pytest.raises(ConnectionResetError):
        store.save("uploads/a", File(Endless(50 << 20, fails_at=20 << 20)))
    assert stores.keys() == [] and parts_under_way() == []


def test_a_store_that_refuses_a_part_is_a_trouble_and_leaves_no_parts(bucket, monkeypatch):
    from botocore.exceptions import ClientError

    refusal = ClientError(
        {"Error": {"Code": "QuotaExceeded"}, "ResponseMetadata": {"HTTPStatusCode": 507}}, "UploadPart"
    )

    def refuse(**call):
        raise refusal

    monkeypatch.setattr(store.client, "upload_part", refuse)
    with pytest.raises(StorageTrouble, match="507 QuotaExceeded"):
        store.save("uploads/a", File(Endless(20 << 20)))
    assert stores.keys() == [] and parts_under_way() == []


def test_memory_holds_a_few_parts_and_the_disk_none(bucket, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    store.save("uploads/warm", File(Endless(30 << 20)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    store.save("uploads/a", File(Endless(200 << 20)))
    with store.open("uploads/a") as file:
        while file.read(1 << 20):
            pass
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 4 * multipart.PART // 1024
    assert store.size("uploads/a") == 200 << 20 and list(tmp_path.rglob("tmp*")) == []


def test_an_upload_to_which_nothing_comes_any_more_is_abandoned(bucket):
    target = store._target("uploads/a")
    begun = store.client.create_multipart_upload(**target)
    store.client.upload_part(**target, UploadId=begun["UploadId"], PartNumber=1, Body=b"1")
    store.abandon_uploads("uploads/", before=timezone.now() - timedelta(days=1))
    assert parts_under_way() == [target["Key"]]
    store.abandon_uploads("uploads/", before=timezone.now() + timedelta(minutes=1))
    assert parts_under_way() == []


# --- Troubles ---------------------------------------------------------------------------------------------------------


USES = {
    "read": lambda: store.open("uploads/a"),
    "write": lambda: store.save("uploads/a", ContentFile(b"1")),
    "put": lambda: store.put("uploads/a", b"1"),
    "delete": lambda: store.delete("uploads/a"),
    "list": lambda: list(store.pages("uploads/")),
    "look": lambda: store.exists("uploads/a"),
    "folder": lambda: store.listdir("uploads"),
    "probe": lambda: [store.probe()],
}


@pytest.fixture
def hurried(monkeypatch):
    """Without the waits between tries."""
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    monkeypatch.setattr(streams, "PAUSE", 0.01)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("use", USES.values(), ids=USES)
class TestEveryUse:
    def test_of_a_store_that_is_away_is_one_trouble(self, use):
        with used(away()), pytest.raises(StorageTrouble, match=r"bucket bucket at http://127.* cannot be reached"):
            use()

    def test_of_a_store_that_fails_is_one_trouble(self, use):
        with answering(500) as backend, used(backend), pytest.raises(StorageTrouble, match="answers with an error"):
            use()

    def test_of_a_store_that_denies_is_one_trouble_without_the_secret(self, use, s3):
        with (
            used(backend_of(s3, secret_key="guessed")),
            pytest.raises(StorageTrouble, match="denies us access") as told,
        ):
            use()
        assert "guessed" not in str(told.value)

    def test_of_a_store_that_is_slow_is_one_trouble(self, use, monkeypatch):
        config = bucket_module.Bucket._config
        monkeypatch.setattr(
            bucket_module.Bucket, "_config", lambda self, **k: config(self, connect=0.2, read=0.2, tries=1)
        )
        with stores.silent() as backend, used(backend), pytest.raises(StorageTrouble, match="does not answer in time"):
            use()


def test_a_bucket_that_does_not_exist_is_not_a_missing_object(s3):
    with used(backend_of(s3, bucket_name="no-such-bucket")), pytest.raises(StorageTrouble) as told:
        store.open("uploads/a")
    assert not isinstance(told.value, ObjectMissing) and "NoSuchBucket" in str(told.value)


@pytest.mark.usefixtures("hurried")
def test_a_line_that_breaks_while_an_object_is_read_is_picked_up_where_it_broke(bucket):
    body = os.urandom(3 << 20)
    store.put("uploads/a", body)
    line = Line(urlsplit(bucket).port, cuts=3, after=600_000)
    with used(backend_of(through(bucket, line.port), location=store.location)), store.open("uploads/a") as file:
        assert file.read() == body
    assert line.broken == 3
    line.close()


@pytest.mark.usefixtures("hurried")
def test_a_line_that_never_holds_is_a_trouble_in_the_end(bucket):
    store.put("uploads/a", bytes(3 << 20))
    line = Line(urlsplit(bucket).port, cuts=1000, after=100)
    backend = backend_of(through(bucket, line.port), location=store.location)
    with used(backend), pytest.raises(StorageTrouble), store.open("uploads/a") as file:
        file.read()
    line.close()


@pytest.mark.usefixtures("hurried")
def test_an_object_that_was_replaced_meanwhile_is_not_read_on(bucket):
    store.put("uploads/a", bytes(3 << 20))
    with store.open("uploads/a") as file:
        file.read(1000)
        store.put("uploads/a", b"1" * (3 << 20))
        file.seek(2 << 20)
        with pytest.raises(StorageTrouble, match="412"):
            file.read()


def test_an_object_is_read_as_bytes_and_written_whole(bucket):
    store.put("uploads/a", b"1")
    for mode in ("r", "w", "wb", "ab"):
        with pytest.raises(ValueError, match="written whole"):
            store.open("uploads/a", mode)


def test_all_threads_share_a_client(bucket):
    clients = []
    threads = [threading.Thread(target=lambda: clients.append(store.client)) for _ in range(3)]
    store.client  # noqa: B018
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, clients))) == 1
