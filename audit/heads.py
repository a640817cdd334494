"""The heads of the chains, kept in object storage: what was cut off the end of a chain is missed there.

The key says everything, `audit/heads/{chain}/{seq}-{hash}`, and is written once. With AUDIT_LOCK_DAYS a bucket that
has object lock keeps it for so long from everybody, also from whoever owns the database and the bucket's key.
"""

from collections.abc import Collection, Iterable

from django.conf import settings
from django.core.files.storage import default_storage
from django.utils import timezone

from audit.models import Entry
from objects.store import store

FOLDER = "audit/heads"
LATEST = 1000  # entries among which those that decide something are looked for; the others' turn comes with all chains

_known: dict[int, tuple[int, str]] = {}  # by chain: what this process saw kept last


def keep() -> None:
    """The head of each chain that has grown since the last time."""
    newest = Entry.objects.order_by("chain", "-seq").distinct("chain")
    _keep(newest.values_list("chain", "seq", "hash"))


def keep_decided(actions: Collection[str]) -> None:
    """The heads of the chains that such an entry was lately written to: of a decision there is a witness at once."""
    latest = Entry.objects.filter(pk__in=Entry.objects.order_by("-pk").values("pk")[:LATEST], action__in=actions)
    chains = latest.order_by().values_list("chain", flat=True).distinct()
    newest = Entry.objects.filter(chain__in=list(chains)).order_by("chain", "-seq").distinct("chain")
    _keep(newest.values_list("chain", "seq", "hash"))


def _keep(found: Iterable[tuple[int, int, str]]) -> None:
    for chain, seq, digest in found:
        if _known.get(chain) == (seq, digest):
            continue
        key = f"{FOLDER}/{chain}/{seq:019}-{digest}"
        if not store.exists(key):
            lock = settings.AUDIT_LOCK
            store.put(key, f"{digest}\n".encode(), locked_until=timezone.now() + lock if lock else None)
        _known[chain] = (seq, digest)


def kept_chains() -> set[int]:
    return {int(name) for name in _listed(FOLDER)[0]}


def kept(chain: int) -> dict[int, set[str]]:
    """The hash that each entry had when it was the head; more than one when it was written anew."""
    found: dict[int, set[str]] = {}
    for name in _listed(f"{FOLDER}/{chain}")[1]:
        seq, _, digest = name.partition("-")
        found.setdefault(int(seq), set()).add(digest[:64])
    return found


def _listed(folder: str) -> tuple[list[str], list[str]]:
    try:
        return default_storage.listdir(folder)
    except FileNotFoundError:
        return [], []
