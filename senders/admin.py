"""Senders for staff: to look at, with their revisions. Judging these is on the desk of `moderation`."""

from django.contrib import admin
from django.http import HttpRequest

from accounts.admin import Desk
from senders.models import Revision, Sender


class RevisionInline(admin.TabularInline[Revision, Sender]):
    model = Revision
    extra = 0
    can_delete = False
    fields = ("number", "status", "saddr", "ton", "npi", "submitted_by", "decided_by", "decided_at", "decision_reason")

    def has_view_permission(self, request: HttpRequest, obj: Sender | None = None) -> bool:
        return True  # Whoever sees the sender sees its revisions.

    def has_add_permission(self, request: HttpRequest, obj: Sender | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Sender | None = None) -> bool:
        return False


@admin.register(Sender)
class SenderAdmin(Desk[Sender]):
    list_display = ("name", "workspace", "status", "created_by", "created_at")
    list_filter = ("status", ("workspace", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("workspace", "created_by")
    search_fields = ("name",)
    ordering = ("-pk",)
    inlines = (RevisionInline,)
