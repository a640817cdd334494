"""The routes of the reports, for `config.api_urls`."""

from django.urls import path

from reports import api, erasure_api, inquiry_api, limit_api, standing_api, statistics_api, trial_api

urlpatterns = [
    path("statistics/", statistics_api.Statistics.as_view(), name="statistics"),
    path("statistics/export/", statistics_api.StatisticsExport.as_view(), name="statistics-export"),
    path("limits/", limit_api.Limits.as_view(), name="limits"),
    path("erasures/", erasure_api.Erasures.as_view(), name="erasures"),
    path("erasures/<int:pk>/", erasure_api.OneErasure.as_view(), name="erasure"),
    path("campaigns/<int:pk>/recipients/", api.Recipients.as_view(), name="campaign-recipients"),
    path("campaigns/<int:pk>/messages/<int:number>/", api.OneMessage.as_view(), name="campaign-message"),
    path("campaigns/<int:pk>/errors/", api.Errors.as_view(), name="campaign-errors"),
    path("campaigns/<int:pk>/exports/", api.Exports.as_view(), name="campaign-exports"),
    path("campaigns/<int:pk>/trials/", trial_api.Trials.as_view(), name="campaign-trials"),
    path("inquiries/", inquiry_api.Inquiries.as_view(), name="inquiries"),
    path("inquiries/<int:pk>/", inquiry_api.OneInquiry.as_view(), name="inquiry"),
    path("inquiries/<int:pk>/file/", inquiry_api.InquiryFile.as_view(), name="inquiry-file"),
    path("standing-exports/", standing_api.StandingExports.as_view(), name="standing-exports"),
    path("standing-exports/<int:pk>/", standing_api.OneStandingExport.as_view(), name="standing-export"),
    path("exports/<int:pk>/", api.OneExport.as_view(), name="export"),
    path("exports/<int:pk>/file/", api.ExportFile.as_view(), name="export-file"),
]
