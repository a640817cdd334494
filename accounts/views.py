"""One's profile, and choosing the workspace to work in."""

from copy import copy

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from accounts import lock_outs, people, preferences, visits
from accounts.access import for_super_admins, signed_in, writes_nothing
from accounts.forms import PasswordForm, PreferencesForm, ProfileForm
from accounts.middleware import LOOKING_KEY
from accounts.models import Session, Workspace
from accounts.requests import PageRequest
from accounts.sign_in_views import told_to_wait


@require_POST
@signed_in
@writes_nothing
def enter(request: PageRequest, pk: int) -> HttpResponse:
    """To work there."""
    request.session[visits.WORKSPACE] = get_object_or_404(Workspace.objects.open_to(request.user), pk=pk).pk
    request.session.pop(LOOKING_KEY, None)
    return redirect(_page_of_ours(request, request.POST.get("next", "")))


@require_POST
@for_super_admins
@writes_nothing
def look(request: PageRequest, pk: int) -> HttpResponse:
    """To see what is there, from the Master view, and to change nothing until they enter."""
    request.session[visits.WORKSPACE] = get_object_or_404(Workspace.objects.open_to(request.user), pk=pk).pk
    request.session[LOOKING_KEY] = True
    return redirect(_page_of_ours(request, request.POST.get("next", "")))


@require_POST
@writes_nothing
def prefer(request: HttpRequest) -> HttpResponse:
    """A language or a theme, from the menu or the sign-in page; and back to where it was chosen."""
    form = PreferencesForm(request.POST)
    back = redirect(_page_of_ours(request, request.POST.get("next", "")))
    if form.is_valid():
        if request.user.is_authenticated:
            people.prefer(request.user.pk, **form.cleaned_data)
        preferences.keep(back, **form.cleaned_data)
    return back


@signed_in
def profile(request: PageRequest) -> HttpResponse:
    form = ProfileForm(request.POST or None, instance=copy(request.user))
    if form.is_valid():
        people.describe(request.user.pk, **form.cleaned_data, by=request.user)
        messages.success(request, _("Your profile is saved."))
        return redirect("profile")
    memberships = request.user.memberships.select_related("workspace").order_by("workspace__name", "pk")
    look = PreferencesForm(initial={"language": request.LANGUAGE_CODE, "theme": request.user.theme})
    browsers = Session.objects.of_person(request.user).open(timezone.now()).order_by("-seen_at", "session_key")
    context = {"form": form, "look": look, "memberships": memberships, "browsers": browsers, "here": "profile"}
    return render(request, "accounts/profile.html", context, status=400 if form.is_bound else 200)


@require_POST
@signed_in
def choose_look(request: PageRequest) -> HttpResponse:
    form = PreferencesForm(request.POST)
    back = redirect("profile")
    if form.is_valid():
        people.prefer(request.user.pk, **form.cleaned_data)
        preferences.keep(back, **form.cleaned_data)
        with override(form.cleaned_data["language"] or request.LANGUAGE_CODE):
            messages.success(request, _("Your pages look like this from now on."))
    return back


@sensitive_post_parameters()
@signed_in
def change_password(request: PageRequest) -> HttpResponse:
    form = PasswordForm(request.user, request.POST or None)
    if form.is_valid():
        changed = people.change_password(request.user.pk, password=form.cleaned_data["new_password1"], by=request.user)
        update_session_auth_hash(request, changed)
        messages.success(request, _("Your password is changed. Other browsers have to sign in again."))
        return redirect("profile")
    context = {"form": form, "here": "profile"}
    answer = render(request, "accounts/password.html", context, status=400 if form.is_bound else 200)
    return told_to_wait(answer) if form.has_error("old_password", code=lock_outs.SHUT) else answer


def _page_of_ours(request: HttpRequest, url: str) -> str:
    ours = url_has_allowed_host_and_scheme(url, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return url if ours else "/"
