"""Senders and their revisions for staff: to look at. Judging these is on the desk of `moderation`."""

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.admin import Desk, column
from senders.models import Revision, Sender


class RevisionInline(admin.TabularInline[Revision, Sender]):
    model = Revision
    extra = 0
    can_delete = False
    readonly_fields = fields = (
        *(column("number", _("number")), column("status", _("status")), column("saddr", _("source address"))),
        *(column("submitted_by", _("author")), column("decided_by", _("decided by"))),
        *(column("decided_at", _("decided at")), column("decision_reason", _("reason"))),
    )
    ordering = ("-number",)
    show_change_link = True

    def has_view_permission(self, request: HttpRequest, obj: Sender | None = None) -> bool:
        return True  # Whoever sees the sender sees its revisions.

    def has_add_permission(self, request: HttpRequest, obj: Sender | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Sender | None = None) -> bool:
        return False


@admin.register(Sender)
class SenderAdmin(Desk[Sender]):
    list_display = (
        *("name", column("workspace", _("workspace")), column("status", _("status"))),
        *(column("created_by", _("author")), column("created_at", _("made at"))),
    )
    readonly_fields = fields = (
        *(column("name", _("name")), column("workspace", _("workspace")), column("status", _("status"))),
        *(column("created_by", _("author")), column("created_at", _("made at"))),
    )
    list_filter = ("status", ("workspace", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("workspace", "created_by")
    search_fields = ("name",)
    ordering = ("-pk",)
    inlines = (RevisionInline,)


@admin.register(Revision)
class RevisionAdmin(Desk[Revision]):
    path_to_workspace = "sender__workspace"
    list_display = (
        *("saddr", column("sender", _("sender")), column("number", _("number")), column("status", _("status"))),
        *(column("submitted_by", _("author")), column("submitted_at", _("submitted"))),
        *(column("decided_by", _("decided by")), column("decided_at", _("decided at"))),
        column("decision_reason", _("reason")),
    )
    readonly_fields = fields = (
        *(column("saddr", _("source address")), column("ton", _("TON")), column("npi", _("NPI"))),
        *(column("sender", _("sender")), column("number", _("number")), column("status", _("status"))),
        *(column("reason", _("why")), column("submitted_by", _("author")), column("submitted_at", _("submitted"))),
        *(column("decided_by", _("decided by")), column("decided_at", _("decided at"))),
        column("decision_reason", _("reason")),
    )
    list_filter = (
        *("status", ("sender__workspace", admin.RelatedOnlyFieldListFilter)),
        *(("decided_by", admin.RelatedOnlyFieldListFilter), ("decided_at", admin.DateFieldListFilter)),
    )
    list_select_related = ("sender__workspace", "submitted_by", "decided_by")
    search_fields = ("saddr", "sender__name")
    ordering = ("-pk",)
