"""What is said when nothing else can be: to pages in their own design, to the API in its envelope, to HTMX in a line.

Each names the request, as the log does.
"""

from dataclasses import dataclass

from django.core.exceptions import RequestDataTooBig, TooManyFilesSent
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.csrf import requires_csrf_token

from accounts import signing_in
from audit import circumstances
from config.api import NOT_FOUND, envelope


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    status: int
    code: str
    english: str  # for programs
    title: str
    text: str


@requires_csrf_token
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler400. Django means 400 by a body that is too large, too."""
    if isinstance(exception, RequestDataTooBig | TooManyFilesSent):
        return _answer(
            request,
            Problem(
                status=413,
                code="too_large",
                english="The body is too large.",
                title=_("That is too much at once"),
                text=_("What was sent is larger than this page takes. Nothing was kept of it."),
            ),
        )
    return _answer(
        request,
        Problem(
            status=400,
            code="invalid",
            english="The request is not a valid one.",
            title=_("That could not be read"),
            text=_("The browser sent something that makes no sense here. Nothing was changed."),
        ),
    )


@requires_csrf_token
def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler403."""
    text = str(exception) or _("Your role does not let you.")
    return _answer(
        request,
        Problem(status=403, code="permission_denied", english=text, title=_("You may not do this"), text=text),
    )


@requires_csrf_token
def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler404: the same for what is not there and for what is somebody else's."""
    return _answer(
        request,
        Problem(
            status=404,
            code="not_found",
            english=NOT_FOUND,
            title=_("Nothing here"),
            text=_("There is nothing at this address, or it belongs to another workspace."),
        ),
    )


def not_a_page(request: HttpRequest) -> HttpResponse:
    """What was opened takes something else than a visit: a button's address, out of the history of a browser."""
    return _answer(
        request,
        Problem(
            status=405,
            code="method_not_allowed",
            english="This address takes another method.",
            title=_("Nothing to look at here"),
            text=_("This address belongs to a button. Go to the page that has it, and press it there."),
        ),
    )


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Most often a page from before somebody signed in again: what it would have done was not done, and may be done by
    another press."""
    waits = None if request.path.startswith("/api/") else signing_in.of_an_old_page(request)
    return waits or _answer(
        request,
        Problem(
            status=403,
            code="csrf",
            english=reason or "The CSRF token is missing or wrong.",
            title=_("This page is too old"),
            text=_(
                "It was opened before you last signed in, so nothing was done. Go back, load it again, and try again."
            ),
        ),
    )


@requires_csrf_token
def server_error(request: HttpRequest) -> HttpResponse:
    """handler500. It asks nothing of the database, which may be what is broken."""
    problem = Problem(
        status=500,
        code="internal_error",
        english="Something broke on our side; the operators have been told.",
        title=_("Something broke here"),
        text=_("It was noted. Nothing that you did before is lost."),
    )
    return _answer(request, problem, framed=False)


def _answer(request: HttpRequest, problem: Problem, *, framed: bool = True) -> HttpResponse:
    if request.path.startswith("/api/"):
        return JsonResponse(envelope(problem.code, problem.english), status=problem.status)
    context = {"problem": problem, "request_id": circumstances.current().request_id}
    if "HX-Request" in request.headers:
        shown = HttpResponse(render_to_string("_problem.html", context), status=problem.status)
        # static/frame.js lets an answer with these into the page: one of a proxy in between has none.
        shown.headers["HX-Retarget"], shown.headers["HX-Reswap"] = "#messages", "innerHTML"
        return shown
    is_framed = framed and getattr(request, "user", None) is not None and request.user.is_authenticated
    template = "error.html" if is_framed else "error_alone.html"
    return HttpResponse(render_to_string(template, context, request if is_framed else None), status=problem.status)
