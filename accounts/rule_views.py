"""What an approval needs in the workspace: everybody looks, an admin sets it."""

from django.utils.translation import gettext_lazy as _

from accounts import rules as ruling
from accounts.forms import RulesForm
from accounts.setting_views import Setting, page_of

rules = page_of(
    Setting(
        address="rules",
        template="accounts/rules.html",
        form=lambda workspace, given: RulesForm(given, instance=workspace),
        save=lambda workspace, form, by: ruling.rule(workspace.pk, **form.cleaned_data, by=by),
        said=_("The rules are saved. They hold from the next decision on."),
    )
)
