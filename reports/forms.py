"""What a page of the report may be asked for."""

from django import forms
from django.utils.translation import gettext_lazy as _

from delivery.statuses import Term
from reports import recipients_tab
from reports.models import Format


class RecipientFilter(forms.Form):
    status = forms.ChoiceField(required=False, choices=[("", _("Any status")), *Term.choices])
    cursor = forms.IntegerField(required=False, min_value=0, max_value=2**31 - 1, widget=forms.HiddenInput)


class NumberSearch(forms.Form):
    to = forms.CharField(max_length=40, strip=True)

    def clean_to(self) -> int:
        text: str = self.cleaned_data["to"]
        try:
            return recipients_tab.phone(text)
        except ValueError:
            message = _("“%(typed)s” is not a full number: write it with its country code, such as +31 6 12345678.")
            raise forms.ValidationError(message, params={"typed": text}) from None


class HistoryPage(forms.Form):
    before = forms.IntegerField(required=False, min_value=1, max_value=2**62)


class ExportForm(forms.Form):
    format = forms.ChoiceField(choices=Format.choices, initial=Format.CSV)
