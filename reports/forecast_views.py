"""When a draft would be through: a fragment for the steps in which it is written, and a page without HTMX."""

from dataclasses import replace
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.access import requires
from accounts.requests import PageRequest
from accounts.roles import Permission
from campaigns.drafts import Content, content_of
from campaigns.forms import TimeForm
from campaigns.models import Campaign
from reports import outlook
from reports.outlook import Outlook


@require_GET
@requires(Permission.VIEW)
def forecast(request: PageRequest, pk: int) -> HttpResponse:
    """With the fields of the step in the address: for what stands in the form, as far as it can be read."""
    wanted = Campaign.objects.of(request.workspace).select_related("workspace", "list", "channel", "route")
    campaign = get_object_or_404(wanted, pk=pk)
    found = outlook.outlook(campaign, _content(request, campaign), now=timezone.now())
    context = {
        "outlook": found,
        "chart": _chart(found) if found and len(found.typical.curve) > 1 else None,
        "campaign": campaign,
        "here": "campaigns",
        "fragment": "reports/_forecast.html",
    }
    is_fragment = "HX-Request" in request.headers
    return render(request, "reports/_forecast.html" if is_fragment else "reports/page.html", context)


def _chart(found: Outlook) -> dict[str, Any]:
    drawn = found.chart
    series = {"label": _("Recipients"), "data": drawn["sent"], "colour": "--accent", "fill": True}
    return {"type": "line", "labels": drawn["labels"], "series": [series], "time": True}


def _content(request: PageRequest, campaign: Campaign) -> Content:
    content = content_of(campaign)
    if "carrier" not in request.GET:
        return content
    form = TimeForm(request.GET, mode=campaign.mode)
    form.is_valid()
    given = {name: value for name, value in form.cleaned_data.items() if name != "carrier"}
    if "daily_from" in given and (given["daily_from"] is None) != (given.get("daily_to") is None):
        given |= {"daily_from": None, "daily_to": None}
    if given.get("daily_from") is not None and given["daily_from"] == given["daily_to"]:
        given |= {"daily_from": None, "daily_to": None}
    return replace(content, **given, **form.carriers)
