"""Exports that are asked for by themselves: an admin begins one, and ends it."""

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import requires
from accounts.forms import refused_on
from accounts.requests import PageRequest
from accounts.roles import Permission
from reports import standing
from reports.models import StandingExport
from reports.standing_forms import StandingForm


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE)
def page(request: PageRequest) -> HttpResponseBase:
    form = StandingForm(request.POST or None, initial={"hours_after_end": 24})
    if form.is_valid():
        with refused_on(form):
            standing.create(
                request.workspace,
                **form.cleaned_data,
                by=request.user,
                permissions=request.permissions,
                now=timezone.now(),
            )
            messages.success(request, _("From now on these exports are made by themselves."))
            return redirect("reports:standing")
    context = {"form": form, "rows": StandingExport.objects.of(request.workspace).order_by("pk"), "here": "members"}
    return render(request, "reports/standing.html", context, status=400 if form.is_bound else 200)


@require_POST
@requires(Permission.MANAGE)
def end(request: PageRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(StandingExport.objects.of(request.workspace), pk=pk)
    standing.end(found.pk, by=request.user, now=timezone.now())
    messages.success(request, _("It asks for nothing any more. What it has asked for stays."))
    return redirect("reports:standing")
