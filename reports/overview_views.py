"""The dashboard, and the list of campaigns with how far each is."""

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from accounts.access import requires
from accounts.requests import PageRequest
from accounts.roles import Permission
from campaigns.models import Campaign
from campaigns.statuses import Status
from reports.overview import any_moving, overview, rows

PAGE = 25


@require_GET
@requires(Permission.VIEW)
def dashboard(request: PageRequest) -> HttpResponse:
    context = {
        "overview": overview(request.workspace),
        "may_write": Permission.WRITE in request.permissions,
        "may_decide": Permission.DECIDE in request.permissions and request.user.is_staff,
        "here": "dashboard",
    }
    return render(request, "reports/dashboard.html", context)


@require_GET
@requires(Permission.VIEW)
def campaigns(request: PageRequest) -> HttpResponse:
    """`?status=` shows those of one status, `?archived=1` those put away."""
    found = Campaign.objects.of(request.workspace).select_related("sender", "list").order_by("-pk")
    archived, status = bool(request.GET.get("archived")), request.GET.get("status", "")
    if status and status not in Status.values:
        return redirect("reports:campaigns")
    found = found.exclude(archived_at=None) if archived else found.live()
    page = Paginator(found.filter(status=status) if status else found, PAGE).get_page(request.GET.get("page"))
    shown = rows(page.object_list)
    context = {
        "page": page,
        "rows": shown,
        "is_moving": any_moving(shown),
        "statuses": Status.choices,
        "status": status,
        "archived": archived,
        "query": f"status={status}&archived={int(archived) or ''}&",
        "may_write": Permission.WRITE in request.permissions,
        "here": "campaigns",
    }
    return render(request, "reports/campaigns.html", context)
