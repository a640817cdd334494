"""Pages of lists, below /lists/."""

from django.urls import path

from recipients import views

app_name = "recipients"
urlpatterns = [
    path("", views.index, name="index"),
    path("new/", views.new, name="new"),
    path("<int:pk>/", views.detail, name="detail"),
    path("<int:pk>/file/", views.receive, name="receive"),
    path("<int:pk>/sample/", views.sample, name="sample"),
    path("<int:pk>/rejected/", views.rejected, name="rejected"),
]
