"""What the workspace may spend, what it has spent, and where to it may send: everybody looks, an admin sets it."""

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import limits as limiting
from accounts.access import requires
from accounts.forms import refused_on
from accounts.requests import PageRequest
from accounts.roles import Permission
from delivery import spending
from reports.limit_forms import LimitForm


@require_http_methods(["GET", "POST"])
def limits(request: PageRequest) -> HttpResponseBase:
    return change(request) if request.method == "POST" else show(request)


@requires(Permission.VIEW)
def show(request: PageRequest) -> HttpResponse:
    return _page(request, LimitForm(initial=LimitForm.values_of(request.workspace)))


@requires(Permission.MANAGE)
def change(request: PageRequest) -> HttpResponse:
    form = LimitForm(request.POST)
    if form.is_valid():
        with refused_on(form):
            limiting.limit(request.workspace.pk, **form.limits, by=request.user)
            messages.success(request, _("The limits are saved. They hold from the next message on."))
            return redirect("reports:limits")
    return _page(request, form)


def _page(request: PageRequest, form: LimitForm) -> HttpResponse:
    context = {
        "form": form,
        "workspace": request.workspace,
        "spent": spending.spent(request.workspace, now=timezone.now()),
        "may_manage": Permission.MANAGE in request.permissions,
        "here": "members",
    }
    return render(request, "reports/limits.html", context, status=400 if form.is_bound else 200)
