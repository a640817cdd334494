"""Inviting somebody, and accepting: the one by an admin, the other by whoever came with the link of the letter."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import invitations, visits
from accounts.access import requires
from accounts.forms import InvitationForm, NewcomerForm, refused_on
from accounts.member_views import show
from accounts.models import Invitation, User
from accounts.requests import PageRequest
from accounts.roles import Permission

TOKEN = "invitation"  # in the session: the address with the token is left at once, and no Referer has it


@require_POST
@requires(Permission.MANAGE)
def invite(request: PageRequest) -> HttpResponse:
    form = InvitationForm(request.POST)
    if form.is_valid():
        with refused_on(form):
            now = timezone.now()
            invited = invitations.invite(request.workspace.pk, **form.cleaned_data, by=request.user, now=now)
            messages.success(request, _("%(person)s gets an email with a link.") % {"person": invited})
            return redirect("members")
    return show(request, form)


@require_POST
@requires(Permission.MANAGE)
def resend(request: PageRequest, pk: int) -> HttpResponse:
    sent = invitations.resend(_invitation(request, pk).pk, by=request.user, now=timezone.now())
    messages.success(
        request, _("%(person)s gets another email. The link of the one before is dead.") % {"person": sent}
    )
    return redirect("members")


@require_POST
@requires(Permission.MANAGE)
def revoke(request: PageRequest, pk: int) -> HttpResponse:
    revoked = invitations.revoke(_invitation(request, pk).pk, by=request.user, now=timezone.now())
    messages.success(request, _("The invitation of %(person)s is revoked.") % {"person": revoked})
    return redirect("members")


@require_GET
@never_cache
def open_link(request: HttpRequest, token: str) -> HttpResponse:
    request.session[TOKEN] = token
    return redirect("invitation")


@sensitive_post_parameters("password1", "password2")
@require_http_methods(["GET", "POST"])
@never_cache
def accept(request: HttpRequest) -> HttpResponse:
    """As whoever is signed in; as somebody new, who signs in afterwards as everybody does."""
    found = invitations.find(request.session.get(TOKEN, ""))
    why = _("This link opens nothing. Perhaps a newer email has another one.")
    if found is not None:
        why = invitations.why_not(found, now=timezone.now())
    if found is None or why:
        return render(request, "accounts/invitation_over.html", {"why": why}, status=404 if found is None else 410)
    if isinstance(request.user, User):
        return _accept_signed_in(request, request.user, found)
    if invitations.has_account(found):
        return render(request, "accounts/invitation.html", {"invitation": found, "has_account": True})
    return _accept_as_newcomer(request, found)


def _accept_signed_in(request: HttpRequest, user: User, found: Invitation) -> HttpResponse:
    if request.method == "POST":
        joined = invitations.accept(request.session[TOKEN], by=user, now=timezone.now())
        del request.session[TOKEN]
        request.session[visits.WORKSPACE] = joined.workspace_id
        messages.success(request, _("You belong to %(workspace)s now.") % {"workspace": joined.workspace})
        return redirect("/")
    is_mine = user.email.lower() == found.email.lower()
    return render(request, "accounts/invitation.html", {"invitation": found, "is_mine": is_mine})


def _accept_as_newcomer(request: HttpRequest, found: Invitation) -> HttpResponse:
    form = NewcomerForm(request.POST or None, instance=User(email=found.email))
    if form.is_valid():
        with refused_on(form):
            name, password = form.cleaned_data["name"], form.cleaned_data["password1"]
            invitations.accept_as_newcomer(request.session[TOKEN], name=name, password=password, now=timezone.now())
            del request.session[TOKEN]
            return render(request, "accounts/invitation.html", {"invitation": found, "is_made": True})
    status = 400 if form.is_bound else 200
    return render(request, "accounts/invitation.html", {"invitation": found, "form": form}, status=status)


def _invitation(request: PageRequest, pk: int) -> Invitation:
    return get_object_or_404(Invitation.objects.of(request.workspace), pk=pk)
