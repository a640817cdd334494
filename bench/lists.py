"""Benchmark of list preparation: a generated file through the whole pipeline, in a process of its own."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

if not settings.configured and "DJANGO_SETTINGS_MODULE" not in os.environ:
    settings.configure(USE_I18N=False)  # no store is needed here; sentences about files ask whether they are translated

from recipients import pipeline

ROOT = Path(__file__).parent.parent
COUNTRY = "NL"
CHUNK_SIZE = 10_000
NUMBERS_PER_BLOCK = 200_000
BASELINE = ["sort", "-u", "--parallel=2", "-S", "400M"]
# Mobile ranges of ten million numbers each: Dutch ones, spelled in three ways, and what they lack German ones.
DUTCH = [31_610_000_000 + n * 10_000_000 for n in (0, 1, 2, 3, 4, 7)]
GERMAN = [4_915_110_000_000 + n * 10_000_000 for n in range(9)]
# Beside each number of the csv: with these a row has 107 bytes on average, ten million a gigabyte.
HEADER = "phone;first_name;last_name;city;voucher;valid_until;link\n"
FIRST_NAMES = ["Jan", "Els", "Zoë", "Mohammed", "Anna-Maria", "Piet", "Sofie", "Lars"]
LAST_NAMES = ["Jansen", "de Vries", "Bakker", "Visser", "Smit", "Meijer", "van den Heuvel", "de Boer"]
CITIES = ["Utrecht", "Amsterdam", "Rotterdam", "’s-Gravenhage", "Eindhoven", "Groningen", "Tilburg", "Almere"]


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
        os.sync()  # what is still being written is not the measured process's work
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
    numbers = _numbers(distinct)
    repeated = dice.choice(numbers, counts["duplicate"])
    lines = np.concatenate((numbers, repeated, np.full(counts["invalid"], -1)))
    dice.shuffle(lines)
    is_table = path.suffix == ".csv"
    with path.open("w") as file:
        if is_table:
            file.write(HEADER)
        for start in range(0, rows, NUMBERS_PER_BLOCK):
            block = lines[start : start + NUMBERS_PER_BLOCK].tolist()
            if is_table:
                file.writelines([f"{spell(number)};{_cells(start + n)}\n" for n, number in enumerate(block)])
            else:
                file.writelines([f"{spell(number)}\n" for number in block])
    unwanted = numbers[: round(rows * suppressed)].astype(np.uint64)
    np.save(path.with_name("suppressed.npy"), np.sort(unwanted))
    return {**counts, "suppressed": len(unwanted), "accepted": distinct - len(unwanted)}


def _numbers(count: int) -> NDArray[np.int64]:
    """So many different mobile numbers, in no order."""
    ranges = [*DUTCH, *GERMAN]
    # 7,919 has no divisor in common with ten million: within a range no two are equal.
    within = np.arange(10_000_000, dtype=np.int64) * 7_919 % 10_000_000
    return np.concatenate([begin + within for begin in ranges[: -(-count // len(within))]])[:count]


def spell(number: int) -> str:
    """As people mix it: international with a plus or without, and the Dutch ones nationally."""
    if number < 0:
        return "no number"
    kind = number % 3
    if kind == 2 and number < 32_000_000_000:
        return f"0{number - 31_000_000_000}"
    return f"+{number}" if kind else f"{number}"


def _cells(row: int) -> str:
    mixed = row * 2_654_435_761 % 4_294_967_296
    return (
        f"{FIRST_NAMES[mixed & 7]};{LAST_NAMES[mixed >> 3 & 7]};{CITIES[mixed >> 6 & 7]};"
        f"V{mixed:010d}-{row:08d};{1 + mixed % 28:02d}-12-2026;https://shop.example/v/{mixed:08x}{row:08x}"
    )


def measure(source: Path, unwanted: NDArray[np.uint64]) -> dict[str, object]:
    """Prepare the file with everything that is stored in a folder; in a process of its own for its peak memory."""
    stages: defaultdict[str, float] = defaultdict(float)
    began = last = time.perf_counter()

    def progress(now: pipeline.Progress) -> None:
        nonlocal last
        at = time.perf_counter()
        stages[now.stage] += at - last
        last = at

    with tempfile.TemporaryDirectory(dir=source.parent) as name, source.open("rb") as stream:
        folder = Path(name)

        def write_chunk(number: int, data: bytes) -> str:
            (folder / f"{number}").write_bytes(data)
            return str(number)

        with (folder / "rejected.csv").open("wb") as rejected, (folder / "duplicates.csv").open("wb") as repeated:
            prepared = pipeline.prepare(
                stream,
                filename=source.name,
                column=None,
                country=COUNTRY,
                spill=folder,
                chunk_size=CHUNK_SIZE,
                write_chunk=write_chunk,
                write_rejected=rejected.write,
                write_repeated=repeated.write,
                suppressed=lambda: unwanted,
                on_progress=progress,
            )
        (folder / "manifest.json").write_bytes(prepared.manifest.to_bytes())
        seconds = time.perf_counter() - began
    totals = prepared.totals
    return {
        "seconds": round(seconds, 2),
        "cpu_seconds": round(time.process_time(), 2),
        "peak_rss_mb": _peak_mb(),
        "accepted": totals.accepted,
        "invalid": totals.invalid,
        "duplicate": totals.duplicate,
        "suppressed": totals.suppressed,
        "stages": {stage: round(seconds, 2) for stage, seconds in stages.items()},
    }


def _peak_mb() -> int:
    """Of this program; rusage would count the one that it was forked from."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return round(int(found[1]) / 1024)


def _baseline(source: Path, folder: Path) -> dict[str, object]:
    command = [*BASELINE, "-T", str(folder), "-o", str(folder / "sorted"), str(source)]
    began = time.perf_counter()
    subprocess.run(command, check=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"})
    return {"command": "LC_ALL=C " + " ".join(BASELINE), "seconds": round(time.perf_counter() - began, 2)}


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), np.load(sys.argv[2]))))
