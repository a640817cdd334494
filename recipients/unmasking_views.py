"""Whole numbers on the pages of a workspace, for a while, to whoever says why."""

from django.db import models
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts import asking, signing_in
from accounts.access import requires
from accounts.forms import refused_on
from accounts.requests import PageRequest
from accounts.roles import Permission
from recipients import unmasking
from recipients.suppression_forms import ShowForm


@require_POST
@requires(Permission.SEE_NUMBERS)
def show(request: PageRequest, page: str) -> HttpResponse:
    """What is wrong about the answer is shown on a page of its own, which knows where they came from."""
    after = signing_in.of_ours(request, request.POST.get("next") or request.headers.get("Referer", ""))
    return open_window(request, request.workspace, of=page, after=after)


def open_window(request: PageRequest, subject: models.Model, *, of: str, after: str) -> HttpResponse:
    form = ShowForm(request.POST)
    if form.is_valid():
        with refused_on(form):
            unmasking.open_window(request, subject, of=of, reason=form.cleaned_data["reason"])
            return redirect(after)
    return asking.again(request, form, title=_("Show numbers"), button=_("Show numbers"), back=after)
