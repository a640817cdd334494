"""The dashboard, the list of campaigns, and the report's pages below each of them."""

from django.urls import path

from reports import forecast_views, overview_views, views

app_name = "reports"

urlpatterns = [
    path("", overview_views.dashboard, name="dashboard"),
    path("campaigns/", overview_views.campaigns, name="campaigns"),
    path("campaigns/<int:pk>/progress/", views.progress, name="progress"),
    path("campaigns/<int:pk>/course/", views.course, name="course"),
    path("campaigns/<int:pk>/content/", views.content, name="content"),
    path("campaigns/<int:pk>/history/", views.history, name="history"),
    path("campaigns/<int:pk>/forecast/", forecast_views.forecast, name="forecast"),
    path("campaigns/<int:pk>/recipients/", views.recipients, name="recipients"),
    path("campaigns/<int:pk>/errors/", views.errors, name="errors"),
    path("campaigns/<int:pk>/exports/", views.exports, name="exports"),
    path("campaigns/<int:pk>/exports/<int:export_pk>/file/", views.download, name="download"),
]
