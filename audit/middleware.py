"""Notes address and request id of each request for the log, the answer, and the entries that it causes."""

import re
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from audit import circumstances

# What a proxy gives; anything else could forge lines of a log.
SANE = re.compile(r"[A-Za-z0-9_-]{8,64}")


class CircumstancesMiddleware:
    """Around everything else. The role is added by whoever knows it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-Id", "")
        request_id = given if SANE.fullmatch(given) else uuid.uuid4().hex
        token = circumstances.set_current(
            circumstances.Circumstances(
                address=request.META.get("REMOTE_ADDR") or None, request_id=request_id, via="page"
            )
        )
        try:
            response = self.get_response(request)
        finally:
            circumstances.reset(token)
        response["X-Request-Id"] = request_id
        return response
