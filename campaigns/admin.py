"""Campaigns for staff: to look at. Judging them is on the desk of `moderation`."""

from django.contrib import admin

from accounts.admin import Desk
from campaigns.models import Campaign


@admin.register(Campaign)
class CampaignAdmin(Desk[Campaign]):
    list_display = ("name", "workspace", "status", "mode", "sender", "list", "created_by", "created_at")
    list_filter = ("status", "mode", ("workspace", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("workspace", "sender", "list", "created_by")
    search_fields = ("name", "public_id")
    ordering = ("-pk",)
