"""The suppression list of the whole installation, for a super admin; and a look at those of the workspaces."""

from collections.abc import Iterable
from typing import Any, ClassVar, cast

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from accounts.forms import refused_on
from accounts.models import User
from audit.refusal import Refused
from audit.wording import worded
from recipients import marks, suppression_imports, suppressions
from recipients.models import Suppression, SuppressionImport
from recipients.suppression_forms import ImportForm, ReasonForm, SuppressForm
from recipients.uploads import TooLarge
from recipients.views import FORM_ROOM

MOST_PAGED = 10_000


class BoundedPaginator(Paginator[Any]):
    """Numbers are searched for, not paged to, and counting millions takes too long."""

    @cached_property
    def count(self) -> int:
        return len(cast(QuerySet[Any], self.object_list)[:MOST_PAGED].values_list("pk", flat=True))


class Scope(admin.SimpleListFilter):
    title = _("scope")
    parameter_name = "scope"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        return [("global", gettext("Everywhere")), ("workspace", gettext("In a workspace"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "global":
                return queryset.filter(workspace=None)
            case "workspace":
                return queryset.exclude(workspace=None)
        return queryset


class Everywhere(admin.ModelAdmin[Any]):
    """For super admins only: a form of ours makes a row through its verb, for the installation; no row is edited."""

    empty_value_display = _("Everywhere")
    show_full_result_count = False
    paginator = BoundedPaginator
    ordering = ("-pk",)
    list_filter: ClassVar[Any] = (Scope,)
    title: StrOrPromise = ""

    def make(self, request: HttpRequest) -> Form:
        """The form, bound or not; valid when it has been done."""
        raise NotImplementedError

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self._check(request)
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = self.make(request)
        if form.is_bound and form.is_valid():
            return redirect(self._queue)
        return self.ask(request, form, title=self.title)

    def ask(self, request: HttpRequest, form: Form, *, title: StrOrPromise, sentence: str = "") -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            **{
                "opts": self.opts,
                "title": title,
                "sentence": sentence,
                "form": form,
                "queue_url": reverse(self._queue),
            },
        }
        status = 400 if form.is_bound else 200
        return TemplateResponse(request, "admin/ask.html", context, status=status).render()

    @property
    def _queue(self) -> str:
        return f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"

    def _check(self, request: HttpRequest) -> None:
        if not self.has_module_permission(request):
            raise Http404("This is for super admins.")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return cast(User, request.user).is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Suppression)
class SuppressionAdmin(Everywhere):
    title = _("Suppress a number everywhere")
    list_display = ("number", "workspace", "source", "reason_given", "added_by_whom", "added_at", "removal")
    list_display_links = None
    list_select_related = ("workspace", "added_by", "imported__created_by")
    search_fields = ("phone",)
    search_help_text = _("A full number with its country code.")

    def get_urls(self) -> list[URLPattern]:
        remove = path("<int:pk>/remove/", self.admin_site.admin_view(self.remove), name="recipients_suppression_remove")
        return [remove, *super().get_urls()]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term:
            return queryset, False
        try:
            names = marks.names_of([suppressions.number_of(search_term, None)])
            return queryset.filter(phone__in=names), False
        except Refused:
            return queryset.none(), False

    def make(self, request: HttpRequest) -> Form:
        form = SuppressForm(request.POST or None)
        if form.is_valid():
            with refused_on(form):
                added = suppressions.add(None, **form.cleaned_data, by=cast(User, request.user))
                words = gettext("%(number)s gets nothing from anybody here any more.")
                messages.success(request, words % {"number": added})
        return form

    def remove(self, request: HttpRequest, pk: int) -> HttpResponse:
        self._check(request)
        row = self.get_object(request, str(pk))
        if row is None:
            raise Http404("This number is not suppressed.")
        form = ReasonForm(request.POST or None)
        if form.is_valid():
            with refused_on(form):
                suppressions.remove(row.pk, **form.cleaned_data, by=cast(User, request.user))
                messages.success(request, gettext("%(number)s may get messages again.") % {"number": row})
                return redirect(self._queue)
        words = (
            gettext("It is on the list of %(workspace)s: %(why)s")
            if row.workspace
            else gettext("It is on the list of the whole installation: %(why)s")
        )
        sentence = words % {"workspace": row.workspace, "why": row.why}
        return self.ask(request, form, title=gettext("Remove %(number)s") % {"number": row}, sentence=sentence)

    @admin.display(description=_("number"))
    def number(self, row: Suppression) -> str:
        return str(row)

    @admin.display(description=_("why"))
    def reason_given(self, row: Suppression) -> str:
        return worded(row.why)

    @admin.display(description=_("by"))
    def added_by_whom(self, row: Suppression) -> str:
        return str(row.by or "—")

    @admin.display(description="")
    def removal(self, row: Suppression) -> str:
        url = reverse("admin:recipients_suppression_remove", args=[row.pk])
        return format_html('<a href="{}">{}</a>', url, gettext("Remove"))


@admin.register(SuppressionImport)
class SuppressionImportAdmin(Everywhere):
    title = _("Suppress the numbers of a file everywhere")
    list_display = ("filename", "workspace", "status", "rows", "added", "already", "invalid", "reason", "created_at")
    list_select_related = ("workspace",)
    fields = (
        *("filename", "workspace", "country", "column", "reason", "status", "failure", "progress"),
        *("rows", "added", "already", "invalid", "created_by", "created_at", "done_at"),
    )

    def make(self, request: HttpRequest) -> Form:
        if int(request.META.get("CONTENT_LENGTH") or 0) > settings.UPLOAD_MAX_BYTES + FORM_ROOM:
            raise TooLarge
        form = ImportForm(request.POST or None, request.FILES or None, workspace=None)
        if form.is_valid():
            given = dict(form.cleaned_data)
            file = given.pop("file")
            with refused_on(form):
                suppression_imports.create_with_file(
                    None, file, filename=file.name, by=cast(User, request.user), length=file.size, **given
                )
                messages.success(request, gettext("%(file)s is being read.") % {"file": file.name})
        return form
