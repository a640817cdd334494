"""The dashboard, the list of campaigns, and the report's pages below each of them."""

from django.urls import path

from reports import (
    archive_views,
    erasure_views,
    evidence_views,
    forecast_views,
    inquiry_views,
    ledger_views,
    limit_views,
    master_views,
    overview_views,
    retention_views,
    standing_views,
    statistics_views,
    trial_views,
    views,
)

app_name = "reports"

urlpatterns = [
    path("evidence-key/", evidence_views.key, name="evidence_key"),
    path("evidence-key/pem/", evidence_views.key_pem, name="evidence_key_pem"),
    path("", overview_views.dashboard, name="dashboard"),
    path("master/", master_views.workspaces, name="master"),
    path("master/campaigns/", master_views.campaigns, name="master_campaigns"),
    path("archive/", archive_views.archive, name="archive"),
    path("archive/<int:pk>/restore/", archive_views.restore, name="restore_archived"),
    path("ledger/", ledger_views.page, name="ledger"),
    path("ledger/verify/", ledger_views.verify, name="verify_ledger"),
    path("ledger/file/", ledger_views.file, name="ledger_file"),
    path("statistics/", statistics_views.page, name="statistics"),
    path("statistics/file/", statistics_views.file, name="statistics_file"),
    path("inquiries/", inquiry_views.inquiries, name="inquiries"),
    path("inquiries/<int:pk>/", inquiry_views.inquiry, name="inquiry"),
    path("inquiries/<int:pk>/file/", inquiry_views.download, name="inquiry_file"),
    path("limits/", limit_views.limits, name="limits"),
    path("retention/", retention_views.retention, name="retention"),
    path("exports/standing/", standing_views.page, name="standing"),
    path("exports/standing/<int:pk>/end/", standing_views.end, name="end_standing"),
    path("erasures/", erasure_views.erasures, name="erasures"),
    path("erasures/<int:pk>/", erasure_views.erasure, name="erasure"),
    path("campaigns/", overview_views.campaigns, name="campaigns"),
    path("campaigns/<int:pk>/progress/", views.progress, name="progress"),
    path("campaigns/<int:pk>/course/", views.course, name="course"),
    path("campaigns/<int:pk>/content/", views.content, name="content"),
    path("campaigns/<int:pk>/history/", views.history, name="history"),
    path("campaigns/<int:pk>/forecast/", forecast_views.forecast, name="forecast"),
    path("campaigns/<int:pk>/recipients/", views.recipients, name="recipients"),
    path("campaigns/<int:pk>/numbers/", views.show_numbers, name="show_numbers"),
    path("campaigns/<int:pk>/errors/", views.errors, name="errors"),
    path("campaigns/<int:pk>/trial/", trial_views.trial, name="trial"),
    path("campaigns/<int:pk>/trials/", trial_views.results, name="trials"),
    path("campaigns/<int:pk>/exports/", views.exports, name="exports"),
    path("campaigns/<int:pk>/exports/<int:export_pk>/file/", views.download, name="download"),
]
