"""Refused and trouble with storage for pages and the admin, and the Content-Security-Policy."""

from collections.abc import Callable
from urllib.parse import urlsplit

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme

from audit.refusal import Refused
from config import troubles


class RefusedMiddleware:
    """A broken rule, or storage in trouble, becomes a message on the page that was left: nothing changed."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        told = error if isinstance(error, Refused) else troubles.said(error)
        if told is None:
            return None
        if "HX-Request" in request.headers:
            return render(request, "_refused.html", {"message": told.message}, status=409)
        messages.error(request, told.message)
        return redirect(_back(request))


def _back(request: HttpRequest) -> str:
    """The page that was left, if it is ours and another one than this."""
    referer = request.headers.get("Referer", "")
    ours = url_has_allowed_host_and_scheme(
        referer, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    if not ours or (request.method == "GET" and urlsplit(referer).path == request.path):
        return "/"
    return referer


POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# Swagger UI sets styles from its script.
API_DOCS_POLICY = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'").replace(
    "script-src 'self'", "script-src 'self' 'unsafe-inline'"
)


class ContentSecurityPolicy:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        docs = request.path.startswith("/api/v1/schema/")
        response.headers.setdefault("Content-Security-Policy", API_DOCS_POLICY if docs else POLICY)
        return response
