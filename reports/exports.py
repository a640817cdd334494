"""An export: every recipient of a campaign with what became of it, one table in object storage, written by a task."""

import time
import uuid
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.files.storage import default_storage
from django.db import connection, connections, router, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import User, Workspace
from accounts.roles import Permission
from audit import about
from audit.commits import afterwards
from audit.ledger import change_status, record
from audit.refusal import Refused
from audit.wording import stored
from campaigns.models import Campaign
from campaigns.statuses import Mode
from delivery import counters, retention
from delivery.counters import Totals
from objects import outlet
from objects.outlet import Outlet
from objects.trouble import ObjectMissing
from recipients.chunks import ChunkDamaged
from recipients.statuses import Status as ListStatus
from reports import evidence, lines, replica, tasks
from reports.lines import COLUMNS, OF_LIST, Lines
from reports.models import TABLES, Export, Format, Numbers, StandingExport, needed
from reports.statuses import MOVES, UNFINISHED, Status

# Whoever holds an export and tells nothing for so long is taken for dead and another begins; if both live, the first to
# finish wins, whoever it is.
LEASE = timedelta(minutes=1)
GIVE_UP = timedelta(hours=24)
TELL_EVERY = 2.0  # seconds between two looks of those who wait
LATE = stored(gettext_noop("It could not be written within a day."))
WITHDRAWN = stored(gettext_noop("A number in it was erased, and the file with it: ask for another one."))
PART_MISSING = stored(gettext_noop("A part of the list is missing from the object storage."))


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """`totals` are the equation's at the instant that the file shows."""

    rows: int
    bytes: int
    totals: Totals


def check_role(format: str, numbers: str, permissions: Collection[Permission]) -> None:
    asked = needed(format, numbers)
    if asked not in permissions:
        raise PermissionDenied(_("Your role does not let you %(do)s.") % {"do": asked.label})


@transaction.atomic
def request(
    campaign_id: int,
    *,
    format: str,
    by: User,
    columns: Sequence[str] = (),
    numbers: str = Numbers.MASKED,
    standing: StandingExport | None = None,
) -> Export:
    """`columns` are names of `lines.COLUMNS`, or `list.NAME` of those of the list; none are the former. The edge asks
    `check_role` first."""
    campaign = Campaign.objects.select_related("list").get(pk=campaign_id)
    if campaign.mode != Mode.TRIGGER and (campaign.list is None or campaign.list.status != ListStatus.READY):
        words = _("%(campaign)s has no prepared list: there is nothing to export yet.") % {"campaign": campaign}
        raise Refused(words, code="list_not_ready")
    retention.check_kept(campaign)
    check_columns(columns, columns_of(campaign), format=format)
    export = Export.objects.create(
        workspace_id=campaign.workspace_id,
        campaign=campaign,
        format=Format(format),
        columns=list(columns),
        numbers=Numbers.MASKED if format == Format.EVIDENCE else Numbers(numbers),
        requested_by=by,
        standing=standing,
    )
    after = {"campaign": campaign.pk, "format": export.format, "columns": export.columns, "numbers": export.numbers}
    record("export.requested", export, by=by, after=after)
    afterwards(tasks.write_export.delay, export.pk)
    return export


def columns_of(campaign: Campaign) -> list[str]:
    """What may be chosen."""
    return [*COLUMNS, *dict.fromkeys(f"{OF_LIST}{name}" for name in campaign.columns)]


def check_columns(columns: Sequence[str], known: Sequence[str], *, format: str) -> None:
    if columns and format == Format.EVIDENCE:
        raise Refused(_("The evidence has no columns to choose."), code="no_columns")
    if unknown := next((name for name in columns if name not in known), None):
        words = _("There is no column “%(name)s”: choose of %(known)s.")
        told = {"name": unknown, "known": ", ".join(known)}
        raise Refused(words % told, code="unknown_column")
    if len(set(columns)) < len(columns):
        raise Refused(_("Name each column once."), code="double_column")


def write(export_id: int, *, clock: Callable[[], datetime]) -> None:
    """Write the file. May be called any number of times: somebody at work, or an export that is over, is left alone."""
    begun_at = clock()
    lease = _claim(export_id, now=begun_at)
    if lease is None:
        return
    export = Export.objects.select_related("campaign__list", "requested_by").get(pk=export_id)
    with about.work(campaign=export.campaign_id):
        _write(export, _Holding(export_id, lease, clock), begun_at=begun_at, clock=clock)


def _write(export: Export, holding: "_Holding", *, begun_at: datetime, clock: Callable[[], datetime]) -> None:
    try:
        if export.format == Format.EVIDENCE:
            key, written = _prove(export, now=clock())
        else:
            (key, written), _as_of = replica.read(lambda: _tabulate(export, holding), now=begun_at)
    except ChunkDamaged as damage:
        _fail(export.pk, holding, failure=str(damage))
        return
    except ObjectMissing:
        _fail(export.pk, holding, failure=PART_MISSING)
        return
    if not _finish(export.pk, key, written, now=clock()):
        default_storage.delete(key)


def _prove(export: Export, *, now: datetime) -> tuple[str, Written]:
    """The file's key, and what is in it."""
    language = export.requested_by.language or settings.LANGUAGE_CODE
    data, totals = evidence.signed(export.campaign_id, language=language, now=now)
    key = _new_key()
    with outlet.writing(key) as file:
        file.write(data)
        return key, Written(rows=totals.rows, bytes=file.tell(), totals=totals)


def _tabulate(export: Export, holding: "_Holding") -> tuple[str, Written]:
    key = _new_key()
    with outlet.writing(key) as file:
        rows, totals = _put_rows(export, file, holding)
        return key, Written(rows=rows, bytes=file.tell(), totals=totals)


def _new_key() -> str:
    return f"exports/{uuid.uuid4().hex}"


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


def withdraw(workspace: Workspace, *, read_within: timedelta) -> Withdrawn:
    """Delete the tables that were asked for before somebody was erased from their list, or so soon after that they may
    show what was read before. Evidence has nobody in it."""
    rows = Export.objects.filter(workspace=workspace, format__in=TABLES).since_erased(read_within)
    gone = sum(_withdraw(pk) for pk in rows.filter(status=Status.READY).order_by("pk").values_list("pk", flat=True))
    return Withdrawn(withdrawn=gone, under_way=rows.filter(status__in=UNFINISHED).count())


@transaction.atomic
def _withdraw(export_id: int) -> int:
    export = Export.objects.lock(export_id)
    if export.status != Status.READY:
        return 0
    afterwards(default_storage.delete, export.key)
    export.key, export.failure = "", WITHDRAWN
    change_status(export, Status.EXPIRED, moves=MOVES, by=None, note=WITHDRAWN, also_save=["key", "failure"])
    return 1


@transaction.atomic
def _let_go(export_id: int, *, now: datetime) -> None:
    export = Export.objects.lock(export_id)
    if Export.objects.kept_too_long(now).filter(pk=export_id).exists():
        afterwards(default_storage.delete, export.key)
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
        change_status(
            export, Status.FAILED, moves=MOVES, by=None, note=LATE, also_save=["failure"], after=_about(export)
        )
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
        after={**_about(export), "rows": written.rows, "bytes": written.bytes, "kept_until": export.kept_until},
    )
    return True


@transaction.atomic
def _fail(export_id: int, holding: "_Holding", *, failure: str) -> None:
    export = Export.objects.lock(export_id)
    if export.lease_until == holding.lease:
        export.failure, export.lease_until = failure, None
        change_status(
            export,
            Status.FAILED,
            moves=MOVES,
            by=None,
            note=failure,
            also_save=["failure", "lease_until"],
            after=_about(export),
        )


def _about(export: Export) -> dict[str, object]:
    """For the ledger, from which webhooks are told."""
    return {"campaign": export.campaign_id, "format": export.format}


class _Holding:
    """Our lease, and how far we are: told by the thread that writes, whose connection sees no snapshot."""

    def __init__(self, export_id: int, lease: datetime, clock: Callable[[], datetime]) -> None:
        self.lease = lease
        self._export_id, self._clock = export_id, clock
        self._told_at = time.monotonic()

    def tell(self, rows: int) -> None:
        if time.monotonic() - self._told_at < TELL_EVERY:
            return
        self._told_at = time.monotonic()
        until = self._clock() + LEASE
        if Export.objects.filter(pk=self._export_id, lease_until=self.lease).update(rows=rows, lease_until=until):
            self.lease = until

    def close(self) -> None:
        connection.close()


def _put_rows(export: Export, file: Outlet, holding: _Holding) -> tuple[int, Totals]:
    """How many, and the totals of the same instant: whatever is sent meanwhile, file and totals agree."""
    from reports import sinks  # noqa: PLC0415  (with pyarrow, 60 MB that only who writes needs)

    using = router.db_for_read(Campaign)
    with transaction.atomic(using=using, durable=True), connections[using].cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        campaign = Campaign.objects.select_related("list").get(pk=export.campaign_id)
        columns = export.columns or COLUMNS
        # Packing one chunk and reading the next take about as long, and neither holds up the other.
        with sinks.opened(file, Format(export.format), columns, campaign.columns) as put:
            read = lines.of(campaign)
            count = _put_all(read if export.numbers == Numbers.WHOLE else map(Lines.masked, read), put, holding)
        return count, counters.totals(campaign)


def _put_all(chunks: Iterable[Lines], put: Callable[[Lines], object], holding: _Holding) -> int:
    count = 0
    with ThreadPoolExecutor(1) as writer:
        try:
            last: Future[object] | None = None
            for chunk in chunks:
                if last:
                    last.result()
                writer.submit(holding.tell, chunk.piece.first)
                last = writer.submit(put, chunk)
                count = chunk.piece.end
            if last:
                last.result()
        finally:
            writer.submit(holding.close)
    return count
