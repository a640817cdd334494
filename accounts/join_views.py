"""Asking to belong to a workspace, and what its admins say to it."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import join_requests
from accounts.access import requires, signed_in
from accounts.forms import AskForm, PlaceForm, RefusalForm, refused_on
from accounts.models import JoinRequest
from accounts.requests import PageRequest
from accounts.roles import Permission, Role


@require_http_methods(["GET", "POST"])
@signed_in
def ask(request: PageRequest) -> HttpResponse:
    """The answer is the same whatever was asked for: it tells nobody which workspaces there are."""
    form = AskForm(request.POST or None)
    if form.is_valid():
        with refused_on(form):
            join_requests.ask(request.user.pk, **form.cleaned_data, now=timezone.now())
            messages.success(
                request,
                _("If there is such a workspace, its admins have been asked. You get an email when they decide."),
            )
            return redirect("join")
    context = {"form": form, "here": "profile"}
    return render(request, "accounts/join.html", context, status=400 if form.is_bound else 200)


@require_GET
@requires(Permission.MANAGE)
def decide(request: PageRequest, pk: int) -> HttpResponse:
    return _show(request, _request(request, pk), PlaceForm(initial={"role": Role.AUTHOR}), RefusalForm())


@require_POST
@requires(Permission.MANAGE)
def grant(request: PageRequest, pk: int) -> HttpResponse:
    asked, form = _request(request, pk), PlaceForm(request.POST)
    if form.is_valid():
        with refused_on(form):
            join_requests.grant(asked.pk, **form.cleaned_data, by=request.user, now=timezone.now())
            messages.success(request, _("%(person)s belongs to the workspace now.") % {"person": asked.user})
            return redirect("members")
    return _show(request, asked, form, RefusalForm())


@require_POST
@requires(Permission.MANAGE)
def refuse(request: PageRequest, pk: int) -> HttpResponse:
    asked, form = _request(request, pk), RefusalForm(request.POST)
    if form.is_valid():
        with refused_on(form):
            join_requests.refuse(asked.pk, **form.cleaned_data, by=request.user, now=timezone.now())
            messages.success(request, _("%(person)s is told that it was refused.") % {"person": asked.user})
            return redirect("members")
    return _show(request, asked, PlaceForm(initial={"role": Role.AUTHOR}), form)


@require_POST
@requires(Permission.MANAGE)
def take(request: PageRequest) -> HttpResponse:
    takes = request.POST.get("takes") == "on"
    join_requests.take(request.workspace.pk, takes=takes, by=request.user)
    said = _("The workspace may be asked from now on.") if takes else _("Nobody can ask to join any more.")
    messages.success(request, said)
    return redirect("members")


def _show(request: PageRequest, asked: JoinRequest, form: PlaceForm, refusal: RefusalForm) -> HttpResponse:
    context = {"asked": asked, "form": form, "refusal": refusal, "here": "members"}
    status = 400 if form.is_bound or refusal.is_bound else 200
    return render(request, "accounts/join_request.html", context, status=status)


def _request(request: PageRequest, pk: int) -> JoinRequest:
    return get_object_or_404(JoinRequest.objects.of(request.workspace).select_related("user"), pk=pk)
