"""How exact times and rates are, by the carrier's journal: a limit, a spread line, a start, a pause, a cancel."""

import itertools
import time
from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bench.desk import CLEAN, PATIENCE, Desk, add_limited_channel, most_in_a_second
from bench.harness import private_installation
from delivery import pacing
from stack.failure import Failure

LIMITED = "limited"
CHUNK = 10_000
QUIET = 3.0  # seconds after a pause or a cancel in which a late submit would be seen


def run(
    *,
    limit: int = 1000,
    seconds: int = 20,
    workers: int = 4,
    spread: int = 7200,
    window: int = 60,
    campaigns: int = 100,
) -> dict[str, object]:
    with private_installation(window=100, binds=1, dispatchers=workers) as installation:
        add_limited_channel(installation, LIMITED, limit)
        desk = Desk(installation)
        return (
            _limit(desk, limit, seconds)
            | _spread(desk, spread, window)
            | _starts(desk, campaigns)
            | _stops(desk, limit)
            | {"spread_compressed": _compressed(500_000, 2 * 3600)}
        )


def _limit(desk: Desk, limit: int, seconds: int) -> dict[str, object]:
    count, text = limit * (seconds + 3), "A limit."
    listed = desk.story.make_list(count, CLEAN)
    desk.tell(f"Sending {count:,} at {limit:,} a second …")
    desk.approved(mode="on_approval", text=text, list=listed, channel=desk.channels[LIMITED])
    desk.wait_for(lambda: len(desk.times(text)) >= count, seconds=PATIENCE + seconds)
    times = desk.times(text)
    full = _full_seconds(times)[:seconds]
    return {
        "limit_parts_per_second": limit,
        "limit_max_in_any_second": most_in_a_second(times),
        "limit_min_in_full_seconds": min(full),
        "limit_max_in_full_seconds": max(full),
        "limit_mean": round(sum(full) / len(full), 1),
    }


def _spread(desk: Desk, count: int, window: int) -> dict[str, object]:
    text = "A line."
    listed = desk.story.make_list(count, CLEAN)
    begin = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=10)
    end = begin + timedelta(seconds=window)
    desk.tell(f"Spreading {count:,} over {window} seconds …")
    lately = (end + timedelta(hours=1)).isoformat()
    fields = {"date_from": begin.isoformat(), "date_to": end.isoformat(), "not_after": lately}
    desk.approved(mode="spread", text=text, list=listed, channel=desk.channels["demo"], **fields)
    time.sleep(max(0.0, end.timestamp() - time.time()))
    desk.wait_for(lambda: len(desk.times(text)) >= count)
    times, start = desk.times(text), begin.timestamp()
    off = [abs(bisect_left(times, start + second) - count * second / window) for second in range(1, window + 1)]
    return {
        "spread_messages": count,
        "spread_window_s": window,
        "spread_max_deviation_pct": round(100 * max(off) / count, 2),
        "spread_max_deviation_messages": round(max(off), 1),
    }


def _compressed(count: int, window: int) -> dict[str, object]:
    """The plan itself, asked in each of its seconds: what the chunks' lines have due together."""
    begin = datetime(2026, 3, 28, 9, tzinfo=UTC)
    chunks = [(0, min(CHUNK, count - first)) for first in range(0, count, CHUNK)]
    lines = pacing.lines(chunks, pacing.Allowed(((begin, begin + timedelta(seconds=window)),)))
    off = [
        abs(sum(line.due(begin + timedelta(seconds=second)) for line in lines) - count * second / window)
        for second in range(window + 1)
    ]
    return {"messages": count, "window_s": window, "max_deviation_messages": round(max(off), 2)}


def _starts(desk: Desk, campaigns: int) -> dict[str, object]:
    listed = desk.story.make_list(10, CLEAN)
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=30 + campaigns // 2)
    desk.tell(f"Writing {campaigns} campaigns for {at:%H:%M:%S} …")
    texts = [f"Campaign {number}." for number in range(campaigns)]
    paths = [
        desk.approved(mode="scheduled", text=text, list=listed, channel=desk.channels["demo"], send_at=at.isoformat())
        for text in texts
    ]
    if datetime.now(UTC) > at - timedelta(seconds=2):
        raise Failure("Writing the campaigns took longer than until their time.")
    time.sleep(max(0.0, at.timestamp() - time.time()))
    desk.wait_for(lambda: all(desk.times(text) for text in texts))
    started = [datetime.fromisoformat(desk.story.author.get(path)["started_at"]) for path in paths]
    return {
        "start_lateness_ms": _quantiles([(one - at).total_seconds() for one in started]),
        "first_submit_lateness_ms": _quantiles([desk.times(text)[0] - at.timestamp() for text in texts]),
    }


def _stops(desk: Desk, limit: int) -> dict[str, object]:
    """Of a campaign that goes as fast as the limit lets it. The clock runs from when the request is sent."""
    text = "A pause."
    listed = desk.story.make_list(limit * 30, CLEAN)
    path = desk.approved(mode="on_approval", text=text, list=listed, channel=desk.channels[LIMITED])
    measured: dict[str, object] = {}
    for verb in ("pause", "cancel"):
        before = len(desk.times(text))
        desk.wait_for(lambda before=before: len(desk.times(text)) > before + 3 * limit)  # type: ignore[misc]
        asked_at = time.time()
        desk.story.author.post(f"{path}{verb}/", reason="To measure it.")
        time.sleep(QUIET)
        measured[f"{verb}_ms"] = round(max(0.0, 1000 * (desk.times(text)[-1] - asked_at)))
        if verb == "pause":
            desk.story.author.post(f"{path}resume/")
    return measured


def _full_seconds(times: Sequence[float]) -> list[int]:
    """Submits in each second from the first one on, without the last, begun one."""
    bounds = [bisect_left(times, times[0] + second) for second in range(int(times[-1] - times[0]) + 1)]
    return [after - before for before, after in itertools.pairwise(bounds)]


def _quantiles(seconds: Sequence[float]) -> dict[str, int]:
    ordered = sorted(1000 * one for one in seconds)
    at = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    return {name: round(ordered[min(len(ordered) - 1, int(part * len(ordered)))]) for name, part in at.items()}
