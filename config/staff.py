"""The Django admin as the staff's desk: same site, our name on it, its registers under headings of ours."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import resolve, reverse
from django.utils.translation import gettext_lazy as _

# The registers as a moderator thinks of them: under which heading, and what each is called.
REGISTERS: tuple[tuple[Any, dict[str, Any]], ...] = (
    (
        _("To judge"),
        {
            "moderation.CampaignInReview": _("Campaigns to judge"),
            "moderation.RevisionInReview": _("Sender revisions to judge"),
            "moderation.Decision": _("Decisions"),
            "moderation.CannedReason": _("Canned reasons"),
            "moderation.BlockedTerm": _("Blocked terms"),
        },
    ),
    (
        _("Registers"),
        {
            "campaigns.Campaign": _("Campaigns"),
            "senders.Sender": _("Senders"),
            "senders.Revision": _("Sender revisions"),
            "delivery.Inbound": _("Messages from phones"),
            "recipients.Suppression": _("Suppressed numbers"),
            "recipients.SuppressionImport": _("Suppression files"),
        },
    ),
    (
        _("Delivery"),
        {
            "channels.Channel": _("Channels"),
            "channels.Route": _("Routes"),
            "delivery.Incident": _("Incidents"),
            "delivery.Chunk": _("Chunks kept back"),
            "delivery.Halt": _("Stops of everything"),
        },
    ),
    (
        _("People"),
        {
            "accounts.Workspace": _("Workspaces"),
            "accounts.Membership": _("Members"),
            "accounts.Invitation": _("Invitations"),
            "accounts.JoinRequest": _("Requests to join"),
            "accounts.User": _("Users"),
            "accounts.ApiKey": _("API keys"),
            "audit.Entry": _("Ledger"),
        },
    ),
)


class StaffSite(AdminSite):
    site_header = site_title = "Message Center"
    index_title = _("Staff desk")
    enable_nav_sidebar = True

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_staff)

    def admin_view(  # type: ignore[override]
        self, view: Callable[..., HttpResponseBase], cacheable: bool = False
    ) -> Callable[..., HttpResponseBase]:
        """What is sent after a session has ended waits until somebody has signed in, as on the pages. The desk sends by
        HTMX only the claim of an open page, by itself: that ends, and nobody is taken from the page."""
        from accounts import signing_in  # noqa: PLC0415  # its models are there once every app is

        guarded = super().admin_view(view, cacheable)

        @wraps(guarded)
        def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method != "POST" or request.user.is_authenticated:
                return guarded(request, *args, **kwargs)
            if "HX-Request" in request.headers:
                return render(request, "moderation/_signed_out.html")
            return signing_in.ask(request)

        return asked

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """By the page: there is one door, with its lock-out."""
        if request.user.is_authenticated and not self.has_permission(request):
            raise PermissionDenied(_("The desk is for the staff."))
        back = {REDIRECT_FIELD_NAME: request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index")}
        return redirect(f"{reverse('login')}?{urlencode(back, safe='/')}")

    def logout(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        answer: HttpResponse = resolve(reverse("logout")).func(request)
        return answer

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return redirect("change_password")

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Under our headings instead of the rooms of the code."""
        apps = super().get_app_list(request, app_label)
        if app_label is not None:
            return apps
        models = {f"{app['app_label']}.{model['object_name']}": model for app in apps for model in app["models"]}
        found = []
        for number, (heading, names) in enumerate(REGISTERS):
            shown = [{**models[key], "name": name} for key, name in names.items() if key in models]
            if shown:
                found.append(
                    {
                        "name": heading,
                        "app_label": f"desk-{number}",
                        "app_url": shown[0]["admin_url"] or "",
                        "has_module_perms": True,
                        "models": shown,
                    }
                )
        return found


class StaffConfig(AdminConfig):
    default_site = "config.staff.StaffSite"
