"""The decisions on a campaign, and a moderator's buttons on its page, below /campaigns/."""

from django.urls import path

from moderation import views

app_name = "moderation"
urlpatterns = [
    path("<int:pk>/decisions/", views.decisions, name="decisions"),
    path("<int:pk>/reschedule/", views.reschedule, name="reschedule"),
    path("<int:pk>/send-now/", views.send_now, name="send-now"),
]
