"""The suppression list of a workspace on pages: looked into, added to, imported, taken off."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.access import requires
from accounts.forms import refused_on
from accounts.requests import PageRequest
from accounts.roles import Permission
from recipients import (
    stop_words,
    suppression_export,
    suppression_imports,
    suppressions,
    taken_along,
    unmasking,
    upload_texts,
)
from recipients.models import Suppression, SuppressionImport
from recipients.statuses import Source
from recipients.suppression_forms import ImportForm, LookUpForm, ReasonForm, StopWordsForm, SuppressForm
from recipients.views import takes_a_file

SHOWN_IMPORTS = 5


@require_GET
@requires(Permission.VIEW)
def index(request: PageRequest) -> HttpResponse:
    form, source = LookUpForm(request.GET), request.GET.get("source", "")
    found: list[Suppression] | None = None
    if form.is_valid() and form.cleaned_data["to"]:
        with refused_on(form):
            found = suppressions.find(request.workspace, form.cleaned_data["to"])
    return _show(request, look_up=form, found=found, source=source if source in Source.values else "")


@require_POST
@requires(Permission.WRITE)
def add(request: PageRequest) -> HttpResponse:
    form = SuppressForm(request.POST)
    if form.is_valid():
        with refused_on(form):
            added = suppressions.add(request.workspace, **form.cleaned_data, by=request.user)
            messages.success(request, _("%(number)s gets nothing any more.") % {"number": added})
            return redirect("recipients:suppressed")
    return _show(request, form=form, status=400)


@require_POST
@requires(Permission.MANAGE)
def keep_stop_words(request: PageRequest) -> HttpResponse:
    form = _words_form(stop_words.of(request.workspace), request.POST)
    if form.is_valid():
        with refused_on(form):
            stop_words.save(request.workspace, form.cleaned_data["words"], by=request.user)
            messages.success(request, _("These are the stop words from now on."))
            return redirect("recipients:suppressed")
    return _show(request, words_form=form, status=400)


@requires(Permission.UNSUPPRESS)
def remove(request: PageRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Suppression.objects.of(request.workspace).explained(), pk=pk)
    form = ReasonForm(request.POST or None)
    if form.is_valid():
        with refused_on(form):
            suppressions.remove(row.pk, **form.cleaned_data, by=request.user)
            messages.success(request, _("%(number)s may get messages again.") % {"number": row})
            return redirect("recipients:suppressed")
    context = {"row": row, "form": form, "here": "suppressed"}
    return render(request, "recipients/unsuppress.html", context, status=400 if form.is_bound else 200)


@require_GET
@requires(Permission.VIEW)
def export(request: PageRequest) -> StreamingHttpResponse:
    is_whole = _shown_until(request) is not None
    lines = suppression_export.request(request.workspace, by=request.user, is_whole=is_whole)
    return suppression_export.response(lines)


@takes_a_file
@requires(Permission.WRITE)
def new_import(request: PageRequest) -> HttpResponse:
    form = ImportForm(request.POST or None, request.FILES or None, workspace=request.workspace)
    if form.is_valid():
        given = dict(form.cleaned_data)
        file = given.pop("file")
        with refused_on(form):
            made = suppression_imports.create_with_file(
                request.workspace, file, filename=file.name, by=request.user, length=file.size, **given
            )
            return redirect("recipients:suppression_import", made.pk)
    context = {
        "form": form,
        "limit": settings.UPLOAD_MAX_BYTES,
        "texts": upload_texts.in_this_language(),
        "here": "suppressed",
    }
    return render(request, "recipients/new_suppression_import.html", context, status=400 if form.is_bound else 200)


@require_GET
@requires(Permission.VIEW)
def one_import(request: PageRequest, pk: int) -> HttpResponse:
    """The page; to HTMX only its part that changes while the file is read."""
    imports = SuppressionImport.objects.of(request.workspace).select_related("created_by")
    is_part = "HX-Request" in request.headers
    template = "recipients/_suppression_import.html" if is_part else "recipients/suppression_import.html"
    return render(
        request,
        template,
        {"import": get_object_or_404(imports, pk=pk), "shown_until": _shown_until(request), "here": "suppressed"},
    )


@require_GET
@requires(Permission.VIEW)
def rejected(request: PageRequest, pk: int) -> HttpResponseBase:
    made = get_object_or_404(SuppressionImport.objects.of(request.workspace), pk=pk)
    if not made.rejected_key:
        raise Http404(_("There are no rejected lines."))
    name, is_whole = f"rejected-suppressions-{made.pk}.csv", _shown_until(request) is not None
    return taken_along.response(made.rejected_key, filename=name, is_whole=is_whole)


def _shown_until(request: PageRequest) -> datetime | None:
    return unmasking.shown_until(request, request.workspace, of="suppressed")


def _words_form(words: Sequence[str], given: QueryDict | None = None) -> StopWordsForm:
    return StopWordsForm(given, initial={"words": "\n".join(words)})


def _show(request: PageRequest, *, status: int = 200, source: str = "", **given: Any) -> HttpResponse:
    imports = SuppressionImport.objects.of(request.workspace).order_by("-pk")
    words = stop_words.of(request.workspace)
    context = {
        "look_up": LookUpForm(),
        "form": SuppressForm(),
        "totals": suppressions.totals(request.workspace),
        "everywhere": suppressions.totals(None).count,
        "newest": suppressions.newest(request.workspace, source=source),
        "sources": Source.choices,
        "source": source,
        "stop_words": words,
        "words_form": _words_form(words),
        "may_manage": Permission.MANAGE in request.permissions,
        "imports": imports[:SHOWN_IMPORTS],
        "may_write": Permission.WRITE in request.permissions,
        "may_remove": Permission.UNSUPPRESS in request.permissions,
        "shown_until": _shown_until(request),
        "here": "suppressed",
        **given,
    }
    return render(request, "recipients/suppressed.html", context, status=status)
