"""The hot statements, explained on tables of a given size; for `bench plans`."""

import json
from collections.abc import Iterator
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from audit import walls
from delivery import evidence, receipts
from delivery.copying import array
from delivery.plans import by_key, partition

CAMPAIGNS = 10
BATCH = 500

# Rows as they stand after sending, with plain statistics: ten campaigns, every message delivered, each with an id.
_FILL = """
INSERT INTO delivery_message
    (day, campaign_id, recipient, phone, state, accepted_mask, submitted_at, parts)
SELECT CURRENT_DATE, campaign, recipient, 31610000000 + recipient, 4, 1, now(), 1
FROM generate_series(1, %(campaigns)s) AS campaign, generate_series(0, %(each)s - 1) AS recipient;
INSERT INTO delivery_carrierid (day, channel_id, message_id, campaign_id, recipient, part, phone)
SELECT CURRENT_DATE, 1, upper(to_hex(1700000000000 + campaign * 100000000::bigint + recipient)), campaign, recipient, 0,
       31610000000 + recipient
FROM generate_series(1, %(campaigns)s) AS campaign, generate_series(0, %(each)s - 1) AS recipient;
"""

_PAGE = """
SELECT * FROM delivery_message WHERE day = %(day)s AND campaign_id = %(campaign)s AND recipient >= %(first)s
ORDER BY recipient LIMIT 50
"""


def main(rows: int) -> None:
    """Fill the tables of the database that the environment names, and print what was found."""
    walls.be_the_system()
    print(json.dumps(_explain(rows)))


def _explain(rows: int) -> dict[str, object]:
    with connection.cursor() as cursor:
        cursor.execute(_FILL, {"campaigns": CAMPAIGNS, "each": rows // CAMPAIGNS})
        cursor.execute("VACUUM ANALYZE delivery_message, delivery_carrierid")
    found: dict[str, object] = {}
    for name, statement, values in _hot_statements(rows // CAMPAIGNS):
        with transaction.atomic(), connection.cursor() as cursor:
            if statement is not _PAGE:
                by_key(cursor)
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT json) {statement}", values)
            (plan,) = cursor.fetchone()[0]
            found[name] = {
                "ms": round(plan["Execution Time"], 2),
                "indexes": sorted({node["Index Name"] for node in nodes(plan["Plan"]) if "Index Name" in node}),
                "sequential": sorted(
                    {node["Relation Name"] for node in nodes(plan["Plan"]) if node["Node Type"] == "Seq Scan"}
                ),
            }
            transaction.set_rollback(True)
    return found


def _hot_statements(each: int) -> Iterator[tuple[str, str, Any]]:
    now = timezone.now()
    today, campaign, middle = now.date(), CAMPAIGNS // 2, each // 2
    some = range(middle, middle + BATCH)
    key = {"day": today, "campaign": campaign}
    ids = [f"{1_700_000_000_000 + campaign * 100_000_000 + recipient:X}" for recipient in some]
    usual = receipts._STATES | key | {"at": now, "becomes": 7, "delivered": 1, "failed": 0, "kind": 0, "code": None}
    yield (
        f"{BATCH} receipts in order",
        receipts._SETTLE.format(partition=partition(today), of_these="BETWEEN %(first)s AND %(last)s"),
        usual | {"first": middle, "last": middle + BATCH - 1},
    )
    yield (
        f"{BATCH} receipts of everywhere",
        receipts._SETTLE.format(partition=partition(today), of_these="= ANY(%(recipients)s::int[])"),
        usual | {"recipients": array(range(0, each, each // BATCH))},
    )
    yield (
        f"{BATCH} receipts, one by one",
        receipts._RAISE.format(partition=partition(today)),
        receipts._STATES
        | key
        | {"at": now, "recipients": array(some), "delivered": array([1] * BATCH), "failed": array([0] * BATCH)}
        | {"codes": array([0] * BATCH)},
    )
    columns = [list(range(BATCH)), [1] * BATCH, ids, [31_610_000_000 + recipient for recipient in some], [0] * BATCH]
    yield f"{BATCH} ids of another process", receipts._BY_ID, [*columns, today]
    yield f"{BATCH} late answers", evidence._READ, key | {"recipients": array(some)}
    yield "a page of recipients", _PAGE, key | {"first": middle}


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)
