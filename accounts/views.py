"""Signing in, one's profile, the members of a workspace, and choosing the workspace to work in."""

from copy import copy

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from accounts import members, people, preferences
from accounts.access import requires, signed_in
from accounts.forms import MemberForm, PlaceForm, PreferencesForm, ProfileForm, refused_on
from accounts.middleware import SESSION_KEY
from accounts.models import Membership, Workspace
from accounts.requests import PageRequest
from accounts.roles import Permission, Role

PAGE = 50


@require_POST
@signed_in
def enter(request: PageRequest, pk: int) -> HttpResponse:
    request.session[SESSION_KEY] = get_object_or_404(Workspace.objects.open_to(request.user), pk=pk).pk
    return redirect("/")


@require_POST
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
    context = {"form": form, "look": look, "memberships": memberships, "here": "profile"}
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
    form = PasswordChangeForm(request.user, request.POST or None)
    if form.is_valid():
        changed = people.change_password(request.user.pk, password=form.cleaned_data["new_password1"], by=request.user)
        update_session_auth_hash(request, changed)
        messages.success(request, _("Your password is changed. Other browsers have to sign in again."))
        return redirect("profile")
    context = {"form": form, "here": "profile"}
    return render(request, "accounts/password.html", context, status=400 if form.is_bound else 200)


@requires(Permission.VIEW)
def index(request: PageRequest) -> HttpResponse:
    return _members(request, MemberForm())


@require_POST
@requires(Permission.MANAGE)
def add_member(request: PageRequest) -> HttpResponse:
    form = MemberForm(request.POST)
    if form.is_valid():
        with refused_on(form):
            added = members.add(request.workspace.pk, **form.cleaned_data, by=request.user)
            messages.success(request, _("%(person)s belongs to the workspace now.") % {"person": added.user})
            return redirect("members")
    return _members(request, form)


@requires(Permission.MANAGE)
def change_member(request: PageRequest, pk: int) -> HttpResponse:
    membership = _membership(request, pk)
    form = PlaceForm(request.POST or None, instance=membership)
    if form.is_valid():
        with refused_on(form):
            members.change(membership.pk, **form.cleaned_data, by=request.user)
            messages.success(request, _("The place of %(person)s is changed.") % {"person": membership.user})
            return redirect("members")
    context = {"form": form, "member": _membership(request, pk), "here": "members"}
    return render(request, "accounts/member.html", context, status=400 if form.is_bound else 200)


@require_POST
@requires(Permission.MANAGE)
def remove_member(request: PageRequest, pk: int) -> HttpResponse:
    membership = _membership(request, pk)
    members.remove(membership.pk, by=request.user)
    messages.success(request, _("%(person)s is no member any more.") % {"person": membership.user})
    return redirect("members")


def _members(request: PageRequest, form: MemberForm) -> HttpResponse:
    wanted = request.GET.get("q", "").strip()
    rows = Membership.objects.of(request.workspace).select_related("user").order_by("user__email", "pk")
    if wanted:
        rows = rows.filter(Q(user__email__icontains=wanted) | Q(user__name__icontains=wanted))
    context = {
        "form": form,
        "page": Paginator(rows, PAGE).get_page(request.GET.get("page")),
        "wanted": wanted,
        "may_manage": Permission.MANAGE in request.permissions,
        "admin_role": Role.ADMIN,
        "here": "members",
    }
    return render(request, "accounts/members.html", context, status=400 if form.is_bound else 200)


def _membership(request: PageRequest, pk: int) -> Membership:
    return get_object_or_404(Membership.objects.of(request.workspace).select_related("user", "workspace"), pk=pk)


def _page_of_ours(request: HttpRequest, url: str) -> str:
    ours = url_has_allowed_host_and_scheme(url, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return url if ours else "/"
