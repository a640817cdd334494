"""Who writes and approves campaigns over the API, and reads the carrier's journal; for benchmarks."""

import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from simulator import journal
from stack import environment
from stack.demo import Mix, Story
from stack.failure import Failure
from stack.installation import Installation

CLEAN = Mix(invalid_every=0, duplicate_every=0)
PATIENCE = 120.0


class Desk:
    def __init__(self, installation: Installation) -> None:
        self.story: Story = installation.story()
        self.tell = installation.tell
        self._reader = journal.Reader(Path(installation.env["JOURNAL"]))
        self.channels = {one["name"]: one["id"] for one in _rows(self.story.author.get("channels/"))}

    def approved(self, **fields: object) -> str:
        """Its address."""
        made = self.story.author.post("campaigns/", **{"name": "Pace", "sender": self.story.sender_id, **fields})
        path = f"campaigns/{made['id']}/"
        self.story.author.post(f"{path}submit/")
        self.story.moderator.post(f"{path}approve/")
        return path

    def times(self, text: str) -> list[float]:
        """When each submit of this text reached the carrier."""
        wanted = journal.content(text.encode("ascii"))
        return sorted(entry.at for entry in self.submits() if entry.content == wanted)

    def submits(self) -> Iterator[journal.Submit]:
        return (entry for entry in self._reader.entries() if isinstance(entry, journal.Submit))

    def wait_for(self, claim: Callable[[], bool], *, seconds: float = PATIENCE) -> None:
        deadline = time.monotonic() + seconds
        while not claim():
            if time.monotonic() > deadline:
                raise Failure(f"Not so within {seconds:.0f} seconds.")
            self.story.check()
            time.sleep(0.5)


def add_limited_channel(installation: Installation, name: str, limit: int) -> None:
    port = installation.env["SMSC_PORT"]
    account = ["--host=127.0.0.1", f"--port={port}", "--system-id=demo", "--password=demo", "--window=200"]
    environment.manage("add_channel", f"--name={name}", *account, f"--tps={limit}", env=installation.env)
    time.sleep(5)  # the links look at the channels' rows every two seconds


def most_in_a_second(times: Sequence[float]) -> int:
    return max((bisect_left(times, at + 1) - index for index, at in enumerate(times)), default=0)


def _rows(answer: Any) -> list[dict[str, Any]]:
    return list(answer["results"]) if isinstance(answer, dict) else list(answer)
