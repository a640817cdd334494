"""One release on several hosts, each a network namespace with its own processes, played against cuts and restarts."""

from bench import matrix
from bench.matrix import Matrix
from stack import ROOT, install
from stack.failure import Failure
from tests.faults.fleet import hosts
from tests.faults.fleet.rows import ROWS

_HEAD = """# Many machines, played

[How to run on several hosts](fleet.md) promises what is played here. Each host is a network namespace with an address
and a name of its own, all on one bridge: `stores` (PostgreSQL with fsync, Valkey, S3, each with a password), `worker-a`
and `worker-b` (beat, clock, worker and dispatch of the Procfile each), `web`, and beyond them the carrier's simulator.
A host is cut off by taking its end of the bridge down: nothing passes, and nobody is told. After each story the
simulator's journal is held against the tables by the checker of the [fault matrix](fault_matrix.md), whose conditions
these are: 10,000 numbers in 20 chunks unless a row says so, W = 10, B = 20, leases of 5 s, answers waited for 8 s; here
with 200 parts a second for the channel, and 10 s (`DATABASE_GONE_AFTER`) until a silent host is gone.

Written by `python -m bench fleet`, as root (`ip netns`); `--rows H2,H4` runs some, `--seed` repeats a run. “Uncertain”
is the most that were in doubt at any moment that was looked at, “doubled” what the carrier accepted twice; the busiest
second is any sliding second as it arrives at the carrier, which on a busy machine reads a few parts closer together
than they left: up to W more pass.

"""

FLEET = Matrix(
    rows=ROWS,
    folder="tests/faults/fleet/",
    report=ROOT / "docs" / "fleet_matrix.md",
    results=ROOT / "docs" / "fleet_matrix.json",
    head=_HEAD,
)


def run(*, rows: str = "all", seed: int = 0, report: bool = True) -> dict[str, object]:
    """`rows` are `all` or names between commas. A seed of 0 is chosen here."""
    try:
        hosts.check_rights()
    except hosts.CannotMakeHosts as error:
        raise Failure(str(error)) from None
    install.ensure({"s3"})
    return matrix.run(FLEET, rows=rows, seed=seed, report=report)
