"""How long the workspace keeps what it has of people, and what goes next: everybody looks, an admin says."""

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import keeping
from accounts.access import requires
from accounts.forms import refused_on
from accounts.requests import PageRequest
from accounts.roles import Permission
from reports import retaining
from reports.retention_forms import RetentionForm


@require_http_methods(["GET", "POST"])
def retention(request: PageRequest) -> HttpResponseBase:
    return change(request) if request.method == "POST" else show(request)


@requires(Permission.VIEW)
def show(request: PageRequest) -> HttpResponse:
    return _page(request, RetentionForm(instance=request.workspace))


@requires(Permission.MANAGE)
def change(request: PageRequest) -> HttpResponse:
    form = RetentionForm(request.POST)
    if form.is_valid():
        with refused_on(form):
            keeping.keep(request.workspace.pk, **form.cleaned_data, by=request.user)
            messages.success(request, _("The days are saved. What is over by now goes within hours."))
            return redirect("reports:retention")
    return _page(request, form)


def _page(request: PageRequest, form: RetentionForm) -> HttpResponse:
    context = {
        "form": form,
        "due": retaining.look_in(request.workspace, now=timezone.now()),
        "may_manage": Permission.MANAGE in request.permissions,
        "here": "members",
    }
    return render(request, "reports/retention.html", context, status=400 if form.is_bound else 200)
