"""A page of the workspace's settings: every member looks, an admin changes, what is refused stands on the form."""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods
from django_stubs_ext import StrOrPromise

from accounts.access import requires
from accounts.forms import AsRead, refused_on
from accounts.models import User, Workspace
from accounts.requests import PageRequest
from accounts.roles import Permission

Form = TypeVar("Form", bound=AsRead)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting(Generic[Form]):
    address: str
    template: str
    form: Callable[[Workspace, QueryDict | None], Form]  # with what is in force, and what was sent
    save: Callable[[Workspace, Form, User], object]  # the verb; may raise Refused
    said: StrOrPromise  # once it is saved
    beside: Callable[[Workspace], dict[str, Any]] = lambda workspace: {}  # what else the page shows


def page_of(setting: Setting[Any]) -> Callable[[PageRequest], HttpResponseBase]:
    @requires(Permission.VIEW)
    def show(request: PageRequest) -> HttpResponse:
        return _page(setting, request, setting.form(request.workspace, None))

    @requires(Permission.MANAGE)
    def change(request: PageRequest) -> HttpResponse:
        form = setting.form(copy(request.workspace), request.POST)  # a form of a model writes into it
        if form.is_valid():
            with refused_on(form):
                setting.save(request.workspace, form, request.user)
                messages.success(request, str(setting.said))
                return redirect(setting.address)
        return _page(setting, request, form)

    @require_http_methods(["GET", "POST"])
    def page(request: PageRequest) -> HttpResponseBase:
        return change(request) if request.method == "POST" else show(request)

    return page


def _page(setting: Setting[Any], request: PageRequest, form: AsRead) -> HttpResponse:
    context = {
        "form": form,
        "workspace": request.workspace,
        "may_manage": Permission.MANAGE in request.permissions,
        "here": "members",
        **setting.beside(request.workspace),
    }
    return render(request, setting.template, context, status=400 if form.is_bound else 200)
