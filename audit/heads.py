"""The heads of the chains, kept in object storage: what was cut off the end of a chain is missed there.

The key says everything, `audit/heads/{chain}/{seq}-{hash}`, and is written once. With AUDIT_LOCK_DAYS a bucket that
has object lock keeps it for so long from everybody, also from whoever owns the database and the bucket's key. They can
still put a delete marker before it: with that setting, what is hidden by one is read, too.
"""

from collections.abc import Collection, Iterable, Iterator

from django.conf import settings
from django.utils import timezone

from audit.models import Entry, Witness
from objects.store import store

FOLDER = "audit/heads"
LATEST = 1000  # entries among which those that decide something are looked for; the others' turn comes with all chains

_known: dict[int, tuple[int, str]] = {}  # by chain: what this process saw kept last


def keep() -> None:
    """The head of each chain that has grown since the last time."""
    _keep(Entry.objects.chains())


def keep_decided(actions: Collection[str]) -> None:
    """The heads of the chains that such an entry was lately written to: of a decision there is a witness at once."""
    latest = Entry.objects.filter(pk__in=Entry.objects.order_by("-pk").values("pk")[:LATEST], action__in=actions)
    _keep(latest.order_by().values_list("chain", flat=True).distinct())


def _keep(chains: Iterable[int]) -> None:
    for chain in chains:
        head = Entry.objects.newest_of(chain)
        if head and _known.get(chain) != (head.seq, head.hash):
            _put(head)
            _known[chain] = (head.seq, head.hash)


def _put(head: Entry) -> None:
    key, now = f"{FOLDER}/{head.chain}/{head.seq:019}-{head.hash}", timezone.now()
    if not store.exists(key):
        lock = settings.AUDIT_LOCK
        store.put(key, f"{head.hash}\n".encode(), locked_until=now + lock if lock else None)
        Witness.objects.update_or_create(chain=head.chain, defaults={"seq": head.seq, "at": now})


def kept_chains() -> set[int]:
    return {int(name) for name in store.folders(FOLDER, hidden=bool(settings.AUDIT_LOCK))}


def each(chain: int, *, since: int = 0) -> Iterator[tuple[int, str]]:
    """The kept heads from that entry on, in their order, a page of the store at a time. Where one entry has two, it was
    written anew."""
    names = store.names(f"{FOLDER}/{chain}", after=f"{since:019}", hidden=bool(settings.AUDIT_LOCK))
    for name in names:
        seq, _, digest = name.partition("-")
        yield int(seq), digest[:64]


def kept(chain: int, *, since: int = 0) -> dict[int, set[str]]:
    """The hash that each entry from that one on had when it was the head."""
    found: dict[int, set[str]] = {}
    for seq, digest in each(chain, since=since):
        found.setdefault(seq, set()).add(digest)
    return found


def newest(chain: int) -> int:
    """The last entry that has a witness; 0 where none has. What is noted for the pages only says where to begin."""
    noted = Witness.objects.filter(chain=chain).values_list("seq", flat=True).first() or 0
    found = [seq for seq, _ in each(chain, since=noted)] or [seq for seq, _ in each(chain)]
    return max(found, default=0)
