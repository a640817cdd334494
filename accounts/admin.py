"""People and workspaces for a super admin; and the desk for the rest of the staff, who look and press buttons."""

from collections.abc import Iterable
from typing import Any, TypeVar, cast

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import BaseUserCreationForm
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from accounts import registry
from accounts.models import Membership, User, Workspace

Row = TypeVar("Row", bound=Model)


class Desk(admin.ModelAdmin[Row]):
    """Rows of the workspaces in which a member of the staff decides: to look at. No status is edited here, ever."""

    path_to_workspace = "workspace"
    empty_value_display = "—"
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Row]:
        workspaces = Workspace.objects.decided_by(cast(User, request.user)).values("pk")
        return super().get_queryset(request).filter(**{f"{self.path_to_workspace}__in": workspaces})

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return _decides(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Row | None = None) -> bool:
        return False


def _decides(request: Any) -> bool:
    """Whether they decide anywhere: asked once a request, though the admin asks a dozen times."""
    if not hasattr(request, "decides"):
        # The admin asks of whoever stands at its own sign-in page, too.
        request.decides = request.user.is_authenticated and Workspace.objects.decided_by(request.user).exists()
    return bool(request.decides)


class NewUserForm(BaseUserCreationForm[User]):
    class Meta:
        model = User
        fields = ("email", "name", "is_staff")


@admin.register(User)
class UserAdmin(DjangoUserAdmin[User]):
    add_form = NewUserForm
    ordering = ("email",)
    list_display = ("email", "name", "is_staff", "is_superuser", "is_active", "joined_at")
    list_filter = ("is_staff", "is_superuser", "is_active")
    search_fields = ("email", "name")
    filter_horizontal = ()
    readonly_fields = ("last_login", "joined_at")
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser")}),
        ("Dates", {"fields": ("last_login", "joined_at")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "is_staff", "password1", "password2")}),)

    def save_model(self, request: Any, obj: User, form: forms.ModelForm[User], change: bool) -> None:
        registry.save(obj, by=request.user, changed=form.changed_data)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False  # Who has acted stays in the ledger: switch off `active` instead.


@admin.register(Workspace)
class WorkspaceAdmin(admin.ModelAdmin[Workspace]):
    list_display = ("name", "slug", "time_zone", "country", "four_eyes", "tokens_may_decide")
    search_fields = ("name", "slug")
    ordering = ("name", "pk")
    prepopulated_fields = {"slug": ("name",)}
    fields = ("name", "slug", "time_zone", "country", "four_eyes", "tokens_may_decide")

    def save_model(self, request: Any, obj: Workspace, form: forms.ModelForm[Workspace], change: bool) -> None:
        registry.save(obj, by=request.user, changed=form.changed_data)

    def has_delete_permission(self, request: HttpRequest, obj: Workspace | None = None) -> bool:
        return False


@admin.register(Membership)
class MembershipAdmin(admin.ModelAdmin[Membership]):
    list_display = ("user", "workspace", "role", "is_moderator")
    list_filter = ("role", "workspace")
    list_select_related = ("user", "workspace")
    search_fields = ("user__email", "workspace__name")
    ordering = ("workspace__name", "user__email", "pk")
    autocomplete_fields = ("user", "workspace")

    def save_model(self, request: Any, obj: Membership, form: forms.ModelForm[Membership], change: bool) -> None:
        registry.save(obj, by=request.user, changed=form.changed_data)

    def delete_model(self, request: Any, obj: Membership) -> None:
        registry.remove(obj, by=request.user)

    def delete_queryset(self, request: Any, queryset: Iterable[Membership]) -> None:
        for membership in queryset:
            registry.remove(membership, by=request.user)
