"""A number is erased: an admin asks for it, and sees what was found where."""

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import requires
from accounts.forms import refused_on
from accounts.requests import PageRequest
from accounts.roles import Permission
from reports import erasures as erasing
from reports.erasure_forms import EraseForm
from reports.models import Erasure

NEWEST = 50


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE)
def erasures(request: PageRequest) -> HttpResponseBase:
    form = EraseForm(request.POST or None)
    if form.is_valid():
        asked = form.cleaned_data
        with refused_on(form):
            erasure = erasing.ask(
                request.workspace, asked["number"], reason=asked["reason"], by=request.user, now=timezone.now()
            )
            messages.success(request, _("The number is being erased. From now on nothing is sent to it."))
            return redirect("reports:erasure", erasure.pk)
    context = {
        "form": form,
        "erasures": Erasure.objects.of(request.workspace).order_by("-pk")[:NEWEST],
        "here": "members",
    }
    return render(request, "reports/erasures.html", context, status=400 if form.is_bound else 200)


@require_safe
@requires(Permission.MANAGE)
def erasure(request: PageRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Erasure.objects.of(request.workspace), pk=pk)
    steps = list(found.steps.order_by("pk"))
    context = {
        "erasure": found,
        "steps": steps,
        "found": sum(step.found for step in steps),
        "unread": sum(step.unread for step in steps),
        "here": "members",
    }
    fragment = "HX-Request" in request.headers
    return render(request, "reports/_erasure.html" if fragment else "reports/erasure.html", context)
