"""Where the bytes of an unfinished upload are kept: a file that grows, or the parts of a multipart upload of S3.

Nothing here holds more of a file than a part of it.
"""

import errno
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from io import FileIO
from pathlib import Path
from typing import Any, Protocol, cast

from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.storage import FileSystemStorage, default_storage
from django.utils.translation import gettext as _

from audit.refusal import Refused

PART = 8 << 20  # bytes; S3 takes at most 10,000 parts
SMALLEST = 5 << 20  # S3 takes no smaller part but the last
HEADERS = {"ContentType": "application/octet-stream"}
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
FULL_CODES = {"InsufficientStorage", "QuotaExceeded", "XMinioStorageFull", "507"}
GONE_CODES = {"NoSuchUpload", "NoSuchKey", "404"}


class StorageFull(Refused):
    def __init__(self) -> None:
        super().__init__(_("The object storage is full: nothing of this file was kept."), code="storage_full")


class StorageAway(Refused):
    def __init__(self) -> None:
        super().__init__(
            _("The object storage cannot be used at the moment. Try again in a while."), code="storage_away"
        )


class PartsGone(Exception):
    """The store does not know the object any more: the upload cannot go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What of an object is safe in storage up to `offset`, and what its store needs to go on from there."""

    offset: int = 0
    multipart: str = ""
    parts: tuple[tuple[int, str], ...] = ()  # number and ETag
    tail: str = ""  # the key of what is behind the last part, and too small to be one

    def to_json(self) -> dict[str, Any]:
        return {"multipart": self.multipart, "parts": [list(part) for part in self.parts], "tail": self.tail}

    @classmethod
    def from_json(cls, offset: int, content: dict[str, Any]) -> "Kept":
        parts = tuple((int(number), str(etag)) for number, etag in content["parts"])
        return cls(offset=offset, multipart=content["multipart"], parts=parts, tail=content["tail"])


class Writer(Protocol):
    """Adds bytes behind those that are kept. `kept` says what is safe so far, which may be less than was written.

    Once that is on record, `outdated` may be forgotten: keys of tails that are in a part, or in a longer tail, by now.
    """

    kept: Kept
    outdated: list[str]

    def write(self, data: bytes) -> None: ...

    def close(self, *, is_last: bool) -> None:
        """What is still in memory goes into storage: afterwards everything that was written is kept."""


class Parts(Protocol):
    """Every method raises StorageFull, StorageAway or PartsGone."""

    def begin(self, key: str) -> Kept: ...

    def writer(self, key: str, kept: Kept, *, number: Callable[[], int]) -> Writer:
        """`number` gives the next part's: each is given once, and greater than those before."""

    def forget(self, tails: list[str]) -> None: ...

    def finish(self, key: str, kept: Kept) -> None:
        """Make one object of it. May be called again."""

    def abort(self, key: str, kept: Kept) -> None:
        """Free everything, the finished object too. May be called again."""


def parts() -> Parts:
    """Those of the default storage."""
    if isinstance(default_storage, FileSystemStorage):
        return FolderParts(default_storage)
    return BucketParts(default_storage)


class FolderParts:
    def __init__(self, storage: FileSystemStorage) -> None:
        self._storage = storage

    def begin(self, key: str) -> Kept:
        with _told():
            path = self._path(key)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(exist_ok=False)
        return Kept()

    def writer(self, key: str, kept: Kept, *, number: Callable[[], int]) -> Writer:
        return FileWriter(self._path(key), kept)

    def forget(self, tails: list[str]) -> None:
        """A file has none."""

    def finish(self, key: str, kept: Kept) -> None:
        with _told():
            if self._path(key).stat().st_size != kept.offset:
                raise PartsGone

    def abort(self, key: str, kept: Kept) -> None:
        with _told():
            self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return Path(self._storage.path(key))


class FileWriter:
    def __init__(self, path: Path, kept: Kept) -> None:
        self.kept = kept
        self.outdated: list[str] = []
        self._path = path

    def write(self, data: bytes) -> None:
        # By its name each time: once somebody has ended the upload, there is no such file.
        with _told(), FileIO(self._path, "r+") as file:
            file.seek(self.kept.offset)
            rest = memoryview(data)
            while rest:
                rest = rest[file.write(rest) :]
        self.kept = replace(self.kept, offset=self.kept.offset + len(data))

    def close(self, *, is_last: bool) -> None:
        """Nothing is in memory."""


class BucketParts:
    def __init__(self, storage: Any) -> None:
        self._storage = storage
        self._client = storage.client

    def begin(self, key: str) -> Kept:
        with _told():
            return Kept(multipart=self._client.create_multipart_upload(**self._target(key), **HEADERS)["UploadId"])

    def writer(self, key: str, kept: Kept, *, number: Callable[[], int]) -> Writer:
        return BucketWriter(self._client, self._target(key), kept, number)

    def forget(self, tails: list[str]) -> None:
        with _told():
            for tail in tails:
                self._client.delete_object(Bucket=self._storage.bucket_name, Key=tail)

    def finish(self, key: str, kept: Kept) -> None:
        named = {"Parts": [{"PartNumber": number, "ETag": etag} for number, etag in kept.parts]}
        with _told():
            try:
                self._client.complete_multipart_upload(
                    MultipartUpload=named, UploadId=kept.multipart, **self._target(key)
                )
            except ClientError as error:
                if _code(error) not in GONE_CODES or self._size(key) != kept.offset:
                    raise
        self._forget_tails(key)

    def abort(self, key: str, kept: Kept) -> None:
        with _told():
            with suppress(PartsGone), _told():
                self._client.abort_multipart_upload(UploadId=kept.multipart, **self._target(key))
            self._client.delete_object(**self._target(key))
        self._forget_tails(key)

    def _size(self, key: str) -> int:
        return int(self._client.head_object(**self._target(key))["ContentLength"])

    def _forget_tails(self, key: str) -> None:
        target = self._target(key)
        with _told():
            found = self._client.list_objects_v2(Bucket=target["Bucket"], Prefix=_tails(target["Key"]))
        self.forget([entry["Key"] for entry in found.get("Contents", ())])

    def _target(self, key: str) -> dict[str, str]:
        target: dict[str, str] = self._storage._target(key)
        return target


class BucketWriter:
    """One part in memory. The tail of the last time is read when the first byte comes, and sent with it."""

    def __init__(self, client: Any, target: dict[str, str], kept: Kept, number: Callable[[], int]) -> None:
        self.kept = kept
        self.outdated: list[str] = []
        self._client, self._target, self._number = client, target, number
        self._buffer = bytearray()
        self._at = kept.offset  # of the next byte
        self._has_tail = bool(kept.tail)

    def write(self, data: bytes) -> None:
        self._take_tail()
        self._buffer += data
        self._at += len(data)
        if len(self._buffer) >= PART:
            self._put()

    def close(self, *, is_last: bool) -> None:
        self._take_tail()
        if len(self._buffer) >= SMALLEST or (is_last and self._buffer):
            self._put()
        elif self._at > self.kept.offset:
            self._put_tail()

    def _take_tail(self) -> None:
        if self._has_tail:
            with _told():
                found = self._client.get_object(Bucket=self._target["Bucket"], Key=self.kept.tail)
                self._buffer += found["Body"].read()
            self._has_tail = False

    def _put(self) -> None:
        number = self._number()
        with _told():
            answer = self._client.upload_part(
                Body=self._buffer, PartNumber=number, UploadId=self.kept.multipart, **self._target
            )
        self._keep(parts=(*self.kept.parts, (number, str(answer["ETag"]))), tail="")
        self._buffer = bytearray()

    def _put_tail(self) -> None:
        # Always under another key: whoever has lost the upload meanwhile must not write over what the next one keeps.
        key = _tails(self._target["Key"]) + uuid.uuid4().hex
        with _told():
            self._client.put_object(Bucket=self._target["Bucket"], Key=key, Body=self._buffer, **HEADERS)
        self._keep(parts=self.kept.parts, tail=key)

    def _keep(self, *, parts: tuple[tuple[int, str], ...], tail: str) -> None:
        if self.kept.tail:
            self.outdated.append(self.kept.tail)
        self.kept = replace(self.kept, offset=self._at, parts=parts, tail=tail)


def is_full(error: BaseException | None) -> bool:
    """Whether it says, or was caused by something that says, that there is no room left."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL:
            return True
        if isinstance(error, ClientError) and (_code(error) in FULL_CODES or _http(error) == 507):
            return True
        error = error.__cause__
    return False


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise PartsGone from error
    except (OSError, ClientError, BotoCoreError) as error:
        if is_full(error):
            raise StorageFull from error
        if isinstance(error, ClientError) and _code(error) in GONE_CODES:
            raise PartsGone from error
        raise StorageAway from error


def _tails(key: str) -> str:
    return f"{key}."


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _http(error: ClientError) -> int:
    return cast(int, error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
