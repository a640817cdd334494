"""Stories that run on real processes and are reported as a table: a row each, with the tests that prove it."""

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
from tests.faults.rows import Row, chosen

NUMBERS = ("doubled", "lost", "uncertain", "submits")


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """`report` is a page with this head, `results` what it is written from; the tests of `folder` share an
    installation."""

    rows: tuple[Row, ...]
    folder: str
    report: Path
    results: Path
    head: str


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of a row."""

    passed: bool
    injected: str = ""
    seen: str = ""
    failure: str = ""
    not_run: str = ""  # what it would have needed; neither passed nor failed
    numbers: dict[str, int] = field(default_factory=dict)  # nothing for a row whose proofs count nothing
    seconds: float = 0.0
    seed: int = 0
    ran_at: str = ""


def run(
    matrix: Matrix, *, rows: str, seed: int, report: bool, settings: Mapping[str, str] | None = None
) -> dict[str, object]:
    """`rows` are `all` or names between commas. A seed of 0 is chosen here."""
    began = time.monotonic()
    try:
        wanted = chosen(matrix.rows, rows)
    except ValueError as error:
        raise Failure(str(error)) from None
    seed = seed or random.SystemRandom().randrange(1, 2**31)
    print(f"seed {seed}", flush=True)
    built = [row for row in wanted if row.proofs]
    proofs = sorted({proof for row in built for proof in row.proofs})
    tests = _run_tests(proofs, folder=matrix.folder, seed=seed, settings=settings or {})
    outcomes = {row.name: _outcome(row, tests, seed=seed) for row in built}
    if report:
        _keep(matrix, outcomes)
    failed = [name for name, outcome in outcomes.items() if not outcome.passed and not outcome.not_run]
    return {
        "rows": len(wanted),
        "passed": sum(outcome.passed for outcome in outcomes.values()),
        "failed": failed,
        "not_run": {name: outcome.not_run for name, outcome in outcomes.items() if outcome.not_run},
        "not_built": [row.name for row in wanted if row.not_built],
        "doubled": sum(outcome.numbers.get("doubled", 0) for outcome in outcomes.values()),
        "lost": sum(outcome.numbers.get("lost", 0) for outcome in outcomes.values()),
        "max_uncertain": max((outcome.numbers.get("uncertain", 0) for outcome in outcomes.values()), default=0),
        "seeds": [seed],
        "seconds": round(time.monotonic() - began, 1),
    }


def _run_tests(proofs: Sequence[str], *, folder: str, seed: int, settings: Mapping[str, str]) -> list[dict[str, Any]]:
    """Those of the folder, then the others: two installations at once would be too many."""
    with tempfile.TemporaryDirectory(prefix="message-center-faults-") as name:
        data = Path(name)
        data.chmod(0o755)  # the user that runs PostgreSQL for root enters it
        for url in stores.URLS:
            os.environ.pop(url, None)
        results = data / "results"
        results.touch()
        with stores.opened(data, throwaway=True) as opened:
            env = environment.build(data, urls=opened.urls, listen=Ports(web=0, flower=0, smsc=0))
            env |= {"FAULT_RESULTS": str(results), **settings}
            ours = [proof for proof in proofs if proof.startswith(folder)]
            for part in (ours, [proof for proof in proofs if proof not in ours]):
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
    skipped = [str(one["said"]) for one in ran if one["outcome"] == "skipped"]
    bad = [one for one in ran if one["outcome"] not in ("passed", "skipped")]
    missing = [proof for proof, found in by_proof.items() if not found]
    failures = [f"{_short(one['node'])}: {one['said']}" for one in bad]
    failures += [f"{_short(proof)}: did not run" for proof in missing]
    numbers = {}
    if noted:
        numbers = {name: sum(int(one[name]) for one in noted) for name in NUMBERS if name != "uncertain"}
        numbers["uncertain"] = max(int(one["uncertain"]) for one in noted)
    return Outcome(
        passed=not bad and not missing and not skipped,
        not_run="; ".join(dict.fromkeys(skipped)),
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


def _keep(matrix: Matrix, outcomes: Mapping[str, Outcome]) -> None:
    """Rows that did not run keep what they came to before, with its date."""
    kept: dict[str, Any] = json.loads(matrix.results.read_text()) if matrix.results.exists() else {}
    kept |= {name: asdict(outcome) for name, outcome in outcomes.items()}
    kept = {row.name: kept[row.name] for row in matrix.rows if row.name in kept and row.proofs}
    matrix.results.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
    matrix.report.write_text(matrix.head + _summary(matrix.rows, kept) + _table(matrix.rows, kept))


def _summary(rows: Sequence[Row], kept: Mapping[str, Any]) -> str:
    passed = sum(one["passed"] for one in kept.values())
    not_built = [row for row in rows if row.not_built]
    text = f"{passed} of {len(rows)} rows passed"
    if not_run := [name for name, one in kept.items() if one.get("not_run")]:
        text += f"; not run: {', '.join(not_run)}"
    if failed := [name for name, one in kept.items() if not one["passed"] and name not in not_run]:
        text += f"; failed: {', '.join(failed)}"
    if never := [row.name for row in rows if row.proofs and row.name not in kept]:
        text += f"; did not run: {', '.join(never)}"
    if not_built:
        text += f"; not built: {', '.join(row.name for row in not_built)}"
    doubled = sum(one["numbers"].get("doubled", 0) for one in kept.values())
    submits = sum(one["numbers"].get("submits", 0) for one in kept.values())
    lost = sum(one["numbers"].get("lost", 0) for one in kept.values())
    return f"{text}. {submits:,} submits, {doubled} doubled, {lost} receipts lost.\n\n"


def _table(rows: Sequence[Row], kept: Mapping[str, Any]) -> str:
    names = ("Row", "Fault", "Injected", "Seen", "Uncertain", "Doubled", "Seconds", "Passed", "Ran (UTC), seed")
    lines = [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]
    for row in rows:
        if row.not_built:
            cells = [row.name, row.fault, "", "", "", "", "", f"not built: {row.not_built}", ""]
        elif row.name not in kept:
            cells = [row.name, row.fault, "", "", "", "", "", "did not run", ""]
        else:
            one = kept[row.name]
            verdict = "yes" if one["passed"] else f"**no**: {one['failure']}"
            if one.get("not_run"):
                verdict = f"not run: {one['not_run']}"
            counts = [str(one["numbers"].get(name, "–")) for name in ("uncertain", "doubled")]
            when = f"{one['ran_at'][:16].replace('T', ' ')}, {one['seed']}"
            proved = one["injected"] or "as its tests say"
            cells = [row.name, row.fault, proved, one["seen"], *counts, f"{one['seconds']:.0f}", verdict, when]
        lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(lines) + "\n"
