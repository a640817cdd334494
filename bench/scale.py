"""How lists, sending and looking a number up grow with the size: time, and memory that must not."""

import time
from functools import partial

from bench import dispatch, lists
from stack.demo import Id
from stack.failure import Failure
from stack.installation import Installation

MILLION = 1_000_000
LOOK_UPS = 40
FIRST = 31_610_000_000  # of the numbers that the demo's list has


def run(*, rows: str = "1,3,10") -> dict[str, object]:
    """`rows` in millions, between commas."""
    try:
        sizes = [round(float(size) * MILLION) for size in rows.split(",")]
    except ValueError:
        raise Failure(f"“{rows}” are no sizes: write millions between commas, such as 1,3,10.") from None
    prepared = [{key: lists.run(rows=size)[key] for key in ("rows", "seconds", "peak_rss_mb")} for size in sizes]
    sent = [
        dispatch.measure(size, window=100, binds=2, workers=1, receipts=1, parts=1, then=partial(_find_numbers, size))
        for size in sizes
    ]
    keys = ("messages", "seconds", "messages_per_second", "peak_rss_mb", "balanced", "doubled", "uncertain")
    return {
        "lists": prepared,
        "dispatch": [{key: one[key] for key in keys} for one in sent],
        "reports": [{"messages": one["messages"], "find_number_ms_p95": one["find_number_ms_p95"]} for one in sent],
    }


def _find_numbers(size: int, installation: Installation, campaign: Id) -> dict[str, object]:
    author = installation.story().author
    took: list[float] = []
    for n in range(LOOK_UPS):
        number = FIRST + n * (size // LOOK_UPS)
        began = time.monotonic()
        found = author.get(f"campaigns/{campaign}/recipients/?to=%2B{number}")
        took.append(1000 * (time.monotonic() - began))
        if len(found["results"]) != 1:
            raise Failure(f"{number} was not found: {found}")
    return {"find_number_ms_p95": round(sorted(took)[int(0.95 * LOOK_UPS)], 1)}
