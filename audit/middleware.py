"""Notes role, address and request id of each request for the entries that it causes."""

import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from audit import circumstances


class CircumstancesMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = uuid.uuid4().hex
        membership = getattr(request, "membership", None)
        token = circumstances.set_current(
            circumstances.Circumstances(
                role=membership.role if membership else "",
                address=request.META.get("REMOTE_ADDR") or None,
                request_id=request_id,
                via="page",
            )
        )
        try:
            response = self.get_response(request)
        finally:
            circumstances.reset(token)
        response["X-Request-ID"] = request_id
        return response
