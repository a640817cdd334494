"""Lists on pages: uploaded, watched while they are prepared, looked at, put away."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_POST

from accounts import asking
from accounts.access import requires
from accounts.forms import refused_on
from accounts.requests import PageRequest
from accounts.roles import Permission
from audit.refusal import Refused
from recipients import progress, taken_along, transitions, unmasking, upload_texts, uploads, verbs
from recipients.breakdown import charts_of
from recipients.countries import name_of
from recipients.forms import FILTERED, FileForm, ListFilter, ListForm, NameForm
from recipients.models import RecipientList
from recipients.sample import sample as sample_of
from recipients.statuses import Status
from recipients.uploads import TooLarge

PAGE = 25
FORM_ROOM = 64 * 1024  # bytes that the other fields of the form and its boundaries may take


def takes_a_file(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Look at the length before the CSRF check does its work: that reads the form, and so spools the file to disk."""
    checked = csrf_protect(view)

    @csrf_exempt
    @wraps(view)
    def bounded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if int(request.META.get("CONTENT_LENGTH") or 0) > settings.UPLOAD_MAX_BYTES + FORM_ROOM:
            raise TooLarge
        try:
            return checked(request, *args, **kwargs)
        except RequestDataTooBig:
            raise Refused(_("That is too much to paste: send the numbers as a file."), code="too_large") from None

    return bounded


@require_GET
@requires(Permission.VIEW)
def index(request: PageRequest) -> HttpResponse:
    filter = ListFilter(request.GET)
    lists = filter.narrow(RecipientList.objects.of(request.workspace)).select_related("created_by")
    page = Paginator(lists.order_by("-pk"), PAGE).get_page(request.GET.get("page"))
    asked = {name: value for name, value in filter.cleaned_data.items() if value}
    context = {
        "page": page,
        "statuses": FILTERED,
        "asked": asked,
        "query": urlencode(asked) + "&" if asked else "",
        "search": urlencode({"q": asked["q"]}) + "&" if "q" in asked else "",
        "is_moving": any(listed.status == Status.PREPARING for listed in page),
        "may_write": Permission.WRITE in request.permissions,
        "here": "lists",
    }
    return render(request, "recipients/index.html", context)


@takes_a_file
@requires(Permission.WRITE)
def new(request: PageRequest) -> HttpResponse:
    """Without a script the form brings the file itself; with one, static/uploads.js sends it in pieces by the API."""
    form = ListForm(request.POST or None, request.FILES or None, workspace=request.workspace)
    campaign = request.POST.get("campaign", "")
    if form.is_valid():
        given = dict(form.cleaned_data)
        pasted = SimpleUploadedFile("pasted.txt", given.pop("numbers").encode())
        file: UploadedFile[bytes] = given.pop("file") or pasted
        with refused_on(form):
            made = uploads.create_with_file(
                request.workspace, file, filename=file.name or "", by=request.user, length=file.size or 0, **given
            )
            return _onwards(campaign, made)
    context = {
        "form": form,
        "campaign": campaign,
        "limit": settings.UPLOAD_MAX_BYTES,
        "texts": upload_texts.in_this_language(),
        "here": "lists",
    }
    return render(request, "recipients/new.html", context, status=400 if form.is_bound else 200)


@require_GET
@requires(Permission.VIEW)
def detail(request: PageRequest, pk: int) -> HttpResponse:
    """The page; to HTMX only its part that changes while the list is prepared, and then that the whole page is due."""
    listed = get_object_or_404(RecipientList.objects.of(request.workspace).select_related("created_by"), pk=pk)
    is_polled = "HX-Request" in request.headers
    context = {
        "list": listed,
        "pace": progress.pace(listed, now=timezone.now()),
        "charts": charts_of(listed),
        "country": name_of(listed.country),
        "form": FileForm(),
        "limit": settings.UPLOAD_MAX_BYTES,
        "texts": upload_texts.in_this_language(),
        "verbs": verbs.offered(listed, request.permissions),
        "may_write": Permission.WRITE in request.permissions,
        "shown_until": _shown_until(request),
        "here": "lists",
    }
    response = render(request, "recipients/_state.html" if is_polled else "recipients/detail.html", context)
    if is_polled and listed.status != Status.PREPARING:
        response.headers["HX-Refresh"] = "true"
    return response


@takes_a_file
@require_POST
@requires(Permission.WRITE)
def receive(request: PageRequest, pk: int) -> HttpResponse:
    listed = get_object_or_404(RecipientList.objects.of(request.workspace), pk=pk)
    form = FileForm(request.POST, request.FILES)
    if form.is_valid():
        file = form.cleaned_data["file"]
        with refused_on(form):
            uploads.receive(listed.pk, file, by=request.user, length=file.size, filename=file.name)
            return redirect("recipients:detail", pk)
    there = reverse("recipients:detail", args=[pk])
    return asking.again(request, form, title=str(listed), button=_("Upload"), back=there)


@require_GET
@requires(Permission.VIEW)
def sample(request: PageRequest, pk: int) -> HttpResponse:
    listed = get_object_or_404(RecipientList.objects.of(request.workspace).ready(), pk=pk)
    return render(request, "recipients/_sample.html", {"numbers": sample_of(listed)})


@require_GET
@requires(Permission.VIEW)
def rejected(request: PageRequest, pk: int) -> HttpResponseBase:
    listed = _list(request, pk)
    return _lines(request, listed.rejected_key, f"rejected-{listed.pk}.csv")


@require_GET
@requires(Permission.VIEW)
def duplicates(request: PageRequest, pk: int) -> HttpResponseBase:
    listed = _list(request, pk)
    return _lines(request, listed.duplicates_key, f"duplicates-{listed.pk}.csv")


@require_POST
@requires(Permission.WRITE)
def cancel(request: PageRequest, pk: int) -> HttpResponse:
    transitions.cancel(_list(request, pk).pk, by=request.user, reason=request.POST.get("reason", ""))
    return redirect("recipients:detail", pk)


@require_POST
@requires(Permission.WRITE)
def rename(request: PageRequest, pk: int) -> HttpResponse:
    listed, form = _list(request, pk), NameForm(request.POST)
    if form.is_valid():
        with refused_on(form):
            transitions.rename(listed.pk, name=form.cleaned_data["name"], by=request.user)
            return redirect("recipients:detail", pk)
    there = reverse("recipients:detail", args=[pk])
    return asking.again(request, form, title=str(listed), button=_("Save the name"), back=there)


@require_POST
@requires(Permission.WRITE)
def archive(request: PageRequest, pk: int) -> HttpResponse:
    transitions.archive(_list(request, pk).pk, by=request.user, now=timezone.now())
    return redirect("recipients:detail", pk)


@require_POST
@requires(Permission.WRITE)
def restore(request: PageRequest, pk: int) -> HttpResponse:
    transitions.restore(_list(request, pk).pk, by=request.user)
    return redirect("recipients:detail", pk)


@requires(Permission.WRITE)
def delete(request: PageRequest, pk: int) -> HttpResponse:
    """A GET asks whether somebody is sure."""
    listed = _list(request, pk)
    if request.method == "POST":
        transitions.delete(listed.pk, by=request.user)
        messages.success(request, _("%(list)s is deleted.") % {"list": listed})
        return redirect("recipients:index")
    context = {"list": listed, "users": transitions.users_of(listed), "here": "lists"}
    return render(request, "recipients/delete.html", context)


def _list(request: PageRequest, pk: int) -> RecipientList:
    return get_object_or_404(RecipientList.objects.of(request.workspace), pk=pk)


def _onwards(campaign: str, listed: RecipientList) -> HttpResponse:
    """To the list, or back to the campaign that is being written and gets it."""
    if campaign.isdecimal():
        return redirect("campaigns:edit_list", campaign, listed.pk)
    return redirect("recipients:detail", listed.pk)


def _lines(request: PageRequest, key: str, filename: str) -> HttpResponseBase:
    if not key:
        raise Http404(_("There are no such lines."))
    return taken_along.response(key, filename=filename, is_whole=_shown_until(request) is not None)


def _shown_until(request: PageRequest) -> datetime | None:
    return unmasking.shown_until(request, request.workspace, of="lists")
