"""Takes the time of each request, to the first byte of its answer."""

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from metrics.durations import durations

UNKNOWN = "unknown"  # an address that is none: whoever tries many makes no more series


class DurationsMiddleware:
    """Around everything else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        route = (match.view_name if match.url_name else match.route) if match else UNKNOWN
        durations.note(route, request.method or "", response.status_code, time.perf_counter() - began)
        return response
