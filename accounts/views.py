"""Signing in, and choosing the workspace to work in."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from accounts.middleware import SESSION_KEY
from accounts.models import Workspace
from accounts.requests import PageRequest


@require_POST
@login_required
def enter(request: PageRequest, pk: int) -> HttpResponse:
    request.session[SESSION_KEY] = get_object_or_404(Workspace.objects.open_to(request.user), pk=pk).pk
    return redirect("/")
