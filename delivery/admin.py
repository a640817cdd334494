"""For staff: what phones sent. For super admins: stopping everything, and chunks that are kept back."""

from collections.abc import Mapping
from copy import copy
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.admin import Desk, column
from accounts.forms import refused_on
from accounts.models import User, Workspace
from accounts.requests import PageRequest
from audit.wording import worded
from delivery import halting, quarantine
from delivery.models import Chunk, Halt, Inbound
from delivery.statuses import ChunkStatus, HaltKind
from recipients import unmasking
from recipients.admin import BoundedPaginator, Everywhere


@admin.register(Inbound)
class InboundAdmin(Desk[Inbound]):
    """Messages to a workspace's own addresses for its staff; those that could be anybody's only for a super admin.

    Numbers are masked, until somebody whose role may see those of a workspace says why (`recipients.unmasking`).
    """

    change_list_template = "admin/delivery/inbound/change_list.html"
    list_display = (
        *(column("received_at", _("received at")), "number", column("to_address", _("to")), "text"),
        *(column("keyword", _("keyword")), column("workspace", _("workspace")), column("channel", _("channel"))),
    )
    list_display_links = None
    list_filter = (("workspace", admin.RelatedOnlyFieldListFilter), ("channel", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("workspace", "channel")
    paginator = BoundedPaginator
    ordering = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Inbound]:
        return Inbound.objects.all() if cast(User, request.user).is_superuser else super().get_queryset(request)

    shown: Mapping[int, datetime] = MappingProxyType({})  # until when, by workspace: of a copy for one request

    def get_urls(self) -> list[URLPattern]:
        show = path("numbers/", self.admin_site.admin_view(self.show_numbers), name="delivery_inbound_numbers")
        return [show, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        for_them, workspaces = copy(self), self._theirs(request)
        for_them.shown = unmasking.open_windows(request, workspaces, of="inbound")
        windows = [(one, for_them.shown.get(one.pk)) for one in workspaces]
        context = {"windows": windows, **(extra_context or {})}
        return super(InboundAdmin, for_them).changelist_view(request, context)

    def show_numbers(self, request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            raise Http404("This is a button.")
        given = request.POST.get("workspace", "")
        workspace = next((one for one in self._theirs(request) if str(one.pk) == given), None)
        if workspace is None:
            raise PermissionDenied
        asked, reason = cast(PageRequest, request), request.POST.get("reason", "")
        unmasking.open_window(asked, workspace, of="inbound", reason=reason, workspace=workspace)
        return redirect("admin:delivery_inbound_changelist")

    def _theirs(self, request: HttpRequest) -> list[Workspace]:
        """Those whose numbers they may see."""
        decided = Workspace.objects.decided_by(cast(User, request.user)).distinct().order_by("name", "pk")
        return [one for one in decided if unmasking.may_see(one, request.user)]

    @admin.display(description=_("from"))
    def number(self, message: Inbound) -> str:
        is_whole = message.phone is not None and message.workspace_id in self.shown
        return f"+{message.phone}" if is_whole else str(message)

    def has_view_permission(self, request: HttpRequest, obj: Inbound | None = None) -> bool:
        return obj is None and super().has_view_permission(request)


class StopForm(forms.Form):
    reason = forms.CharField(max_length=halting.LONGEST_REASON, label=_("Why"))


class NoForm(forms.Form):
    """To be confirmed, and nothing to be said."""


@admin.register(Halt)
class HaltAdmin(Everywhere):
    title = _("Stop all sending")
    list_display = (
        *(column("kind", _("kind")), column("at", _("at")), column("reason", _("reason")), column("by", _("by"))),
        *(column("released_at", _("released at")), column("release_reason", _("release reason"))),
    )
    list_display_links = None
    list_filter: ClassVar[Any] = ()

    def make(self, request: HttpRequest) -> forms.Form:
        form = StopForm(request.POST or None)
        if form.is_valid():
            with refused_on(form):
                by = cast(User, request.user)
                halting.stop(HaltKind.EMERGENCY, **form.cleaned_data, by=by, now=timezone.now())
                messages.success(
                    request, gettext("Nothing new is handed over. manage.py emergency_stop --release lets go.")
                )
        return form


@admin.register(Chunk)
class KeptBackAdmin(Everywhere):
    list_display = (
        *("campaign", "number", "status", "count", "next", "unresolved"),
        *(column("trouble", _("trouble")), "release_link"),
    )
    list_display_links = None
    list_filter: ClassVar[Any] = ("status",)
    list_select_related = ("campaign",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return Chunk.objects.kept_back()

    def get_urls(self) -> list[URLPattern]:
        release = path("<int:pk>/release/", self.admin_site.admin_view(self.release), name="delivery_chunk_release")
        return [release, *super().get_urls()]

    def release(self, request: HttpRequest, pk: int) -> HttpResponse:
        self._check(request)
        chunk = self.get_object(request, str(pk))
        if chunk is None:
            raise Http404("No such chunk is kept back.")
        form = NoForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            with refused_on(form):
                quarantine.release(chunk.pk, by=cast(User, request.user))
                messages.success(request, gettext("Chunk %(chunk)s goes on.") % {"chunk": chunk})
                return redirect(self._queue)
        sentence = f"{chunk.campaign}: {worded(chunk.trouble)}"
        return self.ask(request, form, title=gettext("Release chunk %(chunk)s") % {"chunk": chunk}, sentence=sentence)

    @admin.display(description="")
    def release_link(self, chunk: Chunk) -> str:
        if chunk.status != ChunkStatus.QUARANTINED:
            return "manage.py release_restore"
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:delivery_chunk_release", args=[chunk.pk]), gettext("Release")
        )

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
