"""Pages of campaigns, below /campaigns/; the list of them and the page of each, `campaigns:detail`, are in `reports`,
which knows their numbers (config.urls)."""

from django.urls import path

from campaigns import saved_text_views, views, wizard_views

app_name = "campaigns"
urlpatterns = [
    path("new/", wizard_views.new, name="new"),
    path("texts/", saved_text_views.index, name="texts"),
    path("texts/new/", saved_text_views.new, name="new_text"),
    path("texts/<int:pk>/", saved_text_views.edit, name="saved_text"),
    path("texts/<int:pk>/remove/", saved_text_views.remove, name="remove_text"),
    path("counter/", wizard_views.counter, name="counter"),
    path("with-list/<int:list_pk>/", views.with_list, name="with-list"),
    path("<int:pk>/edit/", wizard_views.edit, name="edit"),
    path("<int:pk>/edit/mode/", wizard_views.mode, name="edit_mode"),
    path("<int:pk>/edit/message/", wizard_views.message, name="edit_message"),
    path("<int:pk>/edit/recipients/", wizard_views.recipients, name="edit_recipients"),
    path("<int:pk>/edit/recipients/<int:list_pk>/", wizard_views.recipients, name="edit_list"),
    path("<int:pk>/edit/time/", wizard_views.time, name="edit_time"),
    path("<int:pk>/edit/review/", wizard_views.review, name="edit_review"),
    path("<int:pk>/edit/submit/", wizard_views.submit, name="edit_submit"),
    path("chosen/<int:list_pk>/", wizard_views.chosen, name="chosen"),
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
