"""Keys for programs: everybody makes tokens of their own, an admin keys of the workspace. A secret is shown once."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import keys
from accounts.access import requires
from accounts.forms import KeyForm, refused_on
from accounts.models import ApiKey, User
from accounts.requests import PageRequest
from accounts.roles import Permission

PAGE = 50


@require_GET
@requires(Permission.VIEW)
def index(request: PageRequest) -> HttpResponse:
    may_manage = Permission.MANAGE in request.permissions
    rows = ApiKey.objects.of(request.workspace).select_related("user", "created_by").order_by("-pk")
    context = {
        "page": Paginator(rows if may_manage else rows.of_person(request.user), PAGE).get_page(request.GET.get("page")),
        "may_manage": may_manage,
        "now": timezone.now(),
        "here": "members",
    }
    return render(request, "accounts/keys.html", context)


@require_http_methods(["GET", "POST"])
@requires(Permission.VIEW)
def new_token(request: PageRequest) -> HttpResponse:
    return _new(request, user=request.user)


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE)
def new_key(request: PageRequest) -> HttpResponse:
    return _new(request, user=None)


@require_POST
@requires(Permission.VIEW)
def revoke(request: PageRequest, pk: int) -> HttpResponse:
    rows = ApiKey.objects.of(request.workspace)
    key = get_object_or_404(rows if Permission.MANAGE in request.permissions else rows.of_person(request.user), pk=pk)
    keys.revoke(key.pk, by=request.user, now=timezone.now())
    messages.success(request, _("“%(key)s” is revoked: nothing gets in with it any more.") % {"key": key.name})
    return redirect("keys")


@never_cache
@sensitive_variables("secret")
def _new(request: PageRequest, *, user: User | None) -> HttpResponse:
    """The secret is in the answer itself: it is kept nowhere from which it could be shown again."""
    now = timezone.now()
    form = KeyForm(request.POST or None, to_token=user is not None, now=now)
    if form.is_valid():
        with refused_on(form):
            key, secret = keys.create(request.workspace, **form.wanted, user=user, by=request.user, now=now)
            context = {"key": key, "secret": secret, "here": "members"}
            return render(request, "accounts/key_made.html", context, status=201)
    context = {"form": form, "is_token": user is not None, "here": "members"}
    return render(request, "accounts/new_key.html", context, status=400 if form.is_bound else 200)
