"""The fault matrix: each row on real processes that are killed, stopped and cut, held against the carrier's journal."""

import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stack import ROOT, children, environment, stores
from stack.environment import Ports
from stack.failure import Failure
from tests.faults.rows import ROWS, Row, chosen

MATRIX = "tests/faults/matrix/"
REPORT, RESULTS = ROOT / "docs" / "fault_matrix.md", ROOT / "docs" / "fault_matrix.json"
NUMBERS = ("doubled", "lost", "uncertain", "submits")


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of a row."""

    passed: bool
    injected: str = ""
    seen: str = ""
    failure: str = ""
    numbers: dict[str, int] = field(default_factory=dict)  # nothing for a row whose proofs count nothing
    seconds: float = 0.0
    seed: int = 0
    ran_at: str = ""


def run(*, rows: str = "all", minutes: float = 2.0, seed: int = 0, report: bool = True) -> dict[str, object]:
    """`rows` are `all`, `soak`, or names between commas; `minutes` are of the soak. A seed of 0 is chosen here."""
    began = time.monotonic()
    try:
        wanted = chosen(rows)
    except ValueError as error:
        raise Failure(str(error)) from None
    seed = seed or random.SystemRandom().randrange(1, 2**31)
    print(f"seed {seed}", flush=True)
    built = [row for row in wanted if row.proofs]
    tests = _run_tests(sorted({proof for row in built for proof in row.proofs}), seed=seed, minutes=minutes)
    outcomes = {row.name: _outcome(row, tests, seed=seed) for row in built}
    if report:
        _keep(outcomes)
    failed = [name for name, outcome in outcomes.items() if not outcome.passed]
    return {
        "rows": len(wanted),
        "passed": len(outcomes) - len(failed),
        "failed": failed,
        "not_built": [row.name for row in wanted if row.not_built],
        "doubled": sum(outcome.numbers.get("doubled", 0) for outcome in outcomes.values()),
        "lost": sum(outcome.numbers.get("lost", 0) for outcome in outcomes.values()),
        "max_uncertain": max((outcome.numbers.get("uncertain", 0) for outcome in outcomes.values()), default=0),
        "seeds": [seed],
        "seconds": round(time.monotonic() - began, 1),
    }


def _run_tests(proofs: Sequence[str], *, seed: int, minutes: float) -> list[dict[str, Any]]:
    """Those of the matrix, then the others: two installations at once would be too many."""
    with tempfile.TemporaryDirectory(prefix="message-center-faults-") as name:
        data = Path(name)
        data.chmod(0o755)  # the user that runs PostgreSQL for root enters it
        for url in stores.URLS:
            os.environ.pop(url, None)
        results = data / "results"
        results.touch()
        with stores.opened(data, throwaway=True) as opened:
            env = environment.build(data, urls=opened.urls, listen=Ports(web=0, flower=0, smsc=0))
            env |= {"FAULT_RESULTS": str(results), "SOAK_MINUTES": str(minutes)}
            of_matrix = [proof for proof in proofs if proof.startswith(MATRIX)]
            for part in (of_matrix, [proof for proof in proofs if proof not in of_matrix]):
                if part:
                    _pytest(part, env=env, seed=seed)
        return [json.loads(line) for line in results.read_text().splitlines()]


def _pytest(proofs: Sequence[str], *, env: Mapping[str, str], seed: int) -> None:
    options = ["-m", "", "-p", "tests.faults.recording", f"--randomly-seed={seed}", "--randomly-dont-reorganize"]
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", *options, *proofs]
    process = children.spawn(command, log=sys.stderr, parting=signal.SIGINT, env=env, cwd=ROOT)
    try:
        process.wait()  # what failed is in the results
    finally:
        children.end(process, first=signal.SIGINT, patience=60)


def _outcome(row: Row, tests: Sequence[Mapping[str, Any]], *, seed: int) -> Outcome:
    by_proof = {proof: [one for one in tests if _proves(one["node"], proof)] for proof in row.proofs}
    ran = [one for found in by_proof.values() for one in found]
    noted = [one["noted"] for one in ran if one["noted"].get("injected")]
    bad = [one for one in ran if one["outcome"] != "passed"]
    missing = [proof for proof, found in by_proof.items() if not found]
    failures = [f"{_short(one['node'])}: {one['said']}" for one in bad]
    failures += [f"{_short(proof)}: did not run" for proof in missing]
    numbers = {}
    if noted:
        numbers = {name: sum(int(one[name]) for one in noted) for name in NUMBERS if name != "uncertain"}
        numbers["uncertain"] = max(int(one["uncertain"]) for one in noted)
    return Outcome(
        passed=not bad and not missing,
        injected="; ".join(dict.fromkeys(str(one["injected"]) for one in noted)),
        seen="; ".join(dict.fromkeys(str(one["note"]) for one in noted if one["note"])),
        failure="; ".join(failures),
        numbers=numbers,
        seconds=round(sum(float(one["seconds"]) for one in ran), 1),
        seed=seed,
        ran_at=datetime.now(UTC).isoformat(timespec="minutes"),
    )


def _proves(node: str, proof: str) -> bool:
    return node == proof or node.startswith(f"{proof}[")


def _short(node: str) -> str:
    return node.rpartition("::")[2].replace("test_", "", 1).replace("_", " ")


# --- The report -------------------------------------------------------------------------------------------------------

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


def _keep(outcomes: Mapping[str, Outcome]) -> None:
    """Rows that did not run keep what they came to before, with its date."""
    kept: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    kept |= {name: asdict(outcome) for name, outcome in outcomes.items()}
    kept = {row.name: kept[row.name] for row in ROWS if row.name in kept and row.proofs}
    RESULTS.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
    REPORT.write_text(_HEAD + _summary(kept) + _table(kept))


def _summary(kept: Mapping[str, Any]) -> str:
    passed = sum(one["passed"] for one in kept.values())
    not_built = [row for row in ROWS if row.not_built]
    text = f"{passed} of {len(ROWS)} rows passed"
    if failed := [name for name, one in kept.items() if not one["passed"]]:
        text += f"; failed: {', '.join(failed)}"
    if never := [row.name for row in ROWS if row.proofs and row.name not in kept]:
        text += f"; did not run: {', '.join(never)}"
    if not_built:
        text += f"; not built: {', '.join(row.name for row in not_built)}"
    doubled = sum(one["numbers"].get("doubled", 0) for one in kept.values())
    submits = sum(one["numbers"].get("submits", 0) for one in kept.values())
    lost = sum(one["numbers"].get("lost", 0) for one in kept.values())
    return f"{text}. {submits:,} submits, {doubled} doubled, {lost} receipts lost.\n\n"


def _table(kept: Mapping[str, Any]) -> str:
    names = ("Row", "Fault", "Injected", "Seen", "Uncertain", "Doubled", "Seconds", "Passed", "Ran (UTC), seed")
    lines = [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]
    for row in ROWS:
        if row.not_built:
            cells = [row.name, row.fault, "", "", "", "", "", f"not built: {row.not_built}", ""]
        elif row.name not in kept:
            cells = [row.name, row.fault, "", "", "", "", "", "did not run", ""]
        else:
            one = kept[row.name]
            verdict = "yes" if one["passed"] else f"**no**: {one['failure']}"
            counts = [str(one["numbers"].get(name, "–")) for name in ("uncertain", "doubled")]
            when = f"{one['ran_at'][:16].replace('T', ' ')}, {one['seed']}"
            proved = one["injected"] or "as its tests say"
            cells = [row.name, row.fault, proved, one["seen"], *counts, f"{one['seconds']:.0f}", verdict, when]
        lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(lines) + "\n"
