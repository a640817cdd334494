"""One call: what it carries, what is tried again, and what its answer means."""

import json
import random
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from email.utils import parsedate_to_datetime
from itertools import count
from pathlib import Path
from typing import Any, TypeVar, cast

import httpx

from message_center_client.errors import ApiError, MessageCenterError, Unreachable, error_of

T = TypeVar("T")
Query = str | int | date | Sequence[str] | None

# An attempt before this one is still being answered; another connection holds the upload, has gone on with it, or has
# changed its bytes.
PASSING = {"idempotency_in_progress", "busy", "wrong_offset", "checksum_mismatch"}
NOT_DONE = {429, 503}  # nothing was done: it is safe to ask again, whatever was asked
LOST = {502, 504}  # somebody in between has no answer: it may have been done
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds between two attempts, when the server does not say
PIECE = 1024 * 1024  # bytes of a file in memory at a time


class Calls:
    """`attempts` in all. Between them it waits as long as the server says, unless that is longer than `patience`
    seconds, or ever longer by itself.

    Each POST has an `Idempotency-Key`, the same at each attempt: so whatever is asked may be asked again when an answer
    was lost, and is done once. But for a change that depends on an ETag: the change itself would have changed that.

    `kind` is one of `message_center_client.models`: what the answer is.
    """

    def __init__(self, http: httpx.Client, *, attempts: int, patience: float) -> None:
        self._http, self._attempts, self._patience = http, attempts, patience

    def get(self, kind: type[T], path: str, /, **query: Query) -> T:
        return cast(T, _said(self.send("GET", path, query=query)))

    def read(self, kind: type[T], path: str) -> tuple[T, str]:
        """And its tag, for `if_match`."""
        response = self.send("GET", path)
        return cast(T, _said(response)), response.headers["ETag"]

    def post(
        self,
        kind: type[T],
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        key: str | None = None,
        if_match: str | None = None,
    ) -> T:
        """`key` is its Idempotency-Key, one of its own when there is none."""
        headers = {"Idempotency-Key": key or str(uuid.uuid4()), **_when(if_match)}
        return cast(T, _said(self.send("POST", path, body=body or {}, headers=headers)))

    def patch(self, kind: type[T], path: str, body: Mapping[str, Any], *, if_match: str | None = None) -> T:
        return cast(T, _said(self.send("PATCH", path, body=body, headers=_when(if_match))))

    def put(self, kind: type[T], path: str, body: Mapping[str, Any], *, if_match: str | None = None) -> T:
        return cast(T, _said(self.send("PUT", path, body=body, headers=_when(if_match))))

    def delete(self, path: str, *, if_match: str | None = None, **query: Query) -> None:
        self.send("DELETE", path, query=query, headers=_when(if_match))

    def pages(self, kind: type[T], path: str, /, **query: Query) -> Iterator[T]:
        """Every row, page by page, as somebody asks for it."""
        while True:
            page = self.get(dict[str, Any], path, **query)
            yield from cast(list[T], page["results"])
            if page["next"] is None:
                return
            query = dict(httpx.URL(page["next"]).params)

    def download(self, path: str, file: str | Path, **query: Query) -> int:
        """Its size in bytes. Under the name that was given there is the whole file, or nothing new."""
        file = Path(file)
        unfinished = file.with_name(f"{file.name}.part")
        for attempt in count(1):
            try:
                with (
                    self._answer("GET", path, query=query, follow_redirects=True) as answer,
                    unfinished.open("wb") as part,
                ):
                    size = sum(part.write(piece) for piece in answer.iter_bytes(PIECE))
                unfinished.replace(file)
                return size
            except MessageCenterError as error:
                self.pause_after(error, attempt)
            finally:
                unfinished.unlink(missing_ok=True)
        raise AssertionError("The last attempt returns or raises.")

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Query] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Raises ApiError when the API says no, Unreachable when nobody answers."""
        is_repeatable = method == "POST" or "If-Match" not in (headers or {})
        content = None if body is None else json.dumps(body, default=_iso)
        if content is not None:
            headers = {"Content-Type": "application/json", **(headers or {})}
        for attempt in count(1):
            try:
                return self.once(method, path, query=query, content=content, headers=headers)
            except MessageCenterError as error:
                self.pause_after(error, attempt, is_repeatable=is_repeatable)
        raise AssertionError("The last attempt returns or raises.")

    def once(self, method: str, path: str, **given: Any) -> httpx.Response:
        with self._answer(method, path, **given) as response:
            response.read()
            return response

    def pause_after(
        self, error: MessageCenterError, attempt: int, *, attempts: int = 0, is_repeatable: bool = True
    ) -> None:
        """Until it is worth another attempt; raises the error when it is not."""
        if attempt >= (attempts or self._attempts) or not _may_pass(error, is_repeatable=is_repeatable):
            raise error
        said = error.retry_after if isinstance(error, ApiError) else None
        if said is not None and said > self._patience:
            raise error
        longest = min(FIRST_PAUSE * 2.0 ** (attempt - 1), LONGEST_PAUSE)
        # By chance: those who were turned away together do not come back together.
        chance = random.uniform(0.5, 1.0) * longest
        time.sleep(chance if said is None else said + chance)

    @contextmanager
    def _answer(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Query] | None = None,
        content: bytes | str | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        follow_redirects: bool = False,
    ) -> Iterator[httpx.Response]:
        given = {name: _in_query(value) for name, value in (query or {}).items() if value is not None}
        request = self._http.build_request(
            method, path, params=httpx.QueryParams(given) if given else None, content=content, headers=headers
        )
        try:
            response = self._http.send(request, stream=True, follow_redirects=follow_redirects)
            try:
                if not response.is_success:
                    response.read()
                    raise error_of(response, retry_after=_seconds(response.headers.get("Retry-After")))
                yield response
            finally:
                response.close()
        except httpx.RequestError as error:
            is_unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
            said = str(error) or type(error).__name__
            raise Unreachable(f"{request.url.host} does not answer: {said}", is_unsent=is_unsent) from error


def _may_pass(error: MessageCenterError, *, is_repeatable: bool) -> bool:
    match error:
        case Unreachable():
            return error.is_unsent or is_repeatable
        case ApiError():
            is_passing = error.status in NOT_DONE or error.code in PASSING
            return is_passing or (is_repeatable and error.status in LOST)
    return False


def _said(response: httpx.Response) -> object:
    try:
        return response.json()
    except ValueError as error:
        raise error_of(response, retry_after=None) from error


def _when(if_match: str | None) -> dict[str, str]:
    return {"If-Match": if_match} if if_match else {}


def _in_query(value: str | int | date | Sequence[str]) -> str:
    if isinstance(value, date):
        return _iso(value)
    return str(value) if isinstance(value, str | int) else ",".join(value)


def _iso(value: object) -> str:
    """Days and times, in bodies and in queries."""
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _seconds(retry_after: str | None) -> float | None:
    """As RFC 9110 §10.2.3 writes them: a number or a date."""
    if retry_after is None:
        return None
    try:
        if retry_after.isdigit():
            return float(retry_after)
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    except ValueError:
        return None
