"""Campaigns for staff: to look at. Judging them is on the desk of `moderation`."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts.admin import Desk, column
from campaigns.models import Campaign

_ROWS = (
    *(column("workspace", _("workspace")), column("status", _("status")), column("mode", _("mode"))),
    *(column("sender", _("sender")), column("list", _("list")), column("created_by", _("author"))),
)
_TIMES = (
    *(column("created_at", _("made at")), column("submitted_at", _("submitted"))),
    *(column("approved_at", _("approved at")), column("send_at", _("send at")), column("date_from", _("from"))),
    *(column("date_to", _("until")), column("not_after", _("deadline")), column("started_at", _("started at"))),
    *(column("finished_at", _("finished at")), column("archived_at", _("archived at"))),
)


@admin.register(Campaign)
class CampaignAdmin(Desk[Campaign]):
    list_display = ("name", *_ROWS, column("created_at", _("made at")))
    readonly_fields = fields = (
        *(column("name", _("name")), column("public_id", _("public id")), *_ROWS, column("text", _("text"))),
        *(column("revision", _("sender revision")), column("channel", _("channel")), column("route", _("route"))),
        *(*_TIMES, column("round", _("round")), column("seal", _("seal"))),
        *(column("rejection_reason", _("rejected because")), column("stopped_because", _("stopped because"))),
    )
    list_filter = ("status", "mode", ("workspace", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("workspace", "sender", "list", "created_by")
    search_fields = ("name", "public_id")
    ordering = ("-pk",)
