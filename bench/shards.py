"""The schema held against the rules of Citus: what each table would be, and what stands in its way (docs/scale.md)."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from stack import ROOT, environment
from stack.environment import Ports
from stack.keyring import Keyring
from stack.postgres import Postgres

REPORT = ROOT / "docs" / "shards.md"

# Whatever grows with messages lives with its campaign; a receipt and a carrier's id, of which nobody knows the campaign
# before they are joined, with their own number and id. Everything else is small.
DISTRIBUTED = {
    "delivery_message": "campaign_id",
    "delivery_chunk": "campaign_id",
    "delivery_intent": "campaign_id",
    "delivery_tally": "campaign_id",
    "delivery_movement": "campaign_id",
    "delivery_doubt": "campaign_id",
    "delivery_push": "campaign_id",
    "delivery_carrierid": "message_id",
    "delivery_inbox": "id",
    "delivery_receipt": "id",
}

_TABLES = """
SELECT c.relname AS name, pg_get_partkeydef(c.oid) AS partitioned,
       ARRAY(SELECT attname::text FROM pg_attribute
             WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS columns,
       ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND attnotnull) AS always,
       ARRAY(SELECT tgname::text FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal ORDER BY 1) AS triggers,
       (SELECT count(*) FROM pg_policy WHERE polrelid = c.oid) AS policies
FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
ORDER BY relname
"""
_UNIQUE = """
SELECT t.relname AS name, i.relname AS unique, array_agg(a.attname::text ORDER BY a.attname) AS columns
FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY (x.indkey)
WHERE x.indisunique AND t.relnamespace = 'public'::regnamespace AND NOT t.relispartition GROUP BY 1, 2 ORDER BY 1, 2
"""
_FOREIGN = """
SELECT t.relname AS name, k.conname AS key, f.relname AS target,
       ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = t.oid AND attnum = ANY (k.conkey)) AS columns
FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid JOIN pg_class f ON f.oid = k.confrelid
WHERE k.contype = 'f' AND t.relnamespace = 'public'::regnamespace AND NOT t.relispartition ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """`kind` is distributed, reference or local; `column` is that by which it is distributed."""

    table: str
    kind: str
    column: str = ""
    notes: tuple[str, ...] = ()
    obstacles: tuple[str, ...] = ()


def run(*, report: bool = True) -> dict[str, object]:
    with tempfile.TemporaryDirectory(prefix="message-center-shards-") as name:
        data = Path(name)
        data.chmod(0o755)  # the user that runs PostgreSQL for root enters it
        postgres = Postgres(
            data / "postgres", keyring=Keyring(data / "keys.json"), log=data / "postgres.log", throwaway=True
        )
        try:
            owner = postgres.start()
            urls = {"DATABASE_URL": postgres.runtime_url, "DATABASE_OWNER_URL": owner, "REDIS_URL": "redis://none/0"}
            urls["STORAGE_URL"] = f"file:{data}"
            env = environment.build(data, urls=urls, listen=Ports(web=0, flower=0, smsc=0))
            environment.manage("migrate", "--no-input", env=env)
            with psycopg.connect(owner) as connection:
                found = placed(connection)
        finally:
            postgres.stop()
    if report:
        REPORT.write_text(page(found))
    return {kind: sum(one.kind == kind for one in found) for kind in ("distributed", "reference", "local")} | {
        "obstacles": {one.table: one.obstacles for one in found if one.obstacles}
    }


def placed(connection: "psycopg.Connection[Any]") -> list[Placed]:
    """Every table, by name."""
    tables = {row["name"]: row for row in _rows(connection, _TABLES)}
    unique, foreign = _rows(connection, _UNIQUE), _rows(connection, _FOREIGN)
    reference = _pointed_at(foreign)
    return [_placed(row, unique, foreign, reference) for row in tables.values()]


def _rows(connection: "psycopg.Connection[Any]", statement: str) -> list[dict[str, Any]]:
    return connection.cursor(row_factory=psycopg.rows.dict_row).execute(statement).fetchall()


def _pointed_at(foreign: Sequence[Mapping[str, Any]]) -> set[str]:
    """What distributed tables point at, is on every node, and so is what that points at."""
    found: set[str] = set()
    while more := {
        key["target"]
        for key in foreign
        if (key["name"] in DISTRIBUTED or key["name"] in found) and key["target"] not in found | DISTRIBUTED.keys()
    }:
        found |= more
    return found


def _placed(
    table: Mapping[str, Any],
    unique: Sequence[Mapping[str, Any]],
    foreign: Sequence[Mapping[str, Any]],
    reference: set[str],
) -> Placed:
    name, column = table["name"], DISTRIBUTED.get(table["name"], "")
    kind = "distributed" if column else "reference" if name in reference else "local"
    obstacles = [*_of_column(table, column), *_of_unique(name, column, unique)] if column else []
    obstacles += _of_foreign(name, kind, column, foreign)
    if kind != "local" and table["triggers"]:
        obstacles.append(f"triggers ({', '.join(table['triggers'])})")
    notes = [f"partitioned by {table['partitioned']}"] if table["partitioned"] else []
    notes += ["row policies"] if kind != "local" and table["policies"] else []
    return Placed(table=name, kind=kind, column=column, notes=tuple(notes), obstacles=tuple(obstacles))


def _of_column(table: Mapping[str, Any], column: str) -> list[str]:
    if column not in table["columns"]:
        return [f"it has no {column}"]
    return [] if column in table["always"] else [f"{column} may be null"]


def _of_unique(name: str, column: str, unique: Sequence[Mapping[str, Any]]) -> list[str]:
    mine = [one for one in unique if one["name"] == name and column not in one["columns"]]
    return [f"unique without {column}: {one['unique']} ({', '.join(one['columns'])})" for one in mine]


def _of_foreign(name: str, kind: str, column: str, foreign: Sequence[Mapping[str, Any]]) -> list[str]:
    found = []
    for key in foreign:
        to_shards = DISTRIBUTED.get(key["target"])
        if key["name"] != name or not to_shards:
            continue
        if kind != "distributed":
            found.append(f"points at {key['target']}, which is distributed ({key['key']})")
        elif to_shards != column or column not in key["columns"]:
            found.append(f"points at {key['target']} without {column} ({key['key']})")
    return found


# --- The report -------------------------------------------------------------------------------------------------------

_HEAD = """# The schema and the rules of Citus

Written by `python -m bench shards` from the catalogue of a migrated database; a test holds it against the schema. No
Citus was run. [Scale](scale.md) says what it is for.

The rules (Citus 12 and 13): a unique index of a distributed table has its column; a distributed table points at
reference tables and, by its column, at tables that are distributed alike; a reference table points at no distributed
one; there are no triggers on either (but with `citus.enable_unsafe_triggers`); row policies and partitions by time
work. A table that is local stays on the coordinator, and may point at reference tables.

"""


def page(found: Sequence[Placed]) -> str:
    lines = ["| Table | Would be | Notes | What stands in the way |", "|---|---|---|---|"]
    for one in sorted(found, key=lambda one: (["distributed", "reference", "local"].index(one.kind), one.table)):
        kind = f"distributed by {one.column}" if one.column else one.kind
        lines.append(f"| {one.table} | {kind} | {'; '.join(one.notes)} | {'; '.join(one.obstacles)} |")
    return _HEAD + "\n".join(lines) + "\n"
