"""The second step of signing in, and the page on which somebody says what theirs is."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

import segno
from accounts import lock_outs, second_steps, visits
from accounts.access import signed_in, writes_nothing
from accounts.forms import CodeForm, PasswordForm, refused_on
from accounts.requests import PageRequest
from accounts.sign_in_views import told_to_wait


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
@signed_in
@writes_nothing
def take(request: PageRequest) -> HttpResponse:
    """The page between the password and everything else."""
    after = _page_of_ours(request, request.POST.get("next") or request.GET.get("next") or "")
    if visits.step_of(request) != visits.Step.OWED:
        return redirect(after)
    form = CodeForm(request.POST or None)
    if form.is_valid():
        with refused_on(form):
            second_steps.take(request.user, form.cleaned_data["code"], now=timezone.now())
            visits.go_on(request)
            return redirect(after)
    context = {"form": form, "next": after}
    answer = render(request, "accounts/second_step.html", context, status=400 if form.is_bound else 200)
    return told_to_wait(answer) if form.has_error("__all__", code=lock_outs.SHUT) else answer


@never_cache
@require_http_methods(["GET"])
@signed_in
def show(request: PageRequest) -> HttpResponse:
    return _show(request, PasswordForm(user=request.user))


@sensitive_post_parameters()
@never_cache
@require_POST
@signed_in
@writes_nothing
def propose(request: PageRequest) -> HttpResponse:
    form = PasswordForm(request.POST, user=request.user)
    if form.is_valid():
        with refused_on(form):
            second_steps.propose(request.user)
            return redirect("confirm_app")
    return _show(request, form)


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "POST"])
@signed_in
@writes_nothing
def confirm(request: PageRequest) -> HttpResponse:
    """The secret as a picture and in letters, until a code of the app proves that it has it."""
    proposed = second_steps.proposed(request.user)
    if proposed is None:
        return redirect("second_steps")
    form = CodeForm(request.POST or None)
    if form.is_valid():
        with refused_on(form):
            key = request.session.session_key or ""
            codes = second_steps.confirm(request.user, form.cleaned_data["code"], session=key, now=timezone.now())
            visits.go_on(request)
            return _codes(request, codes)
    address = proposed.provisioning_uri()
    context = {
        "form": form,
        "picture": segno.make(address, error="m").svg_data_uri(scale=5, border=2),
        "letters": " ".join(proposed.secret[at : at + 4] for at in range(0, len(proposed.secret), 4)),
        "here": "profile",
    }
    return render(request, "accounts/confirm_app.html", context, status=400 if form.is_bound else 200)


@sensitive_post_parameters()
@never_cache
@require_POST
@signed_in
@writes_nothing
def renew(request: PageRequest) -> HttpResponse:
    form = PasswordForm(request.POST, user=request.user)
    if form.is_valid():
        return _codes(request, second_steps.renew_codes(request.user))
    return _show(request, form)


@sensitive_post_parameters()
@never_cache
@require_POST
@signed_in
@writes_nothing
def remove_app(request: PageRequest) -> HttpResponse:
    form = PasswordForm(request.POST, user=request.user)
    if form.is_valid():
        with refused_on(form):
            second_steps.remove_app(request.user)
            messages.success(request, _("The app is removed."))
            return redirect("second_steps")
    return _show(request, form)


def _show(request: PageRequest, form: PasswordForm) -> HttpResponse:
    context = {
        "form": form,
        "ways": second_steps.ways_of(request.user),
        "is_required": second_steps.is_required(request.user),
        "here": "profile",
    }
    return render(request, "accounts/second_steps.html", context, status=400 if form.is_bound else 200)


def _codes(request: PageRequest, codes: list[str]) -> HttpResponse:
    """Once: nobody can ask for them again."""
    if not codes:
        messages.success(request, _("It is set up: the next sign-in asks for it."))
        return redirect("second_steps")
    return render(request, "accounts/recovery_codes.html", {"codes": codes, "here": "profile"})


def _page_of_ours(request: PageRequest, url: str) -> str:
    ours = url_has_allowed_host_and_scheme(url, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return url if ours else "/"
