"""Lists on pages: uploaded, watched while they are prepared, looked at."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST

from accounts.access import requires
from accounts.forms import refused_on
from accounts.requests import PageRequest
from accounts.roles import Permission
from audit.refusal import Refused
from recipients import uploads
from recipients.forms import FileForm, ListForm
from recipients.models import RecipientList
from recipients.sample import sample as sample_of
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
            raise Refused("That is too much to paste: send the numbers as a file.", code="too_large") from None

    return bounded


@requires(Permission.VIEW)
def index(request: PageRequest) -> HttpResponse:
    lists = RecipientList.objects.of(request.workspace).select_related("created_by").order_by("-pk")
    page = Paginator(lists, PAGE).get_page(request.GET.get("page"))
    return render(request, "recipients/index.html", {"page": page, "here": "lists"})


@takes_a_file
@requires(Permission.WRITE)
def new(request: PageRequest) -> HttpResponse:
    """Without a script the form brings the file itself; with one, static/uploads.js sends it in pieces by the API."""
    form = ListForm(request.POST or None, request.FILES or None, workspace=request.workspace)
    if form.is_valid():
        given = dict(form.cleaned_data)
        pasted = SimpleUploadedFile("pasted.txt", given.pop("numbers").encode())
        file: UploadedFile[bytes] = given.pop("file") or pasted
        with refused_on(form):
            made = uploads.create_with_file(
                request.workspace, file, filename=file.name or "", by=request.user, length=file.size or 0, **given
            )
            return redirect("recipients:detail", made.pk)
    context = {"form": form, "limit": settings.UPLOAD_MAX_BYTES, "here": "lists"}
    return render(request, "recipients/new.html", context, status=400 if form.is_bound else 200)


@requires(Permission.VIEW)
def detail(request: PageRequest, pk: int) -> HttpResponse:
    """The page; to HTMX only its part that changes while the list is prepared."""
    listed = get_object_or_404(RecipientList.objects.of(request.workspace).select_related("created_by"), pk=pk)
    template = "recipients/_state.html" if "HX-Request" in request.headers else "recipients/detail.html"
    may_write = Permission.WRITE in request.permissions
    return render(request, template, {"list": listed, "form": FileForm(), "may_write": may_write, "here": "lists"})


@takes_a_file
@require_POST
@requires(Permission.WRITE)
def receive(request: PageRequest, pk: int) -> HttpResponse:
    listed = get_object_or_404(RecipientList.objects.of(request.workspace), pk=pk)
    form = FileForm(request.POST, request.FILES)
    if form.is_valid():
        file = form.cleaned_data["file"]
        uploads.receive(listed.pk, file, by=request.user, length=file.size)
    return redirect("recipients:detail", listed.pk)


@requires(Permission.VIEW)
def sample(request: PageRequest, pk: int) -> HttpResponse:
    listed = get_object_or_404(RecipientList.objects.of(request.workspace).ready(), pk=pk)
    return render(request, "recipients/_sample.html", {"numbers": sample_of(listed)})


@requires(Permission.VIEW)
def rejected(request: PageRequest, pk: int) -> FileResponse:
    listed = get_object_or_404(RecipientList.objects.of(request.workspace), pk=pk)
    if not listed.rejected_key:
        raise Http404("There are no rejected lines.")
    file = default_storage.open(listed.rejected_key)
    return FileResponse(file, as_attachment=True, filename=f"rejected-{listed.pk}.csv", content_type="text/csv")
