"""What the workspace may spend, what it has spent, and where to it may send: everybody looks, an admin sets it."""

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import limits as limiting
from accounts.setting_views import Setting, page_of
from delivery import spending
from reports.limit_forms import LimitForm

limits = page_of(
    Setting(
        address="reports:limits",
        template="reports/limits.html",
        form=lambda workspace, given: LimitForm(given, initial=LimitForm.values_of(workspace)),
        save=lambda workspace, form, by: limiting.limit(workspace.pk, **form.limits, by=by),
        said=_("The limits are saved. They hold from the next message on."),
        beside=lambda workspace: {"spent": spending.spent(workspace, now=timezone.now())},
    )
)
