"""The Master view: every workspace and every campaign, for super admins.

It is for looking: nothing is written here, and nothing in a workspace that somebody looks into from here.
"""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from accounts.access import for_super_admins
from accounts.models import Workspace
from accounts.requests import PageRequest
from campaigns.models import Campaign
from reports import across
from reports.campaign_filter import STATUSES
from reports.campaign_search import NEWEST, narrow, ordered, sums
from reports.overview import rows

PAGE = 25


class MasterFilter(forms.Form):
    """What cannot be read does not narrow."""

    q = forms.CharField(label=_("Name of a campaign or list"), required=False, max_length=120)
    workspace = forms.ModelChoiceField(
        label=_("Workspace"), required=False, queryset=Workspace.objects.none(), empty_label=_("Any workspace")
    )
    status = forms.ChoiceField(label=_("Status"), required=False, choices=STATUSES)
    archived = forms.BooleanField(label=_("Archived ones"), required=False)

    def __init__(self, data: Any, *, workspaces: Any) -> None:
        super().__init__(data)
        self.fields["workspace"].queryset = workspaces.order_by("name", "pk")  # type: ignore[attr-defined]


@require_GET
@for_super_admins
def workspaces(request: PageRequest) -> HttpResponse:
    wanted = request.GET.get("q", "").strip()[:120]
    page = Paginator(across.places(wanted), PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "places": [across.place_of(row) for row in page.object_list],
        "wanted": wanted,
        "query": f"{urlencode({'q': wanted})}&" if wanted else "",
        "here": "master",
    }
    return render(request, "reports/master.html", context)


@require_GET
@for_super_admins
def campaigns(request: PageRequest) -> HttpResponse:
    seen = Workspace.objects.open_to(request.user)
    form = MasterFilter(request.GET, workspaces=seen)
    form.is_valid()
    asked = form.cleaned_data
    chosen = asked.get("workspace")
    found = narrow(Campaign.objects.within([chosen.pk] if chosen else seen.values("pk")), asked)
    told = sums(found)
    wanted = ordered(found.select_related("workspace", "sender", "list", "created_by"), NEWEST)
    paginator: Any = Paginator(wanted, PAGE)
    paginator.count = told.campaigns
    page = paginator.get_page(request.GET.get("page"))
    kept = {name: str(value) for name, value in request.GET.items() if value and name in form.fields}
    context = {
        "form": form,
        "sums": told,
        "page": page,
        "rows": rows(page.object_list),
        "query": f"{urlencode(kept)}&" if kept else "",
        "narrows": bool(kept),
        "here": "master",
    }
    return render(request, "reports/master_campaigns.html", context)
