"""Pages of campaigns, below /campaigns/; the list of them and the page of each, `campaigns:detail`, are in `reports`,
which knows their numbers (config.urls)."""

from django.urls import path

from campaigns import views

app_name = "campaigns"
urlpatterns = [
    path("new/", views.new, name="new"),
    path("counter/", views.counter, name="counter"),
    path("with-list/<int:list_pk>/", views.with_list, name="with-list"),
    path("<int:pk>/edit/", views.edit, name="edit"),
    path("<int:pk>/submit/", views.submit, name="submit"),
    path("<int:pk>/withdraw/", views.withdraw, name="withdraw"),
    path("<int:pk>/revise/", views.revise, name="revise"),
    path("<int:pk>/pause/", views.pause, name="pause"),
    path("<int:pk>/resume/", views.resume, name="resume"),
    path("<int:pk>/cancel/", views.cancel, name="cancel"),
    path("<int:pk>/archive/", views.archive, name="archive"),
    path("<int:pk>/restore/", views.restore, name="restore"),
    path("<int:pk>/clone/", views.clone, name="clone"),
]
