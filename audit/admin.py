"""The ledger for staff: to read, never to write; and whether it holds."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from django.apps import apps
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit import verification, walls, words
from audit.models import Check, Entry, Witness
from audit.wording import worded


class Happenings(admin.AllValuesFieldListFilter):
    """By what is on record, in words."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        for choice in super().choices(changelist):
            yield {**choice, "display": words.of(str(choice["display"]))}


@cache
def _kinds() -> dict[str, Any]:
    """What rows of each kind are called."""
    return {str(model._meta.model_name): model._meta for model in apps.get_models()}


def _called(subject_type: str) -> str:
    """As it is, where no model of this release is called so."""
    kind = _kinds().get(subject_type)
    return str(kind.verbose_name) if kind else subject_type


@admin.register(Entry)
class EntryAdmin(admin.ModelAdmin[Entry]):
    """Everything for a super admin: it has the addresses that people came from."""

    change_list_template = "admin/audit/entry/change_list.html"
    list_display = ("shown_at", "place", "happened", "who", "subject", "why")
    list_filter = (("action", Happenings),)
    search_fields = ("subject_id", "actor_name", "request_id", "chain")
    search_help_text = gettext_lazy("Id of the subject, actor, request, or chain")
    ordering = ("-pk",)  # by time there is no index over all chains
    show_full_result_count = False
    empty_value_display = "—"

    @admin.display(description=gettext_lazy("at"), ordering="at")
    def shown_at(self, entry: Entry) -> str:
        return date_format(timezone.localtime(entry.at), "j M Y, H:i:s")

    @admin.display(description=gettext_lazy("chain/entry"))
    def place(self, entry: Entry) -> str:
        return f"{entry.chain}/{entry.seq}"

    @admin.display(description=gettext_lazy("what happened"), ordering="action")
    def happened(self, entry: Entry) -> str:
        return str(words.of(entry.action))

    @admin.display(description=gettext_lazy("by"), ordering="actor_name")
    def who(self, entry: Entry) -> str:
        return entry.actor_name if entry.actor_id else _("The system")

    @admin.display(description=gettext_lazy("about"))
    def subject(self, entry: Entry) -> str:
        return f"{_called(entry.subject_type)} {entry.subject_id}: {entry.subject_name}"

    @admin.display(description=gettext_lazy("note"))
    def why(self, entry: Entry) -> str:
        return worded(entry.note)

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Entry]":
        return Entry.objects.in_scope()

    def get_urls(self) -> list[URLPattern]:
        verify = path("verify/<int:chain>/", self.admin_site.admin_view(self.verify), name="audit_entry_verify")
        return [verify, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        chains = self._chosen(request)
        checks, witnesses = Check.objects.in_bulk(chains), Witness.objects.in_bulk(chains)
        shown = [(chain, checks.get(chain), witnesses.get(chain)) for chain in chains]
        return super().changelist_view(request, {"checks": shown, **(extra_context or {})})

    def _chosen(self, request: HttpRequest) -> list[int]:
        """The chain that is looked for, or the first of those that they may see."""
        wanted, scope = request.GET.get("q", ""), walls.chosen()
        chains = [chain for chain in Entry.objects.chains() if scope is None or chain in scope]
        if wanted.isdecimal() and len(wanted) < 19:
            return [chain for chain in chains if chain == int(wanted)]
        return chains[:20]

    def verify(self, request: HttpRequest, chain: int) -> HttpResponse:
        if request.method != "POST":
            raise Http404("This is a button.")
        if not self.has_view_permission(request):
            raise PermissionDenied
        check = verification.check_newest(chain, now=timezone.now())
        if check.broken:
            text = _("Chain %(chain)d does not hold: entry %(seq)d %(what)s.")
            messages.error(request, text % {"chain": chain, "seq": check.broken_seq, "what": check.broken})
        else:
            messages.success(request, _("Chain %(chain)d holds.") % {"chain": chain})
        return redirect("admin:audit_entry_changelist")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Entry | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Entry | None = None) -> bool:
        return False
