"""The Archive: what is put away in all workspaces of a person, who may bring it back where they write campaigns."""

from dataclasses import replace
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.access import permissions_in, role_in, signed_in
from accounts.models import Workspace
from accounts.requests import PageRequest
from accounts.roles import Permission
from audit import circumstances
from campaigns import transitions
from campaigns.models import Campaign

PAGE = 25


@require_GET
@signed_in
def archive(request: PageRequest) -> HttpResponse:
    """Not for those who only judge: nothing in it waits for them."""
    written = set(Workspace.objects.written_in_by(request.user).values_list("pk", flat=True))
    if not written:
        raise PermissionDenied(_("The archive is for those who write campaigns."))
    wanted = request.GET.get("q", "").strip()[:120]
    found = Campaign.objects.within(Workspace.objects.open_to(request.user).values("pk")).archived()
    if wanted:
        found = found.filter(name__icontains=wanted)
    put_away = found.select_related("workspace", "sender", "created_by").order_by("-archived_at", "-pk")
    context = {
        "page": Paginator(put_away, PAGE).get_page(request.GET.get("page")),
        "written": set() if request.only_looks else written,
        "wanted": wanted,
        "query": f"{urlencode({'q': wanted})}&" if wanted else "",
        "here": "archive",
    }
    return render(request, "reports/archive.html", context)


@require_POST
@signed_in
def restore(request: PageRequest, pk: int) -> HttpResponse:
    seen = Campaign.objects.within(Workspace.objects.open_to(request.user).values("pk")).archived()
    campaign = get_object_or_404(seen.select_related("workspace"), pk=pk)
    if Permission.WRITE not in permissions_in(campaign.workspace, request.user):
        raise PermissionDenied(_("Your role does not let you %(do)s.") % {"do": Permission.WRITE.label})
    role = role_in(campaign.workspace, request.user)
    circumstances.set_current(replace(circumstances.current(), role=role))
    transitions.restore(campaign.pk, by=request.user)
    messages.success(
        request, _("“%(campaign)s” is back in %(workspace)s.") % {"campaign": campaign, "workspace": campaign.workspace}
    )
    return redirect("reports:archive")
