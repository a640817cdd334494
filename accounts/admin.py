"""People and workspaces for a super admin; and the desk for the rest of the staff, who look and press buttons."""

from collections.abc import Callable, Iterable
from copy import copy
from datetime import datetime
from functools import partial
from typing import Any, TypeVar, cast

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import display_for_field, display_for_value
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import BaseUserCreationForm
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Model, QuerySet, TextField
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.templatetags.static import static
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters

from accounts import histories, invitations, join_requests, keys, members, registry, second_steps
from accounts.forms import AsRead, DeskPasswordForm, ResetSecondStepForm, refused_on
from accounts.models import ApiKey, Invitation, JoinRequest, Membership, User, Workspace
from accounts.roles import Role
from accounts.rules import RULES
from accounts.templatetags.pages import moment
from audit.refusal import Refused
from audit.wording import worded

Row = TypeVar("Row", bound=Model)
EMPTY = "—"


def tick(value: bool) -> str:
    """Django's own icon, with what it says for whoever does not see it."""
    icon = static(f"admin/img/icon-{'yes' if value else 'no'}.svg")
    return format_html('<img src="{}" alt="{}">', icon, _("yes") if value else _("no"))


def column(name: str, label: Any) -> Any:
    """A field of the model under a label that is translated; `name` may lead over relations, as in `list__accepted`.
    What a worker wrote in it is said in the reader's language."""

    def shown(row: Any) -> Any:
        *way, last = name.split("__")
        for step in way:
            row = getattr(row, step)
            if row is None:
                return EMPTY
        value = getattr(row, last)
        field = row._meta.get_field(last)
        if isinstance(value, datetime):
            return moment(value)
        if isinstance(value, bool):
            return tick(value)
        if value is not None and field.is_relation:
            return display_for_value(value, EMPTY)
        if isinstance(field, TextField):
            value = worded(value)
        return display_for_field(value, field, EMPTY)

    shown.__name__ = name
    return admin.display(description=label, ordering=name)(shown)


class AsReadAdmin(admin.ModelAdmin[Row]):
    """A row is changed as it was read, or not at all."""

    def get_form(self, request: Any, obj: Row | None = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form, AsRead), {}) if change else form


class WithHistory(AsReadAdmin[Row]):
    """The history of a row is for reading: field by field, and what the ledger says of it."""

    history_pages = 25

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404("There is no such row.")
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        changes = Paginator(histories.versions_of(row), self.history_pages).get_page(request.GET.get("p"))
        context = {
            **self.admin_site.each_context(request),
            "title": _("History of %(what)s") % {"what": row},
            "opts": self.opts,
            "row": row,
            "changes": [histories.change_of(version) for version in changes.object_list],
            "pages": changes,
            "entries": histories.entries_of(row),
            "queue_url": reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"),
            "row_url": reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk]),
        }
        return TemplateResponse(request, "admin/field_history.html", context)


class Desk(WithHistory[Row]):
    """Rows of the workspaces in which a member of the staff decides: to look at. No status is edited here, ever."""

    path_to_workspace = "workspace"
    empty_value_display = EMPTY
    show_full_result_count = False
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[Row]:
        workspaces = Workspace.objects.decided_by(cast(User, request.user)).values("pk")
        return super().get_queryset(request).filter(**{f"{self.path_to_workspace}__in": workspaces})

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return decides(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return False


def decides(request: Any) -> bool:
    """Whether they decide anywhere: asked once a request, though the admin asks a dozen times."""
    if not hasattr(request, "decides"):
        # The admin asks of whoever stands at its own sign-in page, too.
        request.decides = request.user.is_authenticated and Workspace.objects.decided_by(request.user).exists()
    return bool(request.decides)


admin.site.unregister(Group)  # roles belong to memberships
# Nothing is in allauth's tables (docs/adr/0066).
admin.site.unregister([EmailAddress, SocialAccount, SocialApp, SocialToken])


class NewUserForm(BaseUserCreationForm[User]):
    class Meta:
        model = User
        fields = ("email", "name", "is_staff")


@admin.register(User)
class UserAdmin(AsReadAdmin[User], DjangoUserAdmin[User]):
    add_form = NewUserForm
    change_form_template = "admin/accounts/user/change_form.html"
    ordering = ("email",)
    list_display = (
        *(column("email", gettext_lazy("email")), column("name", gettext_lazy("name"))),
        *(column("is_staff", gettext_lazy("staff")), column("is_superuser", gettext_lazy("super admin"))),
        *(column("is_active", gettext_lazy("active")), column("joined_at", gettext_lazy("joined"))),
    )
    list_filter = ("is_staff", "is_superuser", "is_active")
    search_fields = ("email", "name")
    filter_horizontal = ()
    readonly_fields = ("last_login", "joined_at")
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        (gettext_lazy("Access"), {"fields": ("is_active", "is_staff", "is_superuser")}),
        (gettext_lazy("Dates"), {"fields": ("last_login", "joined_at")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "is_staff", "password1", "password2")}),)

    def save_model(self, request: Any, obj: User, form: forms.ModelForm[User], change: bool) -> None:
        registry.save(obj, by=request.user, changed=form.changed_data, now=timezone.now())

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        is_me = obj is not None and obj.pk == request.user.pk
        return (*self.readonly_fields, *sorted(registry.POWERS)) if is_me else self.readonly_fields

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Nobody changes another super admin: not their password, either."""
        is_another = obj is not None and obj.is_superuser and obj.pk != request.user.pk
        return not is_another and super().has_change_permission(request, obj)

    @method_decorator(sensitive_post_parameters())
    def user_change_password(self, request: Any, id: str, form_url: str = "") -> HttpResponse:
        """Their own with the old one, by the page. Somebody else's by the verb: the form knows who does it."""
        if id == str(request.user.pk):
            return redirect("change_password")
        by_them = copy(self)
        by_them.change_password_form = partial(DeskPasswordForm, by=request.user)
        return super(UserAdmin, by_them).user_change_password(request, id, form_url)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.reset_second_step)
        return [path("<int:pk>/second-step/", view, name="accounts_user_reset_second_step"), *super().get_urls()]

    def render_change_form(self, request: Any, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        shown = context["original"]
        can = shown is not None and shown != request.user and self.has_change_permission(request, shown)
        context["can_reset_second_step"] = can and second_steps.is_on(shown)
        return super().render_change_form(request, context, *args, **kwargs)

    def reset_second_step(self, request: Any, pk: int) -> HttpResponse:
        """For whoever has lost everything; of another super admin at the server alone."""
        person = self.get_object(request, str(pk))
        if person is None:
            raise Http404("There is nobody like this.")
        if person == request.user or not self.has_change_permission(request, person):
            raise PermissionDenied
        form = ResetSecondStepForm(request.POST or None)
        if form.is_valid():
            with refused_on(form):
                second_steps.reset(person.pk, by=request.user, reason=form.cleaned_data["reason"])
                messages.success(request, _("%(person)s signs in by the password alone.") % {"person": person})
                return redirect("admin:accounts_user_change", person.pk)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Reset the second step"),
            "sentence": _("%(person)s signs in by the password alone from then on; every browser has to sign in again.")
            % {"person": person},
            "form": form,
            "queue_url": reverse("admin:accounts_user_change", args=[person.pk]),
        }
        return TemplateResponse(request, "admin/ask.html", context, status=400 if form.is_bound else 200)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False  # Who has acted stays in the ledger: switch off `active` instead.


@admin.register(Workspace)
class WorkspaceAdmin(WithHistory[Workspace]):
    list_display = (
        *(column("name", gettext_lazy("name")), column("slug", gettext_lazy("slug"))),
        *(column("time_zone", gettext_lazy("time zone")), column("country", gettext_lazy("country"))),
        *(column("four_eyes", gettext_lazy("four eyes")),),
        column("tokens_may_decide", gettext_lazy("tokens may decide")),
    )
    search_fields = ("name", "slug")
    ordering = ("name", "pk")
    prepopulated_fields = {"slug": ("name",)}
    fieldsets = (
        (None, {"fields": ("name", "slug", "time_zone", "country")}),
        (gettext_lazy("Access"), {"fields": ("takes_requests", *RULES)}),
        (
            gettext_lazy("Days that personal data is kept"),
            {"fields": ("messages_kept_days", "lists_kept_days", "exports_kept_days", "inbound_kept_days")},
        ),
    )

    def save_model(self, request: Any, obj: Workspace, form: forms.ModelForm[Workspace], change: bool) -> None:
        registry.save(obj, by=request.user, changed=form.changed_data, now=timezone.now())

    def has_delete_permission(self, request: HttpRequest, obj: Workspace | None = None) -> bool:
        return False


@admin.register(Membership)
class MembershipAdmin(WithHistory[Membership]):
    list_display = (
        *(column("user", gettext_lazy("user")), column("workspace", gettext_lazy("workspace"))),
        *(column("role", gettext_lazy("role")), column("is_moderator", gettext_lazy("moderator"))),
    )
    list_filter = ("role", "workspace")
    list_select_related = ("user", "workspace")
    search_fields = ("user__email", "workspace__name")
    ordering = ("workspace__name", "user__email", "pk")
    autocomplete_fields = ("user", "workspace")

    def get_readonly_fields(self, request: HttpRequest, obj: Membership | None = None) -> tuple[str, ...]:
        return ("user", "workspace") if obj else ()

    def save_model(self, request: Any, obj: Membership, form: forms.ModelForm[Membership], change: bool) -> None:
        place = {"role": obj.role, "is_moderator": obj.is_moderator, "by": request.user}
        if change:
            members.change(obj.pk, **place, now=timezone.now())
        else:
            obj.pk = members.add(obj.workspace_id, user=obj.user, **place).pk

    def delete_model(self, request: Any, obj: Membership) -> None:
        members.remove(obj.pk, by=request.user, now=timezone.now())

    def delete_queryset(self, request: Any, queryset: Iterable[Membership]) -> None:
        with transaction.atomic():
            for membership in queryset:
                members.remove(membership.pk, by=request.user, now=timezone.now())


class Register(WithHistory[Row]):
    """Rows that people made on pages: a super admin looks, and presses buttons that call the verbs of the pages."""

    empty_value_display = EMPTY
    list_display_links = None
    ordering = ("-pk",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return False

    def each(self, request: HttpRequest, rows: Iterable[Row], verb: Callable[[Any], object], done: str) -> None:
        """What is refused for one is said, and keeps none of the others."""
        for row in rows:
            try:
                verb(row.pk)
            except Refused as refusal:
                messages.error(request, f"{row}: {refusal.message}")
            else:
                messages.success(request, f"{row}: {done}")


@admin.register(Invitation)
class InvitationAdmin(Register[Invitation]):
    list_display = (
        *(column("email", gettext_lazy("email")), column("workspace", gettext_lazy("workspace"))),
        *(column("role", gettext_lazy("role")), column("is_moderator", gettext_lazy("moderator"))),
        *(column("status", gettext_lazy("status")), column("invited_by", gettext_lazy("invited by"))),
        *(column("sent_at", gettext_lazy("sent at")), column("expires_at", gettext_lazy("expires at"))),
    )
    list_filter = ("status", "workspace")
    list_select_related = ("workspace", "invited_by")
    search_fields = ("email", "workspace__name")
    fields = ("workspace", "email", "role", "is_moderator", "status", "invited_by", "sent_at", "expires_at")
    actions = ("send_again", "revoke")

    @admin.action(description=gettext_lazy("Send again"))
    def send_again(self, request: Any, queryset: QuerySet[Invitation]) -> None:
        verb = partial(invitations.resend, by=request.user, now=timezone.now())
        self.each(request, queryset, verb, _("sent again"))

    @admin.action(description=gettext_lazy("Revoke"))
    def revoke(self, request: Any, queryset: QuerySet[Invitation]) -> None:
        self.each(request, queryset, partial(invitations.revoke, by=request.user, now=timezone.now()), _("revoked"))


@admin.register(JoinRequest)
class JoinRequestAdmin(Register[JoinRequest]):
    list_display = (
        *(column("user", gettext_lazy("user")), column("workspace", gettext_lazy("workspace"))),
        *(column("status", gettext_lazy("status")), column("message", gettext_lazy("message"))),
        *(column("asked_at", gettext_lazy("asked at")), column("decided_by", gettext_lazy("decided by"))),
    )
    list_filter = ("status", "workspace")
    list_select_related = ("workspace", "user", "decided_by")
    search_fields = ("user__email", "workspace__name")
    fields = ("workspace", "user", "message", "status", "asked_at", "decided_by", "decided_at", "reason")
    actions = ("grant", "refuse")

    @admin.action(description=gettext_lazy("Let in as an author"))
    def grant(self, request: Any, queryset: QuerySet[JoinRequest]) -> None:
        verb = partial(join_requests.grant, role=Role.AUTHOR, by=request.user, now=timezone.now())
        self.each(request, queryset, verb, _("let in"))

    @admin.action(description=gettext_lazy("Refuse"))
    def refuse(self, request: Any, queryset: QuerySet[JoinRequest]) -> None:
        self.each(request, queryset, partial(join_requests.refuse, by=request.user, now=timezone.now()), _("refused"))


@admin.register(ApiKey)
class ApiKeyAdmin(Register[ApiKey]):
    list_display = (
        *(column("name", gettext_lazy("name")), column("prefix", gettext_lazy("begins with"))),
        *(column("workspace", gettext_lazy("workspace")), column("user", gettext_lazy("token of"))),
        *(column("created_by", gettext_lazy("made by")), column("created_at", gettext_lazy("made at"))),
        *(column("last_used_at", gettext_lazy("last used")), column("expires_at", gettext_lazy("expires at"))),
        column("revoked_at", gettext_lazy("revoked at")),
    )
    list_filter = (("user", admin.EmptyFieldListFilter), ("revoked_at", admin.EmptyFieldListFilter), "workspace")
    list_select_related = ("workspace", "user", "created_by")
    search_fields = ("name", "prefix", "user__email", "created_by__email", "workspace__name")
    fields = (
        *("workspace", "name", "prefix", "user", "scopes", "created_by", "created_at"),
        *("last_used_at", "expires_at", "revoked_at"),
    )
    actions = ("revoke",)

    @admin.action(description=gettext_lazy("Revoke"))
    def revoke(self, request: Any, queryset: QuerySet[ApiKey]) -> None:
        self.each(request, queryset, partial(keys.revoke, by=request.user, now=timezone.now()), _("revoked"))
