"""What an admin says of a phone of one's own."""

from django import forms
from django.utils.translation import gettext_lazy as _

from recipients.trial_phones import LONGEST


class TrialPhoneForm(forms.Form):
    beside = dict.fromkeys(("already_there", "bad_number", "suppressed"), "number") | {"whose_missing": "whose"}

    number = forms.CharField(max_length=40, label=_("Number"), help_text=_("In any format, such as +31 6 12345678."))
    whose = forms.CharField(max_length=LONGEST, label=_("Whose phone it is"))
    label = forms.CharField(
        max_length=LONGEST, label=_("Label"), required=False, help_text=_("Such as its model, or its network.")
    )
