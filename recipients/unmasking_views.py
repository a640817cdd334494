"""Whole numbers on the pages of a workspace, for a while, to whoever says why."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts import signing_in
from accounts.access import requires
from accounts.requests import PageRequest
from accounts.roles import Permission
from recipients import unmasking


@require_POST
@requires(Permission.SEE_NUMBERS)
def show(request: PageRequest, page: str) -> HttpResponse:
    unmasking.open_window(request, request.workspace, of=page)
    return redirect(signing_in.came_from(request))
