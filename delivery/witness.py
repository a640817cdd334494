"""How far the database was, kept in object storage: one that was restored to an earlier point has forgotten intents.

A database is known by its cluster, its timeline and its tables: a restored one differs in one of them, or its last
intent is older than the one that was seen.
"""

import json
from dataclasses import asdict, dataclass

from django.db import connection

from delivery import reasons
from objects.store import store
from objects.trouble import StorageTrouble

# Written one after the other: of a writer that was killed, or is at it, one is whole.
KEYS = ("delivery/witness/1", "delivery/witness/2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """`database` names where the intents are, `last_intent` the newest of them."""

    database: str
    last_intent: int


_LOOK = """
SELECT concat_ws('/', (SELECT system_identifier FROM pg_control_system()),
                 substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8),
                 (SELECT oid FROM pg_database WHERE datname = current_database()), 'delivery_intent'::regclass::oid),
       (SELECT coalesce(max(id), 0) FROM delivery_intent)
"""


def look() -> Sight:
    with connection.cursor() as cursor:
        cursor.execute(_LOOK)
        database, last_intent = cursor.fetchone()
    return Sight(database=database, last_intent=last_intent)


def keep(seen: Sight) -> None:
    for key in KEYS:
        store.put(key, json.dumps(asdict(seen), sort_keys=True).encode())


def kept() -> list[Sight]:
    """What was seen last, as each object says it; none when nothing has been seen yet.

    Raises StorageTrouble when nobody can tell.
    """
    texts = [text for text in map(_text, KEYS) if text is not None]
    sights = [sight for sight in map(_read, texts) if sight is not None]
    if texts and not sights:
        raise StorageTrouble(f"The objects {', '.join(KEYS)} are not what was written there.")
    return sights


def _text(key: str) -> bytes | None:
    try:
        with store.open(key, "rb") as file:
            return bytes(file.read())
    except FileNotFoundError:
        return None


def _read(text: bytes) -> Sight | None:
    try:
        return Sight(**json.loads(text))
    except (ValueError, TypeError):  # half written
        return None


def what_is_wrong(before: Sight, seen: Sight) -> str:
    """In a sentence; empty when the database may be the one that was seen before."""
    if before.database != seen.database:
        return reasons.ANOTHER_DATABASE
    if before.last_intent > seen.last_intent:
        return reasons.FORGOTTEN
    return ""
