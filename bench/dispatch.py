"""From approval to the last receipt, everything on this machine: database, broker, simulator, our processes."""

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import psycopg

from bench.harness import Meter, private_installation
from simulator import journal
from stack.demo import Id, Mix, equation_holds
from stack.installation import Installation

CLEAN = Mix(invalid_every=0, duplicate_every=0)
ALONE, IN_PART = 160, 153  # GSM characters in a text of one part, and in a part of several


def run(
    *,
    messages: int = 1_000_000,
    window: int = 100,
    binds: int = 2,
    workers: int = 1,
    receipts: int = 1,
    parts: int = 1,
) -> dict[str, object]:
    return measure(messages, window=window, binds=binds, workers=workers, receipts=receipts, parts=parts)


def measure(
    messages: int,
    *,
    window: int,
    binds: int,
    workers: int,
    receipts: int,
    parts: int,
    then: Callable[[Installation, Id], dict[str, object]] = lambda installation, campaign: {},
) -> dict[str, object]:
    """`then` looks at the installation after the campaign, and adds to what was measured."""
    text = "x" * (ALONE if parts == 1 else parts * IN_PART)
    settings = {"MAX_PARTS": str(parts), "DLR_LOST_EVERY": "0" if receipts else "1"}
    with private_installation(window=window, binds=binds, dispatchers=workers, settings=settings) as installation:
        story = installation.story()
        meter = Meter(roots=installation.processes.pids | installation.stores.pids)
        with meter.running(), psycopg.connect(installation.env["DATABASE_URL"], autocommit=True) as connection:
            connection.execute("SET message_center.scope = 'all'")  # the rows of every workspace
            list_id = story.make_list(messages, CLEAN)
            cpu_before, wal_before, sizes_before = meter.cpu(), _wal(connection), _sizes(connection)
            outcome = story.send(list_id, text=text, awaits_receipts=bool(receipts))
            cpu, wal = _growth(meter.cpu(), cpu_before), _wal(connection) - wal_before
            submit_seconds, seconds = _seconds(connection, outcome.campaign_id)
            sizes = _growth(_sizes(connection), sizes_before)
        return {
            "messages": messages,
            "seconds": round(seconds, 2),
            "messages_per_second": round(messages / seconds),
            "submit_seconds": round(submit_seconds, 2),
            "cpu_s_per_100k": {name: round(spent * 100_000 / messages, 2) for name, spent in _by_duty(cpu).items()},
            "peak_rss_mb": {name: round(size / 1e6) for name, size in meter.peak_rss.items()},
            "balanced": outcome.balanced if receipts else equation_holds(outcome.totals),
            "doubled": _doubled(Path(installation.env["JOURNAL"])),
            "uncertain": outcome.totals["uncertain"],
            "wal_bytes_per_message": round(wal / messages),
            "disk_bytes_per_message": {
                name: round(size / messages, 1) for name, size in sizes.items() if size >= messages
            },
            **then(installation, outcome.campaign_id),
        }


def _seconds(connection: psycopg.Connection, campaign: Id) -> tuple[float, float]:
    """From the start of the campaign until the last submit was on record, and until the last receipt was."""
    row = connection.execute(
        "SELECT extract(epoch FROM max(m.submitted_at) - min(c.started_at)),"
        " extract(epoch FROM greatest(max(m.done_at), max(m.submitted_at)) - min(c.started_at))"
        " FROM delivery_message m JOIN campaigns_campaign c ON c.id = m.campaign_id WHERE m.campaign_id = %s",
        [campaign],
    ).fetchone()
    assert row is not None
    return float(row[0]), float(row[1])


def _by_duty(cpu: Mapping[str, float]) -> dict[str, float]:
    return {
        "dispatch": sum(seconds for name, seconds in cpu.items() if name.startswith("dispatch")),
        "receipts": cpu["clock"],
        "database": cpu["postgres"],
        "simulator": cpu["smsc"],
    }


def _growth(after: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    return {name: amount - before.get(name, 0.0) for name, amount in after.items()}


def _doubled(path: Path) -> int:
    """Submits that the carrier accepted beyond one for each recipient and part; parts differ in what they say."""
    accepted = Counter(
        (entry.destination, entry.content)
        for entry in journal.read(path)
        if isinstance(entry, journal.Submit) and entry.is_accepted
    )
    return accepted.total() - len(accepted)


_SIZES = """
SELECT coalesce(pg_partition_root(oid), oid)::regclass::text, sum(pg_table_size(oid)), sum(pg_indexes_size(oid))
FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace GROUP BY 1
"""


def _sizes(connection: psycopg.Connection) -> dict[str, float]:
    """Bytes on disk of each table, and of its indexes."""
    found: dict[str, float] = {}
    for name, table, indexes in connection.execute(_SIZES):
        found |= {name: float(table), f"{name}, indexes": float(indexes)}
    return found


def _wal(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn").fetchone()
    assert row is not None
    return int(row[0])
