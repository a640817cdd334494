"""The pages for somebody who has forgotten their password."""

from django.contrib.auth.forms import SetPasswordForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from accounts import lock_outs, resets, visits
from accounts.access import writes_nothing
from accounts.forms import ForgottenForm, refused_on
from accounts.models import User
from accounts.sign_in_views import told_to_wait

TOKEN = "reset"  # in the session: the address with the token is left at once, and no Referer has it


@require_http_methods(["GET", "POST"])
@never_cache
@writes_nothing
def forgotten(request: HttpRequest) -> HttpResponse:
    form = ForgottenForm(request.POST or None)
    if form.is_valid():
        with refused_on(form):
            resets.ask(form.cleaned_data["email"], now=timezone.now())
            return render(request, "accounts/forgotten.html", {"is_asked": True})
    answer = render(request, "accounts/forgotten.html", {"form": form}, status=400 if form.is_bound else 200)
    return told_to_wait(answer) if form.has_error("__all__", code=lock_outs.SHUT) else answer


@require_GET
@never_cache
def open_link(request: HttpRequest, token: str) -> HttpResponse:
    request.session[TOKEN] = token
    """The address with the token is left at once, and nobody is told of it."""
    answer = redirect("reset_password")
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


@sensitive_post_parameters("new_password1", "new_password2")
@require_http_methods(["GET", "POST"])
@never_cache
@writes_nothing
def reset(request: HttpRequest) -> HttpResponse:
    """Nobody is signed in by it: they sign in afterwards as everybody does, with their second step."""
    token, now = request.session.get(TOKEN, ""), timezone.now()
    person = resets.find(token, now=now)
    if person is None:
        return render(request, "accounts/forgotten.html", {"is_over": True}, status=410)
    form: SetPasswordForm[User] = SetPasswordForm(person, request.POST or None)
    if form.is_valid():
        with refused_on(form):
            resets.reset(token, password=form.cleaned_data["new_password1"], now=now)
            visits.end(request)
            return render(request, "accounts/reset.html", {"is_changed": True})
    return render(request, "accounts/reset.html", {"form": form}, status=400 if form.is_bound else 200)
