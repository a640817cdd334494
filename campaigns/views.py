"""Campaigns on pages: written, submitted, watched, stopped. Their numbers come from `reports`, by URL."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.access import requires
from accounts.requests import PageRequest
from accounts.roles import Permission
from campaigns import drafts, transitions
from campaigns.models import Campaign
from recipients.models import RecipientList

WITH_LIST = 20  # newest campaigns on the page of their list


def _campaign(request: PageRequest, pk: int) -> Campaign:
    return get_object_or_404(
        Campaign.objects.of(request.workspace).select_related(
            "workspace", "sender", "revision", "list", "channel", "route", "created_by", "edited_by", "submitted_by"
        ),
        pk=pk,
    )


@require_GET
@requires(Permission.VIEW)
def with_list(request: PageRequest, list_pk: int) -> HttpResponse:
    """For the page of the list: the campaigns that have it, archived ones too."""
    listed = get_object_or_404(RecipientList.objects.of(request.workspace), pk=list_pk)
    campaigns = Campaign.objects.of(request.workspace).filter(list=listed).order_by("-pk")
    shown = list(campaigns[:WITH_LIST])
    count = campaigns.count() if len(shown) == WITH_LIST else len(shown)
    return render(request, "campaigns/_with_list.html", {"campaigns": shown, "count": count})


@require_POST
@requires(Permission.WRITE)
def submit(request: PageRequest, pk: int) -> HttpResponse:
    transitions.submit(_campaign(request, pk).pk, by=request.user, now=timezone.now())
    return redirect("campaigns:detail", pk)


@require_POST
@requires(Permission.WRITE)
def withdraw(request: PageRequest, pk: int) -> HttpResponse:
    transitions.withdraw(_campaign(request, pk).pk, by=request.user)
    return redirect("campaigns:detail", pk)


@require_POST
@requires(Permission.WRITE)
def revise(request: PageRequest, pk: int) -> HttpResponse:
    transitions.revise(_campaign(request, pk).pk, by=request.user)
    return redirect("campaigns:edit", pk)


@require_POST
@requires(Permission.WRITE)
def pause(request: PageRequest, pk: int) -> HttpResponse:
    transitions.pause(_campaign(request, pk).pk, by=request.user, reason=request.POST.get("reason", ""))
    return redirect("campaigns:detail", pk)


@require_POST
@requires(Permission.WRITE)
def resume(request: PageRequest, pk: int) -> HttpResponse:
    transitions.resume(_campaign(request, pk).pk, by=request.user, now=timezone.now())
    return redirect("campaigns:detail", pk)


@require_POST
@requires(Permission.WRITE)
def cancel(request: PageRequest, pk: int) -> HttpResponse:
    reason = request.POST.get("reason", "")
    transitions.cancel(_campaign(request, pk).pk, by=request.user, now=timezone.now(), reason=reason)
    return redirect("campaigns:detail", pk)


@require_POST
@requires(Permission.WRITE)
def archive(request: PageRequest, pk: int) -> HttpResponse:
    transitions.archive(_campaign(request, pk).pk, by=request.user, now=timezone.now())
    return redirect("campaigns:detail", pk)


@require_POST
@requires(Permission.WRITE)
def restore(request: PageRequest, pk: int) -> HttpResponse:
    transitions.restore(_campaign(request, pk).pk, by=request.user)
    return redirect("campaigns:detail", pk)


@require_POST
@requires(Permission.WRITE)
def clone(request: PageRequest, pk: int) -> HttpResponse:
    made = drafts.clone(_campaign(request, pk).pk, by=request.user, now=timezone.now())
    return redirect("campaigns:edit", made.pk)
