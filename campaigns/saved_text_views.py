"""The texts that a workspace keeps: everybody reads them, whoever writes campaigns keeps them."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import requires
from accounts.forms import refused_on
from accounts.requests import PageRequest
from accounts.roles import Permission
from campaigns import saved_texts
from campaigns.forms import SavedTextForm
from campaigns.models import SavedText

PAGE = 25


@require_GET
@requires(Permission.VIEW)
def index(request: PageRequest) -> HttpResponse:
    rows = SavedText.objects.of(request.workspace).select_related("kept_by").order_by("name", "pk")
    context = {
        "page": Paginator(rows, PAGE).get_page(request.GET.get("page")),
        "may_write": Permission.WRITE in request.permissions,
        "here": "campaigns",
    }
    return render(request, "campaigns/texts.html", context)


@require_http_methods(["GET", "POST"])
@requires(Permission.WRITE)
def new(request: PageRequest) -> HttpResponse:
    form = SavedTextForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refused_on(form):
            kept = saved_texts.keep(request.workspace, **form.cleaned_data, by=request.user)
            messages.success(request, _("“%(name)s” is kept.") % {"name": kept})
            return redirect("campaigns:texts")
    return _form(request, form, None)


@require_http_methods(["GET", "POST"])
@requires(Permission.WRITE)
def edit(request: PageRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(SavedText.objects.of(request.workspace), pk=pk)
    form = SavedTextForm(request.POST or None, initial={"name": row.name, "text": row.text})
    if request.method == "POST" and form.is_valid():
        with refused_on(form):
            kept = saved_texts.change(row.pk, form.cleaned_data, by=request.user)
            messages.success(request, _("“%(name)s” is kept.") % {"name": kept})
            return redirect("campaigns:texts")
    return _form(request, form, row)


@require_POST
@requires(Permission.WRITE)
def remove(request: PageRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(SavedText.objects.of(request.workspace), pk=pk)
    saved_texts.remove(row.pk, by=request.user)
    messages.success(request, _("“%(name)s” is removed.") % {"name": row})
    return redirect("campaigns:texts")


def _form(request: PageRequest, form: SavedTextForm, row: SavedText | None) -> HttpResponse:
    context = {"form": form, "row": row, "here": "campaigns"}
    return render(request, "campaigns/text.html", context, status=400 if form.is_bound else 200)
