"""How long requests took, by route, method and status: each process adds what it saw to one hash in Redis, so that
whichever process answers a scrape speaks for all of them (docs/adr/0080)."""

import threading
import time
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass, field

from metrics import valkey

WITHIN = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
ADDED_EVERY = 5.0  # seconds
HASH = "metrics:http"
SECONDS = "s"
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


@dataclass(frozen=True, slots=True)
class Kind:
    route: str
    method: str
    status: str


@dataclass(slots=True)
class Seen:
    """`counts` are by the first of WITHIN that was enough, and one more for the slower ones."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(WITHIN) + 1))
    seconds: float = 0.0


class Durations:
    """What this process has seen and not added yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[Kind, Seen] = defaultdict(Seen)
        self._added_at = time.monotonic()

    def note(self, route: str, method: str, status: int, seconds: float) -> None:
        kind = Kind(route, method if method in METHODS else "other", str(status))
        with self._lock:
            seen = self._seen[kind]
            seen.counts[bisect_left(WITHIN, seconds)] += 1
            seen.seconds += seconds
            is_time = time.monotonic() - self._added_at > ADDED_EVERY
        if is_time and not valkey.is_away():
            self.add()

    def add(self) -> None:
        """What Redis did not take is added the next time: at worst twice, when only its answer was lost."""
        with self._lock:
            seen, self._seen = self._seen, defaultdict(Seen)
            self._added_at = time.monotonic()
        try:
            _add(seen)
        except valkey.TROUBLE as error:
            valkey.note_away(error)
            self._take_back(seen)

    def _take_back(self, seen: dict[Kind, Seen]) -> None:
        with self._lock:
            for kind, one in seen.items():
                again = self._seen[kind]
                again.counts = [mine + its for mine, its in zip(again.counts, one.counts, strict=True)]
                again.seconds += one.seconds


durations = Durations()


def _add(seen: dict[Kind, Seen]) -> None:
    with valkey.client().pipeline() as pipeline:
        for kind, one in seen.items():
            name = f"{kind.route}\t{kind.method}\t{kind.status}\t"
            for place, count in enumerate(one.counts):
                if count:
                    pipeline.hincrby(HASH, f"{name}{place}", count)
            pipeline.hincrbyfloat(HASH, f"{name}{SECONDS}", one.seconds)
        pipeline.execute()


def of_all() -> dict[Kind, Seen]:
    """Of every process, since Redis was emptied last."""
    found: dict[Kind, Seen] = defaultdict(Seen)
    for name, value in valkey.read(HASH).items():
        route, method, status, place = name.split("\t")
        one = found[Kind(route, method, status)]
        if place == SECONDS:
            one.seconds = float(value)
        elif int(place) < len(one.counts):
            one.counts[int(place)] = int(value)
    return found
