"""A file that comes in pieces, over hours if it must: begun, added to by whichever process is asked, ended."""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User, Workspace
from audit.commits import afterwards
from audit.ledger import change_status
from audit.refusal import Refused
from recipients import failures, uploads
from recipients.arrival import Checksum, Lease, Surplus, pour
from recipients.models import RecipientList, Upload
from recipients.parts import Kept, PartsGone, StorageFull, parts
from recipients.statuses import AWAITING_FILE, MOVES, Status
from recipients.uploads import Readable, Stored

logger = logging.getLogger(__name__)

PIECE = 1 << 20


class Gone(Refused):
    def __init__(self) -> None:
        super().__init__("This upload has expired or was ended: send the file again from its start.", code="gone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How far it is. Without a length nobody has said yet how large the file is."""

    offset: int
    length: int | None
    expires_at: datetime | None = None


def standing(listed: RecipientList, *, now: datetime) -> Standing:
    """A list that has its file is whole, whichever way that came; one whose file came to nothing awaits another.

    Raises Gone when there is nothing to go on with.
    """
    upload = Upload.objects.filter(list=listed).first()
    if upload is not None:
        _check_alive(upload, now=now)
        return Standing(offset=upload.offset, length=upload.length, expires_at=upload.expires_at)
    if listed.status not in AWAITING_FILE:
        return Standing(offset=listed.bytes, length=listed.bytes)
    if listed.status == Status.UPLOADING or listed.bytes:
        return Standing(offset=0, length=None)
    raise Gone


def length_of(listed: RecipientList, *, now: datetime) -> int | None:
    """Of the upload that is under way; None when none is."""
    upload = Upload.objects.filter(list=listed).first()
    return upload.length if upload and upload.expires_at >= now else None


def create(
    workspace: Workspace,
    *,
    name: str,
    filename: str,
    country: str = "",
    column: str = "",
    length: int,
    sha256: str = "",
    by: User,
    now: datetime,
) -> RecipientList:
    """A list, and the upload of its file begun: both, or nothing at all."""
    with _begun(length) as (key, kept), transaction.atomic():
        listed = uploads.create(workspace, name=name, filename=filename, country=country, column=column, by=by)
        _insert(listed, length, sha256, key, kept, by=by, now=now)
        return listed


def begin(list_id: int, *, length: int, sha256: str = "", by: User, now: datetime) -> None:
    """For a list that awaits its file, or another one. Raises TooLarge or Refused."""
    uploads.check_awaits_file(RecipientList.objects.get(pk=list_id))
    with _begun(length) as (key, kept), transaction.atomic():
        listed = RecipientList.objects.lock(list_id)
        uploads.check_awaits_file(listed)
        if Upload.objects.filter(list=listed).exists():
            raise Refused(_("The upload of this list's file has begun already."), code="wrong_offset")
        _insert(listed, length, sha256, key, kept, by=by, now=now)


def add(
    list_id: int,
    stream: Readable,
    *,
    offset: int,
    announced: int | None = None,
    checksum: Checksum | None = None,
    by: User,
    now: datetime,
) -> Standing:
    """Add what the stream brings, which may break off. With the last byte the list has its file.

    `announced` is how many bytes the client says that it sends, None when it does not say.
    """
    uploads.check_awaits_file(RecipientList.objects.get(pk=list_id))
    upload = _upload_at(list_id, offset, now=now)
    if announced is not None and announced > upload.length - offset:
        raise Surplus(upload.length)
    lease = Lease.take(upload, now=now)
    with _given_up_if_hopeless(upload, by=by):
        pour(stream, upload, lease, announced=announced, checksum=checksum)
        if lease.kept.offset == upload.length:
            _complete(upload, lease, by=by)
    return Standing(offset=lease.kept.offset, length=upload.length, expires_at=lease.now + settings.UPLOAD_EXPIRES)


def terminate(list_id: int, *, by: User) -> None:
    """Free everything that has come; the list has failed, and takes another file."""
    if not forget(list_id, because=failures.UPLOAD_ENDED, by=by):
        uploads.check_awaits_file(RecipientList.objects.get(pk=list_id))
        _fail(list_id, failures.UPLOAD_ENDED, by=by)


def forget(list_id: int, *, because: str = failures.UPLOAD_ENDED, by: User | None) -> bool:
    """Free what has come of a file, whoever is sending it; False when nothing has. Not inside a transaction."""
    upload = Upload.objects.filter(list_id=list_id).first()
    if upload is not None:
        _give_up(upload, because, by=by)
    return upload is not None


def drop(list_id: int) -> None:
    """End what is under way, in the transaction of whoever does not want the file any more."""
    for upload in Upload.objects.filter(list_id=list_id):
        upload.delete()
        kept = Kept.from_json(upload.offset, upload.kept)
        afterwards(parts().abort, upload.key, kept)


def sweep(*, now: datetime) -> None:
    """Bring to its end what was left at its last byte; give up what nobody goes on with."""
    for upload in Upload.objects.whole(now).select_related("created_by").order_by("pk"):
        with _noted(upload), _given_up_if_hopeless(upload, by=upload.created_by):
            _complete(upload, Lease.take(upload, now=now), by=upload.created_by)
    for upload in Upload.objects.astray(now).order_by("pk"):
        with _noted(upload):
            _give_up(upload, failures.UPLOAD_ENDED, by=None)
    hours = settings.UPLOAD_EXPIRES // timedelta(hours=1)
    for upload in Upload.objects.expired(now).order_by("pk"):
        with _noted(upload):
            _give_up(upload, failures.UPLOAD_STOPPED % {"place": upload, "hours": hours}, by=None)
    forgotten = RecipientList.objects.never_sent(now - settings.UPLOAD_EXPIRES)
    for list_id in forgotten.order_by("pk").values_list("pk", flat=True):
        _fail(list_id, failures.NO_FILE % {"hours": hours}, by=None)


@contextmanager
def _begun(length: int) -> Iterator[tuple[str, Kept]]:
    """An object begun in storage; given back when anything goes wrong."""
    uploads.check_length(length)
    key = uploads.new_key()
    kept = parts().begin(key)
    try:
        yield key, kept
    except BaseException:
        parts().abort(key, kept)
        raise


def _insert(listed: RecipientList, length: int, sha256: str, key: str, kept: Kept, *, by: User, now: datetime) -> None:
    Upload.objects.create(
        list=listed,
        length=length,
        sha256=sha256.lower(),
        key=key,
        kept=kept.to_json(),
        expires_at=now + settings.UPLOAD_EXPIRES,
        created_by=by,
    )


def _upload_at(list_id: int, offset: int, *, now: datetime) -> Upload:
    upload = Upload.objects.filter(list_id=list_id).first()
    if upload is None:
        raise Gone
    _check_alive(upload, now=now)
    if upload.offset != offset:
        told = {"next": f"{upload.offset:,}", "given": f"{offset:,}"}
        raise Refused(_("The next byte is number %(next)s, not %(given)s.") % told, code="wrong_offset")
    return upload


def _check_alive(upload: Upload, *, now: datetime) -> None:
    if upload.expires_at < now:
        raise Gone


def _complete(upload: Upload, lease: Lease, *, by: User) -> None:
    """The object whole, compared with what the client promised, and the list's."""
    parts().finish(upload.key, lease.kept)
    if upload.sha256:
        _check_content(upload, lease)
    with transaction.atomic():
        lease.end()  # whoever cancels the list ends its upload: from here on this is the one that it waits for
        begun = Status(RecipientList.objects.lock(upload.list_id).status)
        uploads.accept(upload.list_id, Stored(key=upload.key, bytes=upload.length), begun=begun, by=by)


def _check_content(upload: Upload, lease: Lease) -> None:
    found = hashlib.sha256()
    with default_storage.open(upload.key, "rb") as file:
        while data := file.read(PIECE):
            found.update(data)
            lease.note(lease.kept)
    if found.hexdigest() != upload.sha256:
        raise Refused(
            _("The file that arrived has the SHA-256 %(found)s, not the one that was promised.")
            % {"found": found.hexdigest()},
            code="file_mismatch",
        )


@contextmanager
def _given_up_if_hopeless(upload: Upload, *, by: User) -> Iterator[None]:
    """What no further request can mend ends the upload: nothing of it stays."""
    try:
        yield
    except (StorageFull, Surplus) as refusal:
        _give_up(upload, refusal.message, by=by)
        raise
    except PartsGone:
        _give_up(upload, failures.UPLOAD_LOST, by=by)
        raise Gone from None
    except Refused as refusal:
        if refusal.code in ("file_mismatch", "wrong_status"):
            _give_up(upload, refusal.message, by=by)
        raise


def _give_up(upload: Upload, message: str, *, by: User | None) -> None:
    """Whoever deletes the row frees the bytes: never those of a list that has them as its file meanwhile."""
    with transaction.atomic():
        deleted, _ = Upload.objects.filter(pk=upload.pk).delete()
        if deleted:
            _fail(upload.list_id, message, by=by)
    if deleted:
        parts().abort(upload.key, Kept.from_json(upload.offset, upload.kept))


@transaction.atomic
def _fail(list_id: int, message: str, *, by: User | None) -> None:
    listed = RecipientList.objects.lock(list_id)
    if listed.status == Status.UPLOADING:
        listed.failure = message
        change_status(listed, Status.FAILED, moves=MOVES, by=by, note=message, also_save=["failure"])


@contextmanager
def _noted(upload: Upload) -> Iterator[None]:
    try:
        yield
    except Refused as refusal:
        logger.warning("upload.not_swept", extra={"upload": upload.pk, "because": refusal.code})
