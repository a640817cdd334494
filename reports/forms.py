"""What a page of the report may be asked for."""

from django import forms

from delivery.statuses import Term
from reports import recipients_tab
from reports.models import Format


class RecipientFilter(forms.Form):
    status = forms.ChoiceField(required=False, choices=[("", "Any status"), *Term.choices])
    to = forms.CharField(required=False, max_length=40, strip=True)
    cursor = forms.IntegerField(required=False, min_value=0, max_value=2**31 - 1, widget=forms.HiddenInput)

    def clean_to(self) -> int | None:
        text: str = self.cleaned_data["to"]
        try:
            return recipients_tab.phone(text) if text else None
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


class ExportForm(forms.Form):
    format = forms.ChoiceField(choices=Format.choices, initial=Format.CSV)
