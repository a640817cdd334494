"""Entries written, verified and asked for, in the database that the environment names; for `bench ledger`."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from django.db import connection, connections, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Workspace
from audit import ledger, reading, verification, walls
from audit.models import Entry
from bench.explain import nodes

FILLED = 1_000_000_000  # a chain of no workspace, of which a tenth of all entries are
AT_ONCE = 1_000

# Nobody verifies them: their hashes are none.
_FILL = """
INSERT INTO audit_entry (chain, seq, at, action, actor_name, role, via, request_id, subject_type, subject_id,
    subject_name, before, after, note, salt, previous_hash, hash)
SELECT %(chain)s + n %% 10, 1 + n / 10, now() - make_interval(secs => %(rows)s - n),
       (ARRAY['campaign.edited', 'campaign.approved', 'user.signed_in', 'export.requested'])[1 + n %% 4],
       'person' || n %% 300 || '@acme.example', 'author', 'page', md5(n::text), 'campaign', (n %% 5000)::text,
       'Spring sale', '{}', '{"status": "in_review"}', '', md5(n::text), repeat('0', 64), repeat('0', 64)
FROM generate_series(0, %(rows)s - 1) AS n
"""


def main(rows: int, writers: int, seconds: int, verified: int) -> None:
    walls.be_the_system()
    print(json.dumps({**_written(writers, seconds), **_verified(verified), "questions": _asked(rows)}))


def _written(writers: int, seconds: int) -> dict[str, object]:
    workspaces = [Workspace.objects.create(name=f"Bench {n}", slug=f"bench-{n}") for n in range(writers)]
    return {
        "entries_per_second_one_chain": _rate([workspaces[0]] * writers, seconds),
        "entries_per_second_a_chain_each": _rate(workspaces, seconds),
        "entries_per_second_one_writer": _rate(workspaces[:1], seconds),
    }


def _rate(of_writers: list[Workspace], seconds: int) -> int:
    end = time.monotonic() + seconds

    def write(workspace: Workspace) -> int:
        count = 0
        while time.monotonic() < end:
            with transaction.atomic():
                ledger.record("workspace.changed", workspace, by=None, after={"number": count})
            count += 1
        connections.close_all()
        return count

    with ThreadPoolExecutor(len(of_writers)) as pool:
        return round(sum(pool.map(write, of_writers)) / seconds)


def _verified(count: int) -> dict[str, object]:
    workspace = Workspace.objects.create(name="Verified", slug="verified")
    for begin in range(0, count, AT_ONCE):
        with transaction.atomic():
            for number in range(begin, begin + AT_ONCE):
                ledger.record("workspace.changed", workspace, by=None, after={"number": number})
    began = time.monotonic()
    verdict = verification.verify(workspace.pk)
    assert verdict.broken is None and verdict.entries >= count
    return {"verified_per_second": round(verdict.entries / (time.monotonic() - began))}


def _asked(rows: int) -> dict[str, object]:
    with connection.cursor() as cursor:
        cursor.execute(_FILL, {"chain": FILLED, "rows": rows})
        cursor.execute("ANALYZE audit_entry")
    asked: dict[str, object] = {name: _explained(entries) for name, entries in _questions(rows)}
    return {**asked, **{name: {"ms": _timed(ask)} for name, ask in _LOOKS.items()}}


def _questions(rows: int) -> Iterator[tuple[str, "QuerySet[Entry]"]]:
    """As the page and the desk ask, for the first page and for one from the middle."""
    of, now = Workspace(pk=FILLED), timezone.now()
    wanted: dict[str, dict[str, Any]] = {
        "a page": {},
        "by actor": {"actor": "person20@acme.example"},
        "by action": {"action": "user.signed_in"},
        "by subject": {"subject": "campaign:1010"},
        "by time": {"from": now - timedelta(hours=9), "to": now - timedelta(hours=8)},
    }
    for name, narrowed in wanted.items():
        found = reading.find(of, narrowed)
        yield name, found.order_by("-seq")[: reading.SIZE + 1]
        if "to" not in narrowed:  # a time is a place by itself
            yield f"{name}, from the middle", found.filter(seq__lt=rows // 20).order_by("-seq")[: reading.SIZE + 1]
    yield "the desk", Entry.objects.order_by("-pk")[:100]


_LOOKS: dict[str, Callable[[], object]] = {
    "all chains": Entry.objects.chains,
    "the newest of a chain": lambda: Entry.objects.newest_of(FILLED),
}


def _explained(entries: "QuerySet[Entry]") -> dict[str, object]:
    plan = json.loads(entries.explain(format="json", analyze=True))[0]
    found = list(nodes(plan["Plan"]))
    return {
        "ms": round(plan["Execution Time"], 2),
        "indexes": sorted({node["Index Name"] for node in found if "Index Name" in node}),
        "sequential": any(node["Node Type"].endswith("Seq Scan") for node in found),
    }


def _timed(ask: Callable[[], object]) -> float:
    began = time.perf_counter()
    ask()
    return round(1000 * (time.perf_counter() - began), 2)
