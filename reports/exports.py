"""An export: every recipient of a campaign with what became of it, one CSV in object storage, written by a task."""

import csv
import gzip
import io
import re
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from tempfile import NamedTemporaryFile
from typing import IO, Any

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import User, Workspace
from audit.ledger import change_status, record
from audit.refusal import Refused
from audit.wording import stored
from campaigns import gsm
from campaigns.models import Campaign
from delivery import counters, errors, retention
from delivery.counters import Totals
from delivery.models import Message
from delivery.statuses import TERM_OF, Term
from objects.trouble import ObjectMissing
from recipients.chunks import ChunkDamaged
from recipients.listing import Piece, listing_of
from recipients.statuses import Status as ListStatus
from reports import evidence, tasks
from reports.models import Export, Format
from reports.statuses import MOVES, Status

HEADER = b"to,status,error_code,error_name,error_text,submitted_at,done_at,parts\n"
# Ten million recipients take less than a minute. Whoever holds an export longer is taken for dead and another begins;
# if both live, the first to finish wins, whoever it is.
LEASE = timedelta(minutes=5)
GIVE_UP = timedelta(hours=24)
TELL_EVERY = 2.0  # seconds between two looks of those who wait
LATE = stored(gettext_noop("It could not be written within a day."))
PART_MISSING = stored(gettext_noop("A part of the list is missing from the object storage."))
WITHDRAWN = stored(gettext_noop("A number in it was erased, and the file with it: ask for another one."))
SEARCHED = 1 << 22  # bytes at a time
GZIP_LEVEL = 3  # nine tenths of what the usual 6 saves, in less than half of the time

# One chunk's recipients as CSV lines in one value: reading a million rows one by one would take the most time of all.
# An error stands as !kind:code until `_explained`; the only blanks are those between date and time.
_LINES = f"""
SELECT string_agg(
    concat_ws(
        ',', phone, CASE state {" ".join(f"WHEN {state.value} THEN '{term}'" for state, term in TERM_OF.items())} END,
        coalesce('!' || nullif(error_kind, 0) || ':' || error_code, ',,'),
        coalesce(submitted_at::timestamptz(3)::text, ''), coalesce(done_at::timestamptz(3)::text, ''), parts
    ), E'\\n' ORDER BY recipient
) || E'\\n'
FROM delivery_message
WHERE day = %(day)s AND campaign_id = %(campaign)s AND recipient >= %(first)s AND recipient < %(end)s
"""
_ERROR = re.compile(rb"!(\d+):(\d+)")
_NOBODYS = re.compile(rb"^0,", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """`totals` are the equation's at the instant that the file shows."""

    rows: int
    bytes: int
    totals: Totals


@transaction.atomic
def request(campaign_id: int, *, format: str, by: User) -> Export:
    campaign = Campaign.objects.select_related("list").get(pk=campaign_id)
    if campaign.list is None or campaign.list.status != ListStatus.READY:
        words = _("%(campaign)s has no prepared list: there is nothing to export yet.") % {"campaign": campaign}
        raise Refused(words, code="list_not_ready")
    retention.check_kept(campaign)
    export = Export.objects.create(
        workspace_id=campaign.workspace_id, campaign=campaign, format=Format(format), requested_by=by
    )
    record("export.requested", export, by=by, after={"campaign": campaign.pk, "format": export.format})
    tasks.write_export.delay_on_commit(export.pk)
    return export


def write(export_id: int, *, clock: Callable[[], datetime]) -> None:
    """Write the file. May be called any number of times: somebody at work, or an export that is over, is left alone."""
    lease = _claim(export_id, now=clock())
    if lease is None:
        return
    export = Export.objects.get(pk=export_id)
    with NamedTemporaryFile(dir=settings.SCRATCH, prefix="export-") as file:
        try:
            if export.format == Format.EVIDENCE:
                data, totals = evidence.signed(export.campaign_id, now=clock())
                file.write(data)
                rows = totals.rows
            else:
                with _sink(file, Format(export.format)) as put:
                    rows, totals = _put_rows(export.campaign_id, put, _Telling(export_id, lease))
        except ChunkDamaged as damage:
            _fail(export_id, lease, failure=str(damage))
            return
        except ObjectMissing:
            _fail(export_id, lease, failure=PART_MISSING)
            return
        written = Written(rows=rows, bytes=file.tell(), totals=totals)
        file.seek(0)
        key = default_storage.save(f"exports/{uuid.uuid4().hex}", File(file))
    if not _finish(export_id, key, written, now=clock()):
        default_storage.delete(key)


def ring_again(*, now: datetime) -> None:
    for export_id in Export.objects.left_alone(now).order_by("pk").values_list("pk", flat=True):
        tasks.write_export.delay(export_id)


def let_go(*, now: datetime) -> None:
    """Delete the files that were kept long enough."""
    for export_id in Export.objects.kept_too_long(now).order_by("pk").values_list("pk", flat=True):
        _let_go(export_id, now=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """`under_way` are being written from what was read before."""

    withdrawn: int
    under_way: int


def withdraw(workspace: Workspace, phone: int) -> Withdrawn:
    """Delete the files that hold the number; whoever wants one asks for another. Evidence holds none."""
    files = Export.objects.filter(workspace=workspace).exclude(format=Format.EVIDENCE)
    ready = files.filter(status=Status.READY).order_by("pk")
    gone = sum(_withdraw(export.pk) for export in ready.iterator() if _holds(export, phone))
    return Withdrawn(withdrawn=gone, under_way=files.filter(status=Status.RUNNING).count())


def _holds(export: Export, phone: int) -> bool:
    """A line begins with the number; one that is looked for may lie across two pieces."""
    wanted, kept = f"\n{phone},".encode(), b""
    try:
        with default_storage.open(export.key, "rb") as file:
            lines = gzip.GzipFile(fileobj=file) if export.format == Format.CSV_GZ else file
            while piece := lines.read(SEARCHED):
                if wanted in kept + piece:
                    return True
                kept = piece[-len(wanted) :]
    except ObjectMissing:
        pass
    return False


@transaction.atomic
def _withdraw(export_id: int) -> int:
    export = Export.objects.lock(export_id)
    if export.status != Status.READY:
        return 0
    transaction.on_commit(partial(default_storage.delete, export.key), robust=True)
    export.key, export.failure = "", WITHDRAWN
    change_status(export, Status.EXPIRED, moves=MOVES, by=None, note=WITHDRAWN, also_save=["key", "failure"])
    return 1


@transaction.atomic
def _let_go(export_id: int, *, now: datetime) -> None:
    export = Export.objects.lock(export_id)
    if Export.objects.kept_too_long(now).filter(pk=export_id).exists():
        transaction.on_commit(partial(default_storage.delete, export.key), robust=True)
        export.key = ""
        change_status(export, Status.EXPIRED, moves=MOVES, by=None, also_save=["key"])


@transaction.atomic
def _claim(export_id: int, *, now: datetime) -> datetime | None:
    """The end of our lease, which is also our name; None when there is nothing to do."""
    export = Export.objects.lock(export_id)
    if not Export.objects.left_alone(now).filter(pk=export_id).exists():
        return None
    if now - export.requested_at > GIVE_UP:
        export.failure = LATE
        change_status(export, Status.FAILED, moves=MOVES, by=None, note=export.failure, also_save=["failure"])
        return None
    export.lease_until = now + LEASE
    if export.status == Status.QUEUED:
        change_status(export, Status.RUNNING, moves=MOVES, by=None, also_save=["lease_until"])
    else:
        export.save(update_fields=["lease_until"])
    return export.lease_until


@transaction.atomic
def _finish(export_id: int, key: str, written: Written, *, now: datetime) -> bool:
    """False when another was first: then its file is the export."""
    export = Export.objects.lock(export_id)
    if export.status != Status.RUNNING:
        return False
    export.key, export.rows, export.bytes = key, written.rows, written.bytes
    export.totals = asdict(written.totals)
    export.ready_at, export.lease_until = now, None
    change_status(
        export,
        Status.READY,
        moves=MOVES,
        by=None,
        also_save=["key", "rows", "bytes", "totals", "ready_at", "lease_until"],
        after={"rows": written.rows, "bytes": written.bytes},
    )
    return True


@transaction.atomic
def _fail(export_id: int, lease: datetime, *, failure: str) -> None:
    export = Export.objects.lock(export_id)
    if export.lease_until == lease:
        export.failure, export.lease_until = failure, None
        change_status(export, Status.FAILED, moves=MOVES, by=None, note=failure, also_save=["failure", "lease_until"])


@contextmanager
def _sink(file: IO[bytes], format: Format) -> Iterator[Callable[[bytes], object]]:
    if format == Format.CSV:
        yield file.write
        return
    with gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=GZIP_LEVEL, mtime=0) as packed:
        yield packed.write


class _Telling:
    """How far an export is, for those who wait: told by the thread that writes, whose connection sees no snapshot."""

    def __init__(self, export_id: int, lease: datetime) -> None:
        self._mine = Export.objects.filter(pk=export_id, lease_until=lease)
        self._told_at = time.monotonic()

    def __call__(self, rows: int) -> None:
        if time.monotonic() - self._told_at >= TELL_EVERY:
            self._told_at = time.monotonic()
            self._mine.update(rows=rows)

    def close(self) -> None:
        connection.close()


def _put_rows(campaign_id: int, put: Callable[[bytes], object], tell: _Telling) -> tuple[int, Totals]:
    """How many, and the totals of the same instant: whatever is sent meanwhile, file and totals agree."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        campaign = Campaign.objects.select_related("list").get(pk=campaign_id)
        assert campaign.list is not None
        listing = listing_of(campaign.list)
        parts = gsm.count_parts(campaign.template.least)
        rest, waiting = (f",{term},,,,,,{parts}\n".encode() for term in (counters.rest_term(campaign), Term.WAITING))
        unrecorded = counters.unrecorded(campaign)
        # Compressing one chunk and reading the next take about as long, and neither holds up the other.
        with ThreadPoolExecutor(1) as writer:
            try:
                written = writer.submit(put, HEADER)
                for piece in listing.pieces:
                    lines = _with_the_rest(
                        piece,
                        _lines_of(campaign, piece),
                        rest,
                        recipients=partial(_recipients_of, campaign, piece),
                        waiting=waiting,
                        unrecorded=unrecorded,
                    )
                    written.result()
                    writer.submit(tell, piece.first)
                    written = writer.submit(put, _with_nobody(lines))
                written.result()
            finally:
                writer.submit(tell.close)
        return listing.count, counters.totals(campaign)


def _lines_of(campaign: Campaign, piece: Piece) -> bytes:
    """The CSV lines of those who were intended."""
    if campaign.started_at is None:
        return b""
    values: dict[str, Any] = {"day": campaign.day, "campaign": campaign.pk, "first": piece.first, "end": piece.end}
    with connection.cursor() as cursor:
        cursor.execute(_LINES, values)
        lines: str = cursor.fetchone()[0] or ""
    stamped = lines.encode().replace(b" ", b"T").replace(b"+00", b"Z")
    return _ERROR.sub(_explained, stamped)


def _with_the_rest(
    piece: Piece,
    lines: bytes,
    rest: bytes,
    *,
    recipients: Callable[[], list[int]],
    waiting: bytes,
    unrecorded: Sequence[range],
) -> bytes:
    """In list order, with a line for each of those who have no message: `waiting` if they are among the unrecorded."""
    if lines.count(b"\n") == piece.entry.count:
        return lines
    line_of = dict(zip(recipients(), lines.splitlines(keepends=True), strict=True))
    phones: list[bytes] = piece.read().astype("S20").tolist()
    for numbers in unrecorded:
        for number in range(max(numbers.start, piece.first), min(numbers.stop, piece.end)):
            line_of[number] = phones[number - piece.first] + waiting
    return b"".join(line_of.get(number) or phone + rest for number, phone in enumerate(phones, piece.first))


def _recipients_of(campaign: Campaign, piece: Piece) -> list[int]:
    """Whose lines `_lines_of` has, in their order: not by their numbers, as an erased one is nobody's."""
    if campaign.started_at is None:
        return []
    some = Message.objects.filter(day=campaign.day, campaign=campaign)
    some = some.filter(recipient__gte=piece.first, recipient__lt=piece.end)
    return list(some.order_by("recipient").values_list("recipient", flat=True))


def _with_nobody(lines: bytes) -> bytes:
    """An erased number is empty: who it was is nobody's to know."""
    return _NOBODYS.sub(b",", lines) if lines.startswith(b"0,") or b"\n0," in lines else lines


def _explained(mark: re.Match[bytes]) -> bytes:
    error = errors.explain(int(mark[1]), int(mark[2]))
    cells = io.StringIO()
    csv.writer(cells, lineterminator="").writerow([error.code, error.name, error.text] if error else ["", "", ""])
    return cells.getvalue().encode()
