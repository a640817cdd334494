"""The second step of signing in, and the page on which somebody says what theirs is."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import segno
from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

from accounts import lock_outs, second_steps, security_keys, visits
from accounts.access import signed_in, writes_nothing
from accounts.forms import AddKeyForm, CodeForm, KeyNameForm, StillMeForm, refused_on
from accounts.models import SecurityKey
from accounts.requests import PageRequest
from accounts.sign_in_views import told_to_wait
from audit.refusal import Refused

CHALLENGE = "challenge"  # in the session
Change = Callable[..., HttpResponse]


def behind_password(
    form_class: type[StillMeForm],
) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponseBase]]:
    """A button of the page that asks for the password: `change` is called with the form once that is right, and what it
    refuses stands on the form."""

    def decorate(change: Change) -> Callable[..., HttpResponseBase]:
        @sensitive_post_parameters()
        @never_cache
        @require_POST
        @signed_in
        @writes_nothing
        @wraps(change)
        def guarded(request: PageRequest, **which: Any) -> HttpResponse:
            form = form_class(request.POST, user=request.user)
            if form.is_valid():
                with refused_on(form):
                    return change(request, form, **which)
            return _show(request, form)

        return guarded

    return decorate


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
    context = {"form": form, "next": after, "asked": _ask(request, security_keys.ask_to_use(request.user))}
    answer = render(request, "accounts/second_step.html", context, status=400 if form.is_bound else 200)
    return told_to_wait(answer) if form.has_error("__all__", code=lock_outs.SHUT) else answer


@never_cache
@require_POST
@signed_in
@writes_nothing
def use_key(request: PageRequest) -> HttpResponse:
    after = _page_of_ours(request, request.POST.get("next", ""))
    if visits.step_of(request) != visits.Step.OWED:
        return redirect(after)
    security_keys.use(request.user, request.POST.get("answer", ""), _challenge(request), now=timezone.now())
    visits.go_on(request)
    return redirect(after)


@never_cache
@require_http_methods(["GET"])
@signed_in
def show(request: PageRequest) -> HttpResponse:
    return _show(request, StillMeForm(user=request.user))


@behind_password(StillMeForm)
def propose(request: PageRequest, form: StillMeForm) -> HttpResponse:
    second_steps.propose(request.user)
    return redirect("confirm_app")


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


@behind_password(StillMeForm)
def renew(request: PageRequest, form: StillMeForm) -> HttpResponse:
    return _codes(request, second_steps.renew_codes(request.user))


@behind_password(StillMeForm)
def remove_app(request: PageRequest, form: StillMeForm) -> HttpResponse:
    second_steps.remove_app(request.user, session=request.session.session_key or "")
    return _removed(request, _("The app is removed."))


@behind_password(AddKeyForm)
def ask_for_key(request: PageRequest, form: AddKeyForm) -> HttpResponse:
    """The page on which somebody touches the key that they add."""
    asked = _ask(request, security_keys.ask_to_add(request.user))
    context = {"asked": asked, "name": form.cleaned_data["name"], "here": "profile"}
    return render(request, "accounts/add_key.html", context)


@never_cache
@require_POST
@signed_in
@writes_nothing
def add_key(request: PageRequest) -> HttpResponse:
    codes = security_keys.add(
        request.user,
        request.POST.get("answer", ""),
        _challenge(request),
        name=request.POST.get("name", "")[:60] or _("Security key"),
        session=request.session.session_key or "",
        now=timezone.now(),
    )
    visits.go_on(request)
    return _codes(request, codes)


@behind_password(StillMeForm)
def remove_key(request: PageRequest, form: StillMeForm, number: int) -> HttpResponse:
    kept = get_object_or_404(SecurityKey.objects.filter(user=request.user), pk=number)
    security_keys.remove(request.user, kept.pk, session=request.session.session_key or "")
    return _removed(request, _("The key is removed."))


@require_http_methods(["GET", "POST"])
@signed_in
@writes_nothing
def rename_key(request: PageRequest, number: int) -> HttpResponse:
    kept = get_object_or_404(SecurityKey.objects.filter(user=request.user), pk=number)
    form = KeyNameForm(request.POST or None, initial={"name": kept.name})
    if form.is_valid():
        security_keys.rename(request.user, kept.pk, name=form.cleaned_data["name"])
        return redirect("second_steps")
    context = {"form": form, "key": kept, "here": "profile"}
    return render(request, "accounts/rename_key.html", context, status=400 if form.is_bound else 200)


def _ask(request: PageRequest, asked: security_keys.Asked | None) -> str:
    """What the page tells the browser, whose challenge the session keeps."""
    if asked is None:
        return ""
    request.session[CHALLENGE] = bytes_to_base64url(asked[1])
    return asked[0]


def _challenge(request: PageRequest) -> bytes:
    """Once: whoever answers again is asked again."""
    kept = request.session.pop(CHALLENGE, None)
    if kept is None:
        raise Refused(_("This page has been used: load it anew."), code="wrong_key")
    return base64url_to_bytes(kept)


def _show(request: PageRequest, form: StillMeForm) -> HttpResponse:
    of_key = isinstance(form, AddKeyForm)
    context = {
        "form": StillMeForm(user=request.user) if of_key else form,
        "key_form": form if of_key else AddKeyForm(user=request.user, auto_id="key_%s"),
        "ways": second_steps.ways_of(request.user),
        "is_required": second_steps.is_required(request.user),
        "here": "profile",
    }
    return render(request, "accounts/second_steps.html", context, status=400 if form.is_bound else 200)


def _removed(request: PageRequest, words: str) -> HttpResponse:
    visits.go_back(request)
    messages.success(request, words)
    return redirect("second_steps")


def _codes(request: PageRequest, codes: list[str]) -> HttpResponse:
    """Once: nobody can ask for them again."""
    if not codes:
        messages.success(request, _("It is set up: the next sign-in asks for it."))
        return redirect("second_steps")
    return render(request, "accounts/recovery_codes.html", {"codes": codes, "here": "profile"})


def _page_of_ours(request: PageRequest, url: str) -> str:
    ours = url_has_allowed_host_and_scheme(url, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return url if ours else "/"
