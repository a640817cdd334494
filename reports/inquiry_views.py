"""Inquiries about one number: asked by POST, as it must not stand in an address, and answered when it is ready."""

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import requires
from accounts.forms import refused_on
from accounts.requests import PageRequest
from accounts.roles import Permission
from delivery.statuses import Term
from reports import downloads
from reports import inquiries as asking
from reports.forms import InquiryForm
from reports.models import Inquiry
from reports.statuses import UNFINISHED, Status

NEWEST = 50


@require_http_methods(["GET", "POST"])
@requires(Permission.PROVE)
def inquiries(request: PageRequest) -> HttpResponse:
    form = InquiryForm(request.POST or None)
    if form.is_valid():
        with refused_on(form):
            made = asking.ask(
                request.workspace,
                form.cleaned_data["number"],
                reason=form.cleaned_data["reason"],
                by=request.user,
                now=timezone.now(),
            )
            return redirect("reports:inquiry", made.pk)
    latest = Inquiry.objects.of(request.workspace).order_by("-pk")[:NEWEST]
    context = {"form": form, "inquiries": latest, "here": "members"}
    return render(request, "reports/inquiries.html", context, status=400 if form.is_bound else 200)


@require_GET
@requires(Permission.PROVE)
def inquiry(request: PageRequest, pk: int) -> HttpResponse:
    """Polls itself while it is worked on."""
    found = get_object_or_404(Inquiry.objects.of(request.workspace), pk=pk)
    answer = asking.read(found) if found.status == Status.READY else None
    for message in answer["messages"] if answer else ():
        if message["result"]:
            message["result"]["label"] = Term(message["result"]["status"]).label
    context = {"inquiry": found, "answer": answer, "is_busy": found.status in UNFINISHED, "here": "members"}
    return render(
        request, "reports/_inquiry.html" if "HX-Request" in request.headers else "reports/inquiry.html", context
    )


@require_GET
@requires(Permission.PROVE)
def download(request: PageRequest, pk: int) -> HttpResponseBase:
    return downloads.inquiry_response(get_object_or_404(Inquiry.objects.of(request.workspace), pk=pk))
