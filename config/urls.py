"""Every page and the API."""

from django.contrib import admin
from django.urls import include, path

from campaigns import urls as campaigns_urls
from config import health
from config.api_urls import Nowhere
from metrics import views as metrics
from reports import views as report

handler400 = "config.errors.bad_request"
handler403 = "config.errors.permission_denied"
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"

# A campaign's page shows its numbers, which a higher room knows; its name is that of the campaign's other pages.
campaigns = [path("<int:pk>/", report.campaign, name="detail"), *campaigns_urls.urlpatterns]

urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("workz", health.workz),
    path("metrics", metrics.scrape),
    path("api/v1/", include("config.api_urls")),
    path("api/v1", Nowhere.as_view()),  # or it would be led to the one with a slash, which is none, either
    path("", include("accounts.urls")),
    path("", include("notices.urls")),
    path("", include("reports.urls")),
    path("campaigns/", include((campaigns, "campaigns"))),
    path("campaigns/", include("moderation.urls")),
    path("lists/", include("recipients.urls")),
    path("senders/", include("senders.urls")),
    path("webhooks/", include("webhooks.urls")),
    path("admin/", admin.site.urls),
]
