"""What the API says when it says no."""

from collections.abc import Mapping, Sequence

import httpx


class ApiError(Exception):
    """`code` is for programs (`wrong_status`, `invalid`, …), the message for people; `fields` says what was wrong with
    each field. `status` is that of HTTP."""

    def __init__(self, status: int, code: str, message: str, fields: Mapping[str, Sequence[str]]) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.fields = status, code, message, dict(fields)

    def __str__(self) -> str:
        return f"{self.message} ({self.code}, {self.status})"


class NotReady(Exception):
    """What was waited for did not come in time, or came to nothing."""


def error_of(response: httpx.Response) -> ApiError:
    """Of an answer that is none of success; one that did not come from the API has the code `unexpected`."""
    try:
        said = response.json()["error"]
        return ApiError(response.status_code, said["code"], said["message"], said.get("fields", {}))
    except (ValueError, KeyError, TypeError):
        message = f"The answer is none of the API's: {response.reason_phrase}."
        return ApiError(response.status_code, "unexpected", message, {})
