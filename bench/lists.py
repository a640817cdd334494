"""Benchmark of list preparation: a generated file through the whole pipeline, in a process of its own."""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recipients import pipeline

ROOT = Path(__file__).parent.parent
COUNTRY = "NL"
NUMBERS_PER_BLOCK = 100_000
BASELINE = ["sort", "-u", "--parallel=2", "-S", "400M"]


def run(
    *,
    rows: int = 10_000_000,
    format: str = "txt",
    invalid: float = 0.05,
    duplicate: float = 0.10,
    suppressed: float = 0.0,
) -> dict[str, object]:
    with tempfile.TemporaryDirectory(prefix="bench-lists-") as name:
        folder = Path(name)
        source = folder / f"list.{format}"
        expected = generate(source, rows=rows, invalid=invalid, duplicate=duplicate, suppressed=suppressed)
        child = [sys.executable, "-m", "bench.lists", str(source), str(folder / "suppressed.npy")]
        measured = json.loads(subprocess.run(child, check=True, stdout=subprocess.PIPE, cwd=ROOT).stdout)
        seconds = measured["seconds"]
        return {
            "rows": rows,
            "bytes": source.stat().st_size,
            "seconds": seconds,
            "rows_per_second": round(rows / seconds),
            **measured,
            "totals_ok": all(measured[key] == expected[key] for key in expected),
            "baseline": _baseline(source, folder),
        }


def generate(path: Path, *, rows: int, invalid: float, duplicate: float, suppressed: float) -> dict[str, int]:
    """Write the file, and beside it the suppressed numbers; the totals which the pipeline must find."""
    dice = np.random.default_rng(17)
    counts = {"invalid": round(rows * invalid), "duplicate": round(rows * duplicate)}
    distinct = rows - counts["invalid"] - counts["duplicate"]
    # 7,919 has no divisor in common with the hundred million numbers of 316xxxxxxxx: no two are equal.
    numbers = 31_600_000_000 + np.arange(distinct, dtype=np.int64) * 7_919 % 100_000_000
    repeated = dice.choice(numbers, counts["duplicate"])
    lines = np.concatenate((numbers, repeated, np.full(counts["invalid"], -1)))
    dice.shuffle(lines)
    with path.open("w") as file:
        if path.suffix == ".csv":
            file.write("phone;name;city\n")
        line_end = ";Jan Jansen;Utrecht\n" if path.suffix == ".csv" else "\n"
        for start in range(0, rows, NUMBERS_PER_BLOCK):
            block = lines[start : start + NUMBERS_PER_BLOCK].tolist()
            file.writelines(spell(number) + line_end for number in block)
    unwanted = numbers[: round(rows * suppressed)].astype(np.uint64)
    np.save(path.with_name("suppressed.npy"), np.sort(unwanted))
    return {**counts, "suppressed": len(unwanted), "accepted": distinct - len(unwanted)}


def spell(number: int) -> str:
    """As people mix it: international with a plus or without, and national."""
    if number < 0:
        return "no number"
    return (f"+{number}", f"{number}", f"0{number - 31_000_000_000}")[number % 3]


def measure(source: Path, unwanted: NDArray[np.uint64]) -> dict[str, object]:
    """Prepare the file with chunks and rejected lines in a folder; runs in a process of its own for its peak memory."""
    stages: defaultdict[str, float] = defaultdict(float)
    began = last = time.perf_counter()
    written = False

    def progress(now: pipeline.Progress) -> None:
        nonlocal last, written
        at = time.perf_counter()
        stages["write" if written else "deduplicate" if now.written else "read"] += at - last
        last, written = at, now.written > 0

    with tempfile.TemporaryDirectory(dir=source.parent) as name, source.open("rb") as stream:
        folder = Path(name)

        def write_chunk(number: int, data: bytes) -> str:
            (folder / f"{number}").write_bytes(data)
            return str(number)

        with (folder / "rejected.csv").open("wb") as rejected:
            prepared = pipeline.prepare(
                stream,
                filename=source.name,
                column=None,
                country=COUNTRY,
                spill=folder,
                write_chunk=write_chunk,
                write_rejected=rejected.write,
                suppressed=(lambda numbers: np.isin(numbers, unwanted)) if len(unwanted) else None,
                on_progress=progress,
            )
    totals = prepared.totals
    return {
        "seconds": round(time.perf_counter() - began, 2),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "accepted": totals.accepted,
        "invalid": totals.invalid,
        "duplicate": totals.duplicate,
        "suppressed": totals.suppressed,
        "stages": {stage: round(seconds, 2) for stage, seconds in stages.items()},
    }


def _baseline(source: Path, folder: Path) -> dict[str, object]:
    command = [*BASELINE, "-T", str(folder), "-o", str(folder / "sorted"), str(source)]
    began = time.perf_counter()
    subprocess.run(command, check=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"})
    return {"command": "LC_ALL=C " + " ".join(BASELINE), "seconds": round(time.perf_counter() - began, 2)}


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), np.load(sys.argv[2]))))
