"""Walks the chains, sealed segments and table as one, beside the heads that were kept, and names the first entry that
does not hold."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from audit import heads, segments
from audit.ledger import FIRST, hash_of
from audit.models import Check, Entry, Segment

MOST_ON_A_PAGE = 20_000  # entries that are looked at while somebody waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`broken` is None for a sound chain, else (seq, what is wrong with it). Entries after `witnessed` have no kept
    head behind them yet: whoever owns the database could have written them anew."""

    chain: int
    entries: int
    head: str
    broken: tuple[int, str] | None
    witnessed: int

    @property
    def unwitnessed(self) -> int:
        return max(0, self.entries - self.witnessed)


@dataclass(frozen=True, slots=True)
class Place:
    """In a chain: behind this entry, whose hash is believed."""

    seq: int
    hash: str


BEGINNING = Place(0, FIRST)


def chains() -> list[int]:
    """Those of the ledger, and those of which only a kept head is left."""
    return sorted({*Entry.objects.chains(), *heads.kept_chains()})


def begin_of_table(chain: int) -> Place:
    """Where the sealed segments end whose entries are no more in the table."""
    oldest = Entry.objects.oldest_of(chain)
    gone = Segment.objects.filter(chain=chain, **({"last_seq__lt": oldest.seq} if oldest else {}))
    last = gone.order_by("-last_seq").first()
    return Place(last.last_seq, last.last_hash) if last else BEGINNING


def verify(chain: int, *, after: Place = BEGINNING) -> Verdict:
    """Recompute one chain from its first entry, in flat memory; or only what comes after a place in it. The entries of
    the verdict are counted from the first."""
    walk = _Walk(chain, after)
    try:
        for entry in _entries(chain, after.seq):
            walk.step(entry)
        walk.end()
    except _Broken as broken:
        return walk.verdict(broken.args)
    except segments.Damaged as damaged:
        return walk.verdict((walk.seq + 1, f"is in a sealed segment that {damaged.what}"))
    return walk.verdict()


class _Broken(Exception):
    """(seq, what is wrong)"""


class _Walk:
    """One chain beside its heads, both in their order."""

    def __init__(self, chain: int, after: Place) -> None:
        self.chain, self.seq, self.head = chain, after.seq, after.hash
        self.sealed = {str(row.pk): row for row in Segment.objects.filter(chain=chain, first_seq__gt=after.seq)}
        self._newest = heads.newest(chain)  # what is kept while we walk may be of entries that came meanwhile
        self._kept = heads.each(chain, since=after.seq + 1)
        self._next: tuple[int, str] | None = None
        self.witnessed = 0
        self._look_on()

    def step(self, entry: Entry) -> None:
        if entry.seq != self.seq + 1:
            raise _Broken(self.seq + 1, "is missing")
        if entry.previous_hash != self.head:
            raise _Broken(entry.seq, "does not follow the one before it")
        if hash_of(entry) != entry.hash:
            raise _Broken(entry.seq, "was changed")
        while self._next and self._next[0] <= entry.seq:
            if self._next[1] != entry.hash:
                raise _Broken(entry.seq, "is not the one whose hash was kept")
            self._look_on()
        if entry.action == segments.SEALED:
            self._know(entry)
        self.seq, self.head = entry.seq, entry.hash

    def end(self) -> None:
        if self._next:
            raise _Broken(self.seq + 1, "is missing")
        for row in self.sealed.values():
            raise _Broken(row.first_seq, "is in a sealed segment that the ledger does not name")

    def verdict(self, broken: tuple[int, str] | None = None) -> Verdict:
        while self._next:  # what is kept of the rest
            self._look_on()
        witnessed = min(self.witnessed, self.seq)
        return Verdict(chain=self.chain, entries=self.seq, head=self.head, broken=broken, witnessed=witnessed)

    def _look_on(self) -> None:
        self._next = next(self._kept, None)
        if self._next and self._next[0] > self._newest:
            self._next = None
        if self._next:
            self.witnessed = self._next[0]

    def _know(self, entry: Entry) -> None:
        """What was sealed is the row that says so, or there is another one now."""
        row = self.sealed.pop(entry.subject_id, None)
        if row and (row.sha256, row.last_hash) != (entry.after["sha256"], entry.after["last_hash"]):
            raise _Broken(row.first_seq, "is in a sealed segment that was changed")


def _entries(chain: int, after: int) -> Iterator[Entry]:
    """A segment is read, too, while its entries are in the table still: then those are walked."""
    there = Entry.objects.oldest_of(chain)
    for segment in Segment.objects.filter(chain=chain, first_seq__gt=after).order_by("first_seq"):
        is_gone = there is None or there.seq > segment.last_seq
        for entry in segments.read(segment):
            if is_gone:
                yield entry
    begin = max(after, there.seq - 1 if there else 0)
    yield from Entry.objects.filter(chain=chain, seq__gt=begin).order_by("seq").iterator(chunk_size=2000)


def keep(verdict: Verdict, *, now: datetime, is_whole: bool = True) -> Check:
    """Note it, for the pages."""
    seq, what = verdict.broken or (None, "")
    found = {"at": now, "entries": verdict.entries, "is_whole": is_whole, "broken_seq": seq, "broken": what}
    check, _ = Check.objects.update_or_create(chain=verdict.chain, defaults=found)
    return check


def check_newest(chain: int, *, now: datetime) -> Check:
    """The newest entries of a chain, so many that somebody can wait for it: all of most chains."""
    newest, begin = Entry.objects.newest_of(chain), begin_of_table(chain)
    wanted = max(newest.seq if newest else 0, MOST_ON_A_PAGE) - MOST_ON_A_PAGE
    if wanted > begin.seq:
        known = Entry.objects.filter(chain=chain, seq=wanted).first()
        if known is None:
            missing = Verdict(chain=chain, entries=wanted - 1, head="", broken=(wanted, "is missing"), witnessed=0)
            return keep(missing, now=now, is_whole=False)
        begin = Place(known.seq, known.hash)
    return keep(verify(chain, after=begin), now=now, is_whole=begin == BEGINNING)
