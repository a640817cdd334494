"""Puts workspace, membership and permissions of a visitor on the request; speaks in the workspace's time zone, and to
people in their language."""

from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts import last_visit, preferences, second_steps, signing_in, unsent, visits
from accounts.models import Membership, User, Workspace
from accounts.roles import Permission
from accounts.throttling import Standing
from audit import circumstances, walls

LOOKING_KEY = "only_looks"  # a super admin who came in by the Master view
READING = frozenset({"GET", "HEAD", "OPTIONS"})


class WorkspaceMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        with walls.nothing():
            response = self._answer(request)
            if isinstance(response, StreamingHttpResponse):
                response.streaming_content = walls.kept(response.streaming_content)
            return response

    def _answer(self, request: Any) -> HttpResponse:
        request.workspace = request.membership = None
        request.permissions = frozenset()
        request.only_looks = bool(request.user.is_superuser and request.session.get(LOOKING_KEY))
        if request.user.is_authenticated:
            request.workspace = _enter(request.user, chosen=request.session.get(visits.WORKSPACE))
        if request.workspace:
            request.membership = Membership.objects.of(request.workspace).filter(user=request.user).first()
            request.permissions = _permissions(request)
        if request.membership:
            circumstances.set_current(replace(circumstances.current(), role=request.membership.role))
        with timezone.override(request.workspace.zone if request.workspace else None):
            return self.get_response(request)

    def process_view(self, request: Any, view: Any, args: object, kwargs: object) -> None:
        """Through the Master view nothing is written, whatever the page, the desk or the API would allow."""
        if request.only_looks and request.method not in READING and not getattr(view, "writes_nothing", False):
            raise PermissionDenied(_("You are only looking. Go into the workspace to change something."))


def _enter(user: User, *, chosen: int | None) -> Workspace | None:
    """The workspace to work in. In scope are all that are open to them: the desk, the archive and the numbers in the
    bar are of all of these at once."""
    open_to = Workspace.objects.open_to(user).order_by("pk")
    if user.is_superuser:
        walls.enter(None)
        return (chosen and open_to.filter(pk=chosen).first()) or open_to.first()
    theirs = {workspace.pk: workspace for workspace in open_to}
    walls.enter(theirs)
    return theirs.get(chosen or 0) or next(iter(theirs.values()), None)


def _permissions(request: Any) -> frozenset[Permission]:
    if request.only_looks:
        return frozenset({Permission.VIEW})
    if request.user.is_superuser:
        return frozenset(Permission)
    return request.membership.permissions if request.membership else frozenset()


class SecondStepMiddleware:
    """The one wall of the second step, before every page, the desk and the API's sessions, and whichever way somebody
    came in: who owes it reaches the page that asks for it, and who must have one and has none the page that sets it up.

    Programs have keys and no session; theirs is looked at in `accounts.authentication`.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        where = self._kept_at(request) if isinstance(request.user, User) else None
        if where is None or _name_of(request) in OPEN_HALFWAY[where]:
            return self.get_response(request)
        if request.path.startswith("/api/"):
            said = {"code": "second_step", "message": "Take the second step of signing in first, on the pages."}
            return JsonResponse({"error": said}, status=403)
        asked = f"{reverse(where)}?{urlencode({'next': signing_in.afterwards(request)})}"
        if "HX-Request" in request.headers:
            return HttpResponse(status=204, headers={"HX-Redirect": asked})
        return redirect(asked)

    def _kept_at(self, request: Any) -> str | None:
        """The page that they are kept at."""
        step = visits.step_of(request)
        if step == visits.Step.OWED:
            if visits.is_too_old(request):
                visits.end(request)
                return None
            return "second_step"
        is_missing = step == visits.Step.NONE and second_steps.is_missing(request.user)
        return "second_steps" if is_missing else None


_ANYWHERE = frozenset({"logout", "prefer", "login", "healthz", "readyz"})
OPEN_HALFWAY = {
    "second_step": _ANYWHERE | {"second_step", "second_step_key"},
    "second_steps": _ANYWHERE | {"second_steps", "propose_app", "confirm_app", "ask_for_key", "add_key"},
}


def _name_of(request: HttpRequest) -> str:
    try:
        return resolve(request.path_info).view_name
    except Resolver404:
        return ""


class VisitMiddleware:
    """Whoever opens a page or presses a button is here; a page that looks for what is new says nothing of them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        if request.user.is_authenticated and (request.method == "POST" or "HX-Request" not in request.headers):
            request.session.note_visit()
        response = self.get_response(request)
        last_visit.note(request, response)
        return response


class UnsentMiddleware:
    """Innermost: what was kept until its sender had signed in is forgotten once its form took it. What is refused may
    be sent again."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        response = self.get_response(request)
        handle = request.GET.get(unsent.PARAMETER) if request.method == "POST" else None
        is_over = response.status_code <= HTTPStatus.BAD_REQUEST and not getattr(request, "is_refused", False)
        if handle and is_over and request.user.is_authenticated:
            unsent.drop(handle, by=request.user)
        return response

    def process_exception(self, request: Any, error: Exception) -> None:
        request.is_refused = True


class RateHeaders:
    """Programs learn from each answer how many calls they have left."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        standing: Standing | None = getattr(request, "standing", None)
        for name, value in standing.headers.items() if standing else ():
            response.headers[name] = value
        return response


class LanguageMiddleware:
    """For pages: the API and its errors are English, whoever asks."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        if request.path.startswith("/api/"):
            return self.get_response(request)
        with translation.override(preferences.language_of(request)):
            request.LANGUAGE_CODE = translation.get_language()
            response = self.get_response(request)
            response.headers.setdefault("Content-Language", request.LANGUAGE_CODE)
            return response
