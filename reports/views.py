"""A campaign's page and the tabs of it. Each tab has an address of its own: a whole page, or with HTMX what changes."""

from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import requires, writes_nothing
from accounts.requests import PageRequest
from accounts.roles import Permission
from campaigns import eyes, preview, schedule, verbs
from campaigns.models import Campaign
from campaigns.statuses import TRIED_IN, Status
from delivery import halting, retention
from delivery.statuses import Term
from recipients import unmasking, unmasking_views
from reports import curve, downloads, errors_tab, replica
from reports import exports as exporting
from reports import headline as saying
from reports import history as telling
from reports import progress as progressing
from reports.forms import ExportForm, HistoryPage, NumberSearch, RecipientFilter
from reports.models import TABLES, Export
from reports.recipients_tab import Page, page
from reports.statuses import UNFINISHED

SHOWN_EXPORTS = 10
TABS = {
    "recipients": _("Recipients"),
    "errors": _("Errors"),
    "content": _("Content and approval"),
    "history": _("History"),
    "exports": _("Exports"),
}
BEFORE_IT_IS_SENT = frozenset({Status.DRAFT, Status.IN_REVIEW, Status.REJECTED})


@require_GET
@requires(Permission.VIEW)
def campaign(request: PageRequest, pk: int) -> HttpResponse:
    """With the tab of `?tab=`, else the one that one comes for: the content, and once it is approved the recipients."""
    found = _campaign(request, pk)
    first = "content" if found.status in BEFORE_IT_IS_SENT else "recipients"
    wanted = request.GET.get("tab", "")
    tab = wanted if wanted in TABS else first
    return _show(request, tab, found, **_contexts(request, found, tab))


@require_GET
@requires(Permission.VIEW)
def progress(request: PageRequest, pk: int) -> HttpResponse:
    """Polls itself. Once the status is another than the page was drawn for, the whole page is due (`HX-Refresh`)."""
    found = _campaign(request, pk)
    response = render(request, _fragment(request, "progress"), _head(request, found))
    if request.GET.get("seen", found.status) != found.status:
        response.headers["HX-Refresh"] = "true"
    return response


@require_GET
@requires(Permission.VIEW)
def course(request: PageRequest, pk: int) -> HttpResponse:
    """Polls itself as well, more slowly."""
    found = _campaign(request, pk)
    return render(request, _fragment(request, "course"), {**_head(request, found), **_course(found)})


@require_http_methods(["GET", "POST"])
@requires(Permission.VIEW)
@writes_nothing
def recipients(request: PageRequest, pk: int) -> HttpResponse:
    """A page by status by GET; a number is looked for by POST, as it must not stand in an address or a log."""
    found = _campaign(request, pk)
    return _show(request, "recipients", found, **_recipients(request, found))


@require_POST
@requires(Permission.SEE_NUMBERS)
def show_numbers(request: PageRequest, pk: int) -> HttpResponse:
    """To this person, in this session, for a while."""
    found = _campaign(request, pk)
    there = reverse("reports:recipients", args=[found.pk])
    return unmasking_views.open_window(request, found, of="recipients", after=there)


@require_GET
@requires(Permission.VIEW)
def errors(request: PageRequest, pk: int) -> HttpResponse:
    found = _campaign(request, pk)
    return _show(request, "errors", found, **_errors(request, found))


@require_GET
@requires(Permission.VIEW)
def content(request: PageRequest, pk: int) -> HttpResponse:
    found = _campaign(request, pk)
    return _show(request, "content", found, **_content(request, found))


@require_GET
@requires(Permission.VIEW)
def history(request: PageRequest, pk: int) -> HttpResponse:
    found = _campaign(request, pk)
    return _show(request, "history", found, **_history(request, found))


@require_http_methods(["GET", "POST"])
@requires(Permission.VIEW)
def exports(request: PageRequest, pk: int) -> HttpResponse:
    found = _campaign(request, pk)
    form = ExportForm(request.POST or None, columns=_columns(found))
    if request.method == "POST" and form.is_valid():
        exporting.check_role(form.cleaned_data["format"], form.cleaned_data["numbers"], request.permissions)
        exporting.request(found.pk, **form.cleaned_data, by=request.user)
        return redirect("reports:exports", found.pk)
    return _show(request, "exports", found, **_exports(request, found, form))


@require_GET
@requires(Permission.VIEW)
def download(request: PageRequest, pk: int, export_pk: int) -> HttpResponseBase:
    found = _campaign(request, pk)
    export = get_object_or_404(Export.objects.of(found.workspace_id), campaign=found, pk=export_pk)
    exporting.check_role(export.format, export.numbers, request.permissions)
    return downloads.response(export, by=request.user)


def _campaign(request: PageRequest, pk: int) -> Campaign:
    return get_object_or_404(
        Campaign.objects.of(request.workspace)
        .select_related(
            "workspace", "sender", "revision", "list", "channel", "route", "created_by", "edited_by", "submitted_by"
        )
        .prefetch_related("route__members__channel"),
        pk=pk,
    )


def _contexts(request: PageRequest, found: Campaign, tab: str) -> dict[str, Any]:
    made = {"recipients": _recipients, "errors": _errors, "content": _content, "history": _history, "exports": _exports}
    return made[tab](request, found)


def _recipients(request: PageRequest, found: Campaign) -> dict[str, Any]:
    form, search = RecipientFilter(request.GET), NumberSearch(request.POST or None)
    shown, as_of, is_kept = Page(rows=[], next_cursor=None), None, retention.is_kept(found)
    asked: dict[str, Any] | None = None
    if search.is_valid():
        asked = {"to": search.cleaned_data["to"]}
    elif not search.is_bound and form.is_valid():
        status = form.cleaned_data["status"]
        asked = {"status": Term(status) if status else None, "cursor": form.cleaned_data["cursor"] or 0}
    if is_kept and asked is not None:
        shown, as_of = replica.read_of(found, lambda it: page(it, **asked), now=timezone.now())
    return {
        "form": form,
        "search": search,
        "page": shown,
        "as_of": as_of,
        "is_kept": is_kept,
        "shown_until": unmasking.shown_until(request, found, of="recipients"),
    }


def _errors(request: PageRequest, found: Campaign) -> dict[str, Any]:
    shown, as_of = replica.read_of(found, _troubles, now=timezone.now())
    return {**shown, "as_of": as_of, "is_kept": retention.is_kept(found)}


def _troubles(found: Campaign) -> dict[str, Any]:
    return {
        "incidents": errors_tab.incidents(found),
        "minutes": errors_tab.minutes(found),
        "reasons": errors_tab.reasons(found),
        "kept_back": errors_tab.kept_back(found),
    }


def _content(request: PageRequest, found: Campaign) -> dict[str, Any]:
    waits_until = schedule.waits_until(found, now=timezone.now())
    return {"preview": preview.of(found), "waits_until": waits_until, "zone": found.workspace.time_zone}


def _history(request: PageRequest, found: Campaign) -> dict[str, Any]:
    form = HistoryPage(request.GET)
    before = form.cleaned_data["before"] if form.is_valid() else None
    return {"history": telling.history(found, before=before), "before": before}


def _exports(request: PageRequest, found: Campaign, form: ExportForm | None = None) -> dict[str, Any]:
    latest = Export.objects.of(found.workspace_id).filter(campaign=found).select_related("requested_by")
    shown = list(latest.order_by("-pk")[:SHOWN_EXPORTS])
    return {
        "form": form or ExportForm(columns=_columns(found)),
        "tables": TABLES,
        "may_prove": Permission.PROVE in request.permissions,
        "exports": shown,
        "is_busy": any(export.status in UNFINISHED for export in shown),
    }


def _columns(found: Campaign) -> list[str]:
    return exporting.columns_of(found) if found.columns or found.list else []


def _course(found: Campaign) -> dict[str, Any]:
    now = timezone.now()
    totals = progressing.progress(found, now=now).totals
    return {"curve": curve.curve(found, totals, now=now)}


def _head(request: PageRequest, found: Campaign) -> dict[str, Any]:
    """What the page says above its tabs."""
    now, halts = timezone.now(), halting.in_force()
    shown = progressing.progress(found, now=now)
    decides = Permission.DECIDE in request.permissions
    wrote = eyes.is_own(found, request.user)
    return {
        "campaign": found,
        "progress": shown,
        "headline": saying.headline(found, shown, is_halted=bool(halts), now=now),
        "summary": saying.summary(found, shown),
        "halts": halts,
        "kept_back": errors_tab.kept_back(found),
        "verbs": verbs.offered(found, request.permissions),
        "why_not": _why_not(request, found, decides=decides, wrote=wrote),
        "may_write": Permission.WRITE in request.permissions,
        "may_prove": Permission.PROVE in request.permissions,
        "may_judge": decides and request.user.is_staff,
        "may_reschedule": decides and not wrote,
        "shows_trials": found.status in TRIED_IN,
        "here": "campaigns",
    }


def _why_not(request: PageRequest, found: Campaign, *, decides: bool, wrote: bool) -> str:
    if decides and found.status in (Status.APPROVED, Status.MISSED) and found.archived_at is None:
        return gettext("Who wrote it does not give it another time: somebody else must.") if wrote else ""
    return verbs.why_not(found, request.permissions)


def _fragment(request: Any, name: str) -> str:
    return f"reports/_{name}.html" if request.htmx else "reports/page.html"


def _show(request: Any, tab: str, found: Campaign, **context: Any) -> HttpResponse:
    """The tab alone, with the row of tabs above it, or the whole page: as much as changes."""
    about = {"campaign": found, "tab": tab, "tabs": TABS, "fragment": f"reports/_{tab}.html", **context}
    if request.htmx and not request.htmx.history_restore_request:
        template = "reports/_tabs.html" if request.htmx.target == "tabs" else about["fragment"]
        return render(request, template, about)
    return render(request, "campaigns/detail.html", {**_head(request, found), **_course(found), **about})
