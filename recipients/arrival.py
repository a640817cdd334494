"""The bytes of an upload on their way into storage: who may write, how they are read, what of them is kept."""

import base64
import hashlib
import secrets
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import F
from django.utils.translation import gettext as _

from audit.refusal import Refused
from recipients.models import Upload
from recipients.parts import Kept, parts
from recipients.uploads import Readable

LEASE = timedelta(seconds=10)  # without a byte; then another connection may go on
RENEWAL = 1.0  # seconds between two notes of how far it is
SMALL, LARGE = 16 << 10, 1 << 20  # bytes read at once: few from a slow client, so that what has come is kept
FAST, SLOW = 0.05, 0.5  # seconds for a read


class LeaseLost(Refused):
    def __init__(self) -> None:
        super().__init__("Another connection has gone on with this upload.", code="wrong_offset")


class Surplus(Refused):
    """The client sends more than it announced, which may be more than the limit."""

    def __init__(self, length: int) -> None:
        limit = settings.UPLOAD_MAX_BYTES
        super().__init__(
            _("There is more to come than the announced %(length)s bytes (the limit here is %(limit)s bytes).")
            % {"length": f"{length:,}", "limit": f"{limit:,}"},
            code="too_large",
        )


class Checksum:
    """What the client says that its bytes hash to."""

    def __init__(self, algorithm: str, wanted: bytes) -> None:
        self._hash, self._wanted = hashlib.new(algorithm, usedforsecurity=False), wanted

    def update(self, data: bytes) -> None:
        self._hash.update(data)

    def check(self) -> None:
        if self._hash.digest() != self._wanted:
            said = base64.b64encode(self._wanted).decode()
            raise Refused(
                _("The bytes do not have the checksum that was sent, %(checksum)s.") % {"checksum": said},
                code="checksum_mismatch",
            )


class Lease:
    """The claim on an upload. Every change of the row says whose it is: an old writer finds out, and stops."""

    def __init__(self, upload: Upload, *, now: datetime) -> None:
        self.kept = Kept.from_json(upload.offset, upload.kept)
        self._token = secrets.token_hex(16)
        self._upload_id = upload.pk
        self._began_at, self._began = now, time.monotonic()
        self._renewed = self._began

    @classmethod
    def take(cls, upload: Upload, *, now: datetime) -> "Lease":
        """Raises Refused when the upload is busy, or not where it was a moment ago."""
        lease = cls(upload, now=now)
        free = Upload.objects.free(now).filter(pk=upload.pk, offset=upload.offset)
        if not free.update(lease=lease._token, busy_until=now + LEASE):
            raise Refused(_("Another connection is sending this file. Try again in a while."), code="busy")
        return lease

    @property
    def now(self) -> datetime:
        return self._began_at + timedelta(seconds=time.monotonic() - self._began)

    def note(self, kept: Kept) -> None:
        """Renew, at most once a second. Belongs between a read, which may take long, and the write after it."""
        if time.monotonic() - self._renewed >= RENEWAL:
            self.keep(kept)

    def keep(self, kept: Kept) -> None:
        self._record(kept, busy_until=self.now + LEASE)

    def release(self, kept: Kept) -> None:
        self._record(kept, busy_until=None)

    def next_part(self) -> int:
        """No two writers ever get the same number, so that a part of an old one replaces nothing."""
        self._update(next_part=F("next_part") + 1, busy_until=self.now + LEASE)
        return Upload.objects.values_list("next_part", flat=True).get(pk=self._upload_id) - 1

    def end(self) -> None:
        """Delete the row, in the transaction of what comes after it."""
        ended, _ = Upload.objects.held(self._token).filter(pk=self._upload_id).delete()
        if not ended:
            raise LeaseLost

    def _record(self, kept: Kept, **changes: Any) -> None:
        expires_at = self.now + settings.UPLOAD_EXPIRES
        self._update(offset=kept.offset, kept=kept.to_json(), expires_at=expires_at, **changes)
        self.kept = kept

    def _update(self, **changes: Any) -> None:
        if not Upload.objects.held(self._token).filter(pk=self._upload_id).update(**changes):
            raise LeaseLost
        self._renewed = time.monotonic()


def pour(
    stream: Readable, upload: Upload, lease: Lease, *, announced: int | None = None, checksum: Checksum | None = None
) -> None:
    """From the stream into storage. `lease.kept` says how far it came; unless the file is whole, the lease is over.

    No transaction is open while bytes flow. What speaks for a checksum is kept all together, or not at all.
    """
    begun, came = lease.kept, 0
    room = upload.length - begun.offset
    writer = parts().writer(upload.key, begun, number=lease.next_part)
    try:
        for data in _read(stream, room):
            lease.note(begun if checksum else writer.kept)
            writer.write(data)
            came += len(data)
            if checksum:
                checksum.update(data)
        if came == room and announced is None and _has_more(stream):
            raise Surplus(upload.length)
        if checksum:
            checksum.check()
        writer.close(is_last=came == room)
    except LeaseLost:
        raise
    except BaseException:
        lease.release(begun if checksum else writer.kept)
        raise
    if came == room:
        lease.keep(writer.kept)
    else:
        lease.release(writer.kept)
    parts().forget(writer.outdated)


def _read(stream: Readable, room: int) -> Iterator[bytes]:
    """Pieces that grow with the client's speed. A client that goes away ends it like one that is done."""
    size = SMALL
    while room:
        began = time.monotonic()
        data = _piece(stream, min(size, room))
        if not data:
            return
        took = time.monotonic() - began
        size = min(size * 2, LARGE) if took < FAST else max(size // 2, SMALL) if took > SLOW else size
        room -= len(data)
        yield data


def _has_more(stream: Readable) -> bool:
    return bool(_piece(stream, 1))


def _piece(stream: Readable, size: int) -> bytes:
    try:
        return stream.read(size)
    except OSError:  # the connection, not our storage
        return b""
