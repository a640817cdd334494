"""Carrier accounts and routes for a super admin; a secret goes in and never comes out."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.admin import EMPTY, WithHistory, column
from audit.refusal import Refused
from channels import accounts, links, probe, routes
from channels.models import Channel, Route, RouteMember

FIELDSETS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (None, ("name", "is_active", "make_default")),
    (_("Account"), ("host", "port", "system_id", "password", "system_type", "bind_mode", "addr_range")),
    (_("Pace"), ("binds", "window", "tps", "enquire_link_seconds", "response_timeout_seconds")),
    ("TLS", ("tls", "tls_ca", "tls_server_name", "tls_client_certificate", "tls_client_key")),
    (
        _("Messages"),
        (
            *("default_coding", "gsm_data_coding", "ucs2_data_coding", "long_messages", "service_type"),
            *("dest_ton", "dest_npi", "plus_sign", "default_validity_seconds"),
        ),
    ),
    (_("Answers and receipts"), ("answer_overrides", "accepted_is_delivered", "receipt_id_base")),
)
OF_THE_FORM = ("password", "tls_client_key", "make_default")
READ_ONLY = ("receipt_id_base",)
FIELDS = tuple(name for _, names in FIELDSETS for name in names if name not in (*OF_THE_FORM, *READ_ONLY))
LABELS = {
    "name": _("Name"),
    "host": _("Host"),
    "port": _("Port"),
    "system_id": _("System id"),
    "system_type": _("System type"),
    "bind_mode": _("Bind mode"),
    "binds": _("Binds"),
    "window": _("Window"),
    "enquire_link_seconds": _("Seconds between enquire_link"),
    "response_timeout_seconds": _("Seconds to answer in"),
    "default_coding": _("Default coding"),
    "long_messages": _("Long messages"),
    "service_type": _("Service type"),
    "plus_sign": _("Plus sign"),
    "addr_range": _("Address range"),
    "default_validity_seconds": _("Longest validity, in seconds"),
    "answer_overrides": _("Answers that mean something else"),
    "is_active": _("Active"),
}


class ChannelForm(forms.ModelForm[Channel]):
    password = forms.CharField(
        label=_("Password"),
        required=False,
        max_length=accounts.LONGEST_PASSWORD,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Left empty, the one that is stored stays."),
    )
    tls_client_key = forms.CharField(
        label=_("TLS client key"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off", "spellcheck": "false"}),
        help_text=_("In PEM, without a passphrase. Left empty, the one that is stored stays."),
    )

    # Under a name of its own: a second default breaks a constraint of the model, and saving moves the default.
    make_default = forms.BooleanField(label=_("Default"), required=False)

    class Meta:
        model = Channel
        fields = FIELDS
        labels: ClassVar[Any] = LABELS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["make_default"] = self.instance.is_default

    def clean_password(self) -> str | None:
        password: str = self.cleaned_data["password"]
        if not password.isascii():
            raise forms.ValidationError(_("SMPP takes ASCII only (3.4 §5.2.2)."))
        return password or None

    def clean_answer_overrides(self) -> Any:
        given = self.cleaned_data["answer_overrides"]
        return {} if given is None else given  # the field was emptied

    def clean_tls_client_key(self) -> str | None:
        return self.cleaned_data["tls_client_key"] or None

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # fills the instance: only now certificate and key are together
        try:
            accounts.check_secrets(
                self.instance,
                host=self.initial.get("host", ""),
                certificate=self.initial.get("tls_client_certificate", ""),
                password=self.cleaned_data.get("password"),
                key=self.cleaned_data.get("tls_client_key"),
            )
        except ValidationError as error:
            self.add_error(None, error)


class ChannelList(ChangeList):
    """Each channel with how its links are, of all of them in one question."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        found = {one.channel.pk: one for one in links.standings(now=timezone.now())}
        for channel in self.result_list:
            channel.standing = found.get(channel.pk)


@admin.register(Channel)
class ChannelAdmin(WithHistory[Channel]):
    form = ChannelForm
    change_form_template = "admin/channels/channel/change_form.html"
    fieldsets = tuple((title, {"fields": names}) for title, names in FIELDSETS)
    list_display = (
        *("name", column("host", _("host")), column("port", _("port")), column("system_id", _("system id"))),
        *(column("tls", _("TLS")), column("binds", _("binds")), column("window", _("window"))),
        *(column("tps", _("TPS")), column("is_default", _("default")), column("is_active", _("active"))),
        "shown_links",
    )
    ordering = ("name",)

    @admin.display(description=_("links up"))
    def shown_links(self, channel: Any) -> str:
        if channel.standing is None:
            return EMPTY
        look = "desk-wrong" if channel.standing.is_down else "desk-good" if channel.standing.is_whole else ""
        told = gettext("%(up)s of %(wanted)s") % {"up": channel.standing.up, "wanted": channel.standing.wanted}
        return format_html('<span class="desk-badge {}">{}</span>', look, told)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ChannelList

    def get_urls(self) -> list[URLPattern]:
        of_one = [
            path("<int:pk>/test/", self.admin_site.admin_view(self.test), name="channels_channel_test"),
            path("<int:pk>/tested/", self.admin_site.admin_view(self.tested), name="channels_channel_tested"),
            path("<int:pk>/links/", self.admin_site.admin_view(self.links_of), name="channels_channel_links"),
        ]
        return [*of_one, *super().get_urls()]

    def render_change_form(self, request: Any, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        channel = context.get("original")
        states = links.states_of([channel.pk], now=timezone.now()) if channel else []
        shown = context | {"states": states} | (_tested(channel) if channel else {})
        return super().render_change_form(request, shown, *args, **kwargs)

    def links_of(self, request: Any, pk: int) -> HttpResponse:
        channel = self._seen(request, pk)
        context = {"original": channel, "states": links.states_of([channel.pk], now=timezone.now())}
        return render(request, "admin/channels/channel/_links.html", context)

    def tested(self, request: Any, pk: int) -> HttpResponse:
        channel = self._seen(request, pk)
        return render(request, "admin/channels/channel/_tested.html", {"original": channel} | _tested(channel))

    def _seen(self, request: Any, pk: int) -> Channel:
        channel = self.get_object(request, str(pk))
        if channel is None or not self.has_view_permission(request, channel):
            raise Http404("There is no such channel.")
        return channel

    def test(self, request: Any, pk: int) -> HttpResponse:
        """Asks for a bind; the page says what the carrier answered."""
        channel = self.get_object(request, str(pk))
        if request.method != "POST" or channel is None or not self.has_change_permission(request, channel):
            raise Http404("There is no such button.")
        try:
            probe.ask(channel.pk, by=request.user, now=timezone.now())
        except Refused as refusal:
            messages.error(request, refusal.message)
        return redirect("admin:channels_channel_change", channel.pk)

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


def _tested(channel: Channel) -> dict[str, Any]:
    test = probe.last_of(channel)
    return {"test": test, "is_open": test is not None and test.is_open(timezone.now())}


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


class MemberForm(forms.ModelForm[RouteMember]):
    class Meta:
        model = RouteMember
        fields = ("channel", "weight", "is_backup")
        labels: ClassVar[Any] = {"channel": _("Channel"), "weight": _("Weight")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("channel", "weight", "is_backup"):  # the heads of the columns are no labels of their cells
            widget = self.fields[name].widget
            inner: Any = getattr(widget, "widget", widget)
            inner.attrs["aria-label"] = self.fields[name].label  # within the links beside it


class MemberInline(admin.TabularInline[RouteMember, Route]):
    model = RouteMember
    formset = MembersFormSet
    form = MemberForm
    fields = ("channel", "weight", "is_backup")
    extra = 1


class RouteForm(forms.ModelForm[Route]):
    class Meta:
        model = Route
        fields = ("name", "is_active")
        labels: ClassVar[Any] = LABELS

    @property
    def in_force(self) -> Mapping[str, Any]:
        """A route is one thing with its members."""
        members = self.instance.members.order_by("channel").values_list("channel", "weight", "is_backup")
        return {**self.initial, "members": list(members)}


@admin.register(Route)
class RouteAdmin(WithHistory[Route]):
    form = RouteForm
    fields = ("name", "is_active")
    inlines = (MemberInline,)
    list_display = ("name", "shown_members", column("is_active", _("active")))
    ordering = ("name",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return Route.objects.with_members()

    @admin.display(description=_("members"))
    def shown_members(self, route: Route) -> str:
        return ", ".join(
            gettext("%(member)s (backup)") % {"member": one} if one.is_backup else str(one) for one in route.in_order
        )

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
