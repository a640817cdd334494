"""Walks the chains, beside the heads that were kept, and names the first entry that does not hold."""

from dataclasses import dataclass

from audit import heads
from audit.ledger import FIRST, hash_of
from audit.models import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`broken` is None for a sound chain, else (seq, what is wrong with it)."""

    chain: int
    entries: int
    head: str
    broken: tuple[int, str] | None


def chains() -> list[int]:
    """Those of the ledger, and those of which only a kept head is left."""
    return sorted({*Entry.objects.order_by().values_list("chain", flat=True).distinct(), *heads.kept_chains()})


def verify(chain: int) -> Verdict:
    """Recompute one chain from its first entry, in flat memory."""
    seq, head, kept = 0, FIRST, heads.kept(chain)
    for entry in Entry.objects.filter(chain=chain).order_by("seq").iterator(chunk_size=2000):
        if entry.seq != seq + 1:
            return Verdict(chain=chain, entries=seq, head=head, broken=(seq + 1, "is missing"))
        if entry.previous_hash != head:
            return Verdict(chain=chain, entries=seq, head=head, broken=(entry.seq, "does not follow the one before it"))
        if hash_of(entry) != entry.hash:
            return Verdict(chain=chain, entries=seq, head=head, broken=(entry.seq, "was changed"))
        if kept.get(entry.seq, {entry.hash}) != {entry.hash}:
            return Verdict(
                chain=chain, entries=seq, head=head, broken=(entry.seq, "is not the one whose hash was kept")
            )
        seq, head = entry.seq, entry.hash
    if seq < max(kept, default=0):
        return Verdict(chain=chain, entries=seq, head=head, broken=(seq + 1, "is missing"))
    return Verdict(chain=chain, entries=seq, head=head, broken=None)
