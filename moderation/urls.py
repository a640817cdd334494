"""The decisions on a campaign, below /campaigns/."""

from django.urls import path

from moderation import views

app_name = "moderation"
urlpatterns = [path("<int:pk>/decisions/", views.decisions, name="decisions")]
