"""What an admin says of exports that are asked for by themselves."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from reports.lines import COLUMNS
from reports.models import Format
from reports.standing_api import LONGEST


class StandingForm(forms.Form):
    format = forms.ChoiceField(label=_("Format"), choices=Format.choices)
    hours_after_end = forms.IntegerField(
        label=_("Hours after the end"),
        required=False,
        min_value=0,
        max_value=LONGEST,
        help_text=_("Of each campaign that ends from here on. Receipts go on arriving for a day or more."),
    )
    daily_at = forms.TimeField(
        label=_("Or every day at"),
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        help_text=_("Of each campaign that was under way in the day before."),
    )
    columns = forms.MultipleChoiceField(
        label=_("Columns"),
        required=False,
        choices=[(name, name) for name in COLUMNS],
        widget=forms.CheckboxSelectMultiple,
    )

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if not self.errors and (found["hours_after_end"] is None) == (found["daily_at"] is None):
            raise forms.ValidationError(_("Say hours after the end, or a time of the day: one of them."))
        return found
