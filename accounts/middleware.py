"""Puts workspace, membership and permissions of a visitor on the request, and speaks in the workspace's time zone."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.access import permissions_in
from accounts.models import Membership, Workspace

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
            request.workspace = open_to.filter(pk=chosen).first() or open_to.first()
        if request.workspace:
            request.membership = Membership.objects.of(request.workspace).filter(user=request.user).first()
            request.permissions = permissions_in(request.workspace, request.user)
        with timezone.override(request.workspace.zone if request.workspace else None):
            return self.get_response(request)
