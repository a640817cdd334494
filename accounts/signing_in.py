"""Where somebody goes who has to sign in first, and where they come back to: pages of ours, nowhere else."""

from http import HTTPStatus
from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts import unsent


def ask(request: HttpRequest) -> HttpResponse:
    """To the sign-in page, and then back. HTMX has to take the whole page there, unless the page has only asked what
    somebody's typing looks like: they are told, and are not taken from it."""
    is_part = "HX-Request" in request.headers
    if is_part and only_asks(request):
        told = render(
            request, "accounts/_signed_out.html", {"back": came_from(request)}, status=HTTPStatus.UNAUTHORIZED
        )
        told.headers["HX-Retarget"], told.headers["HX-Reswap"] = "#messages", "innerHTML"
        return told
    to_login = redirect_to_login(afterwards(request))
    if not is_part:
        return to_login
    return HttpResponse(status=204, headers={"HX-Redirect": to_login.url})


def afterwards(request: HttpRequest) -> str:
    """What waits for them once they are in: what they sent, or the page that they were on."""
    page = came_from(request)
    handle = unsent.keep(request, page=page)
    return reverse("unsent", args=[handle]) if handle else page


def of_an_old_page(request: HttpRequest) -> HttpResponse | None:
    """To what waits: it was sent from a page that is older than the last signing in. None where nothing is kept, and of
    what may be another site's."""
    is_sign_in = request.resolver_match is not None and request.resolver_match.view_name == "login"
    if is_sign_in or only_asks(request) or not unsent.is_of_a_page_of_ours(request):
        return None
    handle = unsent.keep(request, page=came_from(request))
    if handle is None:
        return None
    waits = reverse("unsent", args=[handle])
    if "HX-Request" in request.headers:
        return HttpResponse(status=HTTPStatus.NO_CONTENT, headers={"HX-Redirect": waits})
    return redirect(waits)


def only_asks(request: HttpRequest) -> bool:
    """Whether it only asks what somebody's typing looks like: nobody is taken from their page by it."""
    match = request.resolver_match
    return request.method == "POST" and bool(match and getattr(match.func, "writes_nothing", False))


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
