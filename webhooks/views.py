"""Webhooks of the workspace, for its admins: made, changed, tried; what was sent, and sent again."""

import json

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Prefetch
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import requires
from accounts.forms import refused_on
from accounts.requests import PageRequest
from accounts.roles import Permission
from webhooks import endpoints
from webhooks.forms import NewWebhookForm, WebhookForm, as_now
from webhooks.models import Attempt, Delivery, Endpoint
from webhooks.statuses import Disabled

PAGE = 50


@require_GET
@requires(Permission.MANAGE)
def index(request: PageRequest) -> HttpResponse:
    rows = Endpoint.objects.of(request.workspace).order_by("-pk")
    return render(request, "webhooks/index.html", {"endpoints": rows, "most": endpoints.MOST, "here": "members"})


@never_cache
@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE)
@sensitive_variables("secret")
def new(request: PageRequest) -> HttpResponse:
    """The secret is in the answer itself: it is kept nowhere from which it could be shown again."""
    form = NewWebhookForm(request.POST or None)
    if form.is_valid():
        with refused_on(form):
            made = endpoints.create(request.workspace, **form.cleaned_data, by=request.user, now=timezone.now())
            return _shown_once(request, *made, code=201)
    context = {"form": form, "here": "members"}
    return render(request, "webhooks/form.html", context, status=400 if form.is_bound else 200)


@require_GET
@requires(Permission.MANAGE)
def detail(request: PageRequest, pk: int) -> HttpResponse:
    endpoint = _endpoint(request, pk)
    sent = Delivery.objects.of(request.workspace).filter(endpoint=endpoint).for_a_list()
    # Of those on the page only: PostgreSQL would count the attempts of all.
    sent = sent.prefetch_related(Prefetch("attempts", Attempt.objects.only("delivery")))
    context = {
        "endpoint": endpoint,
        "page": Paginator(sent.order_by("-pk"), PAGE).get_page(request.GET.get("page")),
        "has_two": endpoint.old_secret_until is not None and timezone.now() < endpoint.old_secret_until,
        "here": "members",
    }
    return render(request, "webhooks/detail.html", context)


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE)
def edit(request: PageRequest, pk: int) -> HttpResponse:
    endpoint = _endpoint(request, pk)
    form = WebhookForm(request.POST or None, initial=as_now(endpoint))
    if form.is_valid():
        with refused_on(form):
            endpoints.change(endpoint.pk, **form.cleaned_data, by=request.user)
            messages.success(request, _("The webhook is changed."))
            return redirect("webhooks:detail", endpoint.pk)
    context = {"form": form, "endpoint": endpoint, "here": "members"}
    return render(request, "webhooks/form.html", context, status=400 if form.is_bound else 200)


@never_cache
@require_POST
@requires(Permission.MANAGE)
@sensitive_variables("rotated")
def rotate(request: PageRequest, pk: int) -> HttpResponse:
    rotated = endpoints.rotate(_endpoint(request, pk).pk, by=request.user, now=timezone.now())
    return _shown_once(request, *rotated)


@require_POST
@requires(Permission.MANAGE)
def enable(request: PageRequest, pk: int) -> HttpResponse:
    endpoints.enable(_endpoint(request, pk).pk, by=request.user, now=timezone.now())
    messages.success(request, _("The webhook is on: what waited is being sent."))
    return redirect("webhooks:detail", pk)


@require_POST
@requires(Permission.MANAGE)
def disable(request: PageRequest, pk: int) -> HttpResponse:
    endpoints.disable(_endpoint(request, pk).pk, why=Disabled.BY_HAND, by=request.user)
    messages.success(request, _("The webhook is off."))
    return redirect("webhooks:detail", pk)


@require_POST
@requires(Permission.MANAGE)
def try_out(request: PageRequest, pk: int) -> HttpResponse:
    endpoints.try_out(_endpoint(request, pk).pk, by=request.user, now=timezone.now())
    messages.success(request, _("A test event is on its way: its answer appears below in a moment."))
    return redirect("webhooks:detail", pk)


@require_POST
@requires(Permission.MANAGE)
def delete(request: PageRequest, pk: int) -> HttpResponse:
    endpoint = _endpoint(request, pk)
    endpoints.delete(endpoint.pk, by=request.user, now=timezone.now())
    messages.success(request, _("“%(webhook)s” is deleted.") % {"webhook": endpoint})
    return redirect("webhooks:index")


@require_GET
@requires(Permission.MANAGE)
def delivery(request: PageRequest, pk: int) -> HttpResponse:
    found = _delivery(request, pk)
    context = {
        "delivery": found,
        "endpoint": found.endpoint,
        "attempts": found.attempts.order_by("-pk"),
        "payload": json.dumps(found.payload, indent=2, ensure_ascii=False),
        "here": "members",
    }
    return render(request, "webhooks/delivery.html", context)


@require_POST
@requires(Permission.MANAGE)
def redeliver(request: PageRequest, pk: int) -> HttpResponse:
    endpoints.redeliver(_delivery(request, pk).pk, by=request.user, now=timezone.now())
    messages.success(request, _("It is being sent once more."))
    return redirect("webhooks:delivery", pk)


def _shown_once(request: PageRequest, endpoint: Endpoint, secret: str, *, code: int = 200) -> HttpResponse:
    context = {"endpoint": endpoint, "secret": secret, "here": "members"}
    return render(request, "webhooks/secret.html", context, status=code)


def _endpoint(request: PageRequest, pk: int) -> Endpoint:
    return get_object_or_404(Endpoint.objects.of(request.workspace), pk=pk)


def _delivery(request: PageRequest, pk: int) -> Delivery:
    return get_object_or_404(Delivery.objects.of(request.workspace).select_related("endpoint"), pk=pk)
