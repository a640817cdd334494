"""One call: what it carries, what is tried again, and what its answer means."""

import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from message_center_client.errors import error_of

# Nothing was done: it is safe to ask again, whatever was asked.
NOT_DONE = {429, 503}
LONGEST_WAIT = 60.0  # seconds between two attempts, whatever `Retry-After` says


class Calls:
    """`attempts` in all; between them it waits as long as the server says, or ever longer.

    Tried again is what reads, what was not done (429, 503, no connection), and what creates: that has an
    `Idempotency-Key`, so it creates once.
    """

    def __init__(self, http: httpx.Client, *, attempts: int) -> None:
        self._http, self._attempts = http, attempts

    def get(self, path: str, **query: object) -> Any:
        return self.send("GET", path, query=query).json()

    def create(self, path: str, body: Mapping[str, Any], *, key: str | None = None) -> Any:
        """A POST that makes something; `key` is its Idempotency-Key, one of its own when there is none."""
        return self.send("POST", path, body=body, headers={"Idempotency-Key": key or str(uuid.uuid4())}).json()

    def act(self, path: str, body: Mapping[str, Any] | None = None, *, if_match: str | None = None) -> Any:
        """A POST that moves something that is there."""
        return self.send("POST", path, body=body or {}, headers=_when(if_match)).json()

    def change(self, path: str, body: Mapping[str, Any], *, if_match: str | None = None) -> Any:
        return self.send("PATCH", path, body=body, headers=_when(if_match)).json()

    def upload(self, path: str, pieces: Iterable[bytes], headers: Mapping[str, str]) -> Any:
        """Once: what was read of a file is gone."""
        response = self._http.put(path, content=pieces, headers=headers)
        if not response.is_success:
            raise error_of(response)
        return response.json()

    def pages(self, path: str, **query: object) -> Iterator[Any]:
        """Every row, page by page, as somebody asks for it."""
        page = self.get(path, **query)
        while True:
            yield from page["results"]
            if page["next"] is None:
                return
            page = self.get(page["next"])

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, object] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Raises ApiError when the API says no, httpx.TransportError when nobody answers."""
        given = {name: str(value) for name, value in (query or {}).items() if value is not None}
        is_repeatable = method == "GET" or "Idempotency-Key" in (headers or {})
        for attempt in range(1, self._attempts + 1):
            is_last = attempt == self._attempts
            try:
                response = self._http.request(
                    method, path, params=httpx.QueryParams(given) if given else None, json=body, headers=headers
                )
            except httpx.TransportError as error:
                if is_last or not (is_repeatable or isinstance(error, httpx.ConnectError)):
                    raise
                time.sleep(_patience(attempt))
                continue
            if response.is_success:
                return response
            is_trouble = response.status_code in NOT_DONE or (is_repeatable and response.status_code in (502, 504))
            if is_last or not is_trouble:
                raise error_of(response)
            time.sleep(_wait(response.headers.get("Retry-After"), attempt))
        raise AssertionError("The last attempt returns or raises.")


def _when(if_match: str | None) -> dict[str, str]:
    return {"If-Match": if_match} if if_match else {}


def _patience(attempt: int) -> float:
    return min(0.5 * 2.0 ** (attempt - 1), LONGEST_WAIT)


def _wait(said: str | None, attempt: int) -> float:
    """Seconds, as RFC 9110 §10.2.3 writes them: a number or a date."""
    if said is None:
        return _patience(attempt)
    try:
        seconds = float(said) if said.isdigit() else parsedate_to_datetime(said).timestamp() - time.time()
    except ValueError:
        seconds = _patience(attempt)
    return max(0.0, min(seconds, LONGEST_WAIT))
