"""What an auditor looks for, in the address of the page."""

from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _


class LedgerForm(forms.Form):
    """What cannot be read is said beside it."""

    actor = forms.CharField(label=_("Who"), required=False, max_length=254)
    action = forms.CharField(label=_("What"), required=False, max_length=80)
    subject = forms.CharField(
        label=_("About"),
        required=False,
        max_length=100,
        validators=[RegexValidator(r"^[^:]+:[^:]+$", _("Write a type and an id: campaign:17."))],
        widget=forms.TextInput(attrs={"placeholder": "campaign:17"}),
    )
    since = forms.DateTimeField(
        label=_("Since"), required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )
    until = forms.DateTimeField(
        label=_("Before"), required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"})
    )
    before = forms.IntegerField(required=False, min_value=1, max_value=2**62, widget=forms.HiddenInput)

    @property
    def wanted(self) -> dict[str, Any]:
        """As `audit.reading.find` takes it."""
        found = self.cleaned_data
        narrowed = {name: found[name] for name in ("actor", "action", "subject")}
        return {**narrowed, "from": found["since"], "to": found["until"]}
