"""A bucket of an S3 store, by way of django-storages: streams both ways, one exception for its troubles."""

import io
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from itertools import islice
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectTimeoutError, ReadTimeoutError
from django.core.files import File
from django.utils.http import content_disposition_header
from storages.backends.s3 import S3Storage
from storages.utils import clean_name, is_seekable

from objects import multipart, trouble
from objects.store import PAGE, Found, ObjectStore
from objects.streams import Reading
from objects.trouble import ObjectMissing, StorageTrouble

OPEN_FOR = 300  # seconds for which a presigned URL opens an object
BUFFER = 128 * 1024  # bytes read ahead for callers that read line by line
HEADERS = {"ContentType": "application/octet-stream"}
NO_LOCKS = {"ObjectLockConfigurationNotFoundError", "NoSuchObjectLockConfiguration", "NotImplemented"}
FORBIDDEN, MISSING = {401, 403}, 404


class Bucket(S3Storage, ObjectStore):  # type: ignore[misc]  # django-storages has no types
    writers = 8

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.client_config = self._config(connect=3, read=30, tries=3)

    def get_default_settings(self) -> dict[str, Any]:
        """`public_url` is the endpoint under which browsers reach the store, where it is another one than ours."""
        return {**super().get_default_settings(), "public_url": ""}

    @cached_property
    def client(self) -> Any:
        """One for all threads, which it allows; django-storages makes one for each, at 100 ms and 10 MB."""
        return self._client(self.endpoint_url, self.client_config)

    def put(self, key: str, data: bytes, *, locked_until: datetime | None = None) -> None:
        lock: dict[str, Any] = {}
        if locked_until:  # which S3 takes only with a checksum
            lock = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": locked_until}
            lock["ChecksumAlgorithm"] = "SHA256"
        with self._translated(key):
            self.client.put_object(Body=data, **self._target(key), **HEADERS, **lock)

    def delete(self, name: str) -> None:
        with self._translated(name):
            self.client.delete_object(**self._target(name))

    def exists(self, name: str) -> bool:
        try:
            self.size(name)
        except ObjectMissing:
            return False
        return True

    def size(self, name: str) -> int:
        with self._translated(name):
            return int(self.client.head_object(**self._target(name))["ContentLength"])

    def listdir(self, name: str) -> tuple[list[str], list[str]]:
        with self._translated(name):
            folders, files = super().listdir(name)
        return folders, files

    def pages(self, prefix: str) -> Iterator[list[Found]]:
        pages = iter(self.client.get_paginator("list_objects_v2").paginate(**self._below(prefix)))
        while True:
            with self._translated(prefix):
                page = next(pages, None)
            if page is None:
                return
            yield [Found(self._own(entry["Key"]), entry["LastModified"]) for entry in page.get("Contents", ())]

    def names(self, folder: str, *, after: str = "", hidden: bool = False) -> Iterator[str]:
        begin, last = self._below(folder)["Prefix"], ""
        for page in self._pages_in(folder, after=after, hidden=hidden):
            # Of one object there may be many versions, one behind the other.
            for entry in page.get("Versions" if hidden else "Contents", ()):
                name = entry["Key"].removeprefix(begin)
                if name > after and name != last:
                    last = name
                    yield name

    def folders(self, folder: str, *, hidden: bool = False) -> list[str]:
        begin = self._below(folder)["Prefix"]
        pages = self._pages_in(folder, after="", hidden=hidden)
        found = (entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", ()))
        return [prefix.removeprefix(begin).rstrip("/") for prefix in found]

    def has_locks(self) -> bool:
        with self._translated(""):
            try:
                answer = self.client.get_object_lock_configuration(Bucket=self.bucket_name)
            except ClientError as error:
                if error.response["Error"].get("Code") in NO_LOCKS:
                    return False
                raise
        return bool(answer.get("ObjectLockConfiguration", {}).get("ObjectLockEnabled") == "Enabled")

    def _pages_in(self, folder: str, *, after: str, hidden: bool) -> Iterator[dict[str, Any]]:
        wanted = {**self._below(folder), "Delimiter": "/"}
        if after:
            wanted["KeyMarker" if hidden else "StartAfter"] = wanted["Prefix"] + after
        kind = "list_object_versions" if hidden else "list_objects_v2"
        pages = iter(self.client.get_paginator(kind).paginate(**wanted))
        while True:
            with self._translated(folder):
                page = next(pages, None)
            if page is None:
                return
            yield page

    def delete_many(self, keys: Iterable[str]) -> None:
        every = iter(keys)
        while page := [{"Key": self._target(key)["Key"]} for key in islice(every, PAGE)]:
            with self._translated(page[0]["Key"]):
                wanted = {"Objects": page, "Quiet": True}
                refused = self.client.delete_objects(Bucket=self.bucket_name, Delete=wanted).get("Errors")
            if refused:
                said = {"store": self._where, "count": len(refused), "code": refused[0].get("Code")}
                raise StorageTrouble(trouble.NOT_DELETED % said)

    def download_url(self, key: str, *, filename: str, content_type: str) -> str:
        self.size(key)  # else the browser is shown the store's own complaint
        shown_as = {
            "ResponseContentDisposition": content_disposition_header(True, filename),
            "ResponseContentType": content_type,
        }
        url: str = self._signing_client.generate_presigned_url(
            "get_object", Params=self._target(key) | shown_as, ExpiresIn=OPEN_FOR
        )
        return url

    def abandon_uploads(self, prefix: str, *, before: datetime) -> None:
        with self._translated(prefix):
            pages = self.client.get_paginator("list_multipart_uploads").paginate(**self._below(prefix))
            begun = [upload for page in pages for upload in page.get("Uploads", ()) if upload["Initiated"] < before]
            for upload in begun:
                named = {"Bucket": self.bucket_name, "Key": upload["Key"], "UploadId": upload["UploadId"]}
                parts = self.client.get_paginator("list_parts").paginate(**named)
                if all(part["LastModified"] < before for page in parts for part in page.get("Parts", ())):
                    self.client.abort_multipart_upload(**named)

    def probe(self) -> None:
        target = self._target(f"health/{uuid.uuid4().hex}")
        with self._translated("health/"):
            self._impatient_client.put_object(Body=b"ok", **target)
            self._impatient_client.delete_object(**target)

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        if mode != "rb":
            raise ValueError("An object is read as bytes, and written whole by save().")
        target = self._target(name)

        def fetch(offset: int, etag: str) -> dict[str, Any]:
            rest = {"Range": f"bytes={offset}-", "IfMatch": etag} if etag else {}
            answer: dict[str, Any] = self.client.get_object(**target, **rest)
            return answer

        return File(io.BufferedReader(Reading(fetch, lambda error: self._trouble(error, name)), BUFFER), name)

    def _save(self, name: str, content: File[Any]) -> str:
        if is_seekable(content):
            content.seek(0)
        with self._translated(name):
            multipart.send(self.client, content, target=self._target(name), headers=HEADERS)
        return name

    def _target(self, name: str) -> dict[str, str]:
        return {"Bucket": self.bucket_name, "Key": self._normalize_name(clean_name(name))}

    def _below(self, prefix: str) -> dict[str, str]:
        return {"Bucket": self.bucket_name, "Prefix": self._target(prefix)["Key"].rstrip("/") + "/"}

    def _own(self, key: str) -> str:
        return key.removeprefix(self.location).removeprefix("/")

    @cached_property
    def _signing_client(self) -> Any:
        return self._client(self.public_url or self.endpoint_url, self.client_config)

    @cached_property
    def _impatient_client(self) -> Any:
        return self._client(self.endpoint_url, self._config(connect=2, read=2, tries=1))

    def _client(self, endpoint_url: str | None, config: Config) -> Any:
        return self._create_session().client(
            "s3", region_name=self.region_name, endpoint_url=endpoint_url, verify=self.verify, config=config
        )

    def _config(self, *, connect: float, read: float, tries: int) -> Config:
        return Config(
            signature_version=self.signature_version,
            s3={"addressing_style": self.addressing_style},
            connect_timeout=connect,
            read_timeout=read,
            retries={"mode": "standard", "total_max_attempts": tries},
            max_pool_connections=16,
            # Not every store knows the newer checksums; what must not change is compared with a SHA-256 of ours.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )

    @contextmanager
    def _translated(self, key: str) -> Iterator[None]:
        try:
            yield
        except (ClientError, BotoCoreError) as error:
            raise self._trouble(error, key) from error

    def _trouble(self, error: Exception, key: str) -> StorageTrouble:
        match error:
            case ClientError(response=answer):
                status, code = answer["ResponseMetadata"].get("HTTPStatusCode", 0), answer["Error"].get("Code", "")
                if status == MISSING and code != "NoSuchBucket":
                    return ObjectMissing(trouble.MISSING % {"key": key, "store": self._where})
                if status in FORBIDDEN:
                    return StorageTrouble(trouble.DENIED % {"store": self._where, "code": code})
                said = {"store": self._where, "status": status, "code": code}
                return StorageTrouble(trouble.ANSWERS_ERROR % said)
            case ConnectTimeoutError() | ReadTimeoutError():
                return StorageTrouble(trouble.NO_ANSWER % {"store": self._where})
        return StorageTrouble(trouble.BREAKS_OFF % {"store": self._where, "why": type(error).__name__})

    @property
    def _where(self) -> str:
        return trouble.BUCKET % {"name": self.bucket_name, "endpoint": self.endpoint_url or "AWS"}
