"""What an admin says to have a number erased."""

from django import forms
from django.utils.translation import gettext_lazy as _

from recipients.suppression_forms import SuppressForm
from recipients.suppressions import LONGEST_REASON


class EraseForm(forms.Form):
    beside = SuppressForm.beside | {"being_erased": "number"}

    number = forms.CharField(
        max_length=40,
        label=_("Number"),
        help_text=_("Without a country, it is read as one of the workspace’s."),
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}),
    )
    reason = forms.CharField(
        max_length=LONGEST_REASON,
        label=_("Why"),
        help_text=_("For the ledger, which keeps it for ever: who asked for it and when, without the number."),
    )
    is_sure = forms.BooleanField(
        label=_("Erase it everywhere; nobody can undo this"),
        error_messages={"required": _("Say that you mean it: nobody can undo this.")},
    )
