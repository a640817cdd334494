"""An uploaded file becomes a ready list: chunks, manifest and rejected lines in object storage, totals in the row."""

import logging
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from django.conf import settings
from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from audit.ledger import change_status
from objects.store import store
from objects.writer import Writer
from recipients import pipeline, tasks
from recipients.files import FileRefused
from recipients.models import RecipientList
from recipients.pipeline import Prepared, Progress
from recipients.statuses import MOVES, Status

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
RENEWAL = 1.0  # seconds between two notes of progress
READING = 80  # per cent of the work; writing the chunks is the rest


class LeaseLost(Exception):
    """Somebody else prepares the list by now."""


def prepare_list(list_id: int, *, now: datetime) -> None:
    """Prepare the list unless somebody else is at it: it ends READY, or FAILED with the reason.

    Any other trouble (storage, database) leaves the lease to run out: then the sweep has the list tried again, and
    the next try clears away what this one wrote. Not this one: its last commit may have come through.
    """
    lease = Lease.take(list_id, now=now)
    if lease is None:
        return
    _clear_away(list_id)
    listed = RecipientList.objects.get(pk=list_id)
    attempt = Attempt(f"{_folder(list_id)}/{secrets.token_hex(16)}")
    try:
        with tempfile.TemporaryDirectory(prefix=_scratch(list_id), dir=settings.SCRATCH) as scratch:
            prepared = _run(listed, attempt, Path(scratch), lease)
        _finish(list_id, prepared, attempt, lease)
    except FileRefused as refusal:
        attempt.discard()
        _fail(list_id, refusal.message, lease)
    except LeaseLost:
        attempt.discard()
        logger.warning("list.lease_lost", extra={"list": list_id})


def ring_left_alone(*, now: datetime) -> None:
    for list_id in RecipientList.objects.left_alone(now).order_by("pk").values_list("pk", flat=True):
        tasks.prepare.delay(list_id)


class Lease:
    """The claim on a list. Its end, `lease_until`, is also its token: nobody else's claim ends in that microsecond."""

    def __init__(self, list_id: int, *, now: datetime) -> None:
        self.list_id = list_id
        self.until = now + LEASE
        self._began_at, self._began = now, time.monotonic()
        self._renewed = self._began

    @classmethod
    def take(cls, list_id: int, *, now: datetime) -> "Lease | None":
        lease = cls(list_id, now=now)
        taken = RecipientList.objects.left_alone(now).filter(pk=list_id).update(lease_until=lease.until, progress=0)
        return lease if taken else None

    @property
    def now(self) -> datetime:
        return self._began_at + timedelta(seconds=time.monotonic() - self._began)

    def note(self, progress: Callable[[], int]) -> None:
        """Renew the lease and show the progress, at most once a second. Raises LeaseLost."""
        if time.monotonic() - self._renewed < RENEWAL:
            return
        self._renewed = time.monotonic()
        until = self.now + LEASE
        mine = RecipientList.objects.filter(pk=self.list_id, status=Status.PREPARING, lease_until=self.until)
        if not mine.update(lease_until=until, progress=progress()):
            raise LeaseLost
        self.until = until

    def lock(self) -> RecipientList:
        """The row, locked, if it is still ours. Raises LeaseLost."""
        listed = RecipientList.objects.lock(self.list_id)
        if listed.lease_until != self.until:
            raise LeaseLost
        return listed


class Attempt:
    """The objects of one try, all in a folder of their own."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def write(self, name: str, content: File[bytes]) -> str:
        return default_storage.save(f"{self.folder}/{name}", content)

    def write_chunk(self, writer: Writer, number: int, data: bytes) -> str:
        key = f"{self.folder}/{number:05}"
        writer.put(key, data)
        return key

    def discard(self) -> None:
        store.delete_folder(f"{self.folder}/")


def _run(listed: RecipientList, attempt: Attempt, scratch: Path, lease: Lease) -> Prepared:
    rejected_path = scratch / "rejected.csv"
    with _upload_of(listed) as upload, rejected_path.open("wb") as rejected, Writer() as writer:
        prepared = pipeline.prepare(
            upload,
            filename=listed.filename,
            column=listed.column or None,
            country=listed.country,
            spill=scratch,
            write_chunk=partial(attempt.write_chunk, writer),
            write_rejected=rejected.write,
            on_progress=lambda progress: lease.note(lambda: _percent(progress, listed.bytes)),
        )
    with rejected_path.open("rb") as written:
        attempt.write("rejected.csv", File(written))
    attempt.write("manifest.json", ContentFile(prepared.manifest.to_bytes()))
    return prepared


@contextmanager
def _upload_of(listed: RecipientList) -> Iterator[BinaryIO]:
    try:
        upload = default_storage.open(listed.upload_key, "rb")
    except FileNotFoundError:
        raise FileRefused("The uploaded file is not in the object storage any more: upload it again.") from None
    with upload:
        yield cast(BinaryIO, upload)


def _percent(progress: Progress, size: int) -> int:
    read = READING * progress.bytes_read / max(size, 1)
    written = (100 - READING) * progress.written / max(progress.rows - progress.invalid, 1)
    return min(99, round(read + written))


@transaction.atomic
def _finish(list_id: int, prepared: Prepared, attempt: Attempt, lease: Lease) -> None:
    listed = lease.lock()
    totals = prepared.totals
    listed.rows, listed.accepted, listed.invalid = totals.rows, totals.accepted, totals.invalid
    listed.duplicate, listed.suppressed = totals.duplicate, totals.suppressed
    listed.digest = prepared.manifest.digest
    listed.manifest_key, listed.rejected_key = f"{attempt.folder}/manifest.json", f"{attempt.folder}/rejected.csv"
    listed.progress, listed.ready_at, listed.lease_until = 100, lease.now, None
    change_status(
        listed,
        Status.READY,
        moves=MOVES,
        by=None,
        also_save=[
            *("rows", "accepted", "invalid", "duplicate", "suppressed", "digest"),
            *("manifest_key", "rejected_key", "progress", "ready_at", "lease_until"),
        ],
        after={"digest": listed.digest, "rows": totals.rows, "accepted": totals.accepted},
    )


@transaction.atomic
def _fail(list_id: int, message: str, lease: Lease) -> None:
    """The message goes on the row only: it may quote a line of the file, and the ledger keeps no numbers."""
    listed = lease.lock()
    listed.failure, listed.lease_until = message, None
    change_status(listed, Status.FAILED, moves=MOVES, by=None, also_save=["failure", "lease_until"])


def _folder(list_id: int) -> str:
    return f"lists/{list_id}"


def _scratch(list_id: int) -> str:
    return f"list-{list_id}-"


def _clear_away(list_id: int) -> None:
    """What a try that was killed has left: its objects, and its spill files if it ran on this machine."""
    store.delete_folder(f"{_folder(list_id)}/")
    settings.SCRATCH.mkdir(parents=True, exist_ok=True)
    for folder in settings.SCRATCH.glob(f"{_scratch(list_id)}*"):
        shutil.rmtree(folder, ignore_errors=True)
