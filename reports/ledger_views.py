"""The ledger of the workspace on a page, for whoever audits it; and as a file."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from accounts.access import requires, writes_nothing
from accounts.requests import PageRequest
from accounts.roles import Permission
from audit import reading, verification, words
from audit.api import taken
from audit.models import Check, Segment, Witness
from reports.ledger_forms import LedgerForm


@require_GET
@requires(Permission.VIEW)
def page(request: PageRequest) -> HttpResponse:
    form = LedgerForm(request.GET)
    chain = request.workspace.pk
    context: dict[str, Any] = {
        **{"form": form, "here": "members", "check": Check.objects.filter(chain=chain).first()},
        "witness": Witness.objects.filter(chain=chain).first(),
        "sealed": Segment.objects.filter(chain=chain).order_by("-last_seq").first(),
    }
    if form.is_valid():
        found = reading.page(reading.find(request.workspace, form.wanted), before=form.cleaned_data["before"])
        kept = {name: value for name, value in request.GET.items() if value and name != "before"}
        rows = [(entry, words.of(entry.action)) for entry in found.entries]
        context |= {"rows": rows, "older": found.before, "query": urlencode(kept)}
    return render(request, "reports/ledger.html", context, status=200 if form.is_valid() else 400)


@require_GET
@requires(Permission.VIEW)
def file(request: PageRequest) -> HttpResponseBase:
    form = LedgerForm(request.GET)
    if not form.is_valid():
        return render(request, "reports/ledger.html", {"form": form, "here": "members"}, status=400)
    return taken(request.workspace, reading.find(request.workspace, form.wanted), by=request.user)


@require_POST
@requires(Permission.VIEW)
@writes_nothing
def verify(request: PageRequest) -> HttpResponse:
    """The newest entries, so many that somebody can wait for it; `verify_audit` looks at all of them."""
    verification.check_newest(request.workspace.pk, now=timezone.now())
    return redirect("reports:ledger")
