"""A number leaves the lists of a workspace, its test phones and its suppressed numbers, in which its mark stays.

Each verb may be called any number of times, and says how many places it has cleared this time.
"""

import csv
import io
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from tempfile import TemporaryFile

import numpy as np
from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Replace

from accounts.models import User, Workspace
from audit.commits import afterwards
from audit.ledger import record
from objects.store import store
from objects.trouble import ObjectMissing
from recipients import chunks, erasing, marks, suppressions
from recipients.chunks import ChunkDamaged
from recipients.erased import NOBODY, spelled
from recipients.listing import Piece, listing_of
from recipients.models import ErasedChunk, RecipientList, Suppression, SuppressionImport, TrialPhone
from recipients.statuses import ImportStatus, Source, Status

ERASED = "•••"
ERASED_LINE = "erased"


@transaction.atomic
def suppress_for_ever(workspace: Workspace, phone: int, *, reason: str, by: User | None) -> None:
    """From the commit on nothing goes to it: by its mark, and, as long as it stands somewhere, by the number itself,
    which `drop_suppressed` takes away."""
    own = Suppression.objects.of(workspace)
    row = own.filter(phone=phone).first() or Suppression(
        workspace=workspace, source=Source.HAND, reason=reason, added_by=by
    )
    _leave_mark(row, phone)
    if row.pk is None:
        row.phone = phone
        _add(row)


@transaction.atomic
def drop_suppressed(workspace: Workspace, phone: int) -> int:
    """Its mark stays, here and on the installation's list."""
    rows = list(Suppression.objects.that_bind(workspace).filter(phone=phone).select_for_update())
    for row in rows:
        _leave_mark(row, phone)
        suppressions.count(row.workspace_id, Source(row.source), -1)
        row.delete()
    return len(rows)


def _leave_mark(row: Suppression, phone: int) -> None:
    """Why and since when it is suppressed stays as it was."""
    names = set(marks.names_of([phone])) - {phone}
    if not Suppression.objects.of(row.workspace_id).filter(phone__in=names).exists():
        kept = ("workspace_id", "source", "reason", "imported_id", "added_by_id", "added_at")
        _add(Suppression(phone=marks.new(phone), **{name: getattr(row, name) for name in kept}))


def _add(row: Suppression) -> None:
    row.save(force_insert=True)
    suppressions.count(row.workspace_id, Source(row.source), 1)


@transaction.atomic
def drop_test_phone(workspace: Workspace, phone: int) -> int:
    removed, _ = TrialPhone.objects.of(workspace).filter(phone=phone).delete()
    return removed


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """`unread` objects are damaged or missing: nobody can say what is in them."""

    places: int = 0
    unread: int = 0


def to_come(workspace: Workspace, before: datetime) -> int:
    """Lists and imports whose file was on its way at this time, and is not read yet: it may hold the number."""
    lists = RecipientList.objects.filter(
        workspace=workspace, created_at__lte=before, status__in=(Status.UPLOADING, Status.PREPARING)
    )
    imports = SuppressionImport.objects.filter(
        workspace=workspace, created_at__lte=before, status__in=(ImportStatus.UPLOADING, ImportStatus.IMPORTING)
    )
    return lists.exclude(status=Status.UPLOADING, bytes=0, upload=None).count() + imports.exclude(upload_key="").count()


def clear_leftovers(workspace: Workspace, *, now: datetime) -> None:
    """Files that were read, and what lists left behind that are over: those whose bell was lost too."""
    for list_id in RecipientList.objects.with_leftovers(now).filter(workspace=workspace).values_list("pk", flat=True):
        erasing.erase(list_id, now=now)


def sentences(workspace: Workspace, phone: int) -> int:
    """Why a list or an import failed may quote a line of its file."""
    digits = str(phone)
    changed = 0
    for of in (RecipientList.objects, SuppressionImport.objects):
        rows = of.filter(workspace=workspace, failure__contains=digits)
        changed += rows.update(failure=Replace(F("failure"), Value(digits), Value(ERASED)))
    return changed


def lists_of(workspace: Workspace, *, after: int) -> list[int]:
    """In their order; the few numbers of test sends too."""
    rows = RecipientList.objects.filter(workspace=workspace, status=Status.READY, pk__gt=after)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def imports_of(workspace: Workspace, *, after: int) -> list[int]:
    rows = SuppressionImport.objects.filter(workspace=workspace, pk__gt=after).exclude(rejected_key="")
    return list(rows.order_by("pk").values_list("pk", flat=True))


def list_(list_id: int, phone: int, *, now: datetime) -> Cleared:
    """Its chunks, in which nobody takes the number's place, and what was left out of it. The old objects stay for those
    who read them at this moment (`clear_replaced`)."""
    listed = RecipientList.objects.get(pk=list_id)
    found, unread = [], 0
    try:
        pieces = listing_of(listed).pieces
    except (ChunkDamaged, ObjectMissing):
        pieces, unread = (), 1
    for piece in pieces:
        try:
            erased = _without(piece, phone)
        except (ChunkDamaged, ObjectMissing):
            unread += 1
            continue
        if erased:
            key = f"{listed.manifest_key.rpartition('/')[0]}/{piece.entry.number:05}-{secrets.token_hex(8)}"
            store.put(key, erased.data)
            found.append((piece, key, erased))
    places = _replace(list_id, found, now=now) if found else 0
    for field in ("rejected_key", "duplicates_key"):
        places += _lines(listed, field, phone)
    return Cleared(places=places, unread=unread)


def import_(import_id: int, phone: int) -> Cleared:
    return Cleared(places=_lines(SuppressionImport.objects.get(pk=import_id), "rejected_key", phone))


def clear_replaced(workspace: Workspace, *, before: datetime) -> int:
    """Objects whose place another one took, once nobody reads them any more; how many are still to go."""
    rows = ErasedChunk.objects.filter(list__workspace=workspace).exclude(was_key="")
    for row in rows.filter(at__lt=before):
        store.delete_many([row.was_key])
        ErasedChunk.objects.filter(pk=row.pk).update(was_key="")
    return rows.count()


@dataclass(frozen=True, slots=True)
class _Erased:
    data: bytes
    recipients: int


def _without(piece: Piece, phone: int) -> _Erased | None:
    """None when the number is not in the chunk. Cells of others that name it are emptied."""
    chunk = piece.open()
    here = np.flatnonzero(chunk.phones == np.uint64(phone))
    rows = chunk.rows()
    touched = set(here.tolist())
    pattern = spelled(phone)
    if rows and pattern.search("\n".join(rows)):
        rows = ["\t".join("" if pattern.search(cell) else cell for cell in row.split("\t")) for row in rows]
        touched.add(-1)
    if not touched:
        return None
    phones = chunk.phones.copy()
    phones[here] = NOBODY
    for place in here.tolist():
        if rows:
            rows[place] = "\t" * rows[place].count("\t")
    data = chunks.encode(phones, "".join(f"{row}\n" for row in rows).encode(), chunk.lines())
    return _Erased(data, len(here))


@transaction.atomic
def _replace(list_id: int, found: list[tuple[Piece, str, _Erased]], *, now: datetime) -> int:
    """Whoever was first with a chunk stands; the list's digest goes on naming what was approved."""
    listed = RecipientList.objects.lock(list_id)
    newest = ErasedChunk.objects.newest(list_id)
    told, recipients = [], 0
    for piece, key, erased in found:
        row, entry = newest.get(piece.entry.number), piece.entry
        if listed.status != Status.READY or (row and row.sha256 != entry.sha256):
            afterwards(default_storage.delete, key)
            continue
        sha256 = chunks.entry_for(entry.number, key, erased.data).sha256
        ErasedChunk.objects.create(
            list=listed,
            number=entry.number,
            was_key=entry.key,
            was_sha256=entry.sha256,
            key=key,
            sha256=sha256,
            recipients=erased.recipients,
            at=now,
        )
        recipients += erased.recipients
        told.append({"chunk": entry.number, "was": entry.sha256, "is": sha256, "recipients": erased.recipients})
    if told:
        after = {"digest": listed.digest, "recipients": recipients, "chunks": told}
        record("recipientlist.recipients_erased", listed, by=None, after=after)
    return len(told)


def _lines(row: RecipientList | SuppressionImport, field: str, phone: int) -> int:
    """Of a CSV of what was left out: the line stays, as it is counted, and what it said goes."""
    was = getattr(row, field)
    if not was:
        return 0
    pattern = re.compile(spelled(phone).pattern.encode())
    changed = 0
    with TemporaryFile(dir=settings.SCRATCH) as kept:
        try:
            with default_storage.open(was, "rb") as file:
                for line in file:
                    number, comma, said = line.partition(b",")
                    is_it = pattern.search(said) is not None
                    kept.write(number + comma + _blank(said) if is_it else line)
                    changed += is_it
        except ObjectMissing:
            return 0
        if not changed:
            return 0
        kept.seek(0)
        key = default_storage.save(f"{was.rpartition('/')[0]}/{secrets.token_hex(8)}.csv", File(kept))
    with transaction.atomic():
        is_ours = type(row).objects.filter(pk=row.pk, **{field: was}).update(**{field: key})
        gone = was if is_ours else key
        afterwards(default_storage.delete, gone)
    return changed


def _blank(said: bytes) -> bytes:
    """What follows the number of the line: a value, and of a rejected one the reason."""
    [cells] = csv.reader(io.StringIO(said.decode(errors="replace")))
    text = io.StringIO()
    csv.writer(text).writerow([ERASED_LINE, *cells[1:]])
    return text.getvalue().encode()
