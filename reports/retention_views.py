"""How long the workspace keeps what it has of people: everybody looks, an admin sets it."""

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import keeping
from accounts.setting_views import Setting, page_of
from reports import retaining
from reports.retention_forms import RetentionForm

retention = page_of(
    Setting(
        address="reports:retention",
        template="reports/retention.html",
        form=lambda workspace, given: RetentionForm(given, instance=workspace),
        save=lambda workspace, form, by: keeping.keep(workspace.pk, **form.cleaned_data, by=by),
        said=_("The days are saved. What is over by now goes within hours."),
        beside=lambda workspace: {"due": retaining.look_in(workspace, now=timezone.now())},
    )
)
