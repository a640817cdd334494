"""The heads of the chains, kept in object storage: what was cut off the end of a chain is missed there.

The key says everything, `audit/heads/{chain}/{seq}-{hash}`, and is written once: a bucket with object lock keeps it
from everybody, also from whoever owns the database.
"""

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from audit.models import Entry

FOLDER = "audit/heads"


def keep() -> None:
    """The head of each chain that has grown since the last time."""
    newest = Entry.objects.order_by("chain", "-seq").distinct("chain")
    for chain, seq, digest in newest.values_list("chain", "seq", "hash"):
        key = f"{FOLDER}/{chain}/{seq:019}-{digest}"
        if not default_storage.exists(key):
            default_storage.save(key, ContentFile(f"{digest}\n".encode()))


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
