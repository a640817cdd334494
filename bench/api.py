"""How soon the API answers over HTTP, and how soon a pushed message is with the carrier beside a large campaign."""

import http.client
import itertools
import json
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from bench.desk import CLEAN, Desk, add_limited_channel, most_in_a_second
from bench.harness import private_installation
from stack.failure import Failure
from stack.installation import Installation

CHANNEL = "limited"
BIG = "Twenty percent off everything until Sunday."
PUSHED = "Your code is {code}."
FIRST = 491_600_000_000  # pushed to, and on no list
MANY = 1_000
FEW = 10  # of a thousand messages each, for each hundred of other requests
WARMING = 10
SETTLED = 3  # seconds' worth of submits, then the large campaign is at the limit
UNLIMITED = ("ADDRESS", "USER", "KEY", "WORKSPACE")  # else the throttle of calls is what would be measured
PATIENCE = 60.0


def run(
    *,
    beside: int = 1_000_000,
    limit: int = 1_000,
    rate: int = 50,
    seconds: int = 60,
    answer_ms: int = 50,
    requests: int = 200,
    clients: int = 8,
) -> dict[str, object]:
    """`rate` messages a second are pushed for `seconds`, each in a call of its own, while a campaign to `beside`
    recipients goes over the same channel at its `limit`. The carrier answers after `answer_ms`."""
    rates = {f"API_RATE_{kind}": "0" for kind in UNLIMITED}
    settings = {**rates, "RESP_DELAY_MS": str(answer_ms)}
    with private_installation(window=200, binds=1, settings=settings) as installation:
        add_limited_channel(installation, CHANNEL, limit)
        bench = _Bench(installation)
        listed = bench.desk.story.make_list(beside, CLEAN)
        big = bench.begin(listed, at_least=SETTLED * (limit or MANY))
        trigger = bench.trigger()
        pushes = bench.push_beside(trigger, rate, seconds)
        arrived = bench.arrivals(pushes)
        told = bench.told(pushes, arrived, limit)
        bench.desk.story.author.post(f"{big}cancel/", reason="Measured.")
        return {**told, "endpoints": bench.endpoints(big, trigger, requests, clients)}


class Caller:
    """One connection that is kept, as a program has it."""

    def __init__(self, url: str, token: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def call(self, method: str, path: str, body: bytes | None = None) -> float:
        """Seconds until its answer was read."""
        began = time.perf_counter()
        self._connection.request(method, f"/api/v1/{path}", body, self._headers)
        response = self._connection.getresponse()
        content = response.read()
        spent = time.perf_counter() - began
        if not 200 <= response.status < 300:
            raise Failure(f"{method} {path} was answered {response.status}: {content[:300].decode()}")
        return spent

    def close(self) -> None:
        self._connection.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    to: str
    at: float  # on the journal's clock
    accepted: float  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    method: str
    path: str
    body: Callable[[], object] | None = None
    share: float = 1.0  # of the requests


class _Bench:
    def __init__(self, installation: Installation) -> None:
        self.desk = Desk(installation)
        self._url, self._token = installation.url, installation.seed["users"]["author"]["token"]
        self._next = itertools.count(FIRST)

    def begin(self, listed: int | str, *, at_least: int) -> str:
        path = self.desk.approved(mode="on_approval", text=BIG, list=listed, channel=self.desk.channels[CHANNEL])
        self.desk.tell("Sending the large campaign …")
        self.desk.wait_for(lambda: len(self.desk.times(BIG)) >= at_least)
        return path

    def trigger(self) -> str:
        end = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        path = self.desk.approved(mode="trigger", text=PUSHED, not_after=end, channel=self.desk.channels[CHANNEL])
        status = self.desk.story.author
        self.desk.wait_for(lambda: status.get(path)["status"] == "sending")
        return path

    def push_beside(self, trigger: str, rate: int, seconds: int) -> list[Push]:
        """At even times, whatever the answers take."""
        self.desk.tell(f"Pushing {rate} messages a second for {seconds} seconds …")
        begin = time.monotonic() + 0.5
        local = threading.local()

        def push(number: int) -> Push:
            if not hasattr(local, "caller"):
                local.caller = Caller(self._url, self._token)
            time.sleep(max(0.0, begin + number / rate - time.monotonic()))
            message = self._message()
            at = time.time()
            accepted = local.caller.call("POST", f"{trigger}messages/", json.dumps(message).encode())
            return Push(to=message["to"].removeprefix("+"), at=at, accepted=accepted)

        with ThreadPoolExecutor(max(8, rate // 5)) as pool:
            return list(pool.map(push, range(rate * seconds)))

    def arrivals(self, pushes: Sequence[Push]) -> dict[str, float]:
        """When the first submit to each number came."""
        wanted = {push.to for push in pushes}
        self.desk.wait_for(lambda: wanted <= {submit.destination for submit in self.desk.submits()}, seconds=PATIENCE)
        found: dict[str, float] = {}
        for submit in self.desk.submits():
            if submit.destination in wanted:
                found.setdefault(submit.destination, submit.at)
        return found

    def told(self, pushes: Sequence[Push], arrived: Mapping[str, float], limit: int) -> dict[str, object]:
        begin, end = pushes[0].at, pushes[-1].at
        during = sorted(submit.at for submit in self.desk.submits() if begin <= submit.at < end)
        big = sum(begin <= at < end for at in self.desk.times(BIG))
        return {
            "trigger_accept_ms": _quantiles([push.accepted for push in pushes]),
            "trigger_to_carrier_ms": _quantiles([arrived[push.to] - push.at for push in pushes]),
            "pushed": len(pushes),
            "pushed_per_second": round(len(pushes) / (end - begin), 1),
            "beside": {
                "limit_parts_per_second": limit,
                "messages_per_second": round(big / (end - begin), 1),
                "most_in_any_second": most_in_a_second(during),
            },
        }

    def endpoints(self, big: str, trigger: str, requests: int, clients: int) -> dict[str, dict[str, float]]:
        sender = self.desk.story.sender_id
        draft = {"name": "Draft", "mode": "on_approval", "sender": sender, "text": "A draft."}
        measured = {
            "GET campaigns/": Endpoint(method="GET", path="campaigns/"),
            "GET campaigns/{id}/": Endpoint(method="GET", path=big),
            "GET campaigns/{id}/recipients/": Endpoint(method="GET", path=f"{big}recipients/"),
            "GET lists/": Endpoint(method="GET", path="lists/"),
            "GET statistics/": Endpoint(method="GET", path="statistics/"),
            "POST campaigns/": Endpoint(method="POST", path="campaigns/", body=lambda: draft),
            "POST campaigns/{id}/messages/ of 1": Endpoint(
                method="POST", path=f"{trigger}messages/", body=self._message
            ),
            "POST campaigns/{id}/messages/ of 1,000": Endpoint(
                method="POST",
                path=f"{trigger}messages/",
                body=lambda: {"messages": [self._message() for _ in range(MANY)]},
                share=FEW / 100,
            ),
        }
        return {name: self._measure(name, one, requests, clients) for name, one in measured.items()}

    def _measure(self, name: str, endpoint: Endpoint, requests: int, clients: int) -> dict[str, float]:
        """Alone, then as many a second as `clients` connections get."""
        count = max(1, round(requests * endpoint.share))
        self.desk.tell(name)
        with self._caller() as caller:
            for _ in range(min(WARMING, count)):
                self._call(caller, endpoint)
            alone = [self._call(caller, endpoint) for _ in range(count)]
        began = time.perf_counter()
        with ThreadPoolExecutor(clients) as pool:
            together = list(pool.map(lambda _: self._call_often(endpoint, count), range(clients)))
        rate = clients * count / (time.perf_counter() - began)
        found, beside_others = _quantiles(alone), _quantiles(list(itertools.chain.from_iterable(together)))
        return {
            "p50_ms": found["p50"],
            "p95_ms": found["p95"],
            "requests_per_second": round(rate, 1),
            "together_p95_ms": beside_others["p95"],
        }

    def _call_often(self, endpoint: Endpoint, count: int) -> list[float]:
        with self._caller() as caller:
            return [self._call(caller, endpoint) for _ in range(count)]

    def _call(self, caller: Caller, endpoint: Endpoint) -> float:
        body = json.dumps(endpoint.body()).encode() if endpoint.body else None
        return caller.call(endpoint.method, endpoint.path, body)

    @contextmanager
    def _caller(self) -> Iterator[Caller]:
        caller = Caller(self._url, self._token)
        try:
            yield caller
        finally:
            caller.close()

    def _message(self) -> dict[str, Any]:
        number = next(self._next)
        return {"to": f"+{number}", "params": {"code": str(number % 1_000_000)}}


def _quantiles(seconds: Sequence[float]) -> dict[str, float]:
    """In milliseconds."""
    p95 = statistics.quantiles(seconds, n=20, method="inclusive")[-1] if len(seconds) > 1 else seconds[0]
    return {"p50": round(1000 * statistics.median(seconds), 1), "p95": round(1000 * p95, 1)}
