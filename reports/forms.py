"""What a page of the report may be asked for."""

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _

from delivery.statuses import Term
from recipients import suppressions
from recipients.suppression_forms import SuppressForm
from reports import recipients_tab
from reports.lines import COLUMNS
from reports.models import Format, Numbers


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


class InquiryForm(forms.Form):
    beside = SuppressForm.beside

    number = forms.CharField(
        max_length=40,
        label=_("Number"),
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}),
    )
    reason = forms.CharField(
        max_length=suppressions.LONGEST_REASON,
        label=_("Why"),
        help_text=_("For the ledger, which keeps it for ever: who asked and when, without the number."),
    )


class HistoryPage(forms.Form):
    before = forms.IntegerField(required=False, min_value=1, max_value=2**62)


class ExportForm(forms.Form):
    format = forms.ChoiceField(choices=Format.choices, initial=Format.CSV)
    numbers = forms.ChoiceField(choices=Numbers.choices, required=False, label=_("Numbers"))
    columns = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple, label=_("Columns"))

    def __init__(self, *args: Any, columns: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast(forms.MultipleChoiceField, self.fields["columns"])
        field.choices = [(name, name) for name in columns]
        field.initial = list(COLUMNS)

    def clean_numbers(self) -> str:
        return self.cleaned_data["numbers"] or Numbers.MASKED

    def clean_columns(self) -> list[str]:
        """In the order of the table; none when they are all of the report's."""
        chosen: list[str] = self.cleaned_data["columns"]
        is_evidence = self.cleaned_data.get("format") == Format.EVIDENCE
        return [] if is_evidence or chosen == list(COLUMNS) else chosen
