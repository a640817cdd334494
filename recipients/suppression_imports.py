"""A file of numbers that must not get anything: streamed into object storage, read whole, then added in batches."""

import logging
import shutil
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import phonenumbers
from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from accounts.models import User, Workspace
from audit.commits import afterwards
from audit.ledger import change_status, record
from audit.refusal import Refused
from recipients import failures, phones, suppressions, tasks
from recipients.columns import Cut
from recipients.downloads import Rejected
from recipients.files import FileRefused
from recipients.models import SuppressionImport
from recipients.statuses import IMPORT_MOVES, ImportStatus, Source
from recipients.tables import Table
from recipients.uploads import Readable, Stored, stored

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=2)
RENEWAL = 1.0  # seconds between two notes of progress while the file is read
READING = 30  # per cent of the work
BATCH = 100_000


class LeaseLost(Exception):
    """Somebody else does the import by now."""


@transaction.atomic
def create(
    workspace: Workspace | None, *, filename: str, reason: str, country: str = "", column: str = "", by: User
) -> SuppressionImport:
    """An import that awaits its file. Without a country it takes the workspace's; without a column, the first one."""
    country = (country or (workspace.country if workspace else "")).upper()
    if country not in phonenumbers.SUPPORTED_REGIONS:
        raise Refused(
            _("Say which country the numbers in national format belong to, with a code such as NL."), code="bad_country"
        )
    made = SuppressionImport.objects.create(
        workspace=workspace,
        filename=filename,
        country=country,
        column=column.strip(),
        reason=suppressions.checked_reason(reason),
        created_by=by,
    )
    record("suppressionimport.created", made, by=by, note=made.reason, after={"country": country})
    return made


def create_with_file(
    workspace: Workspace | None,
    stream: Readable,
    *,
    filename: str,
    reason: str,
    country: str = "",
    column: str = "",
    by: User,
    length: int,
) -> SuppressionImport:
    """Create the import and take its file: both, or nothing at all."""
    with stored(stream, length) as kept, transaction.atomic():
        made = create(workspace, filename=filename, reason=reason, country=country, column=column, by=by)
        return _accept(made.pk, kept, by=by)


def receive(import_id: int, stream: Readable, *, by: User, length: int | None) -> SuppressionImport:
    """Take the file of an import that awaits one (or whose last one failed). Raises TooLarge or Refused."""
    _check_awaits_file(SuppressionImport.objects.get(pk=import_id))
    with stored(stream, length) as kept:
        return _accept(import_id, kept, by=by)


def ring_left_alone(*, now: datetime) -> None:
    for import_id in SuppressionImport.objects.left_alone(now).order_by("pk").values_list("pk", flat=True):
        tasks.import_suppressions.delay(import_id)


def run(import_id: int, *, now: datetime) -> None:
    """Do the import unless somebody else is at it: it ends DONE, or FAILED with the reason and nothing added.

    A worker that was killed is followed by one that reads the file again and adds what is missing: `added` and
    `already` commit together with the numbers that they count.
    """
    lease = Lease.take(import_id, now=now)
    if lease is None:
        return
    _clear_away(import_id)
    row = SuppressionImport.objects.get(pk=import_id)
    try:
        with tempfile.TemporaryDirectory(prefix=_scratch(import_id), dir=settings.SCRATCH) as scratch:
            _read(row, Path(scratch), lease)
            _add_all(Path(scratch), lease)
            key = _keep_rejected(row, Path(scratch))
        _finish(lease, key)
    except FileRefused as refusal:
        _fail(lease, refusal.message)
    except LeaseLost:
        logger.warning("suppressions.lease_lost", extra={"import": import_id})


class Lease:
    """The claim on an import. Its end, `lease_until`, is also its token: nobody else's ends in that microsecond."""

    def __init__(self, import_id: int, *, now: datetime) -> None:
        self.import_id = import_id
        self.until = now + LEASE
        self._began_at, self._began = now, time.monotonic()
        self._noted = self._began

    @classmethod
    def take(cls, import_id: int, *, now: datetime) -> "Lease | None":
        lease = cls(import_id, now=now)
        taken = SuppressionImport.objects.left_alone(now).filter(pk=import_id).update(lease_until=lease.until)
        return lease if taken else None

    @property
    def now(self) -> datetime:
        return self._began_at + timedelta(seconds=time.monotonic() - self._began)

    def lock(self) -> SuppressionImport:
        """The row, locked, if it is still ours. Raises LeaseLost."""
        row = SuppressionImport.objects.lock(self.import_id)
        if row.lease_until != self.until:
            raise LeaseLost
        return row

    @transaction.atomic
    def renew(self, **changes: Any) -> None:
        """Keep the row a while longer, and write these changes into it. Raises LeaseLost."""
        row = self.lock()
        row.lease_until = self.now + LEASE
        for name, value in changes.items():
            setattr(row, name, value)
        row.save(update_fields=["lease_until", *changes])
        self.until = row.lease_until

    def note(self, progress: int) -> None:
        """At most once a second."""
        if time.monotonic() - self._noted >= RENEWAL:
            self._noted = time.monotonic()
            self.renew(progress=progress)


def _check_awaits_file(row: SuppressionImport) -> None:
    if ImportStatus.IMPORTING not in IMPORT_MOVES[ImportStatus(row.status)]:
        raise Refused(
            _("%(row)s is %(status)s: it has its file.") % {"row": row, "status": row.get_status_display().lower()},
            code="wrong_status",
        )


@transaction.atomic
def _accept(import_id: int, kept: Stored, *, by: User) -> SuppressionImport:
    row = SuppressionImport.objects.lock(import_id)
    _check_awaits_file(row)
    if row.upload_key:
        afterwards(default_storage.delete, row.upload_key)
    row.upload_key, row.bytes = kept.key, kept.bytes
    row.failure, row.progress, row.lease_until = "", 0, None
    change_status(
        row,
        ImportStatus.IMPORTING,
        moves=IMPORT_MOVES,
        by=by,
        also_save=["upload_key", "bytes", "failure", "progress", "lease_until"],
        after={"bytes": kept.bytes},
    )
    afterwards(tasks.import_suppressions.delay, import_id)
    return row


def _read(row: SuppressionImport, scratch: Path, lease: Lease) -> None:
    """The whole file, before the first number is added: its valid numbers and its rejected lines into `scratch`."""
    rows = 0
    with (
        default_storage.open(row.upload_key, "rb") as upload,
        _numbers(scratch).open("wb") as numbers,
        _rejected(scratch).open("wb") as lines,
    ):
        rejected = Rejected(lines.write)
        table = Table(cast(BinaryIO, upload), filename=row.filename, column=row.column or None)
        for block in table:
            cells = Cut(block, table.layout.position).numbers
            found = phones.normalise(cells, row.country)
            rejected.add(cells, block.lines, found.reasons)
            numbers.write(found.e164[found.reasons == 0].tobytes())
            rows += block.count
            lease.note(READING * block.bytes_read // max(row.bytes, 1))
    if rejected.count == rows:
        raise FileRefused(failures.NO_VALID_NUMBER % {"rows": f"{rows:,}", "first": rejected.first})
    lease.renew(rows=rows, invalid=rejected.count, progress=READING)


def _add_all(scratch: Path, lease: Lease) -> None:
    """From where the worker before us has come to."""
    row = SuppressionImport.objects.get(pk=lease.import_id)
    with _numbers(scratch).open("rb") as file:
        file.seek(8 * (row.added + row.already))
        while block := file.read(8 * BATCH):
            _add(np.frombuffer(block, dtype=np.uint64), lease)


# A batch is sorted: two imports at once meet the same numbers in the same order, and none waits for the other for ever.
_STAGE = "CREATE TEMPORARY TABLE suppression_staging (phone bigint NOT NULL)"
_COPY = "COPY suppression_staging (phone) FROM STDIN (FORMAT BINARY)"
_HEADER, _TRAILER = b"PGCOPY\n\xff\r\n\x00" + bytes(8), b"\xff\xff"
_LINE = np.dtype([("fields", ">i2"), ("length", ">i4"), ("phone", ">i8")])
_INSERT = """
INSERT INTO recipients_suppression (workspace_id, phone, source, reason, imported_id, added_at)
SELECT %s, phone, %s, '', %s, %s FROM suppression_staging ORDER BY phone
ON CONFLICT DO NOTHING
"""


@transaction.atomic
def _add(numbers: NDArray[np.uint64], lease: Lease) -> None:
    row = lease.lock()
    distinct = suppressions.without_erased(row.workspace_id, suppressions.distinct(numbers))
    lines = np.empty(len(distinct), dtype=_LINE)
    lines["fields"], lines["length"], lines["phone"] = 1, 8, distinct
    with connection.cursor() as cursor:
        cursor.execute(_STAGE)
        with cursor.copy(_COPY) as copy:
            copy.write(_HEADER + lines.tobytes() + _TRAILER)
        cursor.execute(_INSERT, [row.workspace_id, Source.IMPORT, row.pk, lease.now])
        added = cursor.rowcount
        cursor.execute("DROP TABLE suppression_staging")
    done = row.added + row.already + len(numbers)
    lease.renew(
        added=row.added + added,
        already=row.already + len(numbers) - added,
        progress=min(99, READING + (100 - READING) * done // max(row.rows - row.invalid, 1)),
    )
    suppressions.count(row.workspace_id, Source.IMPORT, added)


def _keep_rejected(row: SuppressionImport, scratch: Path) -> str:
    key = f"suppressions/{row.pk}/rejected.csv"
    default_storage.delete(key)  # of a worker before us
    with _rejected(scratch).open("rb") as file:
        return default_storage.save(key, File(file))


@transaction.atomic
def _finish(lease: Lease, rejected_key: str) -> None:
    row = lease.lock()
    _forget_upload(row)
    row.rejected_key = rejected_key
    row.progress, row.done_at, row.lease_until = 100, lease.now, None
    change_status(
        row,
        ImportStatus.DONE,
        moves=IMPORT_MOVES,
        by=None,
        also_save=["rejected_key", "upload_key", "progress", "done_at", "lease_until"],
        after={"rows": row.rows, "added": row.added, "already": row.already, "invalid": row.invalid},
    )


@transaction.atomic
def _fail(lease: Lease, message: str) -> None:
    """The message goes on the row only: it may quote a line of the file, and the ledger keeps no numbers."""
    row = lease.lock()
    _forget_upload(row)
    row.failure, row.lease_until = message, None
    change_status(
        row,
        ImportStatus.FAILED,
        moves=IMPORT_MOVES,
        by=None,
        also_save=["failure", "upload_key", "lease_until"],
    )


def _forget_upload(row: SuppressionImport) -> None:
    """What is suppressed stands in the database: the file would be a second copy of it, for nobody's use."""
    afterwards(default_storage.delete, row.upload_key)
    row.upload_key = ""


def _numbers(scratch: Path) -> Path:
    return scratch / "numbers"


def _rejected(scratch: Path) -> Path:
    return scratch / "rejected.csv"


def _scratch(import_id: int) -> str:
    return f"suppressions-{import_id}-"


def _clear_away(import_id: int) -> None:
    """The spill files of a try that was killed, if it ran on this machine."""
    settings.SCRATCH.mkdir(parents=True, exist_ok=True)
    for folder in settings.SCRATCH.glob(f"{_scratch(import_id)}*"):
        shutil.rmtree(folder, ignore_errors=True)
