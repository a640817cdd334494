"""What was decided on a campaign, as the campaign page shows it."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from accounts.access import requires
from accounts.requests import PageRequest
from accounts.roles import Permission
from campaigns.models import Campaign
from moderation.models import Decision


@require_GET
@requires(Permission.VIEW)
def decisions(request: PageRequest, pk: int) -> HttpResponse:
    campaign = get_object_or_404(Campaign.objects.of(request.workspace), pk=pk)
    context = {"campaign": campaign, "decisions": Decision.objects.about(campaign.pk)}
    return render(request, "moderation/_decisions.html", context)
