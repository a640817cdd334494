"""How far the database was, kept in object storage: one that was restored to an earlier point has forgotten intents.

A database is known by its cluster, its timeline and its tables: a restored one differs in one of them, or its last
intent is older than the one that was seen.
"""

import json
from dataclasses import asdict, dataclass

from django.db import connection

from objects.store import store

KEY = "delivery/witness"


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
    store.put(KEY, json.dumps(asdict(seen), sort_keys=True).encode())


def kept() -> Sight | None:
    """What was seen last; None when nothing has been yet. Raises StorageTrouble when nobody can tell."""
    try:
        with store.open(KEY, "rb") as file:
            return Sight(**json.loads(file.read()))
    except FileNotFoundError:
        return None


def what_is_wrong(before: Sight, seen: Sight) -> str:
    """In a sentence; empty when the database may be the one that was seen before."""
    if before.database != seen.database:
        return "This is another database than the one that was sent from."
    if before.last_intent > seen.last_intent:
        return "The database has forgotten intents that it had."
    return ""
