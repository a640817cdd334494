"""The demo: a list of generated numbers, from upload to the last receipt, through the public API alone."""

import http.client
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from stack.failure import Failure
from stack.stages import Stages

TEXT = "Message Center demo: 20% off everything until Sunday. Show this message at the till. Reply STOP to opt out."
BLOCK = 10_000  # numbers generated and sent at a time
POLL = 0.25  # seconds
STUCK = 120.0  # seconds without any change

FILE_TERMS = ("invalid", "duplicate", "suppressed", "accepted")
SENDING_TERMS = ("delivered", "failed", "pending", "no_receipt", "expired", "cancelled", "uncertain", "waiting")
OPEN_TERMS = ("pending", "uncertain", "waiting")

Id = int | str
Totals = dict[str, int]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """Of how many rows one is unusable, or repeats an earlier one; 0 means none."""

    invalid_every: int = 100
    duplicate_every: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    campaign_id: Id
    totals: Totals

    @property
    def balanced(self) -> bool:
        """Both lines of the equation hold, and nothing is left open."""
        return equation_holds(self.totals) and not any(self.totals[term] for term in OPEN_TERMS)


class Api:
    """The public API, as somebody with a token sees it."""

    def __init__(self, base: str, token: str) -> None:
        self._host = urlsplit(base).netloc
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    def get(self, path: str) -> dict[str, Any]:
        return self._call("GET", path)

    def post(self, path: str, **fields: object) -> dict[str, Any]:
        return self._call("POST", path, json.dumps(fields).encode(), {"Content-Type": "application/json"})

    def put(self, path: str, blocks: Iterator[bytes], *, length: int) -> dict[str, Any]:
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(length)}
        return self._call("PUT", path, blocks, headers)

    def _call(
        self, method: str, path: str, body: bytes | Iterator[bytes] | None = None, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        connection = http.client.HTTPConnection(self._host, timeout=120)
        try:
            connection.request(method, f"/api/v1/{path}", body, self._headers | (headers or {}))
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Failure(f"{method} /api/v1/{path} was not answered: {error}.") from None
        finally:
            connection.close()
        if not 200 <= response.status < 300:
            raise Failure(f"{method} /api/v1/{path} was answered {response.status}: {content[:500].decode()}")
        return json.loads(content) if content else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everybody the demo needs: who writes, who approves, from which sender, over which channel."""

    author: Api
    moderator: Api
    sender_id: Id
    stages: Stages
    tell: Tell  # one line of progress
    check: Callable[[], None]  # raises when a process of ours has ended

    def play(self, *, rows: int) -> Outcome:
        return self.send(self.make_list(rows, Mix()), text=TEXT)

    def make_list(self, rows: int, mix: Mix) -> Id:
        """Upload generated numbers, and wait until they are prepared."""
        with self.stages("upload"):
            made = self.author.post("lists/", name=f"Demo, {rows:,} numbers", country="NL", filename="demo.txt")
            path = f"lists/{made['id']}/"
            length = sum(len(block) for block in numbers(rows, mix))
            self.tell(f"Uploading {rows:,} numbers ({length / 1e6:.1f} MB) …")
            self.author.put(f"{path}file/", numbers(rows, mix), length=length)
        with self.stages("prepare"):
            for found in self._polled(path):
                self.tell(f"Preparing the list: {found['status']}")
                if found["status"] == "failed":
                    raise Failure(f"The list could not be prepared: {found}")
                if found["status"] == "ready":
                    break
        return made["id"]  # type: ignore[no-any-return]

    def send(self, list_id: Id, *, text: str, awaits_receipts: bool = True) -> Outcome:
        """Write a campaign, have it approved, and follow it to its end."""
        with self.stages("approve"):
            fields = {"name": "Demo", "mode": "on_approval", "sender": self.sender_id, "list": list_id, "text": text}
            made = self.author.post("campaigns/", **fields)
            path = f"campaigns/{made['id']}/"
            self.author.post(f"{path}submit/")
            self.moderator.post(f"{path}approve/")
        with self.stages("send"):
            totals = self._follow(path, _is_sent)
        if awaits_receipts:
            with self.stages("receipts"):
                totals = self._follow(path, _is_over)
        return Outcome(campaign_id=made["id"], totals=totals)

    def _follow(self, path: str, is_over: Callable[[dict[str, Any]], bool]) -> Totals:
        for campaign in self._polled(path):
            totals: Totals = campaign["totals"]
            self.tell(_progress(totals))
            if campaign["status"] not in ("approved", "sending", "done"):
                raise Failure(f"The campaign is {campaign['status']} instead of done: {campaign}")
            if is_over(campaign):
                return totals
        raise AssertionError("polling has no end of its own")

    def _polled(self, path: str) -> Iterator[dict[str, Any]]:
        """Ask the author's view of it again and again, until nobody wants more or nothing moves."""
        last, changed_at = self.author.get(path), time.monotonic()
        while True:
            yield last
            time.sleep(POLL)
            self.check()
            found = self.author.get(path)
            if found != last:
                last, changed_at = found, time.monotonic()
            if time.monotonic() - changed_at > STUCK:
                raise Failure(f"Nothing has moved for {STUCK:.0f} seconds. The last answer was {last}")


def numbers(rows: int, mix: Mix) -> Iterator[bytes]:
    """A list as people have them, Dutch mobile numbers in three spellings, one a line."""
    for start in range(0, rows, BLOCK):
        yield b"".join(_line(row, mix) for row in range(start, min(start + BLOCK, rows)))


def _line(row: int, mix: Mix) -> bytes:
    if mix.invalid_every and row % mix.invalid_every == mix.invalid_every - 1:
        return b"no number %d\n" % row
    if mix.duplicate_every and row % mix.duplicate_every == mix.duplicate_every // 2:
        return b"+31%d\n" % (610_000_000 + row - 1)
    return (b"+31%d\n", b"0031%d\n", b"0%d\n")[row % 3] % (610_000_000 + row)


def equation_holds(totals: Totals) -> bool:
    rows = sum(totals[term] for term in FILE_TERMS)
    accepted = sum(totals[term] for term in SENDING_TERMS)
    return totals["rows"] == rows and totals["accepted"] == accepted


def equation(totals: Totals) -> str:
    """Both lines of it, with figures."""

    def line(whole: str, terms: tuple[str, ...]) -> str:
        return f"{totals[whole]:,} {whole} = " + " + ".join(f"{totals[term]:,} {term}" for term in terms)

    return f"{line('rows', FILE_TERMS)}\n{line('accepted', SENDING_TERMS)}"


def _is_sent(campaign: dict[str, Any]) -> bool:
    return bool(campaign["status"] != "approved" and campaign["totals"]["waiting"] == 0)


def _is_over(campaign: dict[str, Any]) -> bool:
    return bool(campaign["status"] == "done" and campaign["totals"]["pending"] == 0)


def _progress(totals: Totals) -> str:
    accepted = totals["accepted"] or 1
    sent = accepted - totals["waiting"]
    return (
        f"Sent {sent:,} of {accepted:,} ({sent / accepted:.0%}), "
        f"delivered {totals['delivered']:,}, receipts awaited {totals['pending']:,}"
    )
