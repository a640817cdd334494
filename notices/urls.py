"""The live part of every page."""

from django.urls import path

from notices import views

app_name = "notices"
urlpatterns = [path("live/", views.live, name="live")]
