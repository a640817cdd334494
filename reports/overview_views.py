"""The dashboard, and the list of campaigns with how far each is."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from accounts.access import requires
from accounts.requests import PageRequest
from accounts.roles import Permission
from campaigns.models import Campaign
from reports.campaign_filter import CampaignFilter
from reports.campaign_search import narrow, ordered, sums
from reports.overview import any_moving, overview, rows

PAGE = 25
COLUMNS: list[tuple[str, str | Promise, str]] = [
    ("name", _("Campaign"), ""),
    ("status", _("Status"), ""),
    ("when", _("When"), "wide"),
    ("sender", _("Sender"), "wide"),
    ("author", _("Author"), "wide"),
    ("size", _("Recipients"), "wide number"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """`url` sorts by it, the other way round when it is sorted by it already; `direction` as ARIA calls it."""

    label: str | Promise
    css: str
    url: str
    direction: str


@require_GET
@requires(Permission.VIEW)
def dashboard(request: PageRequest) -> HttpResponse:
    context = {
        "overview": overview(request.workspace, now=timezone.now()),
        "may_write": Permission.WRITE in request.permissions,
        "may_create_senders": Permission.CREATE_SENDERS in request.permissions,
        "may_decide": Permission.DECIDE in request.permissions and request.user.is_staff,
        "here": "dashboard",
    }
    return render(request, "reports/dashboard.html", context)


@require_GET
@requires(Permission.VIEW)
def campaigns(request: PageRequest) -> HttpResponse:
    """`?q=&status=&mode=&sender=&author=&since=&until=&archived=&sort=&page=`"""
    form = CampaignFilter(request.GET, workspace=request.workspace)
    if {"status", "mode", "sender", "author", "sort"} & form.errors.keys():  # no form of ours says so
        return redirect("reports:campaigns")
    found = narrow(Campaign.objects.of(request.workspace), form.cleaned)
    told = sums(found)
    wanted = ordered(found.select_related("sender", "list", "created_by"), form.sort_by)
    paginator: Any = Paginator(wanted, PAGE)
    paginator.count = told.campaigns
    page = paginator.get_page(request.GET.get("page"))
    shown = rows(page.object_list)
    asked = {name: str(value) for name, value in request.GET.items() if value and name in form.fields}
    context = {
        "form": form,
        "sums": told,
        "page": page,
        "rows": shown,
        "columns": _columns(asked, form.sort_by),
        "is_moving": any_moving(shown),
        "query": f"{urlencode(asked)}&" if asked else "",
        "may_write": Permission.WRITE in request.permissions,
        "here": "campaigns",
    }
    return render(request, "reports/campaigns.html", context)


def _columns(asked: dict[str, str], sort: str) -> list[Column]:
    made = []
    for name, label, css in COLUMNS:
        direction = {name: "ascending", f"-{name}": "descending"}.get(sort, "none")
        other = f"-{name}" if direction == "ascending" else name
        url = f"?{urlencode({**asked, 'sort': other})}"
        made.append(Column(label=label, css=css, url=url, direction=direction))
    return made
