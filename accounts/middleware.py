"""Puts workspace, membership and permissions of a visitor on the request; speaks in the workspace's time zone, and to
people in their language."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from accounts import preferences
from accounts.models import Membership, Workspace
from accounts.roles import Permission
from audit import circumstances

SESSION_KEY = "workspace"


class WorkspaceMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> HttpResponse:
        request.workspace = request.membership = None
        request.permissions = frozenset()
        if request.user.is_authenticated:
            open_to = Workspace.objects.open_to(request.user).order_by("pk")
            chosen = request.session.get(SESSION_KEY)
            request.workspace = (chosen and open_to.filter(pk=chosen).first()) or open_to.first()
        if request.workspace:
            request.membership = Membership.objects.of(request.workspace).filter(user=request.user).first()
            request.permissions = _permissions(request)
        if request.membership:
            circumstances.set_current(replace(circumstances.current(), role=request.membership.role))
        with timezone.override(request.workspace.zone if request.workspace else None):
            return self.get_response(request)


def _permissions(request: Any) -> frozenset[Permission]:
    if request.user.is_superuser:
        return frozenset(Permission)
    return request.membership.permissions if request.membership else frozenset()


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
