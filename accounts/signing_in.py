"""Where somebody goes who has to sign in first, and where they come back to: pages of ours, nowhere else."""

from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme


def ask(request: HttpRequest) -> HttpResponse:
    """To the sign-in page, and then back to the page that somebody was on. HTMX has to take the whole page there."""
    to_login = redirect_to_login(came_from(request))
    if "HX-Request" not in request.headers:
        return to_login
    return HttpResponse(status=204, headers={"HX-Redirect": to_login.url})


def came_from(request: HttpRequest) -> str:
    """The address of the page itself. What was posted, or fetched as a part of a page, is no page to come back to."""
    if "HX-Request" in request.headers:
        return of_ours(request, request.headers.get("HX-Current-URL", ""))
    if request.method in {"GET", "HEAD"}:
        return request.get_full_path()
    return of_ours(request, request.headers.get("Referer", ""))


def of_ours(request: HttpRequest, url: str) -> str:
    if not url_has_allowed_host_and_scheme(url, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        return "/"
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path or "/"
