"""Pages of lists, below /lists/."""

from django.urls import path

from recipients import suppression_views as suppressed
from recipients import trial_phone_views as trial_phones
from recipients import unmasking_views as unmasking
from recipients import views

app_name = "recipients"
urlpatterns = [
    path("", views.index, name="index"),
    path("new/", views.new, name="new"),
    path("suppressed/", suppressed.index, name="suppressed"),
    path("suppressed/add/", suppressed.add, name="suppress"),
    path("suppressed/stop-words/", suppressed.keep_stop_words, name="keep_stop_words"),
    path("suppressed/export/", suppressed.export, name="export_suppressed"),
    path("suppressed/numbers/", unmasking.show, {"page": "suppressed"}, name="show_suppressed"),
    path("suppressed/<int:pk>/remove/", suppressed.remove, name="unsuppress"),
    path("suppressed/imports/new/", suppressed.new_import, name="new_suppression_import"),
    path("suppressed/imports/<int:pk>/", suppressed.one_import, name="suppression_import"),
    path("suppressed/imports/<int:pk>/rejected/", suppressed.rejected, name="suppression_import_rejected"),
    path("test-phones/", trial_phones.index, name="trial_phones"),
    path("test-phones/add/", trial_phones.add, name="add_trial_phone"),
    path("test-phones/numbers/", unmasking.show, {"page": "test-phones"}, name="show_trial_phones"),
    path("test-phones/<int:pk>/remove/", trial_phones.remove, name="remove_trial_phone"),
    path("numbers/", unmasking.show, {"page": "lists"}, name="show_numbers"),
    path("<int:pk>/", views.detail, name="detail"),
    path("<int:pk>/file/", views.receive, name="receive"),
    path("<int:pk>/sample/", views.sample, name="sample"),
    path("<int:pk>/rejected/", views.rejected, name="rejected"),
    path("<int:pk>/duplicates/", views.duplicates, name="duplicates"),
    path("<int:pk>/cancel/", views.cancel, name="cancel"),
    path("<int:pk>/rename/", views.rename, name="rename"),
    path("<int:pk>/archive/", views.archive, name="archive"),
    path("<int:pk>/restore/", views.restore, name="restore"),
    path("<int:pk>/delete/", views.delete, name="delete"),
]
