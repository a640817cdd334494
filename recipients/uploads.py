"""A list's file on its way into object storage: streamed, counted, never whole in memory."""

import io
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Protocol, cast

import phonenumbers
from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from accounts.models import User, Workspace
from audit.commits import afterwards
from audit.ledger import change_status, record
from audit.refusal import Refused
from objects.trouble import StorageTrouble
from recipients import names, tasks
from recipients.models import RecipientList
from recipients.parts import StorageFull, is_full
from recipients.statuses import AWAITING_FILE, MOVES, Status

PIECE = 1 << 20
ENDINGS = ("", ".txt", ".csv", ".tsv", ".text")


class TooLarge(Refused):
    """The file passes UPLOAD_MAX_BYTES: 413 at an HTTP edge."""

    def __init__(self) -> None:
        limit = settings.UPLOAD_MAX_BYTES
        super().__init__(
            _("The file is larger than %(size)s (%(bytes)s bytes), the limit here.")
            % {"size": filesizeformat(limit), "bytes": f"{limit:,}"},
            code="too_large",
        )


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    key: str
    bytes: int


@transaction.atomic
def create(
    workspace: Workspace, *, name: str, filename: str, country: str = "", column: str = "", by: User
) -> RecipientList:
    """A list that awaits its file. Without a country it takes the workspace's; without a column, the first one."""
    name, filename, column = clean_name(name), clean_filename(filename), names.clean(column)
    country = (country or workspace.country).upper()
    if not country:
        raise Refused(
            _("Say which country the numbers in national format belong to, such as NL."), code="country_missing"
        )
    if country not in phonenumbers.SUPPORTED_REGIONS:
        raise Refused(_("“%(country)s” is not a country code such as NL.") % {"country": country}, code="bad_country")
    listed = RecipientList.objects.create(
        workspace=workspace, name=name, filename=filename, country=country, column=column, created_by=by
    )
    record("recipientlist.created", listed, by=by, after={"name": name, "country": country, "column": listed.column})
    return listed


def clean_filename(filename: str) -> str:
    filename = names.clean_filename(filename)
    if not filename:
        raise Refused(_("The file needs a name, such as customers.csv."), code="filename_missing")
    if names.ending_of(filename) not in ENDINGS:
        raise Refused(
            _("“%(filename)s” is neither a .txt nor a .csv file.") % {"filename": filename}, code="wrong_type"
        )
    return filename


def clean_name(name: str) -> str:
    name = names.clean(name)
    if not name:
        raise Refused(_("A list needs a name."), code="name_missing")
    return name


def create_with_file(
    workspace: Workspace,
    stream: Readable,
    *,
    name: str,
    filename: str,
    country: str = "",
    column: str = "",
    by: User,
    length: int,
) -> RecipientList:
    """Create the list and take its file: both, or nothing at all."""
    with stored(stream, length) as kept, transaction.atomic():
        listed = create(workspace, name=name, filename=filename, country=country, column=column, by=by)
        return accept(listed.pk, kept, begun=Status.UPLOADING, by=by)


def receive(
    list_id: int, stream: Readable, *, by: User, length: int | None, filename: str | None = None
) -> RecipientList:
    """Take the file of a list that awaits one (or whose last one failed or was cancelled), and have it prepared.

    `length` is what the client announced, None when it did not; without a filename it is another try of the one before.
    Raises TooLarge or Refused; then nothing is kept.
    """
    listed = RecipientList.objects.get(pk=list_id)
    check_awaits_file(listed)
    called = listed.filename if filename is None else clean_filename(filename)
    with stored(stream, length) as kept:
        return accept(list_id, kept, begun=Status(listed.status), by=by, filename=called)


class Incoming(io.RawIOBase):
    """The body of an upload: counts what passes, and stops at the byte past the limit."""

    def __init__(self, stream: Readable, *, limit: int) -> None:
        self._stream = stream
        self._limit = limit
        self.count = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = PIECE) -> bytes:
        """As many bytes as asked for, fewer only at the end: a short part would be refused by S3."""
        body = b""
        while len(body) < size and (piece := self._stream.read(min(PIECE, size - len(body)))):
            body += piece
        self.count += len(body)
        if self.count > self._limit:
            raise TooLarge
        return body


class Body(File[bytes]):
    """As a storage reads it: the smaller the pieces, the more often the server moves what it holds."""

    DEFAULT_CHUNK_SIZE = PIECE


@contextmanager
def stored(stream: Readable, length: int | None) -> Iterator[Stored]:
    """The body in object storage; removed again when anything goes wrong."""
    if length is not None and length > settings.UPLOAD_MAX_BYTES:
        raise TooLarge
    key = new_key()
    incoming = Incoming(stream, limit=settings.UPLOAD_MAX_BYTES)
    try:
        default_storage.save(key, Body(cast(IO[bytes], incoming)))
        _check_whole(incoming.count, length)
        yield Stored(key=key, bytes=incoming.count)
    except BaseException as error:
        with suppress(StorageTrouble):  # the sweep deletes it later; why we are here is what must be said
            default_storage.delete(key)
        if is_full(error):
            raise StorageFull from error
        raise


def _check_whole(count: int, length: int | None) -> None:
    if length is not None and count < length:
        raise Refused(
            _("The upload broke off after %(count)s of %(length)s bytes: send the file again.")
            % {"count": f"{count:,}", "length": f"{length:,}"},
            code="incomplete",
        )
    if not count:
        raise Refused(_("The file is empty."), code="empty")


def new_key() -> str:
    return f"uploads/{uuid.uuid4()}"


def check_length(length: int) -> None:
    """What a client announces. Raises TooLarge, or Refused for an empty file."""
    if length > settings.UPLOAD_MAX_BYTES:
        raise TooLarge
    if length <= 0:
        raise Refused(_("The file is empty."), code="empty")


def check_awaits_file(listed: RecipientList) -> None:
    if listed.status not in AWAITING_FILE:
        raise Refused(
            _("%(listed)s is %(status)s: it has its file.")
            % {"listed": listed, "status": listed.get_status_display().lower()},
            code="wrong_status",
        )


@transaction.atomic
def accept(list_id: int, stored: Stored, *, begun: Status, by: User, filename: str | None = None) -> RecipientList:
    """The list has its file: prepare it. Raises Refused when it got another one meanwhile.

    `begun` is the status in which the upload began: one that was cancelled on its way is not taken.
    """
    listed = RecipientList.objects.lock(list_id)
    if listed.status in (Status.CANCELLED, Status.DELETED) and listed.status != begun:
        raise Refused(
            _("%(listed)s was %(status)s meanwhile.")
            % {"listed": listed, "status": listed.get_status_display().lower()},
            code="wrong_status",
        )
    check_awaits_file(listed)
    if listed.upload_key:
        afterwards(default_storage.delete, listed.upload_key)
    listed.upload_key, listed.bytes = stored.key, stored.bytes
    listed.failure, listed.progress, listed.attempts, listed.lease_until = "", 0, 0, None
    listed.stage, listed.rows, listed.invalid = "", 0, 0
    listed.filename = listed.filename if filename is None else filename
    change_status(
        listed,
        Status.PREPARING,
        moves=MOVES,
        by=by,
        also_save=[
            *("upload_key", "bytes", "failure", "progress", "attempts", "lease_until"),
            *("stage", "rows", "invalid", "filename"),
        ],
        after={"bytes": stored.bytes},
    )
    afterwards(tasks.prepare.delay, list_id)
    return listed
