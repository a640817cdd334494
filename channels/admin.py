"""Carrier accounts and routes for a super admin; a secret goes in and never comes out."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from simple_history.admin import SimpleHistoryAdmin

from channels import accounts, routes
from channels.models import Channel, Route, RouteMember

FIELDSETS: tuple[tuple[str | None, tuple[str, ...]], ...] = (
    (None, ("name", "is_active", "make_default")),
    ("Account", ("host", "port", "system_id", "password", "system_type", "bind_mode", "addr_range")),
    ("Pace", ("binds", "window", "tps", "enquire_link_seconds", "response_timeout_seconds")),
    ("TLS", ("tls", "tls_ca", "tls_server_name", "tls_client_certificate", "tls_client_key")),
    (
        "Messages",
        (
            *("default_coding", "gsm_data_coding", "ucs2_data_coding", "long_messages", "service_type"),
            *("dest_ton", "dest_npi", "plus_sign", "default_validity_seconds"),
        ),
    ),
    ("Answers and receipts", ("answer_overrides", "accepted_is_delivered", "receipt_id_base")),
)
OF_THE_FORM = ("password", "tls_client_key", "make_default")
READ_ONLY = ("receipt_id_base",)
FIELDS = tuple(name for _, names in FIELDSETS for name in names if name not in (*OF_THE_FORM, *READ_ONLY))


class ChannelForm(forms.ModelForm[Channel]):
    password = forms.CharField(
        required=False,
        max_length=accounts.LONGEST_PASSWORD,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Left empty, the one that is stored stays.",
    )
    tls_client_key = forms.CharField(
        label="TLS client key",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off", "spellcheck": "false"}),
        help_text="In PEM, without a passphrase. Left empty, the one that is stored stays.",
    )

    # Under a name of its own: a second default breaks a constraint of the model, and saving moves the default.
    make_default = forms.BooleanField(label="Default", required=False)

    class Meta:
        model = Channel
        fields = FIELDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["make_default"].initial = self.instance.is_default

    def clean_password(self) -> str | None:
        password: str = self.cleaned_data["password"]
        if not password.isascii():
            raise forms.ValidationError("SMPP takes ASCII only (3.4 §5.2.2).")
        return password or None

    def clean_answer_overrides(self) -> Any:
        given = self.cleaned_data["answer_overrides"]
        return {} if given is None else given  # the field was emptied

    def clean_tls_client_key(self) -> str | None:
        return self.cleaned_data["tls_client_key"] or None

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # fills the instance: only now certificate and key are together
        try:
            key = accounts.key_for(self.instance, self.cleaned_data.get("tls_client_key"))
            accounts.check_client(self.instance.tls_client_certificate, key)
        except ValidationError as error:
            self.add_error(None, error)


@admin.register(Channel)
class ChannelAdmin(SimpleHistoryAdmin):  # type: ignore[misc]  # it has no types
    form = ChannelForm
    fieldsets = tuple((title, {"fields": names}) for title, names in FIELDSETS)
    list_display = ("name", "host", "port", "system_id", "tls", "binds", "window", "tps", "is_default", "is_active")
    ordering = ("name",)

    def get_readonly_fields(self, request: HttpRequest, obj: Channel | None = None) -> tuple[str, ...]:
        return (*READ_ONLY, "name") if obj else READ_ONLY

    def save_model(self, request: Any, obj: Channel, form: forms.ModelForm[Channel], change: bool) -> None:
        fields = {name: getattr(obj, name) for name in FIELDS if name != "name"}
        given = form.cleaned_data
        saved = accounts.save(
            obj.name,
            by=request.user,
            password=given["password"],
            tls_client_key=given["tls_client_key"],
            is_default=given["make_default"],
            **fields,
        )
        obj.pk = saved.pk

    def has_delete_permission(self, request: HttpRequest, obj: Channel | None = None) -> bool:
        return False  # Campaigns point at it: switch off `active` instead.

    def revert_disabled(self, request: HttpRequest, obj: Channel | None = None) -> bool:
        return True  # The history is for reading; a secret of that time is not in it.


class MembersFormSet(forms.BaseInlineFormSet[RouteMember, Route, forms.ModelForm[RouteMember]]):
    @property
    def members(self) -> list[routes.Member]:
        rows = [form.cleaned_data for form in self.forms if form.cleaned_data.get("channel")]
        return [
            routes.Member(channel=row["channel"], weight=row["weight"], is_backup=row["is_backup"])
            for row in rows
            if not row.get("DELETE")
        ]

    def clean(self) -> None:
        super().clean()
        if not any(self.errors):
            try:
                routes.check(self.members)
            except ValidationError as error:
                raise ValidationError(error.messages) from error


class MemberInline(admin.TabularInline[RouteMember, Route]):
    model = RouteMember
    formset = MembersFormSet
    fields = ("channel", "weight", "is_backup")
    extra = 1


@admin.register(Route)
class RouteAdmin(SimpleHistoryAdmin):  # type: ignore[misc]  # it has no types
    fields = ("name", "is_active")
    inlines = (MemberInline,)
    list_display = ("name", "shown_members", "is_active")
    ordering = ("name",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).with_members()

    @admin.display(description="members")
    def shown_members(self, route: Route) -> str:
        return ", ".join(f"{one} (backup)" if one.is_backup else str(one) for one in route.in_order)

    def get_readonly_fields(self, request: HttpRequest, obj: Route | None = None) -> tuple[str, ...]:
        return ("name",) if obj else ()

    def save_model(self, request: Any, obj: Route, form: forms.ModelForm[Route], change: bool) -> None:
        """With its members, in save_related: they are one change."""

    def save_related(self, request: Any, form: Any, formsets: Any, change: bool) -> None:
        (members,) = formsets
        members.save(commit=False)  # notes what has changed, for the log of the admin
        saved = routes.save(
            form.instance.name, by=request.user, members=members.members, is_active=form.instance.is_active
        )
        form.instance.pk = saved.pk

    def has_delete_permission(self, request: HttpRequest, obj: Route | None = None) -> bool:
        return False  # Campaigns may point at it: switch off `active` instead.

    def revert_disabled(self, request: HttpRequest, obj: Route | None = None) -> bool:
        return True
