"""Everything that can be raised here: what the API says when it says no, and what it does not say."""

import copyreg
from collections.abc import Mapping, Sequence
from typing import Any

import httpx


class MessageCenterError(Exception):
    """Whatever this library raises."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Through a queue or a pool of processes it comes whole."""
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class Unreachable(MessageCenterError):
    """Nobody answered. Unless it `is_unsent` it may have been done all the same: the same call with the same
    Idempotency-Key does it once."""

    def __init__(self, message: str, *, is_unsent: bool) -> None:
        super().__init__(message)
        self.is_unsent = is_unsent


class NotReady(MessageCenterError):
    """What was waited for did not come in time; it may still come."""


class Failed(MessageCenterError):
    """What was waited for came to nothing; the message says why."""


class NotGenuine(MessageCenterError):
    """What came to a webhook is not signed by any of the secrets, or is too old."""


class ApiError(MessageCenterError):
    """`code` is for programs (`wrong_status`, `invalid`, …), the message for people; `fields` says what was wrong with
    each field. `status` is that of HTTP. Who runs the server finds the call by its `request_id`."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        fields: Mapping[str, Sequence[str]] | None = None,
        request_id: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.fields = status, code, message, dict(fields or {})
        self.request_id, self.retry_after = request_id, retry_after

    def __str__(self) -> str:
        return f"{self.message} ({self.code}, {self.status})"


class Invalid(ApiError):
    """400, 413, 415, 422: the same call will never do; `fields` says what to mend."""


class KeyRefused(ApiError):
    """401: no key, or one that is none any more."""


class NotAllowed(ApiError):
    """403: the key lacks a scope, or its person may not do this."""


class NotFound(ApiError):
    """404: there is nothing there, or it is another workspace's."""


class Conflict(ApiError):
    """409: it cannot be done as things stand; look at it again."""


class Changed(ApiError):
    """412: somebody changed it since it was read; nothing was done."""


class TooMany(ApiError):
    """429: too many calls, for longer than there was patience; nothing was done."""


class Away(ApiError):
    """503: a store is away for a moment; the same call again, later."""


KINDS: dict[int, type[ApiError]] = {
    400: Invalid,
    401: KeyRefused,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    412: Changed,
    413: Invalid,
    415: Invalid,
    422: Invalid,
    429: TooMany,
    503: Away,
}


def error_of(response: httpx.Response, *, retry_after: float | None) -> ApiError:
    """Of an answer that is none of success; one that did not come from the API has the code `unexpected`."""
    kind = KINDS.get(response.status_code, ApiError)
    about: dict[str, Any] = {"request_id": response.headers.get("X-Request-Id", ""), "retry_after": retry_after}
    try:
        said = response.json()["error"]
        return kind(response.status_code, said["code"], said["message"], fields=said.get("fields"), **about)
    except (ValueError, KeyError, TypeError):
        message = f"{response.reason_phrase}: the answer has no words of the API."
        return kind(response.status_code, "unexpected", message, **about)
