"""A page of what the workspace sent, and the same as a file for a spreadsheet."""

import csv
import io
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.access import requires
from accounts.models import Workspace
from accounts.requests import PageRequest
from accounts.roles import Permission
from audit.cells import neutral
from delivery.statuses import Term
from reports import replica, statistics
from reports.statistics import BY, Asked, Row
from reports.statistics_forms import StatisticsForm


@require_GET
@requires(Permission.VIEW)
def page(request: PageRequest) -> HttpResponse:
    form = _form(request, request.workspace)
    context: dict[str, Any] = {"form": form, "here": "statistics"}
    if form.is_valid():
        asked = form.asked
        (rows, total), as_of = statistics.counted(request.workspace, asked, now=timezone.now())
        context |= {
            "asked": asked,
            "as_of": as_of,
            "rows": rows,
            "total": total,
            "most": max((row.messages for row in rows), default=0),
            "grouped_by": BY[asked.by],
            "query": urlencode({name: value for name, value in request.GET.items() if value}),
        }
    return render(request, "reports/statistics.html", context, status=200 if form.is_valid() else 400)


@require_GET
@requires(Permission.VIEW)
def file(request: PageRequest) -> HttpResponse:
    form = _form(request, request.workspace)
    if not form.is_valid():
        return render(request, "reports/statistics.html", {"form": form, "here": "statistics"}, status=400)
    (rows, _total), as_of = statistics.counted(request.workspace, form.asked, now=timezone.now())
    return as_csv(form.asked, rows, as_of=as_of)


def as_csv(asked: Asked, rows: list[Row], *, as_of: datetime | None) -> HttpResponse:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([asked.by, "name", "messages", "parts", *Term.values])
    for row in rows:
        name = neutral(row.name)
        writer.writerow([row.key, name, row.messages, row.parts, *(row.terms[term] for term in Term)])
    filename = f"statistics-{asked.by}-{asked.since}-{asked.until}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{filename}"', "X-Content-Type-Options": "nosniff"}
    headers |= replica.headers(as_of)
    return HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)


def _form(request: HttpRequest, workspace: Workspace) -> StatisticsForm:
    return StatisticsForm(request.GET, workspace=workspace, today=timezone.localdate(timezone=workspace.zone))
