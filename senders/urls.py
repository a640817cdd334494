"""Pages of senders, below /senders/."""

from django.urls import path

from senders import views

app_name = "senders"
urlpatterns = [
    path("", views.index, name="index"),
    path("new/", views.new, name="new"),
    path("<int:pk>/", views.detail, name="detail"),
    path("<int:pk>/revisions/", views.submit_revision, name="submit_revision"),
    path("<int:pk>/revisions/<int:number>/evidence/", views.evidence, name="evidence"),
    path("<int:pk>/archive/", views.archive, name="archive"),
]
