"""For staff: what phones sent. For super admins: stopping everything, and chunks that are kept back."""

from typing import Any, ClassVar, cast

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.admin import Desk
from accounts.forms import refused_on
from accounts.models import User
from delivery import halting, quarantine
from delivery.models import Chunk, Halt, Inbound
from delivery.statuses import ChunkStatus, HaltKind
from recipients.admin import BoundedPaginator, Everywhere


@admin.register(Inbound)
class InboundAdmin(Desk[Inbound]):
    """Messages to a workspace's own addresses for its staff; those that could be anybody's only for a super admin."""

    list_display = ("received_at", "number", "to_address", "text", "keyword", "workspace", "channel")
    list_display_links = None
    list_filter = (("workspace", admin.RelatedOnlyFieldListFilter), ("channel", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("workspace", "channel")
    paginator = BoundedPaginator
    ordering = ("-pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Inbound]:
        return Inbound.objects.all() if cast(User, request.user).is_superuser else super().get_queryset(request)

    @admin.display(description=_("from"))
    def number(self, message: Inbound) -> str:
        return str(message)

    def has_view_permission(self, request: HttpRequest, obj: Inbound | None = None) -> bool:
        return obj is None and super().has_view_permission(request)


class StopForm(forms.Form):
    reason = forms.CharField(max_length=halting.LONGEST_REASON, label=_("Why"))


class NoForm(forms.Form):
    """To be confirmed, and nothing to be said."""


@admin.register(Halt)
class HaltAdmin(Everywhere):
    title = _("Stop all sending")
    list_display = ("kind", "at", "reason", "by", "released_at", "release_reason")
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
    list_display = ("campaign", "number", "status", "count", "next", "unresolved", "trouble", "release_link")
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
        sentence = f"{chunk.campaign}: {chunk.trouble}"
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
