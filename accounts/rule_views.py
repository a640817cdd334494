"""What an approval needs in the workspace: everybody looks, an admin sets it."""

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts import rules as ruling
from accounts.access import requires
from accounts.forms import RulesForm, refused_on
from accounts.requests import PageRequest
from accounts.roles import Permission


@require_http_methods(["GET", "POST"])
def rules(request: PageRequest) -> HttpResponseBase:
    return change(request) if request.method == "POST" else show(request)


@requires(Permission.VIEW)
def show(request: PageRequest) -> HttpResponse:
    return _page(request, RulesForm(instance=request.workspace))


@requires(Permission.MANAGE)
def change(request: PageRequest) -> HttpResponse:
    form = RulesForm(request.POST)
    if form.is_valid():
        with refused_on(form):
            ruling.rule(request.workspace.pk, **form.cleaned_data, by=request.user)
            messages.success(request, _("The rules are saved. They hold from the next decision on."))
            return redirect("rules")
    return _page(request, form)


def _page(request: PageRequest, form: RulesForm) -> HttpResponse:
    context = {
        "form": form,
        "workspace": request.workspace,
        "may_manage": Permission.MANAGE in request.permissions,
        "here": "members",
    }
    return render(request, "accounts/rules.html", context, status=400 if form.is_bound else 200)
