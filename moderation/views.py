"""What was decided on a campaign, and what a moderator does on its page."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts import asking
from accounts.access import requires
from accounts.forms import refused_on
from accounts.requests import PageRequest
from accounts.roles import Permission
from campaigns.models import Campaign
from campaigns.statuses import Status
from moderation import decisions as deciding
from moderation import rescheduling
from moderation.forms import RescheduleForm
from moderation.models import Decision


@require_GET
@requires(Permission.VIEW)
def decisions(request: PageRequest, pk: int) -> HttpResponse:
    campaign = get_object_or_404(Campaign.objects.of(request.workspace), pk=pk)
    context = {"campaign": campaign, "decisions": Decision.objects.about(campaign.pk)}
    return render(request, "moderation/_decisions.html", context)


@require_POST
@requires(Permission.DECIDE)
def reschedule(request: PageRequest, pk: int) -> HttpResponse:
    campaign = get_object_or_404(Campaign.objects.of(request.workspace), pk=pk)
    form = RescheduleForm(request.POST, workspace_id=campaign.workspace_id, about="campaign")
    if form.is_valid():
        with refused_on(form):
            send_at, now = form.cleaned_data["send_at"], timezone.now()
            _told(request, rescheduling.reschedule(campaign.pk, send_at=send_at, by=request.user, now=now))
            return redirect("campaigns:detail", pk)
    there = reverse("campaigns:detail", args=[pk])
    return asking.again(request, form, title=_("Give it another time"), button=_("Give it this time"), back=there)


@require_POST
@requires(Permission.DECIDE)
def send_now(request: PageRequest, pk: int) -> HttpResponse:
    campaign = get_object_or_404(Campaign.objects.of(request.workspace), pk=pk)
    _told(request, deciding.send_now(campaign.pk, by=request.user, now=timezone.now()))
    return redirect("campaigns:detail", pk)


def _told(request: PageRequest, after: Campaign) -> None:
    if after.status == Status.MISSED:
        messages.success(request, _("Your approval is recorded. Another moderator must approve it, too."))
