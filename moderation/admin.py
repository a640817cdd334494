"""What the staff judges, and what it looks up: decisions, canned reasons, blocked terms, incidents."""

import csv
from collections.abc import Iterable, Iterator
from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.admin import Desk, column, decides, tick
from accounts.models import User, Workspace
from audit.cells import neutral
from delivery.models import Incident
from moderation import incidents, phrases
from moderation.desks import CampaignDesk, RevisionDesk, proved
from moderation.models import (
    BlockedTerm,
    CampaignInReview,
    CannedReason,
    Decision,
    RevisionInReview,
)
from recipients.admin import BoundedPaginator

admin.site.register(CampaignInReview, CampaignDesk)
admin.site.register(RevisionInReview, RevisionDesk)


EXPORTED = (
    *("at", "workspace", "campaign", "verdict", "by", "round", "reason", "seal"),
    *("four_eyes", "self_review", "second_approver"),
)


class _Line:
    """What csv writes to: the line itself comes back."""

    def write(self, line: str) -> str:
        return line


class Period(admin.DateFieldListFilter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = gettext_lazy("period")


@admin.register(Decision)
class DecisionAdmin(Desk[Decision]):
    path_to_workspace = "campaign__workspace"
    change_list_template = "admin/moderation/decision/change_list.html"
    list_display = (
        column("at", gettext_lazy("at")),
        column("campaign", gettext_lazy("campaign")),
        column("verdict", gettext_lazy("verdict")),
        column("by", gettext_lazy("by")),
        column("round", gettext_lazy("round")),
        column("reason", gettext_lazy("reason")),
        column("is_self_review", gettext_lazy("self-review")),
    )
    list_filter = (
        *("verdict", "is_self_review", ("campaign__workspace", admin.RelatedOnlyFieldListFilter)),
        *(("by", admin.RelatedOnlyFieldListFilter), ("at", Period)),
    )
    list_select_related = ("campaign__workspace", "by")
    search_fields = ("campaign__name", "by__email", "reason", "seal")
    date_hierarchy = "at"
    ordering = ("-pk",)
    readonly_fields = fields = (
        *(column("at", gettext_lazy("at")), column("campaign", gettext_lazy("campaign"))),
        *(column("verdict", gettext_lazy("verdict")), column("by", gettext_lazy("by"))),
        *(column("round", gettext_lazy("round")), column("reason", gettext_lazy("reason"))),
        *(column("seal", gettext_lazy("seal")), column("four_eyes", gettext_lazy("four eyes"))),
        *(column("is_self_review", gettext_lazy("self-review")), column("wants_two", gettext_lazy("needs two"))),
    )

    def get_urls(self) -> list[URLPattern]:
        export = path("export/", self.admin_site.admin_view(self.export), name="moderation_decision_export")
        return [export, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        found = self.get_object(request, object_id)
        proves = proved(found.campaign, cast(User, request.user)) if found else None
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "proves": proves})

    def export(self, request: HttpRequest) -> StreamingHttpResponse:
        """Those that the list shows, with its filters."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = self.get_changelist_instance(request).get_queryset(request)
        response = StreamingHttpResponse(_lines(rows), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="decisions.csv"'
        return response


def _lines(rows: QuerySet[Decision]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield cast(str, writer.writerow(EXPORTED))
    for row in rows.select_related("campaign__workspace", "by").iterator(chunk_size=1000):
        cells = (row.at.isoformat(), row.campaign.workspace, row.campaign, row.verdict, row.by, row.round)
        rules = (row.four_eyes, row.is_self_review, row.wants_two)
        written = [neutral(str(cell)) for cell in (*cells, row.reason, row.seal, *rules)]
        yield cast(str, writer.writerow(written))


class PhraseAdmin(Desk[Any]):
    """Those of a workspace are written by its moderators, those for all workspaces by a super admin."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        workspaces = Workspace.objects.decided_by(cast(User, request.user)).values("pk")
        rows = cast(Any, self.model).objects.seen_by(workspaces).select_related("workspace")
        return cast(QuerySet[Any], rows)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        user = cast(User, request.user)
        kwargs["queryset"] = Workspace.objects.decided_by(user).distinct().order_by("name")
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if field is not None:
            field.required = not user.is_superuser
            field.empty_label = gettext_lazy("All workspaces")
        return field

    def has_add_permission(self, request: HttpRequest) -> bool:
        return decides(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return decides(request) and (obj is None or phrases.may_write(cast(User, request.user), obj.workspace_id))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def save_model(self, request: Any, obj: Any, form: ModelForm[Any], change: bool) -> None:
        phrases.save(obj, by=request.user)

    def delete_model(self, request: Any, obj: Any) -> None:
        phrases.remove(obj, by=request.user)

    def delete_queryset(self, request: Any, queryset: Iterable[Any]) -> None:
        for phrase in queryset:
            phrases.remove(phrase, by=request.user)

    @admin.display(description=gettext_lazy("workspace"), ordering="workspace__name")
    def whose(self, phrase: Any) -> str:
        return str(phrase.workspace or _("All workspaces"))


@admin.register(CannedReason)
class CannedReasonAdmin(PhraseAdmin):
    list_display = ("text", "about", "language", "whose")
    list_filter = ("about", "language")
    search_fields = ("text",)
    ordering = ("language", "about", "pk")


@admin.register(BlockedTerm)
class BlockedTermAdmin(PhraseAdmin):
    list_display = ("term", "why", "whose")
    search_fields = ("term", "why")
    ordering = ("term", "pk")


class Acknowledged(admin.SimpleListFilter):
    title = gettext_lazy("acknowledged")
    parameter_name = "acknowledged"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [("no", gettext_lazy("Not yet")), ("yes", gettext_lazy("Acknowledged"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(is_acknowledged=self.value() == "yes") if self.value() else queryset


@admin.register(Incident)
class IncidentAdmin(Desk[Incident]):
    list_display = (
        column("kind", gettext_lazy("kind")),
        column("channel", gettext_lazy("channel")),
        column("campaign", gettext_lazy("campaign")),
        column("count", gettext_lazy("count")),
        column("first_at", gettext_lazy("first")),
        column("last_at", gettext_lazy("last")),
        column("sample", gettext_lazy("what was said")),
        "acknowledged",
    )
    list_display_links = None
    list_filter = (
        *(Acknowledged, "kind", ("channel", admin.RelatedOnlyFieldListFilter)),
        ("minute", Period),
    )
    list_select_related = ("channel", "campaign")
    search_fields = ("sample", "campaign__name")
    ordering = ("-minute", "-pk")
    paginator = BoundedPaginator
    actions = ("acknowledge",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Incident]:
        return incidents.seen_by(cast(User, request.user))

    def has_view_permission(self, request: HttpRequest, obj: Incident | None = None) -> bool:
        return obj is None and super().has_view_permission(request)

    @admin.display(description=gettext_lazy("acknowledged"))
    def acknowledged(self, incident: Any) -> str:
        return tick(incident.is_acknowledged)

    @admin.action(description=gettext_lazy("Acknowledge: it has been seen"), permissions=["view"])
    def acknowledge(self, request: HttpRequest, queryset: QuerySet[Incident]) -> None:
        ids = queryset.values_list("pk", flat=True)
        count = incidents.acknowledge(ids, by=cast(User, request.user), now=timezone.now())
        text = ngettext("%(count)d incident acknowledged.", "%(count)d incidents acknowledged.", count)
        messages.success(request, text % {"count": count})
