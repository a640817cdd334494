"""Carrier accounts for a super admin; a password goes in and never comes out."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from channels import accounts
from channels.models import Channel

FIELDS = (
    *("name", "host", "port", "tls", "system_id", "system_type", "bind_mode"),
    *("binds", "window", "tps", "is_active"),
)


class ChannelForm(forms.ModelForm[Channel]):
    password = forms.CharField(
        required=False,
        max_length=accounts.LONGEST_PASSWORD,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Left empty, the one that is stored stays.",
    )

    # Under a name of its own: a second default breaks a constraint of the model, and saving moves the default.
    make_default = forms.BooleanField(label="Default", required=False)

    class Meta:
        model = Channel
        fields = FIELDS

    def clean_password(self) -> str | None:
        password: str = self.cleaned_data["password"]
        if not password.isascii():
            raise forms.ValidationError("SMPP takes ASCII only (3.4 §5.2.2).")
        return password or None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["make_default"].initial = self.instance.is_default


@admin.register(Channel)
class ChannelAdmin(admin.ModelAdmin[Channel]):
    form = ChannelForm
    fields = (*FIELDS[:5], "password", *FIELDS[5:], "make_default")
    list_display = ("name", "host", "port", "system_id", "binds", "window", "tps", "is_default", "is_active")
    ordering = ("name",)

    def get_readonly_fields(self, request: HttpRequest, obj: Channel | None = None) -> tuple[str, ...]:
        return ("name",) if obj else ()

    def save_model(self, request: Any, obj: Channel, form: forms.ModelForm[Channel], change: bool) -> None:
        fields = {name: getattr(obj, name) for name in FIELDS if name != "name"}
        given = form.cleaned_data
        saved = accounts.save(
            obj.name, by=request.user, password=given["password"], is_default=given["make_default"], **fields
        )
        obj.pk = saved.pk

    def has_delete_permission(self, request: HttpRequest, obj: Channel | None = None) -> bool:
        return False  # Campaigns point at it: switch off `active` instead.
