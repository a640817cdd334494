"""Walks the chains, beside the heads that were kept, and names the first entry that does not hold."""

from dataclasses import dataclass
from datetime import datetime

from audit import heads
from audit.ledger import FIRST, hash_of
from audit.models import Check, Entry

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


def chains() -> list[int]:
    """Those of the ledger, and those of which only a kept head is left."""
    return sorted({*Entry.objects.order_by().values_list("chain", flat=True).distinct(), *heads.kept_chains()})


def verify(chain: int, *, after: int = 0) -> Verdict:
    """Recompute one chain from its first entry, in flat memory; or only what comes after one, whose hash is believed.
    The entries of the verdict are counted from the first."""
    seq, head, kept = after, FIRST, heads.kept(chain)
    witnessed = max(kept, default=0)

    def verdict(broken: tuple[int, str] | None = None) -> Verdict:
        return Verdict(chain=chain, entries=seq, head=head, broken=broken, witnessed=min(witnessed, seq))

    if after:
        head = Entry.objects.values_list("hash", flat=True).get(chain=chain, seq=after)
    for entry in Entry.objects.filter(chain=chain, seq__gt=after).order_by("seq").iterator(chunk_size=2000):
        if entry.seq != seq + 1:
            return verdict((seq + 1, "is missing"))
        if entry.previous_hash != head:
            return verdict((entry.seq, "does not follow the one before it"))
        if hash_of(entry) != entry.hash:
            return verdict((entry.seq, "was changed"))
        if kept.get(entry.seq, {entry.hash}) != {entry.hash}:
            return verdict((entry.seq, "is not the one whose hash was kept"))
        seq, head = entry.seq, entry.hash
    return verdict((seq + 1, "is missing") if seq < witnessed else None)


def keep(verdict: Verdict, *, now: datetime, is_whole: bool = True) -> Check:
    """Note it, for the pages."""
    seq, what = verdict.broken or (None, "")
    found = {"at": now, "entries": verdict.entries, "is_whole": is_whole, "broken_seq": seq, "broken": what}
    check, _ = Check.objects.update_or_create(chain=verdict.chain, defaults=found)
    return check


def check_newest(chain: int, *, now: datetime) -> Check:
    """The newest entries of a chain, so many that somebody can wait for it: all of most chains."""
    last = Entry.objects.filter(chain=chain).order_by("-seq").values_list("seq", flat=True).first() or 0
    after = max(0, last - MOST_ON_A_PAGE)
    if after and not Entry.objects.filter(chain=chain, seq=after).exists():
        verdict = Verdict(chain=chain, entries=after - 1, head="", broken=(after, "is missing"), witnessed=0)
    else:
        verdict = verify(chain, after=after)
    return keep(verdict, now=now, is_whole=not after)
