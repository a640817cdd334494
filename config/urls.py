"""Every page and the API."""

from django.contrib import admin
from django.urls import include, path

from config import health

handler400 = "config.errors.bad_request"
handler403 = "config.errors.permission_denied"
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"

urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("api/v1/", include("config.api_urls")),
    path("", include("accounts.urls")),
    path("", include("notices.urls")),
    path("", include("reports.urls")),
    path("campaigns/", include("campaigns.urls")),
    path("campaigns/", include("moderation.urls")),
    path("lists/", include("recipients.urls")),
    path("senders/", include("senders.urls")),
    path("admin/", admin.site.urls),
]
