"""Old entries of a chain leave the table as sealed segments, without breaking the chain (record 74).

A segment is an object, `audit/segments/{chain}/{first}-{last}-{hash}.jsonl.gz`: what each entry says in its canonical
form, its hash and the one before it, a line each. It is written, named by a row and an entry of the same chain, and
read back, before a function of the tables' owner removes what it has. Killed at any point, the next run goes on.
"""

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from audit import heads, ledger
from audit.models import Entry, Segment
from audit.refusal import Refused
from objects.store import store
from objects.trouble import ObjectMissing

FOLDER = "audit/segments"
YOUNGEST = timedelta(days=30)  # what is younger is removed by no function, whatever is recorded
MOST = 20_000  # entries of one segment, which is held in memory
SEALED = "ledger.sealed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Entries of a chain, from the first to the last."""

    chain: int
    first: int
    last: int

    @property
    def count(self) -> int:
        return self.last - self.first + 1


class Damaged(Exception):
    """A segment that is not what was sealed; `what` ends a sentence that begins with it."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def due(chain: int, *, before: datetime) -> Stretch | None:
    """The oldest entries that are neither in a segment nor younger than that; the newest of a chain stays, and so does
    what no kept head is a witness of."""
    first = _sealed_to(chain) + 1
    live = Entry.objects.filter(chain=chain, seq__gte=first).order_by("seq").values_list("seq", flat=True)
    young = live.filter(at__gte=before).first()
    newest = live.last() or 0
    last = min(newest - 1, heads.newest(chain), young - 1 if young else newest)
    return Stretch(chain=chain, first=first, last=last) if last >= first else None


def parts(stretch: Stretch) -> Iterator[Stretch]:
    """Each small enough for one segment."""
    for first in range(stretch.first, stretch.last + 1, MOST):
        yield Stretch(chain=stretch.chain, first=first, last=min(first + MOST - 1, stretch.last))


def seal(stretch: Stretch) -> Segment:
    """Put it into the object storage, and note that it is there. Raises Refused when the chain does not hold."""
    entries = list(Entry.objects.filter(chain=stretch.chain, seq__range=(stretch.first, stretch.last)).order_by("seq"))
    _check(entries, stretch)
    data = _packed(entries)
    digest, last = hashlib.sha256(data).hexdigest(), entries[-1]
    key = f"{FOLDER}/{stretch.chain}/{stretch.first:019}-{stretch.last:019}-{last.hash}.jsonl.gz"
    lock = settings.AUDIT_LOCK
    store.put(key, data, locked_until=timezone.now() + lock if lock else None)
    segment = Segment(
        chain=stretch.chain,
        first_seq=stretch.first,
        last_seq=stretch.last,
        previous_hash=entries[0].previous_hash,
        last_hash=last.hash,
        last_at=last.at,
        key=key,
        sha256=digest,
        sealed_at=timezone.now(),
    )
    return _note(segment)


@transaction.atomic
def _note(segment: Segment) -> Segment:
    ledger.hold(segment.chain)
    known = Segment.objects.filter(chain=segment.chain, first_seq=segment.first_seq).first()
    if known:  # another run was faster
        return known
    segment.save(force_insert=True)
    said = {"first": segment.first_seq, "last": segment.last_seq, "last_hash": segment.last_hash}
    ledger.record(SEALED, segment, by=None, after={**said, "key": segment.key, "sha256": segment.sha256})
    return segment


def remove(segment: Segment) -> int:
    """From the table, once the object has been read back: how many. Raises Damaged when it is not what was sealed."""
    for _entry in read(segment):
        pass
    with connection.cursor() as cursor:
        cursor.execute("SELECT remove_sealed(%s)", [segment.pk])
        return int(cursor.fetchone()[0])


def sealed_and_there(chain: int) -> list[Segment]:
    """Those whose entries are in the table, too: of a run that was killed, or that goes on."""
    oldest = Entry.objects.oldest_of(chain)
    return list(Segment.objects.filter(chain=chain, last_seq__gte=oldest.seq).order_by("first_seq")) if oldest else []


def read(segment: Segment) -> Iterator[Entry]:
    """Its entries, as they were in the table. Raises Damaged, and StorageTrouble."""
    try:
        with store.open(segment.key) as file:
            data = file.read()
    except ObjectMissing:
        raise Damaged("is missing") from None
    if hashlib.sha256(data).hexdigest() != segment.sha256:
        raise Damaged("was changed")
    try:
        entries = [_entry(json.loads(line)) for line in gzip.decompress(data).splitlines()]
    except (OSError, EOFError, zlib.error, ValueError, KeyError):  # whoever owns the database wrote both
        raise Damaged("cannot be read") from None
    yield from entries


def entries_of(chain: int, *, since: datetime) -> Iterator[Entry]:
    """What of a chain is sealed, from the segment on that ends after that time."""
    for segment in Segment.objects.filter(chain=chain, last_at__gte=since).order_by("first_seq"):
        yield from read(segment)


def _sealed_to(chain: int) -> int:
    return Segment.objects.filter(chain=chain).order_by("-last_seq").values_list("last_seq", flat=True).first() or 0


def _check(entries: list[Entry], stretch: Stretch) -> None:
    before = Segment.objects.filter(chain=stretch.chain, last_seq=stretch.first - 1).first()
    head = before.last_hash if before else ledger.FIRST
    for seq, entry in enumerate(entries, start=stretch.first):
        if entry.seq != seq or entry.previous_hash != head or ledger.hash_of(entry) != entry.hash:
            told = f"Entry {seq} of chain {stretch.chain} does not hold: what is broken is not sealed."
            raise Refused(told, code="chain_broken")
        head = entry.hash
    if len(entries) != stretch.count or heads.kept(stretch.chain, since=stretch.last).get(stretch.last, {head}) != {
        head
    }:
        told = f"Chain {stretch.chain} is not the one whose heads were kept: what is broken is not sealed."
        raise Refused(told, code="chain_broken")


def _packed(entries: list[Entry]) -> bytes:
    """The same bytes whenever it is done."""
    return gzip.compress(b"".join(_line(entry) for entry in entries), mtime=0)


def _line(entry: Entry) -> bytes:
    said = {"entry": ledger.canonical(entry), "previous": entry.previous_hash, "hash": entry.hash}
    return json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _entry(line: dict[str, Any]) -> Entry:
    said = line["entry"]
    kind, pk, name = said["subject"]
    return Entry(
        **{field: said[field] for field in ("chain", "seq", "action", "actor_name", "role", "via", "address")},
        **{field: said[field] for field in ("request_id", "before", "after", "note")},
        at=datetime.fromisoformat(said["at"]),
        actor_id=said["actor"],
        salt=said.get("salt", ""),
        subject_type=kind,
        subject_id=pk,
        subject_name=name,
        previous_hash=line["previous"],
        hash=line["hash"],
    )
