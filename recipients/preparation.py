"""An uploaded file becomes a ready list: chunks, manifest and rejected lines in object storage, totals in the row."""

import logging
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from django.conf import settings
from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.models import F
from numpy.typing import NDArray

from audit.commits import afterwards
from audit.ledger import change_status
from objects.store import store
from objects.writer import Writer
from recipients import failures, pipeline, suppressions, tasks
from recipients.chunks import Totals
from recipients.files import FileRefused
from recipients.models import RecipientList
from recipients.pipeline import NothingLeft, Prepared
from recipients.progress import Note, note_of
from recipients.statuses import MOVES, Status

logger = logging.getLogger(__name__)

RENEWAL = 1.0  # seconds between two notes of progress
MOST_ATTEMPTS = 5  # the file that kills every worker must not do so for ever


class LeaseLost(Exception):
    """The list was cancelled, or somebody else prepares it by now."""


def prepare_list(list_id: int, *, now: datetime) -> None:
    """Prepare the list unless somebody else is at it: it ends READY, or FAILED with the reason.

    Any other trouble (storage, database, a kill) leaves the lease to run out: then the sweep has the list tried again,
    and the next try clears away what this one wrote. Not this one: its last commit may have come through. After
    MOST_ATTEMPTS the list fails.
    """
    lease = Lease.take(list_id, now=now)
    if lease is None:
        return
    attempt = Attempt(f"{_folder(list_id)}/{secrets.token_hex(16)}")
    try:
        if lease.attempt > MOST_ATTEMPTS:
            _give_up(list_id, failures.KILLED, lease)
        else:
            _clear_away(list_id)
            _prepare(list_id, attempt, lease)
    except LeaseLost:
        attempt.discard()
        logger.warning("list.lease_lost", extra={"list": list_id})
    except Exception as trouble:  # raised again: only the last attempt says so on the list as well
        if lease.attempt == MOST_ATTEMPTS:
            with suppress(LeaseLost):
                _give_up(list_id, failures.GIVEN_UP, lease, trouble=_named(trouble))
        raise


def ring_left_alone(*, now: datetime) -> None:
    for list_id in RecipientList.objects.left_alone(now).order_by("pk").values_list("pk", flat=True):
        tasks.prepare.delay(list_id)


def folders_of(list_id: int) -> list[str]:
    """One for each try, each with all that it wrote."""
    try:
        return [f"{_folder(list_id)}/{name}" for name in default_storage.listdir(_folder(list_id))[0]]
    except FileNotFoundError:
        return []


class Lease:
    """The claim on a list. Its end, `lease_until`, is also its token: nobody else's claim ends in that microsecond."""

    def __init__(self, list_id: int, *, now: datetime) -> None:
        self.list_id = list_id
        self.until = now + settings.LIST_LEASE
        self.attempt = 0
        self.seen: Note | None = None
        self._began_at, self._began = now, time.monotonic()
        self._noted = self._began
        self._stage = ""

    @classmethod
    def take(cls, list_id: int, *, now: datetime) -> "Lease | None":
        lease = cls(list_id, now=now)
        taken = (
            RecipientList.objects.left_alone(now)
            .filter(pk=list_id)
            .update(
                **{"lease_until": lease.until, "attempts": F("attempts") + 1, "began_at": now},
                **{"stage": "", "stage_began_at": None, "rows_done": 0, "progress": 0},
            )
        )
        if not taken:
            return None
        lease.attempt = RecipientList.objects.values_list("attempts", flat=True).get(pk=list_id)
        return lease

    @property
    def now(self) -> datetime:
        return self._began_at + timedelta(seconds=time.monotonic() - self._began)

    def note(self, note: Note) -> None:
        """Renew the lease and show the progress: in each new stage, and at most once a second. Raises LeaseLost."""
        self.seen = note
        is_new_stage = note.stage != self._stage
        if time.monotonic() - self._noted < RENEWAL and not is_new_stage:
            return
        self._noted = time.monotonic()
        changes: dict[str, Any] = {"stage": note.stage, "rows_done": note.rows_done, "progress": note.percent}
        if is_new_stage:
            changes["stage_began_at"] = self._stage_began_at()
        until = self.now + settings.LIST_LEASE
        mine = RecipientList.objects.filter(pk=self.list_id, status=Status.PREPARING, lease_until=self.until)
        if not mine.update(lease_until=until, **changes):
            raise LeaseLost
        self.until, self._stage = until, note.stage

    def lock(self) -> RecipientList:
        """The row, locked, if it is still ours. Raises LeaseLost."""
        listed = RecipientList.objects.lock(self.list_id)
        if listed.status != Status.PREPARING or listed.lease_until != self.until:
            raise LeaseLost
        return listed

    def _stage_began_at(self) -> datetime:
        """The first stage began with the work itself; a later one is noticed when it begins."""
        return self.now if self._stage else self._began_at


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


def _prepare(list_id: int, attempt: Attempt, lease: Lease) -> None:
    listed = RecipientList.objects.get(pk=list_id)
    try:
        with tempfile.TemporaryDirectory(prefix=_scratch(list_id), dir=settings.SCRATCH) as scratch:
            prepared = _run(listed, attempt, Path(scratch), lease)
    except FileRefused as refusal:
        attempt.discard()
        _fail(list_id, refusal.message, lease, refusal.totals if isinstance(refusal, NothingLeft) else None)
    else:
        _finish(list_id, prepared, attempt, lease)


def _run(listed: RecipientList, attempt: Attempt, scratch: Path, lease: Lease) -> Prepared:
    rejected, duplicates = scratch / "rejected.csv", scratch / "duplicates.csv"
    with (
        _upload_of(listed) as upload,
        rejected.open("wb") as rejected_file,
        duplicates.open("wb") as duplicates_file,
        Writer() as writer,
    ):
        prepared = pipeline.prepare(
            upload,
            filename=listed.filename,
            column=listed.column or None,
            country=listed.country,
            spill=scratch,
            chunk_size=settings.CHUNK_SIZE,
            write_chunk=partial(attempt.write_chunk, writer),
            write_rejected=rejected_file.write,
            write_repeated=duplicates_file.write,
            suppressed=partial(_suppressed_for, listed.workspace_id),
            on_progress=lambda progress: lease.note(note_of(progress, size=listed.bytes)),
        )
    for path in (rejected, duplicates):
        with path.open("rb") as file:
            attempt.write(path.name, File(file))
    attempt.write("manifest.json", ContentFile(prepared.manifest.to_bytes()))
    return prepared


def _suppressed_for(workspace_id: int) -> NDArray[np.uint64]:
    """Asked for by a thread of the pipeline, whose connection ends with it."""
    try:
        return suppressions.numbers_for(workspace_id)
    finally:
        connection.close()


@contextmanager
def _upload_of(listed: RecipientList) -> Iterator[BinaryIO]:
    try:
        upload = default_storage.open(listed.upload_key, "rb")
    except FileNotFoundError:
        raise FileRefused(failures.FILE_GONE) from None
    with upload:
        yield cast(BinaryIO, upload)


@transaction.atomic
def _finish(list_id: int, prepared: Prepared, attempt: Attempt, lease: Lease) -> None:
    listed = lease.lock()
    totals = prepared.totals
    listed.rows, listed.accepted, listed.invalid = totals.rows, totals.accepted, totals.invalid
    listed.duplicate, listed.suppressed = totals.duplicate, totals.suppressed
    listed.digest = prepared.manifest.digest
    listed.columns, listed.layout, listed.breakdown = (
        list(prepared.manifest.columns),
        prepared.layout,
        prepared.breakdown,
    )
    listed.widths = prepared.widths
    listed.manifest_key, listed.rejected_key = f"{attempt.folder}/manifest.json", f"{attempt.folder}/rejected.csv"
    listed.duplicates_key = f"{attempt.folder}/duplicates.csv"
    listed.progress, listed.ready_at, listed.lease_until = 100, lease.now, None
    change_status(
        listed,
        Status.READY,
        moves=MOVES,
        by=None,
        also_save=[
            *("rows", "accepted", "invalid", "duplicate", "suppressed", "digest"),
            *("columns", "widths", "layout", "breakdown", "manifest_key", "rejected_key", "duplicates_key"),
            *("progress", "ready_at", "lease_until"),
        ],
        after={"digest": listed.digest, "rows": totals.rows, "accepted": totals.accepted},
    )
    afterwards(tasks.erase.delay, list_id)


@transaction.atomic
def _fail(list_id: int, message: str, lease: Lease, totals: Totals | None = None) -> None:
    """The message goes on the row only: it may quote a line of the file, and the ledger keeps no numbers."""
    listed = lease.lock()
    listed.failure, listed.lease_until = message, None
    if lease.seen:
        listed.rows, listed.invalid = lease.seen.rows, lease.seen.invalid
    if totals:
        listed.duplicate, listed.suppressed = totals.duplicate, totals.suppressed
    counts = ["rows", "invalid", "duplicate", "suppressed"]
    change_status(listed, Status.FAILED, moves=MOVES, by=None, also_save=["failure", "lease_until", *counts])
    afterwards(tasks.erase.delay, list_id)


def _give_up(list_id: int, sentence: str, lease: Lease, *, trouble: str = "") -> None:
    _fail(list_id, sentence % {"attempts": MOST_ATTEMPTS, "trouble": trouble}, lease)
    logger.error("list.given_up", extra={"list": list_id, "attempts": MOST_ATTEMPTS})


def _named(trouble: Exception) -> str:
    """The kind of error only: its text may quote the file. What the operating system says does not."""
    said = trouble.strerror if isinstance(trouble, OSError) else None
    return f"“{said}”" if said else type(trouble).__name__


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
