"""The report of a campaign in fragments: the campaign page places them, and each is a page of its own without HTMX."""

from typing import Any, cast

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import requires
from accounts.models import User
from accounts.roles import Permission
from campaigns.models import Campaign
from delivery import halting, retention
from delivery.statuses import Term
from reports import downloads, errors_tab
from reports import exports as exporting
from reports import progress as progressing
from reports.forms import ExportForm, RecipientFilter
from reports.models import Export
from reports.recipients_tab import Page, page
from reports.statuses import UNFINISHED

SHOWN_EXPORTS = 10


@require_GET
@requires(Permission.VIEW)
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """Polls itself. Once the status is another than the page was drawn for, the whole page is due (`HX-Refresh`)."""
    campaign = _campaign(request, pk)
    now = progressing.progress(campaign, now=timezone.now())
    halts, kept_back = halting.in_force(), errors_tab.kept_back(campaign)
    response = _show(request, "progress", campaign, progress=now, halts=halts, kept_back=kept_back)
    if request.GET.get("seen", campaign.status) != campaign.status:
        response.headers["HX-Refresh"] = "true"
    return response


@require_GET
@requires(Permission.VIEW)
def recipients(request: HttpRequest, pk: int) -> HttpResponse:
    campaign = _campaign(request, pk)
    form = RecipientFilter(request.GET)
    found, is_kept = Page(rows=[], next_cursor=None), retention.is_kept(campaign)
    if form.is_valid() and is_kept:
        asked = form.cleaned_data
        status = Term(asked["status"]) if asked["status"] else None
        found = page(campaign, status=status, to=asked["to"], cursor=asked["cursor"] or 0)
    return _show(request, "recipients", campaign, form=form, page=found, is_kept=is_kept)


@require_GET
@requires(Permission.VIEW)
def errors(request: HttpRequest, pk: int) -> HttpResponse:
    campaign = _campaign(request, pk)
    return _show(
        request,
        "errors",
        campaign,
        incidents=errors_tab.incidents(campaign),
        reasons=errors_tab.reasons(campaign),
        kept_back=errors_tab.kept_back(campaign),
        is_kept=retention.is_kept(campaign),
    )


@require_http_methods(["GET", "POST"])
@requires(Permission.VIEW)
def exports(request: HttpRequest, pk: int) -> HttpResponse:
    campaign = _campaign(request, pk)
    form = ExportForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        exporting.request(campaign.pk, format=form.cleaned_data["format"], by=cast(User, request.user))
        return redirect("reports:exports", campaign.pk)
    latest = Export.objects.of(campaign.workspace_id).filter(campaign=campaign).order_by("-pk")[:SHOWN_EXPORTS]
    is_busy = any(export.status in UNFINISHED for export in latest)
    return _show(request, "exports", campaign, form=form, exports=latest, is_busy=is_busy)


@require_GET
@requires(Permission.VIEW)
def download(request: HttpRequest, pk: int, export_pk: int) -> HttpResponseBase:
    campaign = _campaign(request, pk)
    export = get_object_or_404(Export.objects.of(campaign.workspace_id), campaign=campaign, pk=export_pk)
    return downloads.response(export)


def _campaign(request: Any, pk: int) -> Campaign:
    return get_object_or_404(Campaign.objects.of(request.workspace).select_related("list"), pk=pk)


def _show(request: Any, name: str, campaign: Campaign, **context: Any) -> HttpResponse:
    fragment = f"reports/_{name}.html"
    template = fragment if request.htmx else "reports/page.html"
    return render(request, template, {"campaign": campaign, "fragment": fragment, "title": name, **context})
