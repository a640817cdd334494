"""Who belongs to the workspace: everybody looks, an admin changes it."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import members
from accounts.access import requires
from accounts.forms import InvitationForm, PlaceForm, refused_on
from accounts.models import Invitation, JoinRequest, Membership
from accounts.requests import PageRequest
from accounts.roles import Permission, Role

PAGE = 50


@require_GET
@requires(Permission.VIEW)
def index(request: PageRequest) -> HttpResponse:
    return show(request, InvitationForm())


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE)
def change(request: PageRequest, pk: int) -> HttpResponse:
    membership = _membership(request, pk)
    form = PlaceForm(request.POST or None, instance=membership)
    if form.is_valid():
        with refused_on(form):
            members.change(membership.pk, **form.cleaned_data, by=request.user, now=timezone.now())
            messages.success(request, _("The place of %(person)s is changed.") % {"person": membership.user})
            return redirect("members")
    context = {"form": form, "member": _membership(request, pk), "here": "members"}
    return render(request, "accounts/member.html", context, status=400 if form.is_bound else 200)


@require_POST
@requires(Permission.MANAGE)
def remove(request: PageRequest, pk: int) -> HttpResponse:
    membership = _membership(request, pk)
    members.remove(membership.pk, by=request.user, now=timezone.now())
    messages.success(request, _("%(person)s is no member any more.") % {"person": membership.user})
    return redirect("members")


@require_POST
@requires(Permission.VIEW)
def leave(request: PageRequest) -> HttpResponse:
    members.leave(request.workspace.pk, by=request.user, now=timezone.now())
    messages.success(request, _("You have left %(workspace)s.") % {"workspace": request.workspace})
    return redirect("profile")


def show(request: PageRequest, form: InvitationForm) -> HttpResponse:
    """The page with everybody, with a form that is new or says what is wrong with it."""
    wanted = request.GET.get("q", "").strip()
    rows = Membership.objects.of(request.workspace).called(wanted).select_related("user").order_by("user__email", "pk")
    context = {
        "form": form,
        "page": Paginator(rows, PAGE).get_page(request.GET.get("page")),
        "wanted": wanted,
        "may_manage": Permission.MANAGE in request.permissions,
        "admin_role": Role.ADMIN,
        "now": timezone.now(),
        "here": "members",
    }
    if context["may_manage"]:
        invitations = Invitation.objects.of(request.workspace).pending().select_related("invited_by")
        asked = JoinRequest.objects.of(request.workspace).pending().select_related("user")
        context |= {"invitations": invitations.order_by("email", "pk"), "asked": asked.order_by("asked_at", "pk")}
    return render(request, "accounts/members.html", context, status=400 if form.is_bound else 200)


def _membership(request: PageRequest, pk: int) -> Membership:
    return get_object_or_404(Membership.objects.of(request.workspace).select_related("user", "workspace"), pk=pk)
