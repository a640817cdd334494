"""The hot statements, explained on tables of a given size; for `bench plans`."""

import json
from collections.abc import Iterator
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Workspace
from audit import walls
from delivery import evidence, matching, verdicts
from delivery.copying import array
from delivery.plans import by_key, partition
from recipients import suppressions
from recipients.models import Suppression
from recipients.statuses import Source

CAMPAIGNS = 10
BATCH = 500
SMALL = {"accounts_user", "recipients_suppressionimport"}
A_PERSON = 2500  # suppressed numbers are imported, but for one of so many

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


# In the order of time, as they come: one of 2,500 by people, the others imported; every tenth of another workspace.
_SUPPRESS = """
INSERT INTO recipients_suppression (workspace_id, phone, source, reason, imported_id, added_at)
SELECT CASE n %% 10 WHEN 9 THEN 2 ELSE 1 END, 31700000000 + n,
       CASE WHEN n %% %(person)s > 0 THEN 'import' WHEN n %% (5 * %(person)s) > 0 THEN 'opt_out' ELSE 'hand' END,
       CASE WHEN n %% %(person)s > 0 THEN '' ELSE 'She asked.' END, CASE WHEN n %% %(person)s > 0 THEN 1 END,
       now() - (%(rows)s - n) * interval '10 milliseconds'
FROM generate_series(1, %(rows)s) AS n
"""


def main(rows: int) -> None:
    """Fill the tables of the database that the environment names, and print what was found. What a program asks for is
    explained within its workspace: the policies bind the owner of the tables, too."""
    walls.be_the_system()
    print(json.dumps(_explain(rows) | _explain_suppressed(rows)))


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
            found[name] = _told(plan)
            transaction.set_rollback(True)
    return found


def _told(plan: dict[str, Any]) -> dict[str, object]:
    return {
        "ms": round(plan["Execution Time"], 2),
        "indexes": sorted({node["Index Name"] for node in nodes(plan["Plan"]) if "Index Name" in node}),
        "sequential": sorted(
            {node["Relation Name"] for node in nodes(plan["Plan"]) if node["Node Type"] == "Seq Scan"} - SMALL
        ),
    }


def _explain_suppressed(rows: int) -> dict[str, object]:
    with connection.cursor() as cursor:
        cursor.execute(_SUPPRESS, {"rows": rows, "person": A_PERSON})
        cursor.execute("VACUUM ANALYZE recipients_suppression")
    found: dict[str, object] = {}
    with walls.within(1):
        for name, page in _pages_of_suppressed(rows):
            (plan,) = json.loads(page.explain(format="json", analyze=True))
            found[name] = _told(plan)
    return found


def _pages_of_suppressed(rows: int) -> Iterator[tuple[str, QuerySet[Suppression]]]:
    """The first page and the last one of what a program may ask for."""
    workspace, people = Workspace(pk=1), [Source.HAND, Source.OPT_OUT]
    middle = Suppression.objects.of(1).filter(pk__gt=rows // 2).earliest("pk")
    since = {"added_after": middle.added_at}
    for name, wanted, end in (
        ("all", {}, 50),
        ("people's", {"source": people}, 25 * A_PERSON),
        ("opt-outs", {"source": [Source.OPT_OUT]}, 25 * A_PERSON),
        ("imported", {"source": [Source.IMPORT]}, 50),
        ("all since", since, middle.pk + 50),
        ("people's since", {"source": people, **since}, middle.pk + 25 * A_PERSON),
    ):
        found = suppressions.listed(workspace, **wanted).order_by("-pk")
        yield f"suppressed, {name}, first page", found[:51]
        yield f"suppressed, {name}, last page", found.filter(pk__lt=end)[:51]


def _hot_statements(each: int) -> Iterator[tuple[str, str, Any]]:
    now = timezone.now()
    today, campaign, middle = now.date(), CAMPAIGNS // 2, each // 2
    some = range(middle, middle + BATCH)
    key = {"day": today, "campaign": campaign}
    ids = [f"{1_700_000_000_000 + campaign * 100_000_000 + recipient:X}" for recipient in some]
    usual = verdicts._STATES | key | {"at": now, "becomes": 7, "delivered": 1, "failed": 0, "kind": 0, "code": None}
    yield (
        f"{BATCH} receipts in order",
        verdicts._SETTLE.format(partition=partition(today), of_these="BETWEEN %(first)s AND %(last)s"),
        usual | {"first": middle, "last": middle + BATCH - 1},
    )
    yield (
        f"{BATCH} receipts of everywhere",
        verdicts._SETTLE.format(partition=partition(today), of_these="= ANY(%(recipients)s::int[])"),
        usual | {"recipients": array(range(0, each, each // BATCH))},
    )
    yield (
        f"{BATCH} receipts, one by one",
        verdicts._RAISE.format(partition=partition(today)),
        verdicts._STATES
        | key
        | {"at": now, "recipients": array(some), "delivered": array([1] * BATCH), "failed": array([0] * BATCH)}
        | {"codes": array([0] * BATCH)},
    )
    columns = [list(range(BATCH)), [1] * BATCH, ids, [31_610_000_000 + recipient for recipient in some], [0] * BATCH]
    yield f"{BATCH} ids of another process", matching._BY_ID, [*columns, today]
    yield f"{BATCH} late answers", evidence._READ, key | {"recipients": array(some)}
    yield "a page of recipients", _PAGE, key | {"first": middle}


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)
