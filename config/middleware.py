"""Whom to believe about HTTPS, refused and trouble with storage for pages and the admin, what no database and no page
takes, and what every answer tells the browser not to do."""

from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme

from accounts import stale
from audit.middleware import is_ours
from audit.refusal import Refused
from config import errors, troubles
from config.api import envelope


class ForwardedScheme:
    """Outermost of all: whether somebody came by HTTPS is believed from a proxy of ours, which says one word. What
    anybody else says of it is not there (SECURE_PROXY_SSL_HEADER)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        peer, told = request.META.get("REMOTE_ADDR"), request.META.get(FORWARDED_PROTO, "")
        if not peer or not is_ours(peer) or "," in told:
            request.META.pop(FORWARDED_PROTO, None)
        return self.get_response(request)


FORWARDED_PROTO = "HTTP_X_FORWARDED_PROTO"


class NulMiddleware:
    """No text of PostgreSQL holds NUL: an address or a form that does is a mistake of the caller, 400."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\0" not in request.path and not _has_nul(request.META.get("QUERY_STRING", "")):
            return self.get_response(request)
        if not request.path.startswith("/api/"):
            raise BadRequest(NUL)
        return JsonResponse(envelope("invalid", NUL), status=400)

    def process_view(self, request: HttpRequest, view: object, args: object, kwargs: object) -> None:
        """The API's bodies have serializers. It and the uploads are exempt from CSRF here: nobody reads them early."""
        if request.method != "POST" or getattr(view, "csrf_exempt", False):
            return
        if any("\0" in text for name, values in request.POST.lists() for text in (name, *values)):
            raise BadRequest(NUL)


NUL = "Null characters are not allowed."


def _has_nul(query: str) -> bool:
    return "\0" in query or "%00" in query


class PageMethods:
    """A page is read by GET and written by POST: no other method is taken for one of them. The API says its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith("/api/") or request.method in PAGE_METHODS:
            return self.get_response(request)
        return HttpResponseNotAllowed(PAGE_METHODS)


PAGE_METHODS = ["GET", "HEAD", "POST"]


class RefusedMiddleware:
    """A broken rule, or storage in trouble, becomes a message on the page that was left: nothing changed. Whoever opens
    what takes no visit is told so on a page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != HTTPStatus.METHOD_NOT_ALLOWED or request.path.startswith("/api/"):
            return response
        shown = errors.not_a_page(request)
        shown.headers["Allow"] = response.headers["Allow"]
        return shown

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        told = error if isinstance(error, Refused) else troubles.said(error)
        if told is None:
            return None
        message, is_stale = stale.said(told.message, code=told.code), told.code in stale.CODES
        if "HX-Request" in request.headers:
            return render(request, "_refused.html", {"message": message, "is_stale": is_stale}, status=409)
        messages.error(request, message)
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
API_DOCS_POLICY = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
PERMISSIONS = ", ".join(
    f"{name}=()"
    for name in ("camera", "display-capture", "geolocation", "microphone", "midi", "payment", "serial", "usb")
)


class SecurityHeaders:
    """Around everything else: what is refused early, and files, have them as pages do."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        docs = request.path.startswith("/api/v1/schema/")
        told = {
            "Content-Security-Policy": API_DOCS_POLICY if docs else POLICY,
            "Permissions-Policy": PERMISSIONS,
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Referrer-Policy": settings.SECURE_REFERRER_POLICY,
            "Cross-Origin-Opener-Policy": settings.SECURE_CROSS_ORIGIN_OPENER_POLICY,
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        if settings.SECURE_HSTS_SECONDS and request.scheme == "https":
            told["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}"
        for name, value in told.items():
            response.headers.setdefault(name, value)
        return response
