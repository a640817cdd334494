"""The fault matrix: each row on real processes that are killed, stopped and cut, held against the carrier's journal."""

from bench import matrix
from bench.matrix import Matrix
from stack import ROOT
from tests.faults.rows import ROWS

SOAK = "F66"

_HEAD = """# Fault matrix

What must survive, on real processes: those of the Procfile, PostgreSQL with fsync, Valkey and the SMSC simulator,
killed (`kill -9`), stopped (SIGSTOP), restarted, and cut by TCP proxies. After each story the simulator's journal is
held against the tables (`tests/faults/checker.py`): no part accepted twice (I1), every state agrees with the journal
(I2), nobody is lost (I3), no submit without an intent before it (I4), no acknowledged receipt lost (I6), nothing
reported without a receipt (I7), no retry without a refusal (I8), one owner in an epoch, and epochs only grow (I9).

The standard load is 10,000 numbers in 20 chunks, three dispatch processes, W = 10, B = 20, receipts on; rows that need
less say so. Leases last 5 s and answers are waited for 8 s, so that a row takes seconds. Written by
`python -m bench faults --rows all`; `--rows F7,F25` runs some, `--rows soak --minutes 480` the last one for a night,
`--seed` repeats a run. “Uncertain” is the most that were in doubt at any moment of the row, “doubled” what the carrier
accepted twice; rows without them are proved by tests that count neither. `tests/faults/rows.py` says which test proves
which row.

"""

FAULTS = Matrix(
    rows=ROWS,
    folder="tests/faults/matrix/",
    report=ROOT / "docs" / "fault_matrix.md",
    results=ROOT / "docs" / "fault_matrix.json",
    head=_HEAD,
)


def run(*, rows: str = "all", minutes: float = 2.0, seed: int = 0, report: bool = True) -> dict[str, object]:
    """`rows` are `all`, `soak`, or names between commas; `minutes` are of the soak. A seed of 0 is chosen here."""
    wanted = SOAK if rows == "soak" else rows
    return matrix.run(FAULTS, rows=wanted, seed=seed, report=report, settings={"SOAK_MINUTES": str(minutes)})
